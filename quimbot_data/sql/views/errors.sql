-- One row per learner error that is marked in a scaffolding dialogue. With a version also its split.
-- dialogue_id: its dialogue
-- source: the corpus
-- split: only with a version
-- number: its place among the dialogue's errors, from 0: what `target` in `turns` names
-- position: of the learner's message, from 0
-- start_char: where it begins in the message, in characters
-- end_char: where it ends
-- original: what the learner said; empty for what is missing
-- corrected: what is right; empty for what is too much
-- operation: missing, unnecessary or replacement
-- type: ERRANT's tag, or COWS-L2H's
-- generalizable: a rule covers it, so that a hint can lead to it
-- is_variation: legitimate in a variety of the language, and never a target
-- source_id: the seed or learner text that it comes from
-- l1: the learner's first language
-- target_language: what the learner learns
-- cefr: the learner's level
-- background: heritage or l2
-- variety: BCP 47 tag of the learner's variety
SELECT
    COLUMNS('^(dialogue_id|source|split)$'),
    (place - 1)::INTEGER AS number,
    error.position AS position,
    error."start" AS start_char,
    error."end" AS end_char,
    error.original AS original,
    error.corrected AS corrected,
    error.operation AS operation,
    error.type AS type,
    error.generalizable AS generalizable,
    error.is_variation AS is_variation,
    error.source_id AS source_id,
    learner.l1 AS l1,
    learner.target_language AS target_language,
    learner.cefr AS cefr,
    learner.background AS background,
    learner.variety AS variety
FROM (
    SELECT
        COLUMNS('^(dialogue_id|source|split)$'),
        pedagogy.learner AS learner,
        unnest(pedagogy.errors) AS error,
        generate_subscripts(pedagogy.errors, 1) AS place
    FROM dialogue_rows
    WHERE pedagogy IS NOT NULL
)
