-- One row per message that holds a text, whatever its case: where it stands, and what stands around it.
-- $text: what to look for
-- $role = NULL: system, user or assistant
-- $most = 20: most rows
SELECT
    dialogue_id,
    position,
    role,
    substring(content, greatest(1, instr(lower(content), lower($text)) - 40), length($text) + 80) AS around
FROM messages
WHERE contains(lower(content), lower($text)) AND ($role IS NULL OR role = $role)
ORDER BY dialogue_id, position
LIMIT $most
