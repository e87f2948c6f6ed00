-- One row per source: dialogues with labels or scores, who scored them, those flagged, messages kept out of the loss.
SELECT
    source,
    count(*) AS dialogues,
    count(safety) AS labelled,
    count(*) FILTER (safety.flagged) AS flagged,
    coalesce(list_sort(list(DISTINCT safety.classifier) FILTER (safety.classifier IS NOT NULL)), []) AS classifiers,
    count(*) FILTER (len(untrained) > 0) AS with_untrained,
    sum(len(untrained))::BIGINT AS untrained_messages,
    sum(n_turns)::BIGINT AS assistant_messages
FROM dialogues
GROUP BY source
ORDER BY dialogues DESC, source
