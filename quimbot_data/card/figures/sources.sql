-- One row per source of the recipe, those that gave most dialogues first.
WITH gave AS (
    SELECT source, count(*) AS given, sum(n_tokens)::BIGINT AS held FROM dialogues GROUP BY source
),
were AS (
    SELECT source, rows_in FROM ledger WHERE step = 'read' AND reason IS NULL
)
SELECT
    source, title, license, terms, attribution, url, revision, corpus_digest,
    coalesce(rows_in, 0) AS raw_rows,
    coalesce(given, 0) AS dialogues,
    coalesce(held, 0) AS tokens
FROM inputs
LEFT JOIN gave USING (source)
LEFT JOIN were USING (source)
ORDER BY coalesce(given, 0) DESC, source
