-- One row per run, source and language, the hardest under the adapter first; nats a token.
-- $run = NULL: this run only
-- $split = NULL: this split only
SELECT
    run, source, family, language, count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens,
    round(sum(base_loss * n_tokens) / sum(n_tokens), 4) AS base_loss,
    round(sum(adapter_loss * n_tokens) / sum(n_tokens), 4) AS adapter_loss,
    round(sum(change * n_tokens) / sum(n_tokens), 4) AS change,
    round(avg((change > 0)::INTEGER), 4) AS worse_share
FROM dialogue_losses
WHERE ($run IS NULL OR run = $run) AND ($split IS NULL OR split = $split)
GROUP BY ALL
ORDER BY adapter_loss DESC, run, source, language
