-- One row per licence, the most frequent first.
SELECT license, count(*) AS dialogues
FROM dialogues
GROUP BY license
ORDER BY dialogues DESC, license
