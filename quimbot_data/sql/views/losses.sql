-- One row per logged training step of a run, with its loss.
SELECT run, step, loss FROM loss_lines
