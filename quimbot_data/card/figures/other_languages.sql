-- One row: the languages behind the twenty most frequent ones, together.
SELECT
    count(*) AS languages,
    coalesce(sum(rows), 0)::BIGINT AS dialogues,
    coalesce(sum(held), 0)::BIGINT AS tokens
FROM (
    SELECT language, count(*) AS rows, sum(n_tokens)::BIGINT AS held
    FROM dialogues
    GROUP BY language
    ORDER BY rows DESC, language
    OFFSET 20
)
