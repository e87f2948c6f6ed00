"""Magpie: instructions that aligned models wrote when given an empty prompt, with their own answers.

What: 300,000 filtered pairs (Magpie-Pro-300K-Filtered); sister sets by other models, several turns, or with reasoning.
Who: Xu et al., "Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing" (ICLR 2025).
Licence: the cards say Llama 3 (or 3.1) community licence, the authors' repository CC BY-NC 4.0: both are kept.
Link: https://huggingface.co/datasets/Magpie-Align/Magpie-Pro-300K-Filtered

The filtered set has `conversations` and `uuid` only; sister sets add or have instead `instruction`/`response` or
`input`/`output`, `instruction_2`/`response_2` and so on, `conversation_id` for `uuid`, and labels. One raw row:

    {"uuid": "0f…", "instruction": "Name a river.", "response": "The Nile.", "language": "EN", "llama_guard_2": "safe",
     "conversations": [{"from": "human", "value": "Name a river."}, {"from": "gpt", "value": "The Nile."}],
     "min_similar_uuid": "0f…", "difficulty": "very easy", "gen_input_configs": {…}}

Where both forms are there, `conversations` wins. Near duplicates name the row that they resemble (`min_similar_uuid`, a
row's own uuid where it comes first); it becomes their lineage, so that all of them share a split. An instruction
that ends in a colon was cut while sampling: no fault here, but a quality signal later.

Rejects: `no-response` (an instruction alone, or with candidate `responses`, which no published set has), and those of
`quimbot_data.sources.turns`. Repairs: theirs, and `columns-disagree` (the columns differ from `conversations`).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

from quimbot_data.hub import HubFiles
from quimbot_data.sources.files import raw_files
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.source import Corpus, Dossier, Normalized, Options, RawBatch, drafts, rejects
from quimbot_data.sources.turns import Assembled, Refusal, Turn, assemble, is_blank, read_turns

DOSSIER: Final = Dossier(
    name="magpie",
    title="Magpie-Pro-300K-Filtered",
    family="instruction",
    license="LicenseRef-Llama-3-Community AND CC-BY-NC-4.0",
    terms=("attribution", "non-commercial"),
    url="https://huggingface.co/datasets/Magpie-Align/Magpie-Pro-300K-Filtered",
    obtain="Open: `quimbot fetch magpie` (564 MB).",
    hub=HubFiles("Magpie-Align/Magpie-Pro-300K-Filtered", ("data/*.parquet",)),
    attribution="Magpie (Xu et al. 2024), made with Meta Llama 3; CC BY-NC 4.0. Built with Meta Llama 3.",
)

_MARKS: Final = frozenset({"uuid", "conversation_id", "gen_input_config", "gen_input_configs"})
_TEXTS: Final = frozenset({"conversations", "instruction", "input"})
#: Llama Guard 2 answers "safe", or "unsafe" and a line of category codes.
_CATEGORY: Final = re.compile(r"S[0-9]+")

Row = Mapping[str, Any]


def recognizes(columns: frozenset[str]) -> bool:
    """Whether these are Magpie columns: text in any of its forms, and an id or the sampler's settings."""
    return bool(columns & _TEXTS and columns & _MARKS)


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Parquet or JSON, batch by batch.

    Raises:
        InputError: see `records.records`.
    """
    for file in raw_files(paths, (".parquet", ".json", ".jsonl", ".gz")):
        yield from records(file)


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """One dialogue a row, keyed by `uuid` or `conversation_id`."""
    told, refused, repaired = [], [], Counter[str]()
    for part, row in enumerate(mappings(batch)):
        dialogue = _dialogue(row)
        if isinstance(dialogue, Refusal):
            refused.append((part, *dialogue))
        else:
            repaired.update(dialogue.repairs)
            told.append(_draft(part, row, dialogue.messages, options))
    return Normalized(drafts(told), rejects(refused), dict(repaired))


def _dialogue(row: Row) -> Assembled | Refusal:
    pairs = _pairs(row)
    if row.get("conversations"):
        turns = read_turns(row["conversations"])
        if isinstance(turns, Refusal):
            return turns
        dialogue = assemble(turns)
        if isinstance(dialogue, Refusal) or not _disagree(turns, pairs):
            return dialogue
        return Assembled(dialogue.messages, dialogue.positions, dialogue.repairs | {"columns-disagree"})
    if not pairs:
        return Refusal("no-conversation", "neither conversations nor an instruction")
    if is_blank(pairs[1].text):
        found = "responses, but no response chosen" if row.get("responses") else "no response"
        return Refusal("no-response", f"an instruction with {found}")
    return assemble(pairs)


def _pairs(row: Row) -> list[Turn]:
    """Turns out of the columns `instruction` and `response`, `instruction_2` and `response_2`, and so on.

    Where a later response is blank its instruction is left dangling, for the turn policies to drop.
    """
    turns: list[Turn] = []
    for number in count(1):
        suffix = f"_{number}" if number > 1 else ""
        asked, answered = (_column(row, f"{name}{suffix}") for name in ("instruction", "response"))
        if is_blank(asked) and is_blank(answered):
            return turns
        turns.append(Turn("user", asked))
        if number == 1 or not is_blank(answered):
            turns.append(Turn("assistant", answered))
    return turns


def _column(row: Row, name: str) -> str:
    """A column's text, by its later name where the variant has that one; blank for none."""
    older, newer = name, name.replace("instruction", "input").replace("response", "output")
    return next((value for value in (row.get(older), row.get(newer)) if isinstance(value, str) and value), "")


def _disagree(turns: Sequence[Turn], pairs: Sequence[Turn]) -> bool:
    """Whether the columns say something else than the conversation begins with; columns may hold its start only."""
    spoken = [turn.text.strip() for turn in turns if turn.role != "system"]
    columns = [turn.text.strip() for turn in pairs]
    return any(text and text != said for text, said in zip(columns, spoken, strict=False)) or len(columns) > len(spoken)


def _draft(part: int, row: Row, messages: list[dict[str, str]], options: Options) -> dict[str, Any]:
    raw_id = _label(row, "uuid") or _label(row, "conversation_id")
    return {
        "key": raw_id,
        "parts": [part],
        "messages": messages,
        "untrained": [],
        "language_declared": _label(row, "language"),
        "license": DOSSIER.license,
        "terms": list(DOSSIER.terms),
        "provenance": {
            "raw_id": raw_id,
            "revision": options.revision,
            "lineage": _label(row, "min_similar_uuid"),
            "derived": None,
        },
        "safety": _safety(_label(row, "llama_guard_2"), len(messages)),
    }


def _label(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if value is None or is_blank(str(value)) else str(value).strip()


def _safety(verdict: str | None, messages: int) -> dict[str, Any] | None:
    """Llama Guard's verdict, which is about the whole dialogue."""
    if verdict is None:
        return None
    label = verdict.split()[0].lower()
    return {
        "flagged": label != "safe",
        "categories": list(dict.fromkeys(_CATEGORY.findall(verdict))),
        "label": label,
        "rules_of_thumb": [],
        "flagged_positions": list(range(messages)) if label != "safe" else [],
        "scores": [],
        "classifier": None,
    }


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes)
