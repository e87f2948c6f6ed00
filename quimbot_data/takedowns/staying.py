"""Rows that are like those that go, and stay, since nobody asked for them: they are told, so that somebody may.

near-copies        other rows, which builds leave out
branches           dialogues of a tree that hold a question of one that goes
refused rows       raw rows that were refused at ingest, and quote one that goes
"""

from collections.abc import Iterable
from typing import Final

from quimbot_data.buckets import read_parquet
from quimbot_data.takedowns.exclusion import THRESHOLD
from quimbot_data.takedowns.ledger import entries
from quimbot_data.takedowns.marks import StoredSets, sets_of
from quimbot_data.takedowns.raw_rows import COLUMNS, Plan
from quimbot_data.takedowns.resolve import dialogue_frames, raw_hash, text_frames
from quimbot_data.takedowns.shared import still_sharing, told_of
from quimbot_data.takedowns.texts import strings_of_json
from quimbot_data.terminal import counted
from quimbot_data.words import own_texts

#: Rows that are named where there are more.
_NAMED: Final = 5
_AT_ONCE: Final = 1_000


def rows_that_stay(made: Plan) -> list[str]:
    """What stays of corpora though it is like a row that goes, in words."""
    known = entries(made.workspace)
    held = [still_sharing(made.workspace, entry, known) for entry in made.wanted]
    shared = [f"{told_of(names)} (to erase them, take them down)" for names in held if names]
    return [*dict.fromkeys(shared), *_refused(made), *_near_copies(made)]


def _some(names: Iterable[str]) -> str:
    held = sorted(names)
    return ", ".join(held[:_NAMED]) + (", …" if len(held) > _NAMED else "")


def _refused(made: Plan) -> list[str]:
    """Refused rows that quote a row, in the raw file and in the corpus's rejects."""
    taken = {row.sha256 for entry in made.wanted for row in entry.rows.refused}
    found, told = [], made.copies.told
    for source in made.workspace.sources():
        for file in made.workspace.corpus_manifest(source).rejected:
            rows = read_parquet(made.workspace.corpus(source) / file.path, ["raw_file", "raw_row", "raw"])
            for some in rows.iter_slices(_AT_ONCE):
                hits = told.hits([strings_of_json(raw) for raw in some["raw"]], told.longest)
                quoting = [some.row(at) for at in hits]
                found += [f"{source}: {name}, row {n}" for name, n, raw in quoting if raw_hash(raw) not in taken]
    if not found:
        return []
    rows_told = f"{counted(len(found), 'refused row')} {'quotes' if len(found) == 1 else 'quote'} it and "
    rows_told += "stays" if len(found) == 1 else "stay"
    return [f"{rows_told}, in corpus and raw file: to erase, take down by --match or --raw-id: {_some(found)}"]


def _near_copies(made: Plan) -> list[str]:
    """Near-copies are other rows: builds leave them out, and they stay unless they are taken down themselves."""
    stored, near = StoredSets.of(made.wanted), set[str]()
    for rows in dialogue_frames(made.workspace, COLUMNS):
        rest = rows.filter(made.marks.of_dialogue().is_null())
        near |= {rest["dialogue_id"][place] for place, _ in stored.near(sets_of(own_texts(rest)), THRESHOLD)}
    for rows in text_frames(made.workspace):
        rest = rows.filter(made.marks.of_text().is_null())
        near |= {rest["text_id"][place] for place, _ in stored.near(sets_of(rest["text"]), THRESHOLD)}
    if not near:
        return []
    some = _some(near)
    if len(near) == 1:
        return [f"1 near-copy stays, though no build takes it: to erase it, take down {some}"]
    return [f"{len(near):,} near-copies stay, though no build takes them: to erase them, take down {some}"]
