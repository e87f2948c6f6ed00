-- One row per licence term; a dialogue may be under several.
SELECT term, count(*) AS dialogues
FROM (SELECT unnest(terms) AS term FROM dialogues)
GROUP BY term
ORDER BY dialogues DESC, term
