-- One row per version in the workspace: its id and size, and the dialogues of each split.
SELECT name, version, id, unit, profile, dialogues, tokens, train, validation, test, created FROM version_facts
