-- One row per training run in the workspace that left a record.
-- run: its folder's name
-- version_id: of the data it was trained on
-- base_model: what was fine-tuned
-- status: how it ended
SELECT run, version_id, base_model, status FROM run_records ORDER BY run
