-- One row per split that holds dialogues.
SELECT split, count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens
FROM dialogues
GROUP BY split
ORDER BY list_position(['train', 'validation', 'test'], split)
