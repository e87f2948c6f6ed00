-- One row: what the version holds in all.
SELECT
    count(*) AS dialogues,
    coalesce(sum(n_messages), 0)::BIGINT AS messages,
    coalesce(sum(n_tokens), 0)::BIGINT AS tokens,
    count(DISTINCT language) FILTER (language <> 'und') AS languages,
    count(language_agrees) AS comparable,
    count(*) FILTER (language_agrees) AS agreeing,
    count(cluster_id) AS clustered,
    count(pedagogy) AS pedagogical,
    count(provenance.derived) AS derived
FROM dialogues
