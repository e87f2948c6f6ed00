"""Losses that flow back to the data: every turn of a version under a run's base and under its adapter.

A table for each data file, `runs/<run>/losses/<version>/<split>-NNNNN-of-NNNNN.parquet`, one row a trained assistant
turn; `scored.json` lists the finished ones. It holds ids and figures and no text, so it may stay when rows go. The SQL
views `losses` and `dialogue_losses` stand on it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from quimbot_data.buckets import read_parquet, write_parquet
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
Progress = Callable[[str, int], None]


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


def score(
    workspace: Workspace, ref: Ref, run: str, scope: Scope = Scope(), progress: Progress = lambda step, rows: None
) -> Scored:
    """Score a version's dialogues; files that were finished before are kept.

    Args:
        workspace: holds version and run.
        ref: the version; it need not be the one that the run was trained on.
        run: whose base and adapter.
        scope: which dialogues.
        progress: told dialogues as they are done.

    Raises:
        MissingError: no such version or run, or the splits hold nothing.
        ModelError: the base is not the one that the run was trained on.
        IntegrityError: the run's adapter is not the one that it recorded, or a data file is not the version's.
    """
    record, manifest = finished_run(workspace, run), workspace.version_manifest(ref)
    folder = _folder(workspace, run, ref)
    begun = Scored(
        run=run, version=str(ref), version_id=manifest.id, template_sha256=template_hash(),
        adapter=record.adapter, most=scope.most, longest=scope.longest,
    )  # fmt: skip
    with workspace.lock("losses", run, ref.name, ref.version):
        done = _finished(folder, begun)
        wanted = list(_wanted(manifest.data, scope))
        if not wanted:
            raise MissingError(f"{ref} has no dialogue in {', '.join(scope.splits)}.", next_step="See `quimbot show`.")
        left = [each for each in wanted if Path(each[0].path).name not in {entry.path for entry in done.files}]
        if left:
            check_base(record)
            scorer = _Scorer(load_pair(workspace, record), tokenizer_of(record), begun, progress)
            for entry, rows in left:
                losses, cut = scorer.of_file(workspace.version(ref) / entry.path, entry, rows)
                done = _published(folder, Path(entry.path).name, losses, cut, done)
    return done


def losses_of(workspace: Workspace, scored: Scored, split: str) -> pl.DataFrame:
    """The losses that a score lists of one split, as in `LOSSES`."""
    folder = _folder(workspace, scored.run, Ref.parse(scored.version))
    files = [entry.path for entry in scored.files if entry.path.partition("-")[0] == split]
    return pl.concat([pl.DataFrame(schema=LOSSES), *(read_parquet(folder / path) for path in files)])


def _folder(workspace: Workspace, run: str, ref: Ref) -> Path:
    return workspace.run(run) / "losses" / f"{ref.name}-{ref.version}"


def _finished(folder: Path, begun: Scored) -> Scored:
    """What was scored before in the same way; nothing of it where anything differs."""
    if not (folder / SCORED).exists():
        return begun
    before = read_model(folder / SCORED, Scored)
    same = before.model_copy(update={"files": [], "cut": 0}) == begun
    return before if same else begun


def _wanted(data: Sequence[FileEntry], scope: Scope) -> Iterator[tuple[FileEntry, int]]:
    """Data files, and how many of their rows are scored."""
    for split in scope.splits:
        room = scope.most
        for entry in data:
            if Path(entry.path).name.partition("-")[0] == split and room != 0:
                rows = entry.rows if room is None else min(entry.rows, room)
                room = None if room is None else room - rows
                yield entry, rows


def _published(folder: Path, name: str, losses: pl.DataFrame, cut: int, done: Scored) -> Scored:
    """Write a table, then the record that lists it."""
    with atomic(folder / name) as stream:
        write_parquet(losses, stream)
    entry = entry_of(folder / name, folder, losses.height)
    done = done.model_copy(update={"files": [*done.files, entry], "cut": done.cut + cut})
    write_model(folder / SCORED, done)
    return done


@dataclass
class _Scorer:
    pair: Pair
    tokenizer: "PreTrainedTokenizerFast"
    begun: Scored
    progress: Progress
    dialogues: int = 0

    def of_file(self, path: Path, entry: FileEntry, rows: int) -> tuple[pl.DataFrame, int]:
        """Losses of a data file's first rows, and how many of these lost turns for their length."""
        if file_digest(path) != entry.sha256:
            raise IntegrityError(f"{path} is not what its manifest states.", next_step="See `quimbot verify`.")
        frame = read_parquet(path, _COLUMNS).head(rows).with_columns(split=pl.lit(path.name.partition("-")[0]))
        told, cut = [pl.DataFrame(schema=LOSSES)], 0
        for chunk in frame.iter_slices(_CHUNK):
            rendered = list(render_all(_dialogues(chunk), self.tokenizer, self.begun.longest))
            cut += sum(each.cut > 0 for each in rendered)
            told.append(self._of_chunk(chunk, rendered))
            self.dialogues += chunk.height
            self.progress("score", self.dialogues)
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
