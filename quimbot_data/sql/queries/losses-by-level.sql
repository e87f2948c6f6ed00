-- One row per run, version, split, level and background of a learner, the hardest under the adapter first; nats a token.
-- $run = NULL: this run only
-- $split = NULL: this split only
SELECT
    run, version_id[:16] AS version_id, losses.split AS split,
    pedagogy.learner.cefr AS level, pedagogy.learner.background AS background,
    pedagogy.learner.target_language AS target_language,
    count(*) AS dialogues, sum(losses.n_tokens)::BIGINT AS tokens,
    round(sum(base_loss * losses.n_tokens) / sum(losses.n_tokens), 4) AS base_loss,
    round(sum(adapter_loss * losses.n_tokens) / sum(losses.n_tokens), 4) AS adapter_loss,
    round(sum(change * losses.n_tokens) / sum(losses.n_tokens), 4) AS change
FROM dialogue_losses AS losses JOIN dialogues USING (dialogue_id)
WHERE pedagogy IS NOT NULL AND ($run IS NULL OR run = $run) AND ($split IS NULL OR losses.split = $split)
GROUP BY ALL
ORDER BY adapter_loss DESC, run, version_id, split, level, background, target_language
