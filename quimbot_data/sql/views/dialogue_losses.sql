-- One row per dialogue that a run was scored on (`quimbot train score`); with a version those of that version.
-- run: the training run
-- version_id: of the data that was scored
-- split: of the dialogue
-- dialogue_id: joins with `dialogues`
-- source: the corpus
-- family: of the corpus
-- language: of the dialogue
-- turns: assistant turns that were scored
-- n_tokens: their tokens
-- n_bytes: bytes of their texts in UTF-8
-- base_loss: nats a token under the base
-- adapter_loss: nats a token under the run's adapter
-- change: what the adapter changed, in nats a token; above 0 the dialogue got worse
-- base_bpb: bits a byte under the base
-- adapter_bpb: bits a byte under the run's adapter
SELECT
    run, version_id, split, dialogue_id, source, family, language,
    count(*) AS turns,
    sum(n_tokens)::BIGINT AS n_tokens,
    sum(n_bytes)::BIGINT AS n_bytes,
    sum(base_nll) / sum(n_tokens) AS base_loss,
    sum(adapter_nll) / sum(n_tokens) AS adapter_loss,
    sum(adapter_nll - base_nll) / sum(n_tokens) AS change,
    sum(base_nll) / ln(2) / sum(n_bytes) AS base_bpb,
    sum(adapter_nll) / ln(2) / sum(n_bytes) AS adapter_bpb
FROM turn_losses
GROUP BY ALL
