-- One row per logged training step of a run, with its loss.
-- run: the training run
-- step: optimizer step
-- loss: mean over the tokens that are trained on
SELECT run, step, loss FROM step_lines
