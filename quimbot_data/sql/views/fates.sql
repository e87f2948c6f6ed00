-- One row per dialogue that the version's recipe looked at: kept, or dropped by a step for a reason.
SELECT dialogue_id, source, family, fate, step, reason, detail, split, cluster_id, component, u, threshold, copies
FROM fate_rows
