-- One row per source and step, in the order of the steps: what went in, what came out.
-- $source = NULL: this source only
SELECT source, step, unit, any_value(rows_in) AS rows_in, any_value(rows_out) AS rows_out
FROM (SELECT *, row_number() OVER () AS place FROM ledger)
WHERE $source IS NULL OR source = $source
GROUP BY source, step, unit
ORDER BY source, min(place)
