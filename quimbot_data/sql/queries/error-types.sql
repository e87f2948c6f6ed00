-- One row per target language and type of error: how often it is made, supported by each strategy, and then repaired.
-- $background = NULL: heritage or l2 only
WITH supports AS (
    SELECT tutor.dialogue_id, tutor.target, tutor.strategy, learner.uptake = 'repair' AS repaired
    FROM turns AS tutor
    LEFT JOIN turns AS learner
        ON tutor.dialogue_id = learner.dialogue_id AND tutor.position + 1 = learner.position
    WHERE tutor.strategy IS NOT NULL
)
SELECT
    target_language,
    type,
    count(DISTINCT (errors.dialogue_id, number)) AS errors,
    count(*) FILTER (strategy = 'recast') AS recasts,
    count(*) FILTER (strategy = 'question') AS questions,
    count(*) FILTER (strategy = 'hint') AS hints,
    count(*) FILTER (strategy = 'explore') AS explores,
    round(avg(CASE WHEN repaired THEN 1 ELSE 0 END) FILTER (strategy IS NOT NULL), 3) AS repair_rate
FROM errors
LEFT JOIN supports ON errors.dialogue_id = supports.dialogue_id AND number = target
WHERE $background IS NULL OR background = $background
GROUP BY target_language, type
ORDER BY target_language, errors DESC, type
