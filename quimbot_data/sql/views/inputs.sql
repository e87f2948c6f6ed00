-- One row per source of the version's recipe, as it was when the version was built; none without a version.
-- source: its name
-- title: as published
-- license: of the corpus; rows may differ
-- terms: of the corpus; rows may differ
-- attribution: the text to print
-- url: where it comes from
-- revision: commit or tag of the raw files
-- corpus_digest: sha256 over what the corpus held
SELECT source, title, license, terms, attribution, url, revision, corpus_digest FROM input_facts
