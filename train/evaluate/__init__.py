"""A run against its base: losses on held-out dialogues, what it says to prompts, what it forgot; a report.

runs/<run>/evaluation/
    report.md, plots/        to read
    evaluation.json          every figure
    replies/<model>.json     what each model said; kept, so that a second evaluation does not ask again
    judgement.json           likewise what a judge said of it
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.endpoint import Endpoint
from quimbot_data.observe import Counted, silent
from quimbot_data.transfer import barred_from_endpoints, told, total
from quimbot_data.workspace import Ref, Workspace, atomic, read_model, write_model
from schemas.errors import MissingError, TermsError
from schemas.fields import Hash, Strict
from schemas.run import RunRecord
from train.evaluate.judge import Judgement, judge_once
from train.evaluate.likelihoods import likelihoods
from train.evaluate.measures import observations
from train.evaluate.plots import plots
from train.evaluate.replies import Asked, Reply, replies
from train.evaluate.report import report
from train.evaluate.results import Evaluation, Losses
from train.evaluate.summary import summary
from train.evaluate.whole import whole
from train.prompts import all_prompts
from train.record import finished_run
from train.score import Scope, losses_of, score
from train.variants import BASE, adapted, base_of, check_base, load, parent_of, tokenizer_of

EVALUATION: Final = "evaluation"


@dataclass(frozen=True)
class Settings:
    """How much is looked at.

    Attributes:
        most: dialogues of a test split at most; None for all.
        longest: tokens of a dialogue at most.
        prompts: of each prompt set at most, drawn by hash; None for all, 0 for none.
        tokens: of an answer at most.
        judge: an endpoint and the name of a model there; None for no judge.
    """

    most: int | None = None
    longest: int = 2048
    prompts: int | None = None
    tokens: int = 128
    judge: tuple[Endpoint, str] | None = None


class _Kept(Strict):
    """`replies/<model>.json`: answers, and what they depend on."""

    weights: Hash
    prompts: Hash
    tokens: int
    replies: list[Reply]


def evaluate(workspace: Workspace, run: str, settings: Settings = Settings(), progress: Counted = silent) -> Evaluation:
    """Evaluate a run and write the report.

    Args:
        workspace: of the run.
        run: finished.
        settings: how much is looked at.
        progress: told steps, and dialogues or answers as they are done.

    Raises:
        MissingError: no such run, or its version is not here.
        IntegrityError: the run's adapter or the version's data differ from what was recorded.
        ModelError: the base is another one.
        TermsError: answers of a model that learnt from restricted text would go to a judge elsewhere.
        EndpointError: the judge does not answer.
    """
    record = finished_run(workspace, run)
    parent = parent_of(workspace, record)
    if settings.judge:
        for learnt in [parent, record] if parent else [record]:
            _check_terms(workspace, learnt, settings.judge[0])
    check_base(record)
    work = _Work(workspace, [parent, record] if parent else [record], _chosen(settings.prompts), settings, progress)
    with workspace.lock("evaluation", run):
        losses = [work.losses(record, "")]
        if parent:
            losses.append(work.losses(parent, f": what {record.run} forgot"))
        said = [reply for model in work.models for reply in work.said(model)]
        measured = summary(observations(work.asked, said), work.models, by_language=("target_language",))
        found = Evaluation(
            run=run, adapter=record.adapter, models=work.models, tokens=settings.tokens, most=settings.most,
            losses=losses, measures=measured, whole=whole(work.asked, said, work.models),
            judgement=_judgement(work, said),
        )  # fmt: skip
        _write(work.folder, record, found, work.asked, said)
    return found


def _chosen(most: int | None) -> list[Asked]:
    """Prompts of every set, about so many of each, by hash: a fair few; pairs of registers stay together."""
    by_set: dict[str, list[str]] = {}
    for name, prompt in all_prompts():
        by_set.setdefault(name, []).append(prompt.id)
    wanted: set[str] = set()
    for ids in by_set.values():
        wanted.update(sorted(ids, key=_drawn)[:most])
    return [each for each in all_prompts() if each[1].id in wanted]


def _drawn(prompt: str) -> str:
    together = prompt.removesuffix("-casual").removesuffix("-formal")
    return hashlib.sha256(together.encode()).hexdigest() + prompt


def _check_terms(workspace: Workspace, record: RunRecord, endpoint: Endpoint) -> None:
    """Hold that what a run learnt from may be passed on, where its answers go elsewhere."""
    if endpoint.loopback:
        return
    ref = Ref.parse(record.version)
    files = [workspace.version(ref) / entry.path for entry in workspace.version_manifest(ref).data]
    barred = barred_from_endpoints(pl.concat([read_parquet(path, ["source", "license", "terms"]) for path in files]))
    if barred:
        raise TermsError(
            f"{record.run} learnt from {total(barred):,} dialogues that may go to models on this machine alone "
            f"({told(barred)}), and its answers may repeat them; {endpoint.shown} is elsewhere.",
            next_step="Serve a judge here and give its loopback address, or evaluate without --judge.",
        )


@dataclass(frozen=True)
class _Work:
    """An evaluation on its way; `runs` are the run and, before it, the one that it was grown from."""

    workspace: Workspace
    runs: Sequence[RunRecord]
    asked: Sequence[Asked]
    settings: Settings
    progress: Counted

    @property
    def record(self) -> RunRecord:
        return self.runs[-1]

    @property
    def models(self) -> list[str]:
        return [BASE, *(run.run for run in self.runs)]

    @property
    def folder(self) -> Path:
        return self.workspace.run(self.record.run) / EVALUATION

    def losses(self, of: RunRecord, why: str) -> Losses:
        """Losses on the test split of a run's version, under the base and under the runs."""
        ref = Ref.parse(of.version)
        manifest = self.workspace.version_manifest(ref)
        if manifest.id != of.version_id:
            raise MissingError(
                f"{of.version} is not the version that {of.run} was trained on: its id is {manifest.id[:16]}.",
                next_step="Bring that version back, or train again on this one.",
            )
        held_out = manifest.identity.recipe.splits.languages
        lines = likelihoods(self._by_model(ref), self.models, held_out)
        return Losses(version=of.version, version_id=of.version_id, why=why, models=self.models, lines=lines, plot=None)

    def _by_model(self, ref: Ref) -> pl.DataFrame:
        """Losses by turn, a column of nats for each model."""
        scope = Scope(("test",), self.settings.most, self.settings.longest)
        tables = []
        for run in self.runs:
            scored = score(self.workspace, ref, run.run, scope, self.progress)
            under = losses_of(self.workspace, scored, "test", self.settings.most)
            tables.append(under.rename({"base_nll": BASE, "adapter_nll": run.run}))
        first, *others = tables
        for table, run in zip(others, self.runs[1:], strict=True):
            own = table.select("dialogue_id", "position", run.run)
            first = first.join(own, on=["dialogue_id", "position"], how="left", maintain_order="left")
        return first

    def said(self, name: str) -> list[Reply]:
        """What a model answers; read where it was asked before, be it for the run that this one was grown from."""
        run = next((run for run in self.runs if run.run == name), None)
        weights = _digest([self.record.base, *(sorted(run.adapter.items()) if run else [])])
        wanted = _Kept(
            weights=weights, prompts=_digest([prompt.model_dump_json() for _, prompt in self.asked]),
            tokens=self.settings.tokens, replies=[],
        )  # fmt: skip
        for place in (each.run for each in reversed(self.runs)):
            path = self.workspace.run(place) / EVALUATION / "replies" / f"{name}.json"
            if path.exists() and (kept := read_model(path, _Kept)).model_copy(update={"replies": []}) == wanted:
                return kept.replies
        tell = partial(self.progress, f"answers of {name}")
        tell(0)
        tokenizer = tokenizer_of(self.record)
        model = load(adapted(self.workspace, run) if run else base_of(self.record))
        found = replies(model, tokenizer, name, self.asked, self.settings.tokens, tell)
        write_model(self.folder / "replies" / f"{name}.json", wanted.model_copy(update={"replies": found}))
        return found


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _judgement(work: _Work, said: Sequence[Reply]) -> Judgement | None:
    if work.settings.judge is None:
        return None
    first = [reply for reply in said if reply.turn == 0]
    base, run = ({each.prompt: each for each in first if each.model == model} for model in (BASE, work.record.run))
    return judge_once(work.folder / "judgement.json", *work.settings.judge, work.asked, base, run)


def _write(folder: Path, record: RunRecord, found: Evaluation, asked: Sequence[Asked], said: Sequence[Reply]) -> None:
    """Plots, report, and the figures last."""
    for place, losses in enumerate(found.losses):
        drawn = plots(losses.lines, found.measures, losses.models)
        losses.plot = f"plots/losses-{place}.png" if "losses" in drawn else None
        for name, data in drawn.items():
            _put(folder / "plots" / (f"losses-{place}.png" if name == "losses" else f"{name}.png"), data)
    _put(folder / "report.md", report(record, found, asked, said).encode())
    write_model(folder / "evaluation.json", found)


def _put(path: Path, data: bytes) -> None:
    with atomic(path) as stream:
        stream.write(data)
