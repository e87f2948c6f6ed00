-- One row per source that gave dialogues, the largest first.
SELECT source, count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens
FROM dialogues
GROUP BY source
ORDER BY dialogues DESC, source
