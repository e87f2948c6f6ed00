-- One row per licence of a source's dialogues, the most frequent first.
SELECT source, license, count(*) AS dialogues
FROM dialogues
GROUP BY source, license
ORDER BY dialogues DESC, source, license
