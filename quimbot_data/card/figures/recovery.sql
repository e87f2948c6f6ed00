-- One row per profile and target that a blind critic judged: dialogues added up over the raw files, so each counts once.
SELECT profile, target, sum(judged)::BIGINT AS judged, sum(recovered)::BIGINT AS recovered
FROM recovery
WHERE target IS NOT NULL
GROUP BY profile, target
ORDER BY profile, target
