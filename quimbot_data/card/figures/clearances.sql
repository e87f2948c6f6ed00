-- One row per clearance that let rows of unknown terms in.
SELECT source, license, cleared_by, cleared_on, reason FROM clearances ORDER BY source, license
