-- One row per component of the version's mix, asked against got; none without a version.
-- component: its place in the recipe, from 0, as in `fates`
-- family: its family
-- sources: the corpora that it draws from
-- weight: the share that the recipe asks for, 0 to 1
-- max_epochs: how often the recipe lets a training dialogue be used
-- budget: what that share comes to, in the recipe's unit
-- available: what the component could have given after all steps before the mix, in the recipe's unit
-- dialogues: what it gave, repeats included
-- tokens: of these dialogues
-- repeats: of the dialogues, those that are another epoch of one that is there already
-- shortfall: budget left over, less than one dialogue
SELECT component, family, sources, weight, max_epochs, budget, available, dialogues, tokens, repeats, shortfall
FROM mix_lines
ORDER BY component
