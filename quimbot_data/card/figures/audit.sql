-- One row per kind of planted rows, in the order of the steps; none where no audit was made.
SELECT
    step, kind, asked, originals, planted, found, recall, recall_low, recall_high,
    clean, false_alarms, precision, precision_low, precision_high, taken_before
FROM (SELECT *, row_number() OVER () AS place FROM audit)
ORDER BY place
