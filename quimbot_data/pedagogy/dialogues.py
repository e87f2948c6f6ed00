"""Dialogues to be measured: of a version, of a generator's file, or of anybody's, one plain mapping each.

    one of our rows                                        messages, pedagogy, provenance as in `schemas.dialogue`
    a generator's row                                      see `quimbot_data.sources.synthetic`
    a chat layout                                          `quimbot_data.sources.messages.LAYOUTS`, trees left out
    {"conversation": "Teacher: (focus)…|EOM|Student: …"}   MathDial (Macina et al. 2023)
    {"c_h": […], "c_r_": […]}                              Bridge (Wang et al. 2024): an exchange, an expert's reply
    {"prepDataset": {"0": {"past_convo": […], …}}}         CIMA (Stasaski et al. 2020): an exchange a tutor's reply
    {"conversation_history": …, "anno_llm_responses": …}   MRBench (Maurya et al. 2025): an exchange a tutor system

Unlike a corpus, measures also take dialogues that open with the tutor; neighbouring turns by one speaker become one.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quimbot_data.sources.files import RawFile, raw_files, sniff
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.turns import ROLES, Refusal, is_blank, read_turns
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError, IntegrityError, MissingError

if TYPE_CHECKING:
    import polars as pl

Dialogue = dict[str, Any]
Turns = list[tuple[str, str]]

_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".parquet", ".gz")
_SPEAKERS: Final[Mapping[str, str]] = {
    **ROLES,
    **dict.fromkeys(("tutor", "teacher"), "assistant"),
    **dict.fromkeys(("student", "learner"), "user"),
}
_SPOKEN: Final = re.compile(r"(?:^|(?<=[\s]))(Tutor|Teacher|Student):[ \u00a0]*")
_MOVE: Final = re.compile(r"^\((?:generic|focus|probing|telling)\)\s*")
#: What a file may hold, for its errors.
_VALID: Final = (
    "Valid: our own rows or a generator's (Parquet, JSON Lines), rows with messages or conversations, "
    "or the files of MathDial, Bridge, CIMA and MRBench."
)


def dialogues_at(workspace: Workspace, place: str) -> list[Dialogue]:
    """Dialogues of a file or folder, or of a version's pedagogical share.

    Args:
        workspace: holds the version, where one is named.
        place: a path, or NAME@X.Y.Z.

    Raises:
        MissingError: neither a file nor a version.
        InputError: a file that cannot be read, or that holds no dialogue.
    """
    if Path(place).exists():
        return list(read_dialogues(Path(place)))
    if "@" not in place:
        raise MissingError(f"There is no file {place}.", valid="Name a file of dialogues, or a version, NAME@X.Y.Z.")
    ref = Ref.parse(place)
    found = version_dialogues(workspace.version(ref), [e.path for e in workspace.version_manifest(ref).data])
    if not found:
        raise InputError(f"{ref} holds no annotated dialogue.", next_step="Its recipe has no pedagogical component.")
    # In the order of the card's measures, repeats of an epoch left out, so that both say the same.
    by_content = {
        str(row["content_hash"]): row for row in sorted(found, key=lambda row: str(row["dialogue_id"]), reverse=True)
    }
    return [by_content[key] for key in sorted(by_content)]


def version_dialogues(folder: Path, data: Iterable[str], ids: "pl.Series | None" = None) -> list[Dialogue]:
    """Dialogues of a version with annotations of a tutor, in the order of its files, each with its split.

    Args:
        folder: the version's.
        data: paths of its data files below that.
        ids: of those asked for; all where None.

    Raises:
        IntegrityError: a file is not there or cannot be read.
    """
    columns = ["dialogue_id", "content_hash", "language", "messages", "pedagogy", "provenance"]
    return [
        {**row, "split": Path(path).name.partition("-")[0]}
        for path in data
        for row in annotated_rows(folder / path, columns, ids).to_dicts()
    ]


def annotated_rows(file: Path, columns: Sequence[str], ids: "pl.Series | None" = None) -> "pl.DataFrame":
    """Columns of the rows of a data file that have annotations.

    Raises:
        IntegrityError: the file is not there or cannot be read.
    """
    import polars as pl

    wanted = pl.col("pedagogy").is_not_null()
    if ids is not None:
        wanted &= pl.col("dialogue_id").is_in(ids.implode())
    try:
        return pl.scan_parquet(file).filter(wanted).select(columns).collect()
    except (OSError, pl.exceptions.PolarsError) as error:
        raise IntegrityError(f"{file} cannot be read: {error}.", next_step="Run `quimbot verify`.") from error


def read_dialogues(path: Path) -> Iterator[Dialogue]:
    """Dialogues of a file or of all files in a folder.

    Raises:
        InputError: a file in none of the layouts above, or damaged; a row that is no dialogue; no dialogue at all.
    """
    empty = True
    for file in raw_files([path], _SUFFIXES):
        for number, row in enumerate(_rows(file)):
            for part, dialogue in enumerate(_dialogues(row, file, number)):
                empty = False
                yield {"dialogue_id": f"{file.name}#{number}.{part}", "language": "en"} | dialogue
    if empty:
        raise InputError(f"{path} holds no dialogue.", valid=_VALID)


def _rows(file: RawFile) -> Iterator[Mapping[str, Any]]:
    if file.path.suffix == ".json" and sniff(file) != "json-array" and (whole := _whole_object(file)):
        yield from _unpacked(whole)
        return
    for batch in records(file):
        if batch.unreadable is not None:
            first = batch.unreadable.row(0, named=True)
            raise InputError(
                f"{file.path}, row {first['raw_row']}: {first['reason']} ({first['detail']}).", valid=_VALID
            )
        for row in mappings(batch):
            yield from _unpacked(row)


def _whole_object(file: RawFile) -> dict[str, Any] | None:
    """The one JSON object of a file, which may go over many lines; None where it holds several, or none."""
    try:
        found = json.loads(file.path.read_text("utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _unpacked(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """CIMA's one object holds all its dialogues."""
    inside = row.get("prepDataset")
    yield from inside.values() if isinstance(inside, dict) else (row,)


def _dialogues(row: Mapping[str, Any], file: RawFile, number: int) -> Iterator[Dialogue]:
    """The dialogues of a row: of MRBench as many as there are tutors."""
    told = {name: row[name] for name in ("dialogue_id", "language", "pedagogy", "split") if row.get(name) is not None}
    told |= _origin(row)
    try:
        if "anno_llm_responses" in row:
            yield from _mrbench(row)
        elif "past_convo" in row:
            for reply in row["tutorResponses"]:
                yield told | {"messages": merged([("user", row["past_convo"][-1]), ("assistant", reply)])}
        elif (turns := _native(row)) is not None:
            yield told | {"messages": merged(turns)}
        else:
            yield told | {"messages": _chat(row)}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InputError(f"{file.path}, row {number} is no dialogue: {error}.", valid=_VALID) from error


def _origin(row: Mapping[str, Any]) -> Dialogue:
    """Seed and template, wherever a row says so: what must not straddle the folds of a classifier."""
    provenance = row.get("provenance") or {}
    derived = provenance.get("derived") or {}
    found = {
        "seed_id": row.get("seed_id") or provenance.get("lineage"),
        "template_id": row.get("template_id") or derived.get("template_id"),
        "language": row.get("language"),
        "dialogue_id": row.get("dialogue_id") or row.get("id"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _native(row: Mapping[str, Any]) -> Turns | None:
    if isinstance(row.get("conversation"), str) and "|EOM|" in row["conversation"]:
        parts = [part.partition(":") for part in row["conversation"].split("|EOM|")]
        # A learner goes by a name of their own.
        return [
            ("assistant" if s.strip() == "Teacher" else "user", _MOVE.sub("", text.strip())) for s, _, text in parts
        ]
    if "c_h" in row:
        chat = merged([(_role(turn["user"]), turn["text"]) for turn in row["c_h"]])
        reply = " ".join(turn["text"] for turn in row["c_r_"])
        return [(chat[-1]["role"], chat[-1]["content"]), ("assistant", reply)]
    return None


def _mrbench(row: Mapping[str, Any]) -> Iterator[Dialogue]:
    history = spoken_turns(row["conversation_history"])
    for system, reply in row["anno_llm_responses"].items():
        told = {"dialogue_id": f"{row['conversation_id']}/{system}", "system": system}
        yield told | {"messages": merged([*history[-1:], ("assistant", reply["response"])])}


def spoken_turns(text: str) -> Turns:
    """Turns of a transcript whose speakers stand before their words (`Tutor: … Student: …`)."""
    parts = _SPOKEN.split(text)[1:]
    return [(_role(speaker), said.strip()) for speaker, said in zip(parts[::2], parts[1::2], strict=True)]


def _role(speaker: str) -> str:
    return _SPEAKERS[speaker.strip().lower()]


def _chat(row: Mapping[str, Any]) -> list[dict[str, str]]:
    listed = row.get("messages") or row.get("conversations")
    if listed is None and "instruction" in row:
        answer = str(row.get("output") or row.get("response"))
        return merged([("user", row["instruction"]), ("assistant", answer)])
    turns = read_turns(listed)
    if isinstance(turns, Refusal):
        raise ValueError(f"{turns.reason}, {turns.detail}")
    return merged([(_role(turn.role), turn.text) for turn in turns])


def merged(turns: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Messages of these turns, without blank ones; neighbours by one speaker as one, joined by a blank."""
    messages: list[dict[str, str]] = []
    for role, text in turns:
        if is_blank(text):
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] += " " + text.strip()
        else:
            messages.append({"role": role, "content": text.strip()})
    return messages
