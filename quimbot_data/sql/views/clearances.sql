-- One row per clearance that let rows of unknown terms into the version; none without a version.
-- source: whose rows
-- license: under which licence
-- cleared_by: who answers for it
-- cleared_on: the day
-- reason: what was found, and where
SELECT source, license, cleared_by, cleared_on, reason FROM clearance_lines
