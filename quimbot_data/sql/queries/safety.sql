-- One row per source, label and category: dialogues, and assistant messages of theirs that are out of the loss.
SELECT source, label, category, count(*) AS dialogues, sum(untrained)::BIGINT AS untrained_messages
FROM (
    SELECT
        source,
        safety.label AS label,
        unnest(CASE WHEN len(safety.categories) > 0 THEN safety.categories ELSE [NULL] END) AS category,
        len(untrained) AS untrained
    FROM dialogues
    WHERE safety IS NOT NULL AND (safety.flagged OR safety.label IS NOT NULL)
)
GROUP BY source, label, category
ORDER BY dialogues DESC, source, label, category
