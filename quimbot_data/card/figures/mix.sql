-- One row per component of the mix, in the recipe's order.
SELECT component, family, sources, weight, max_epochs, budget, available, dialogues, tokens, repeats, shortfall
FROM mix
ORDER BY component
