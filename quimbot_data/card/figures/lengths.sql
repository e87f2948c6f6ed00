-- One row per measure of a dialogue's length: the least, the most, and values that dialogues have between them.
SELECT
    measure,
    min(value) AS least,
    quantile_disc(value, 0.05) AS p05,
    quantile_disc(value, 0.25) AS p25,
    quantile_disc(value, 0.50) AS p50,
    quantile_disc(value, 0.75) AS p75,
    quantile_disc(value, 0.95) AS p95,
    quantile_disc(value, 0.99) AS p99,
    max(value) AS most
FROM (
    SELECT
        unnest(['turns', 'characters', 'tokens']) AS measure,
        unnest([n_turns, n_chars, n_tokens]) AS value
    FROM dialogues
)
GROUP BY measure
ORDER BY list_position(['turns', 'characters', 'tokens'], measure)
