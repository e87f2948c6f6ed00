-- One row per refused raw row; its text, `raw`, only where it was asked for. With a version: of its sources.
-- source: the corpus
-- reason: why it was refused
-- detail: what was found, without quoting anybody
-- raw_file: the file, below the folder that was read
-- raw_row: its row, from 0
-- raw: the raw row as JSON; only with --show-raw
SELECT source, COLUMNS('^(reason|detail|raw_file|raw_row|raw)$') FROM rejected_rows
