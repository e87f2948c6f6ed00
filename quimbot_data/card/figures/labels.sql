-- One row per source and safety label or category of its dialogues; a dialogue may be in several categories.
SELECT source, kind, name, count(*) AS dialogues
FROM (
    SELECT source, 'label' AS kind, safety.label AS name FROM dialogues
    UNION ALL
    SELECT source, 'category' AS kind, unnest(safety.categories) AS name FROM dialogues
)
WHERE name IS NOT NULL
GROUP BY source, kind, name
ORDER BY source, kind DESC, dialogues DESC, name
