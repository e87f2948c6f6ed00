-- One row per training run in the workspace that left a record.
SELECT run, version_id, base_model, status FROM run_records ORDER BY run
