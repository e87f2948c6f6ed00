-- One row: the recipe, and what of it the text names.
SELECT recipe_json, name, size, ngram, threshold FROM recipe
