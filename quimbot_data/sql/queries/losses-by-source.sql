-- One row per run, source and language, the hardest under the adapter first.
-- $run = NULL: this run only
-- $split = NULL: this split only
SELECT
    run, source, family, language, count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens,
    sum(base_loss * n_tokens) / sum(n_tokens) AS base_loss,
    sum(adapter_loss * n_tokens) / sum(n_tokens) AS adapter_loss,
    sum(change * n_tokens) / sum(n_tokens) AS change,
    avg((change > 0)::INTEGER) AS worse_share
FROM dialogue_losses
WHERE ($run IS NULL OR run = $run) AND ($split IS NULL OR split = $split)
GROUP BY ALL
ORDER BY adapter_loss DESC, run, source, language
