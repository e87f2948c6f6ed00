-- One row per dialogue that the version's recipe looked at: kept, or dropped by a step for a reason.
-- dialogue_id: as in `dialogues`
-- source: the corpus
-- family: its family
-- fate: kept or dropped
-- step: which step dropped it
-- reason: and why
-- detail: the survivor of a duplicate, the evaluation item that was hit, the skeleton, the entry of a takedown
-- split: where it stands, or would have stood
-- cluster_id: the survivor of its near-duplicates
-- component: of the mix, from 0
-- u: its place in the order in which components take rows, 0 to 1
-- threshold: the u below which its component took rows
-- copies: how often it stands in the version
SELECT dialogue_id, source, family, fate, step, reason, detail, split, cluster_id, component, u, threshold, copies
FROM fate_rows
