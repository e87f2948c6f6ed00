-- One row per learner text of the corpora, verbatim; none with a version.
SELECT * FROM learner_text_rows
