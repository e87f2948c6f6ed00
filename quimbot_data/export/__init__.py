"""A version in the formats of other tools: one file a split, and `export.json`, which says what is in it and what not.

    data files -> rows that may go there -> the format's rows -> one file a split -> the register -> one rename

A data file is read, cut and written before the next, so memory is that of one of them. Rows stay in the version's
order, so the same version, format and profile give the same bytes.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import polars as pl

from quimbot_data.buckets import read_parquet
from quimbot_data.export import formats
from quimbot_data.export.folder import RECORD, destination, leaves, may_settle, refuse_strangers, settle, staged
from quimbot_data.export.formats import Format
from quimbot_data.export.register import register, strike_replaced
from quimbot_data.export.report import Exported
from quimbot_data.licence_report import attributions
from quimbot_data.observe import Progress, silent
from quimbot_data.takedowns.holders import refuse_taken
from quimbot_data.transfer import Counts, Rules, add_counts, barring_term, told, transfer_rules
from quimbot_data.workspace import Ref, Workspace, atomic, entry_of, file_digest, write_model
from schemas.errors import IntegrityError, TermsError
from schemas.manifest import SPLITS, FileEntry, SplitName, VersionManifest
from schemas.recipe import Profile

#: Reason of dialogues whose format cannot say that a message stays out of the loss.
UNTRAINED: Final = "untrained"
#: Of LLaMA-Factory.
DESCRIPTION: Final = "dataset_info.json"


@dataclass(frozen=True)
class Choice:
    """What is asked for."""

    form: Format
    profile: Profile
    splits: tuple[SplitName, ...] = SPLITS
    carry_untrained: bool = False
    """`messages-jsonl` alone: mark each message with `train` instead of leaving dialogues out."""

    def untrained(self) -> str:
        """What becomes of messages that must stay out of the loss."""
        if self.form == "parquet":
            return "column"
        return "carried" if self.form == "messages-jsonl" and self.carry_untrained else "left out"


@dataclass
class _Tally:
    """What went in, and what stayed out."""

    rows: int = 0
    licences: set[tuple[str, str]] = field(default_factory=set)
    """Source and licence of each row that went in."""
    left_out: Counts = field(default_factory=dict)


def export(
    workspace: Workspace,
    ref: Ref,
    choice: Choice,
    *,
    output: Path | None = None,
    replace: bool = False,
    progress: Progress = silent,
) -> tuple[Exported, Path, bool]:
    """Write a version for another tool.

    Rows under terms that the profile forbids stay out; rows under `no-transfer` stay out of any folder outside the
    workspace, whatever the profile; a split without rows gets no file. The workspace's register notes the folder.

    Args:
        workspace: holds the version.
        ref: which version.
        choice: format, profile, splits.
        output: the folder to fill; `exports/<name>-<version>-<format>` in the workspace if None.
        replace: let the folder's earlier export give way to this one.
        progress: told of rows as they are done.

    Returns:
        What was exported, where, and whether it was written now.

    Raises:
        MissingError: no such version.
        TermsError: no row may go there, or the version holds rows that were taken down.
        ExistsError: the folder holds another export, or files that no export wrote.
        IntegrityError: the data is not what the manifest states, or the register of exports is not valid.
        LockedError: another export runs, or the version is being written.
        WorkspaceError: the folder cannot be written, or lies among what the workspace keeps.
    """
    manifest = workspace.version_manifest(ref)
    final = destination(workspace, ref, choice.form, output)
    refuse_strangers(final)
    refuse_taken(workspace, ref)
    rules = transfer_rules(workspace, manifest, choice.profile, leaves=leaves(workspace, final))
    with workspace.lock("export"), workspace.lock("version", ref.name, ref.version, shared=True), staged(final) as made:
        exported = _write(workspace.version(ref), manifest, choice, rules, made, progress)
        new = may_settle(made, final, replace=replace)
        register(workspace, exported, final, new=new)
        if new:
            settle(made, final)
            strike_replaced(workspace)
        return exported, final, new


def _write(
    folder: Path, manifest: VersionManifest, choice: Choice, rules: Rules, made: Path, progress: Progress
) -> Exported:
    tally, files = _Tally(), []
    for split in choice.splits:
        parts = _kept(folder, manifest, split, choice, rules, tally)
        files += _write_split(made, split, choice, _counted(parts, tally, progress))
    ref = f"{manifest.name}@{manifest.version}"
    if not files:
        raise TermsError(
            f"Nothing of {ref} is left to export: {told(tally.left_out) or 'these splits hold no dialogue'}.",
            next_step="Choose another profile, format or split.",
        )
    if choice.form == "sharegpt-jsonl":
        files.append(_write_description(made, manifest, [Path(entry.path).stem for entry in files]))
    exported = Exported(
        ref=ref,
        id=manifest.id,
        format=choice.form,
        profile=choice.profile,
        untrained=choice.untrained(),
        dialogues=tally.rows,
        left_out={reason: dict(sorted(by_source.items())) for reason, by_source in sorted(tally.left_out.items())},
        files=files,
        attribution=list(attributions(manifest, sorted(tally.licences))),
    )
    write_model(made / RECORD, exported)
    return exported


def _kept(
    folder: Path, manifest: VersionManifest, split: SplitName, choice: Choice, rules: Rules, tally: _Tally
) -> Iterator[pl.DataFrame]:
    """The rows of a split that may go, file by file."""
    reason = barring_term(rules)
    if choice.untrained() == "left out":
        reason = pl.coalesce(reason, pl.when(pl.col("untrained").list.len() > 0).then(pl.lit(UNTRAINED)))
    for entry in manifest.data:
        if entry.path.startswith(f"data/{split}-"):
            rows = _read(folder, entry, manifest).with_columns(reason.alias("reason"))
            add_counts(tally.left_out, rows.select("source", "reason"))
            yield rows.filter(pl.col("reason").is_null()).drop("reason")


def _read(folder: Path, entry: FileEntry, manifest: VersionManifest) -> pl.DataFrame:
    path = folder / entry.path
    if not path.is_file() or file_digest(path) != entry.sha256:
        ref = f"{manifest.name}@{manifest.version}"
        problem = f"{entry.path} of {ref} is not the file that its manifest states."
        raise IntegrityError(problem, next_step=f"Run `quimbot verify {ref}`.")
    return read_parquet(path)


def _counted(parts: Iterator[pl.DataFrame], tally: _Tally, progress: Progress) -> Iterator[pl.DataFrame]:
    for part in parts:
        if part.height:
            tally.rows += part.height
            tally.licences.update(part.select("source", "license").unique().iter_rows())
            progress("write", tally.rows)
            yield part


def _write_split(made: Path, split: SplitName, choice: Choice, parts: Iterator[pl.DataFrame]) -> list[FileEntry]:
    """One file, or none where no rows come."""
    first = next(parts, None)
    if first is None:
        return []
    path = made / f"{split}.{'parquet' if choice.form == 'parquet' else 'jsonl'}"
    with atomic(path) as stream:
        rows = _write_rows(stream, choice, itertools.chain([first], parts))
    return [entry_of(path, made, rows)]


def _write_rows(stream: IO[bytes], choice: Choice, parts: Iterator[pl.DataFrame]) -> int:
    if choice.form == "parquet":
        return formats.write_dialogues(stream, parts)
    if choice.form == "sharegpt-jsonl":
        return formats.write_jsonl(stream, parts, formats.sharegpt_rows)
    carried = choice.untrained() == "carried"
    return formats.write_jsonl(stream, parts, formats.messages_rows_with_train if carried else formats.messages_rows)


def _write_description(made: Path, manifest: VersionManifest, splits: list[str]) -> FileEntry:
    described = formats.sharegpt_description(f"{manifest.name}-{manifest.version}", splits)
    with atomic(made / DESCRIPTION) as stream:
        stream.write((json.dumps(described, indent=1) + "\n").encode())
    return entry_of(made / DESCRIPTION, made, 0)
