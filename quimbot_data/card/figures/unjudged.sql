-- One row per profile and reason for which no blind critic judged dialogues, over the raw files.
SELECT profile, reason, sum(unjudged)::BIGINT AS dialogues
FROM recovery
WHERE unjudged > 0
GROUP BY profile, reason
ORDER BY profile NULLS LAST, reason
