-- One row per template or generator that made turns, the most frequent first.
SELECT source, provenance.derived.by AS made_by, count(*) AS dialogues
FROM dialogues
WHERE provenance.derived.by IS NOT NULL
GROUP BY source, made_by
ORDER BY dialogues DESC, source, made_by
