"""Bring your own: dialogues in one of the layouts that chat data usually has, under a name and terms that you give.

Who, where, licence    as the command line states them
Files                  a JSON array, JSON Lines (plain or gzip) or Parquet; layouts may differ from file to file
One row                in any of these layouts (`LAYOUTS`); roles go by many names (`turns.ROLES`)

    {"messages": [{"role": "user", "content": "Name a fruit."}, {"role": "assistant", "content": "A pear."}]}
    {"conversations": [{"from": "human", "value": "Name a fruit."}, {"from": "gpt", "value": "A pear."}]}
    {"instruction": "Name a fruit.", "input": "Its letter: P", "output": "A pear."}        (or `response`)
    {"message_id": "a", "role": "prompter", "text": "Name a fruit.", "replies": [{…}]}     (or within `prompt`)
    {"message_id": "b", "parent_id": "a", "role": "assistant", "text": "A pear."}          (a row a message)

`system` may hold system text. The row's own id comes from the first of `KEYS` that is there, its language from `lang`
or `language`. Of `output` and `response` the first that is there counts. Trees: see `trees`. Every row is carried or
refused: as `no-conversation` where it has no layout, else by the names in `turns` and `trees`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from quimbot_data.licenses import licence_named
from quimbot_data.sources.files import RawFile, raw_files
from quimbot_data.sources.flat_trees import tree_batches
from quimbot_data.sources.records import mappings, record_keys, records
from quimbot_data.sources.source import Corpus, Dossier, Normalized, Options, RawBatch, drafts, rejects
from quimbot_data.sources.trees import Branch, flat_messages, message_id, nested_messages, tell
from quimbot_data.sources.turns import Assembled, Refusal, Turn, assemble, is_blank, read_turns
from schemas.errors import InputError
from schemas.fields import FAMILIES, SOURCE_PATTERN, TERMS

#: Layouts by the keys that they need.
LAYOUTS: Final[Mapping[str, frozenset[str]]] = {
    "messages": frozenset({"messages"}),
    "conversations": frozenset({"conversations"}),
    "instruction + output": frozenset({"instruction", "output"}),
    "instruction + response": frozenset({"instruction", "response"}),
    "message_tree_id + prompt": frozenset({"message_tree_id", "prompt"}),
    "message_id + text + role": frozenset({"message_id", "text", "role"}),
}
#: Where a row's own id may stand, in this order.
KEYS: Final = ("id", "conversation_id", "uuid", "dialogue_id", "message_id")

_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".parquet", ".gz")


def corpus(
    name: str,
    family: str,
    license: str,  # noqa: A002
    terms: Sequence[str],
    *,
    title: str | None = None,
    attribution: str = "",
    url: str = "",
) -> Corpus:
    """A corpus of the caller's own files.

    Args:
        name: what the source is called from here on.
        family: one of `schemas.fields.FAMILIES`.
        license: SPDX id or `LicenseRef-…`.
        terms: some of `schemas.fields.TERMS`.
        title: what to call it in documents; the name where absent.
        attribution: the line to print wherever rows of it are published.
        url: where it is found.

    Raises:
        InputError: a name, family, licence or term that the schema does not allow.
    """
    if not re.fullmatch(SOURCE_PATTERN, name):
        raise InputError(f"{name!r} is no source name.", valid=f"Valid: {SOURCE_PATTERN}")
    if family not in FAMILIES:
        raise InputError(f"{family!r} is no family.", valid=f"Valid: {', '.join(FAMILIES)}.")
    if wrong := sorted(set(terms) - set(TERMS)):
        raise InputError(f"{', '.join(wrong)} are no terms.", valid=f"Valid: {', '.join(TERMS)}.")
    dossier = Dossier(
        name=name,
        title=title or name,
        family=family,
        license=licence_named(license),
        terms=tuple(sorted(set(terms))),
        url=url,
        attribution=attribution,
        obtain="Your own files: `quimbot ingest messages PATH… --as NAME --family FAMILY --license LICENSE`.",
    )
    return Corpus(dossier, read, partial(normalize, dossier), recognizes)


def recognizes(columns: frozenset[str]) -> bool:
    """Whether a layout's keys are among these."""
    return any(needed <= columns for needed in LAYOUTS.values())


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Batches of all files; flat trees come last, a tree's messages in one batch whichever files they lie in.

    Raises:
        InputError: a file in none of the layouts; also see `records.records`.
    """
    files = raw_files(paths, _SUFFIXES)
    flat = {file for file in files if _is_flat_tree(file)}
    for file in files:
        if file not in flat:
            yield from records(file)
    yield from tree_batches(sorted(flat))


def _is_flat_tree(file: RawFile) -> bool:
    keys = record_keys(file)
    if keys and not recognizes(keys):
        found = f"{file.path} has none of the layouts that can be read; its keys: {', '.join(sorted(keys))}."
        raise InputError(found, valid=f"Valid: {'; '.join(LAYOUTS)}.", next_step="Rename its columns.")
    return keys >= LAYOUTS["message_id + text + role"] and not keys & {"replies", "messages", "conversations"}


def normalize(dossier: Dossier, batch: RawBatch, options: Options) -> Normalized:
    """One dialogue a row, or one a branch where rows are trees."""
    told: list[dict[str, Any]] = []
    refused: dict[int, Refusal] = {}
    repaired: Counter[str] = Counter()
    nested, flat = [], []
    for part, row in enumerate(mappings(batch)):
        if _holds_turns(row) or not _holds_tree(row):
            dialogue = _dialogue(row)
            if isinstance(dialogue, Refusal):
                refused[part] = dialogue
            else:
                told.append(_draft(row, [part], dialogue))
                repaired.update(dialogue.repairs)
        elif row.get("replies") is not None or isinstance(row.get("prompt"), dict):
            nested.append(nested_messages(row, part))
        else:
            flat.append((part, row))
    joined, stray = flat_messages(flat)
    refused |= stray
    for forest in map(tell, [*nested, joined]):
        told += [_draft(branch.path[-1].row, branch.parts, branch.dialogue, branch) for branch in forest.branches]
        refused |= forest.refused
        repaired += forest.repaired
    provenance = {"revision": options.revision, "derived": None}
    for draft in told:
        draft |= {"license": dossier.license, "terms": list(dossier.terms), "untrained": []}
        draft["provenance"] |= provenance
    return Normalized(drafts(told), rejects([(part, *refused[part]) for part in sorted(refused)]), dict(repaired))


def _holds_turns(row: Mapping[str, Any]) -> bool:
    return row.get("messages") is not None or row.get("conversations") is not None


def _holds_tree(row: Mapping[str, Any]) -> bool:
    return isinstance(row.get("prompt"), dict) or ("message_id" in row and "text" in row)


def _draft(
    row: Mapping[str, Any], parts: Sequence[int], dialogue: Assembled, branch: Branch | None = None
) -> dict[str, Any]:
    """What rows say of themselves; of a branch, `row` is the last message, and its own id the key."""
    key = branch.path[-1].key if branch else next(filter(None, (message_id(row.get(name)) for name in KEYS)), None)
    language = row.get("lang") or row.get("language")
    return {
        "key": key,
        "parts": parts,
        "messages": dialogue.messages,
        "language_declared": language if isinstance(language, str) else None,
        "provenance": {"raw_id": key, "lineage": branch.path[-1].lineage if branch else None},
    }


def _dialogue(row: Mapping[str, Any]) -> Assembled | Refusal:
    turns, system = _turns(row), row.get("system")
    if isinstance(turns, Refusal):
        return turns
    if not isinstance(system, str | None):
        return Refusal("malformed-turn", f"system is a {type(system).__name__}, not text")
    return assemble(turns, system)


def _turns(row: Mapping[str, Any]) -> list[Turn] | Refusal:
    for name in ("messages", "conversations"):
        if row.get(name) is not None:
            return read_turns(row[name])
    if "instruction" not in row or not row.keys() & {"output", "response"}:
        return Refusal("no-conversation", f"none of the layouts; keys: {', '.join(sorted(row))}")
    asked = [row["instruction"], row.get("input")]
    if not all(isinstance(text, str | None) for text in asked):
        return Refusal("malformed-turn", "instruction or input is no text")
    answer = row.get("response") if row.get("output") is None else row["output"]
    question = "\n\n".join(text for text in asked if text and not is_blank(text))
    return read_turns([{"role": "user", "content": question}, {"role": "assistant", "content": answer}])
