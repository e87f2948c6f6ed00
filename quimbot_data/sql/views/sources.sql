-- One row per corpus in the workspace, whatever the version: its facts, and how many rows it holds.
-- source: its name
-- title: as published
-- family: its family
-- license: of the corpus; rows may differ
-- terms: of the corpus; rows may differ
-- attribution: the text to print
-- url: where it comes from
-- revision: commit or tag of the raw files
-- dialogues: rows
-- learner_texts: rows
-- rejected: refused raw rows
-- digest: sha256 over what the corpus holds
SELECT source, title, family, license, terms, attribution, url, revision, dialogues, learner_texts, rejected, digest
FROM source_facts
ORDER BY source
