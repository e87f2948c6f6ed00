-- One row per source, step and reason that dropped dialogues of a version, the most frequent first.
-- $source = NULL: this source only
SELECT source, step, reason, count(*) AS dialogues
FROM fates
WHERE fate = 'dropped' AND ($source IS NULL OR source = $source)
GROUP BY source, step, reason
ORDER BY dialogues DESC, source, step, reason
