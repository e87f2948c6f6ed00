-- One row per message of a dialogue; position counts from 0, as in `untrained`. With a version also its split.
-- dialogue_id: its dialogue
-- source: the corpus
-- split: only with a version
-- position: from 0
-- role: system, user or assistant
-- content: the text
SELECT
    COLUMNS('^(dialogue_id|source|split)$'),
    (place - 1)::INTEGER AS position,
    message.role AS role,
    message.content AS content
FROM (
    -- Two unnests side by side keep pace with each other and let filters on a dialogue's columns reach the files.
    SELECT
        COLUMNS('^(dialogue_id|source|split)$'),
        unnest(messages) AS message,
        generate_subscripts(messages, 1) AS place
    FROM dialogue_rows
)
