-- One row per corpus in the workspace, whatever the version: its facts, and how many rows it holds.
SELECT source, title, family, license, terms, attribution, url, revision, dialogues, learner_texts, rejected, digest
FROM source_facts
ORDER BY source
