-- One row: what the version is called, what built it, and how many sources its recipe names.
SELECT
    name || '@' || version AS ref,
    id, version, title, tokenizer, tokenizer_sha256, created, language_detectors, libraries,
    (SELECT count(*) FROM inputs) AS sources
FROM build
