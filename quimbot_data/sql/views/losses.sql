-- One row per assistant turn that a run was scored on (`quimbot train score`); with a version those of that version.
-- run: the training run
-- version_id: of the data that was scored
-- split: of the dialogue
-- dialogue_id: joins with `dialogues`
-- source: the corpus
-- family: of the corpus
-- language: of the dialogue
-- position: of the turn in the dialogue's messages, from 0
-- n_tokens: tokens of the turn, its end included
-- n_bytes: bytes of its text in UTF-8
-- base_loss: nats a token under the base
-- adapter_loss: nats a token under the run's adapter
-- change: what the adapter changed, in nats a token; above 0 the turn got worse
-- base_bpb: bits a byte under the base
-- adapter_bpb: bits a byte under the run's adapter
SELECT
    run, version_id, split, dialogue_id, source, family, language, position, n_tokens, n_bytes,
    base_nll / n_tokens AS base_loss,
    adapter_nll / n_tokens AS adapter_loss,
    (adapter_nll - base_nll) / n_tokens AS change,
    base_nll / ln(2) / n_bytes AS base_bpb,
    adapter_nll / ln(2) / n_bytes AS adapter_bpb
FROM turn_losses
