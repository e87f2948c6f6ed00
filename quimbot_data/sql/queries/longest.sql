-- One row per dialogue, the longest first.
-- $source = NULL: this source only
-- $most = 20: most rows
SELECT dialogue_id, language, n_turns, n_tokens, license
FROM dialogues
WHERE $source IS NULL OR source = $source
ORDER BY n_tokens DESC, dialogue_id
LIMIT $most
