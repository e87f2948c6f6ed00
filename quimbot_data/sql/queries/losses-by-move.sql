-- One row per run, version, split and tutor move, the hardest under the adapter first; a turn with two moves counts for both.
-- $run = NULL: this run only
-- $split = NULL: this split only
WITH annotated AS (
    SELECT dialogue_id, unnest(pedagogy.turns) AS turn FROM dialogues WHERE pedagogy IS NOT NULL
), moves AS (
    SELECT dialogue_id, turn.position AS position, unnest(turn.moves) AS move FROM annotated
)
SELECT
    run, version_id[:16] AS version_id, split, move, count(*) AS turns, sum(n_tokens)::BIGINT AS tokens,
    round(sum(base_loss * n_tokens) / sum(n_tokens), 4) AS base_loss,
    round(sum(adapter_loss * n_tokens) / sum(n_tokens), 4) AS adapter_loss,
    round(sum(change * n_tokens) / sum(n_tokens), 4) AS change
FROM losses JOIN moves USING (dialogue_id, position)
WHERE ($run IS NULL OR run = $run) AND ($split IS NULL OR split = $split)
GROUP BY ALL
ORDER BY adapter_loss DESC, run, version_id, split, move
