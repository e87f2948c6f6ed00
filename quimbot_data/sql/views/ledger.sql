-- One row per count: what passed a step of a source (no reason), or what a reason dropped or changed there.
-- source: the corpus
-- step: in the order in which they ran
-- unit: raw rows, dialogues or learner texts
-- rows_in: what reached the step
-- rows_out: what left it
-- reason: null for what passed
-- rows: how many
SELECT source, step, unit, rows_in, rows_out, reason, rows FROM ledger_lines
