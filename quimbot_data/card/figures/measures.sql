-- One row per measure of the annotated dialogues, in the order of the reports; none where no dialogue is annotated.
SELECT "group", name, says, value, low, high, within, taken_of, note, annotated, measured
FROM (SELECT *, row_number() OVER () AS place FROM measures)
ORDER BY place
