-- One row per refused raw row; its text, `raw`, only where it was asked for. With a version: of its sources.
SELECT source, COLUMNS('^(reason|detail|raw_file|raw_row|raw)$') FROM rejected_rows
