-- One row per evaluation set, in the recipe's order.
SELECT name, digest, items, ngram, exact, boilerplate, too_short, items_hit, dialogues_hit
FROM (SELECT *, row_number() OVER () AS place FROM evaluation)
ORDER BY place
