-- One row per label, category and score that the recipe's safety policy names.
SELECT * FROM (
    SELECT 'label' AS kind, key AS name, value ->> '$' AS action, NULL::DOUBLE AS score
    FROM recipe, json_each(recipe_json, '$.safety.labels')
    UNION ALL
    SELECT 'category', key, value ->> '$', NULL FROM recipe, json_each(recipe_json, '$.safety.categories')
    UNION ALL
    SELECT 'score', key, NULL, value::DOUBLE FROM recipe, json_each(recipe_json, '$.safety.scores')
)
ORDER BY list_position(['label', 'category', 'score'], kind), name
