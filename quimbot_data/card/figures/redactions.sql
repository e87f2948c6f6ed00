-- One row per source in which personal data was replaced and kind of it that was replaced anywhere.
WITH found AS (
    SELECT source, reason AS kind, rows FROM ledger WHERE step = 'redacted' AND reason IS NOT NULL
)
SELECT source, kind, coalesce(rows, 0) AS dialogues
FROM (SELECT DISTINCT source FROM found)
CROSS JOIN (SELECT DISTINCT kind FROM found)
LEFT JOIN found USING (source, kind)
ORDER BY source, kind
