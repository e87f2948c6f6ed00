-- One row per measure and range of lengths that doubles from 1 up: 0, 1, 2 to 3, 4 to 7, and so on.
SELECT
    measure,
    -- Digits of the number in base 2: whole-number arithmetic, the same on every machine.
    if(value = 0, 0, length(bin(value))) AS bits,
    count(*) AS dialogues
FROM (
    SELECT
        unnest(['turns', 'characters', 'tokens']) AS measure,
        unnest([n_turns, n_chars, n_tokens]) AS value
    FROM dialogues
)
GROUP BY measure, bits
ORDER BY list_position(['turns', 'characters', 'tokens'], measure), bits
