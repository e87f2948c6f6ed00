-- One row per target language, background and tutor move: turns that make it, and their share of all tutor turns.
-- $source = NULL: this source only
-- $language = NULL: this target language only
WITH tutor AS (
    SELECT target_language, background, moves
    FROM turns
    WHERE role = 'assistant' AND ($source IS NULL OR source = $source)
        AND ($language IS NULL OR target_language = $language)
),
totals AS (SELECT target_language, background, count(*) AS tutor_turns FROM tutor GROUP BY ALL),
made AS (
    SELECT target_language, background, move, count(*) AS turns
    FROM (SELECT target_language, background, unnest(moves) AS move FROM tutor)
    GROUP BY ALL
)
SELECT made.target_language, made.background, move, turns, round(turns / tutor_turns, 3) AS share
FROM made
JOIN totals
    ON made.target_language IS NOT DISTINCT FROM totals.target_language
    AND made.background IS NOT DISTINCT FROM totals.background
ORDER BY made.target_language, made.background, turns DESC, move
