"""Learner errors out of corpora: readers that yield sentences with their errors, and seeds made of them.

A reader is a function of a module of its own, from paths to `LearnerSentence`s; what it cannot use it yields as
`Skipped`, with the reason. `extract` makes one seed of each error that a family of `schemas.seed` covers.
"""
