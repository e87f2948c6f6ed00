-- One row per dialogue that the adapter finds harder than the base does, the worst first.
-- $run = NULL: this run only
-- $source = NULL: this source only
-- $most = 20: most rows
SELECT run, dialogue_id, split, source, language, n_tokens, base_loss, adapter_loss, change
FROM dialogue_losses
WHERE change > 0 AND ($run IS NULL OR run = $run) AND ($source IS NULL OR source = $source)
ORDER BY change DESC, run, dialogue_id
LIMIT $most
