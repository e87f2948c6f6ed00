-- One row per recipe: that of the version, every default filled in; none without a version.
-- recipe_json: all of it, as canonical JSON
-- name: its name
-- title: what it calls itself; may be empty
-- unit: tokens or dialogues
-- size: in that unit; null where it asked for as many as every component could fill
-- seed: of the sampling order
-- profile: which licence terms may enter
-- validation: share of the hash range
-- test: share of the hash range
-- held_out: languages held out whole
-- near_duplicates: off, tie or drop
-- threshold: least Jaccard similarity of near-duplicates
-- ngram: words that a dialogue and an evaluation item must share in a row
SELECT
    recipe_json,
    recipe_json ->> '$.name' AS name,
    recipe_json ->> '$.title' AS title,
    recipe_json ->> '$.unit' AS unit,
    try_cast(recipe_json ->> '$.size' AS BIGINT) AS size,
    (recipe_json ->> '$.seed')::BIGINT AS seed,
    recipe_json ->> '$.profile' AS profile,
    (recipe_json ->> '$.splits.validation')::DOUBLE AS validation,
    (recipe_json ->> '$.splits.test')::DOUBLE AS test,
    (recipe_json -> '$.splits.languages')::VARCHAR[] AS held_out,
    recipe_json ->> '$.near_duplicates.action' AS near_duplicates,
    (recipe_json ->> '$.near_duplicates.threshold')::DOUBLE AS threshold,
    (recipe_json ->> '$.decontaminate.ngram')::BIGINT AS ngram
FROM recipe_rows
