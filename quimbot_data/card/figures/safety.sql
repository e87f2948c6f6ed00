-- One row per source: dialogues that their corpus labels, that it flags, and messages kept out of the loss.
SELECT
    source,
    count(*) AS dialogues,
    count(safety) AS labelled,
    count(*) FILTER (safety.flagged) AS flagged,
    count(*) FILTER (len(untrained) > 0) AS with_untrained,
    sum(len(untrained))::BIGINT AS untrained_messages,
    sum(n_turns)::BIGINT AS assistant_messages
FROM dialogues
GROUP BY source
ORDER BY dialogues DESC, source
