-- One row per language, the most frequent first; `und` is undetermined.
SELECT language, count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens
FROM dialogues
GROUP BY language
ORDER BY dialogues DESC, language
