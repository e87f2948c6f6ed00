-- One row per training run in the workspace, with the version that it was trained on.
-- run: its folder's name
-- status: running, interrupted (stopped or killed; run again, it goes on from its last checkpoint) or finished
-- stage: 1 or 2
-- use: research or commercial
-- version: NAME@X.Y.Z of the data
-- version_id: of the data
-- version_here: whether the workspace holds that version now
-- profile: of the version; null where it is not here
-- dialogues: of the version's training split; null where it is not here
-- base_model: what was fine-tuned
-- base_revision: commit of the Hub, or sha256 of the files
-- parent: the run of stage 1 that a run of stage 2 started from
-- seed: of the run
-- steps: planned optimizer steps
-- steps_done: those that were done
-- tokens: seen, repeats counted
-- trained_tokens: of these, those in the loss
-- final_loss: mean over the last tenth of the steps
-- seconds: of training
-- host: name of the machine that it runs on; of one on another machine, running is what it said last
-- device: what computed it
-- precision: bf16 or fp32
-- template: sha256 of the chat template
-- adapter: sha256 of the adapter's weights
-- git_revision: commit of the code
-- started: when
-- finished: when
SELECT
    r.run, r.status, r.stage, r.use, r.version, r.version_id,
    v.id IS NOT NULL AS version_here, v.profile, v.train AS dialogues,
    r.base_model, r.base_revision, r.parent, r.seed, r.steps, r.steps_done, r.tokens, r.trained_tokens,
    r.final_loss, r.seconds, r.host, r.device, r.precision, r.template, r.adapter, r.git_revision, r.started, r.finished
FROM run_records AS r
LEFT JOIN version_facts AS v ON v.id = r.version_id AND v.name || '@' || v.version = r.version
ORDER BY r.run
