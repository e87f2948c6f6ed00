-- One row per line of the ledger, source by source, in the order in which the steps ran.
SELECT source, step, unit, rows_in, rows_out, reason, rows
FROM (SELECT *, row_number() OVER () AS place FROM ledger)
ORDER BY place
