-- One row per source and language: dialogues, tokens, and the share whose declared language agrees with the detected.
-- $least = 1: fewest dialogues
SELECT
    source,
    language,
    count(*) AS dialogues,
    sum(n_tokens)::BIGINT AS tokens,
    round(avg(language_agrees::INTEGER), 3) AS agree
FROM dialogues
GROUP BY source, language
HAVING count(*) >= $least
ORDER BY dialogues DESC, source, language
