-- One row per message that is annotated in a scaffolding dialogue. With a version also its split.
-- dialogue_id: its dialogue
-- source: the corpus
-- split: only with a version
-- position: of the message, from 0, as in `messages`
-- role: user (the learner) or assistant (the tutor)
-- signals: of a learner: error, confusion, slow_response, off_task, success, code_switch or none
-- uptake: what the learner made of the tutor's turn before: repair, partial, needs_repair, acknowledge or none
-- latency_seconds: how long the learner took
-- moves: of a tutor: recast, question, hint, explore, simplify, comprehension_check, reflect and so on
-- strategy: the tutor's: recast, question, hint or explore; null where the turn is about no error
-- target: which error the strategy is about: `number` in `errors`
-- languages: of the message, the one with most words first
-- note_topic: topic of a cultural note, null where there is none
-- note_region: its region
-- l1: the learner's first language
-- target_language: what the learner learns
-- cefr: the learner's level
-- background: heritage or l2
-- variety: BCP 47 tag of the learner's variety
SELECT
    COLUMNS('^(dialogue_id|source|split)$'),
    turn.position AS position,
    messages[turn.position + 1].role AS role,
    turn.signals AS signals,
    turn.uptake AS uptake,
    turn.latency_seconds AS latency_seconds,
    turn.moves AS moves,
    turn.strategy AS strategy,
    turn.target AS target,
    turn.languages AS languages,
    turn.cultural_note.topic AS note_topic,
    turn.cultural_note.region AS note_region,
    learner.l1 AS l1,
    learner.target_language AS target_language,
    learner.cefr AS cefr,
    learner.background AS background,
    learner.variety AS variety
FROM (
    SELECT
        COLUMNS('^(dialogue_id|source|split)$'),
        messages,
        pedagogy.learner AS learner,
        unnest(pedagogy.turns) AS turn
    FROM dialogue_rows
    WHERE pedagogy IS NOT NULL
)
