-- One row: what the version holds in all.
SELECT
    count(*) AS dialogues,
    coalesce(sum(n_messages), 0)::BIGINT AS messages,
    coalesce(sum(n_tokens), 0)::BIGINT AS tokens,
    count(DISTINCT language) FILTER (language <> 'und') AS languages,
    count(*) FILTER (language = 'und') AS undetermined,
    count(*) FILTER (list_contains(held_out_languages, language)) AS held_out,
    count(language_agrees) AS comparable,
    count(*) FILTER (language_agrees) AS agreeing,
    count(cluster_id) AS clustered,
    count(pedagogy) AS pedagogical,
    count(provenance.derived) AS derived,
    count(*) FILTER (list_contains(terms, 'no-transfer')) AS no_transfer,
    coalesce(sum(len(untrained)), 0)::BIGINT AS untrained_messages
FROM dialogues
CROSS JOIN (SELECT held_out AS held_out_languages FROM recipe)
