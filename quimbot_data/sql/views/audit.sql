-- One row per kind of rows that an audit of the version planted; none without a version, or where none was made.
-- step: the step that must act on them
-- kind: what was planted
-- asked: guilty rows that were asked for, of each kind
-- originals: dialogues that plants could be made from
-- planted: guilty rows that reached the step
-- found: of these, those that it acted on
-- recall: the share of the guilty that it acted on; null where there were none
-- recall_low: low end of its 95 % interval
-- recall_high: high end
-- clean: clean rows that look alike and reached the step
-- false_alarms: of these, those that it acted on
-- precision: the share of the guilty among all plants that it acted on; null where it acted on none
-- precision_low: low end of its 95 % interval
-- precision_high: high end
-- taken_before: plants that an earlier step took
SELECT
    step, kind, asked, originals, planted, found, recall, recall_low, recall_high,
    clean, false_alarms, precision, precision_low, precision_high, taken_before
FROM audit_lines
