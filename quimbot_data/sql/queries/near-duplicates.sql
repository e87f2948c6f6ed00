-- One row per cluster of near-duplicates of a version: its survivor, how many were dropped for it, and their sources.
-- $most = 20: most rows
SELECT detail AS survivor, count(*) AS dropped, array_to_string(list_sort(list(DISTINCT source)), ', ') AS sources
FROM fates
WHERE reason = 'near-duplicate'
GROUP BY detail
ORDER BY dropped DESC, survivor
LIMIT $most
