-- One row per run, version, split, source and language, the hardest under the adapter first; nats a token.
-- $run = NULL: this run only
-- $split = NULL: this split only
SELECT
    run, version_id[:16] AS version_id, split, source, family, language,
    count(*) AS dialogues, sum(n_tokens)::BIGINT AS tokens,
    round(sum(base_loss * n_tokens) / sum(n_tokens), 4) AS base_loss,
    round(sum(adapter_loss * n_tokens) / sum(n_tokens), 4) AS adapter_loss,
    round(sum(change * n_tokens) / sum(n_tokens), 4) AS change,
    round(avg((change > 0)::INTEGER), 4) AS worse_share
FROM dialogue_losses
WHERE ($run IS NULL OR run = $run) AND ($split IS NULL OR split = $split)
GROUP BY ALL
ORDER BY adapter_loss DESC, run, version_id, split, source, language
