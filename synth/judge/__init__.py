"""A judge: what a model says about tutors' turns, by a rubric and with evidence, and which of two dialogues is better.

MRBench's dimensions (Maurya et al. 2025) and ours; concrete labels rather than scales, since teachers agree on "is this
direct?" (κ .83) and not on scores from 1 to 5 (r .18; Coyne et al. 2025). A label counts only with a quotation that
really stands in the turn; of two dialogues each is asked about in both orders, and an answer that turns with the order
is none.
"""
