-- One row per count: what passed a step of a source (no reason), or what a reason dropped or changed there.
SELECT source, step, unit, rows_in, rows_out, reason, rows FROM ledger_lines
