-- One row per dialogue of the corpora, or of the version, then with its split.
SELECT * FROM dialogue_rows
