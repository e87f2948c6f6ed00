"""Losses that flow back to the data: every turn of a version under a run's base and under its adapter.

A table for each data file, `runs/<run>/losses/<version>/<split>-NNNNN-of-NNNNN.parquet`, one row a trained assistant
turn; `scored.json` lists the finished ones. It holds ids and figures and no text, so it may stay when rows go. The SQL
views `losses` and `dialogue_losses` stand on it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import polars as pl

from quimbot_data.buckets import read_parquet, write_parquet
from quimbot_data.observe import Counted, silent
from quimbot_data.workspace import Ref, Workspace, atomic, entry_of, file_digest, read_model, write_model
from schemas.errors import IntegrityError, MissingError
from schemas.losses import SCORED, Scored
from schemas.manifest import FileEntry
from train.likelihood import turn_losses
from train.record import finished_run
from train.render import Rendered, render_all, template_hash
from train.variants import Pair, check_base, load_pair, tokenizer_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

#: One row a turn. Losses are sums over the turn's tokens, in nats; bytes are its text's in UTF-8.
LOSSES: Final = pl.Schema(
    {
        **dict.fromkeys(("run", "version_id", "split", "dialogue_id", "source", "family", "language"), pl.String()),
        **dict.fromkeys(("position", "n_tokens", "n_bytes"), pl.Int32()),
        **dict.fromkeys(("base_nll", "adapter_nll"), pl.Float64()),
    }
)
#: Dialogues between two words of progress; those of similar length in it are scored together.
_CHUNK: Final = 256
_COLUMNS: Final = ("dialogue_id", "source", "family", "language", "messages", "untrained")
T = TypeVar("T")


@dataclass(frozen=True)
class Scope:
    """How much of a version is scored.

    Attributes:
        splits: names of splits.
        most: dialogues of each at most; files are in the order of content hashes, so the first are a random sample.
        longest: tokens of a dialogue at most.
    """

    splits: Sequence[str] = ("train", "validation", "test")
    most: int | None = None
    longest: int = 2048


def score(workspace: Workspace, ref: Ref, run: str, scope: Scope = Scope(), progress: Counted = silent) -> Scored:
    """Score a version's dialogues; files that were finished before are kept, and so are other splits.

    Args:
        workspace: holds version and run.
        ref: the version; it need not be the one that the run was trained on.
        run: whose base and adapter.
        scope: which dialogues.
        progress: told dialogues as they are done, those of earlier starts included.

    Raises:
        MissingError: no such version or run, or the splits hold nothing.
        ModelError: the base is not the one that the run was trained on.
        IntegrityError: the run's adapter is not the one that it recorded, or a data file is not the version's.
    """
    record, manifest = finished_run(workspace, run), workspace.version_manifest(ref)
    folder = _folder(workspace, run, ref)
    begun = Scored(
        run=run, version=str(ref), version_id=manifest.id, template_sha256=template_hash(),
        adapter=record.adapter, longest=scope.longest,
    )  # fmt: skip
    with workspace.lock("losses", run, ref.name, ref.version):
        wanted = list(_wanted(manifest.data, scope))
        if not wanted:
            raise MissingError(
                f"{ref} has no dialogue in {', '.join(scope.splits)}.", next_step=f"See `quimbot show {ref}`."
            )
        done = _kept(_finished(folder, begun), scope, wanted)
        held = {entry.path for entry in done.files}
        left = [each for each in wanted if Path(each[0].path).name not in held]
        if left:
            check_base(record)
            step = f"losses of {run} on {ref}"
            progress(step, 0)
            total = sum(rows for _, rows in wanted)
            before = total - sum(rows for _, rows in left)
            pair, tokenizer = load_pair(workspace, record), tokenizer_of(record)
            scorer = _Scorer(pair, tokenizer, begun, partial(progress, step), total, before)
            for entry, rows in left:
                losses, cut = scorer.of_file(workspace.version(ref) / entry.path, entry, rows)
                done = _published(folder, Path(entry.path).name, losses, cut, done)
    return done


def losses_of(workspace: Workspace, scored: Scored, split: str, most: int | None = None) -> pl.DataFrame:
    """The losses that a score lists of one split, as in `LOSSES`; where more was scored, of its first dialogues."""
    ref = Ref.parse(scored.version)
    folder = _folder(workspace, scored.run, ref)
    files = [entry.path for entry in scored.files if _split_of(entry) == split]
    found = pl.concat([pl.DataFrame(schema=LOSSES), *(read_parquet(folder / path) for path in files)])
    if most is None or not files:
        return found
    data = [entry.path for entry in workspace.version_manifest(ref).data if _split_of(entry) == split]
    ids = pl.concat([read_parquet(workspace.version(ref) / path, ["dialogue_id"]) for path in data]).head(most)
    return found.join(ids, on="dialogue_id", how="semi", maintain_order="left")


def _folder(workspace: Workspace, run: str, ref: Ref) -> Path:
    return workspace.run(run) / "losses" / f"{ref.name}-{ref.version}"


def _split_of(entry: FileEntry) -> str:
    return Path(entry.path).name.partition("-")[0]


def _finished(folder: Path, begun: Scored) -> Scored:
    """What was scored before in the same way; nothing of it where anything differs."""
    if not (folder / SCORED).exists():
        return begun
    before = read_model(folder / SCORED, Scored)
    same = before.model_copy(update={"files": [], "most": {}, "cut": {}}) == begun
    return before if same else begun


def _kept(before: Scored, scope: Scope, wanted: Sequence[tuple[FileEntry, int]]) -> Scored:
    """What was scored before, without the splits of which it lacks something that is wanted now."""
    held, again = {entry.path for entry in before.files}, []
    for split in scope.splits:
        most = before.most.get(split, scope.most)
        wider = most is None or (scope.most is not None and most > scope.most)
        whole = all(Path(entry.path).name in held for entry, _ in wanted if _split_of(entry) == split)
        if most != scope.most and not (wider and whole):
            again.append(split)
    return before.model_copy(
        update={
            "files": [entry for entry in before.files if _split_of(entry) not in again],
            "most": dict.fromkeys(scope.splits, scope.most) | _without(before.most, again),
            "cut": _without(before.cut, again),
        }
    )


def _without(by_split: dict[str, T], splits: Sequence[str]) -> dict[str, T]:
    return {split: value for split, value in by_split.items() if split not in splits}


def _wanted(data: Sequence[FileEntry], scope: Scope) -> Iterator[tuple[FileEntry, int]]:
    """Data files, and how many of their rows are scored."""
    for split in scope.splits:
        room = scope.most
        for entry in data:
            if _split_of(entry) == split and room != 0:
                rows = entry.rows if room is None else min(entry.rows, room)
                room = None if room is None else room - rows
                yield entry, rows


def _published(folder: Path, name: str, losses: pl.DataFrame, cut: int, done: Scored) -> Scored:
    """Write a table, then the record that lists it."""
    with atomic(folder / name) as stream:
        write_parquet(losses, stream)
    entry = entry_of(folder / name, folder, losses.height)
    split = _split_of(entry)
    counted = done.cut | {split: done.cut.get(split, 0) + cut}
    done = done.model_copy(update={"files": [*done.files, entry], "cut": counted})
    write_model(folder / SCORED, done)
    return done


@dataclass
class _Scorer:
    pair: Pair
    tokenizer: "PreTrainedTokenizerFast"
    begun: Scored
    progress: Callable[[int, int], None]
    total: int
    dialogues: int

    def of_file(self, path: Path, entry: FileEntry, rows: int) -> tuple[pl.DataFrame, int]:
        """Losses of a data file's first rows, and how many of these lost turns for their length."""
        if file_digest(path) != entry.sha256:
            raise IntegrityError(f"{path} is not what its manifest states.", next_step="See `quimbot verify`.")
        frame = read_parquet(path, _COLUMNS).head(rows).with_columns(split=pl.lit(_split_of(entry)))
        told, cut = [pl.DataFrame(schema=LOSSES)], 0
        for chunk in frame.iter_slices(_CHUNK):
            rendered = list(render_all(_dialogues(chunk), self.tokenizer, self.begun.longest))
            cut += sum(each.cut > 0 for each in rendered)
            told.append(self._of_chunk(chunk, rendered))
            self.dialogues += chunk.height
            self.progress(self.dialogues, self.total)
        return pl.concat(told), cut

    def _of_chunk(self, chunk: pl.DataFrame, rendered: list[Rendered]) -> pl.DataFrame:
        with self.pair.base() as base:
            before = turn_losses(base, rendered)
        after = turn_losses(self.pair.adapted, rendered)
        rows = chunk.drop("messages", "untrained").rows(named=True)
        texts = chunk["messages"].to_list()
        found = [
            {
                **rows[each.dialogue],
                **{"run": self.begun.run, "version_id": self.begun.version_id, "position": each.position},
                **{"n_tokens": each.tokens, "n_bytes": len(texts[each.dialogue][each.position]["content"].encode())},
                **{"base_nll": each.nats, "adapter_nll": other.nats},
            }
            for each, other in zip(before, after, strict=True)
        ]
        return pl.DataFrame(found, schema=LOSSES)


def _dialogues(chunk: pl.DataFrame) -> list[tuple[list[dict[str, str]], list[int]]]:
    return list(zip(chunk["messages"].to_list(), chunk["untrained"].to_list(), strict=True))
