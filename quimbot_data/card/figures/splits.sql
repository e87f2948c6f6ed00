-- One row per split, with the share of the hash range that the recipe asks for it.
SELECT split, asked, coalesce(rows, 0) AS dialogues, coalesce(held, 0) AS tokens
FROM (
    SELECT
        unnest(['train', 'validation', 'test']) AS split,
        unnest([1 - validation - test, validation, test]) AS asked
    FROM recipe
)
LEFT JOIN (SELECT split, count(*) AS rows, sum(n_tokens)::BIGINT AS held FROM dialogues GROUP BY split) USING (split)
ORDER BY list_position(['train', 'validation', 'test'], split)
