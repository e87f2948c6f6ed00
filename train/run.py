"""One training run, from its recipe to its adapter: check, lay out, train, save, record. Readable top to bottom."""

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quimbot_data.observe import Progress, silent
from quimbot_data.workspace import Workspace, this_host, writing
from schemas.errors import ModelError, WorkspaceError
from schemas.fields import SCHEMA_VERSION
from schemas.run import RunRecord
from schemas.training import TrainRecipe
from train import record as records
from train.adapter import publish_adapter
from train.checkpoints import clear_after, last_checkpoint, step_of
from train.checks import refuse_problems
from train.distributed import Processes
from train.models import enough_memory
from train.plan import Prepared, prepare
from train.plots import write_plots
from train.recipe import recipe_hash
from train.render import template_hash
from train.runlog import write_runlog
from train.stages import merge_parent, starting_model

if TYPE_CHECKING:
    from train.sft import Job, Step

#: Called after each optimizer step: the run's plan, the step's line of metrics.
Listener = Callable[[Prepared, dict[str, Any]], None]


def quiet(prepared: Prepared, line: dict[str, Any]) -> None:
    """A listener that hears nothing."""


def run(
    workspace: Workspace,
    recipe: TrainRecipe,
    name: str | None = None,
    *,
    tell: Progress = silent,
    listen: Listener = quiet,
) -> tuple[RunRecord, bool]:
    """Train a recipe, or go on where a run of that name stopped.

    Args:
        workspace: of versions and runs.
        recipe: what is to be trained.
        name: the run's; the recipe's where not given.
        tell: of dialogues as they are tokenized.
        listen: of steps as they are done.

    Returns:
        The finished record; and whether anything was done, which it is not where the run was finished already.

    Raises:
        QuimbotError: see `train.plan.prepare`, `refuse_problems` and `record.refuse_another`, all before any weight is
            loaded; WorkspaceError where a checkpoint cannot be written, with those before it intact; ModelError where
            the loss is no number any more, or the memory of the device does not suffice.
    """
    processes = Processes.of_environment(recipe.device)
    with processes.first_before_others():
        prepared = prepare(workspace, recipe, name or recipe.name, tell)
    refuse_problems(prepared.plan)
    _check_batch(recipe, processes)
    from train.sft import rows_digest

    job = _job(prepared, workspace.run(prepared.plan.run), processes)
    record = _record(workspace, prepared, rows_digest(job.rows))
    with workspace.lock("runs", record.run) if processes.first else nullcontext():
        before = records.refuse_another(workspace, record)
        if before and before.status == "finished":
            return records.finished_run(workspace, record.run), False
        log = _Log(workspace, prepared, record, before.seconds if before else 0.0, listen)
        if processes.first:
            log.begin(before)
            merge_parent(workspace, recipe, log.folder, job.dtype)
        processes.wait()
        with enough_memory(), log.kept() if processes.first else nullcontext():
            checkpoint = _train(workspace, job, log)
        return (log.finish(checkpoint) if processes.first else record), True


def _job(prepared: Prepared, folder: Path, processes: Processes) -> "Job":
    from train.sft import Job, dataset_of

    return Job(
        tokenizer=prepared.tokenizer,
        rows=dataset_of(prepared.data, prepared.rows, prepared.families),
        families=prepared.families,
        recipe=prepared.recipe,
        steps=prepared.plan.steps,
        folder=folder / records.CHECKPOINTS,
        device=prepared.device.kind,
        bf16=prepared.device.precision == "bf16",
        processes=processes.count,
    )


def _check_batch(recipe: TrainRecipe, processes: Processes) -> None:
    asked = recipe.optimization
    if asked.batch % (asked.rows_at_once * processes.count):
        raise ModelError(
            f"A batch of {asked.batch} rows cannot be shared by {processes.count} processes with {asked.rows_at_once} "
            "rows at once.",
            valid="optimization.batch is a multiple of rows_at_once times processes.",
            next_step="Change one of the two in the recipe, or start another number of processes.",
        )


def _train(workspace: Workspace, job: "Job", log: "_Log") -> Path:
    """Train up to the last step; returns its checkpoint."""
    from train.sft import train

    last = last_checkpoint(job.folder)
    if last is None or step_of(last) < job.steps:
        train(starting_model(workspace, job.recipe, job.folder.parent, job.dtype), job, last, log.step)
        last = last_checkpoint(job.folder)
    if last is None:
        raise ModelError(
            f"{job.folder} holds no checkpoint after {job.steps} steps.",
            next_step="Run the command again: it goes on from what is there.",
        )
    return last


def _record(workspace: Workspace, prepared: Prepared, data_sha256: str) -> RunRecord:
    plan, recipe = prepared.plan, prepared.recipe
    return RunRecord(
        schema_version=SCHEMA_VERSION,
        run=plan.run,
        status="running",
        host=this_host(),
        stage=recipe.stage,
        use=recipe.use,
        version=plan.version,
        version_id=plan.version_id,
        recipe=recipe,
        recipe_sha256=recipe_hash(recipe),
        template_sha256=template_hash(),
        tokenizer_sha256=prepared.tokenizer_sha256,
        data_sha256=data_sha256,
        base=plan.base,
        lineage=plan.lineage,
        seed=recipe.seed,
        git_revision=records.git_revision(),
        packages=records.package_versions(),
        device=prepared.device.told,
        precision=prepared.device.precision,
        steps=plan.steps,
        steps_done=0,
        families=[],
        final_loss=None,
        seconds=0.0,
        started=records.now(),
        finished=None,
    )


@dataclass
class _Log:
    """What the first process writes of a run: metrics a step, plots and the record at checkpoints and at the end."""

    workspace: Workspace
    prepared: Prepared
    record: RunRecord
    seconds_before: float
    listen: Listener
    begun: float = field(default_factory=time.monotonic)
    last: float = field(default_factory=time.monotonic)
    tokens: list[int] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.workspace.run(self.record.run)

    def begin(self, before: RunRecord | None) -> None:
        """Lay the folder out, or bring it back to its last whole checkpoint."""
        last = last_checkpoint(self.folder / records.CHECKPOINTS)
        clear_after(self.folder / records.CHECKPOINTS, last)
        records.cut_metrics(self.folder, step_of(last) if last else 0)
        if before:
            self.record = self.record.model_copy(update={"started": before.started})
        else:
            records.write_seen(self.folder, self.prepared.seen())
        batch, lengths = self.prepared.plan.batch, self.prepared.data.lengths
        rows = [int(lengths[row].sum()) for row in self.prepared.rows]
        self.tokens = [sum(rows[at : at + batch]) for at in range(0, len(rows), batch)]
        self.write("running")

    def step(self, step: "Step") -> None:
        """Note a step."""
        if not math.isfinite(step.loss):
            raise ModelError(
                f"The loss of step {step.step} is {step.loss}: nothing can be learnt any more.",
                next_step="Lower optimization.learning_rate, or raise warmup, and give the new run a name of its own.",
            )
        now = time.monotonic()
        line: dict[str, Any] = {
            "step": step.step,
            "loss": step.loss,
            "losses": dict(step.losses),
            "trained": dict(step.trained),
            "tokens": self.tokens[step.step - 1],
            "learning_rate": step.learning_rate,
            "grad_norm": step.grad_norm,
            "seconds": round(now - self.last, 3),
        }
        self.last = now
        with writing(self.folder), (self.folder / records.METRICS).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
        if step.step % self.record.recipe.checkpoint_every == 0:
            self.write("running")
        self.listen(self.prepared, line)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever ends the training, the record says how far it came."""
        try:
            yield
        except BaseException:
            with suppress(WorkspaceError):  # where the disk is full, what was raised says so
                self.write("interrupted")
            raise

    def write(self, status: str, **facts: object) -> RunRecord:
        """Write the record as of now, the log of all runs, and the plots."""
        metrics = records.read_metrics(self.folder)
        done = metrics[-1]["step"] if metrics else 0
        now: dict[str, object] = {
            "status": status,
            "steps_done": done,
            "families": self.prepared.families_seen(done),
            "final_loss": records.mean_loss(metrics),
            "seconds": round(self.seconds_before + time.monotonic() - self.begun, 1),
        }
        self.record = self.record.model_copy(update=now | facts)
        records.write_record(self.workspace, self.record)
        write_runlog(self.workspace)
        write_plots(self.folder / records.PLOTS, metrics)
        return self.record

    def finish(self, checkpoint: Path) -> RunRecord:
        """Give the adapter its place, and close the record."""
        adapter = publish_adapter(self.prepared, checkpoint, self.folder / records.ADAPTER)
        return self.write("finished", adapter=records.file_hashes(adapter), finished=records.now())
