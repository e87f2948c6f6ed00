-- One row per profile and target of a raw file that was judged blind, and per part of one that was not; none without a version.
-- source: whose raw file
-- raw_file: its name, below the folder that was ingested
-- profile: of the dialogues; null where the file does not say
-- target: strategy, level, background, or all of which each was found; null for what was not judged
-- judged: dialogues that a blind critic judged, before what it did not recover was dropped
-- recovered: of these, those of which it found the target by the tutor's words
-- unjudged: dialogues that it did not judge; raw rows, where the file does not say
-- reason: why
SELECT source, raw_file, profile, target, judged, recovered, unjudged, reason FROM recovery_lines
