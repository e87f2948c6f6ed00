-- One row per source, licence and set of terms: dialogues and tokens under them.
SELECT source, license, array_to_string(terms, ', ') AS terms, count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens
FROM dialogues
GROUP BY ALL
ORDER BY dialogues DESC, source, license, terms
