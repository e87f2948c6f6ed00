-- One row per source and reason for which raw rows were refused, with the file that holds most of them.
-- $source = NULL: this source only
SELECT source, reason, count(*) AS raw_rows, mode(raw_file ORDER BY raw_file) AS mostly_in
FROM rejected
WHERE $source IS NULL OR source = $source
GROUP BY source, reason
ORDER BY raw_rows DESC, source, reason
