"""ProsocialDialog: people say something problematic, a helper answers by social norms.

What: 58,137 English dialogues (165,681 exchanges), each turn of the user labelled for safety by three workers, with
rules of thumb that the answers follow.
Who: Kim et al., "ProsocialDialog: A Prosocial Backbone for Conversational Agents" (EMNLP 2022).
Licence: CC-BY-4.0.
Link: https://huggingface.co/datasets/allenai/prosocial-dialog

The Hub's `train.json`, `valid.json` and `test.json` are JSON Lines; one row is an exchange:

    {"context": "I read my sister's diary.", "response": "She trusted you; tell her and say sorry.",
     "rots": ["You should respect people's privacy."], "safety_label": "__needs_caution__",
     "safety_annotations": […], "safety_annotation_reasons": […], "source": "socialchemistry", "etc": "…",
     "dialogue_id": 7, "response_id": 0, "episode_done": false}

A dialogue is the rows of one split with one `dialogue_id`, by `response_id`, whatever files and places they stand in.
The authors' own download has `text` and `labels` for context and response, no ids, and a dialogue as a list of turns,
or as consecutive rows up to `episode_done`. The turns of a user become `user`, the answers `assistant`.

`safety_label` judges the user's words. A dialogue's label is its worst one; it is flagged, at those turns, from
`needs_caution` on: below, at most two of three workers saw a reason for caution. Labels are degrees, so `categories`
stay empty. `etc` may hold forum ids; it is dropped with the annotations and their reasons.

Rejects, of all rows of a dialogue unless said otherwise: `no-dialogue-id` and `no-response-id` (one row),
`empty-content`, `repeated-response` (a copy alone where the rows say the same, else all), `gap-in-responses` (ids do
not run from 0), `misplaced-episode-end` (rows follow one marked as last), `no-turns`.
Repairs: `missing-episode-end` (no row is marked as last), `unknown-safety-label` (ignored).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from quimbot_data.hub import HubFiles
from quimbot_data.sources.episodes import LIST, Row, dialogues, ends, id_of, whole, whole_dialogues
from quimbot_data.sources.files import raw_files
from quimbot_data.sources.records import mappings
from quimbot_data.sources.source import (
    Corpus,
    Dossier,
    Normalized,
    Options,
    RawBatch,
    drafts,
    rejects,
)

DOSSIER: Final = Dossier(
    name="prosocial",
    title="ProsocialDialog",
    family="safety",
    license="CC-BY-4.0",
    terms=("attribution",),
    url="https://huggingface.co/datasets/allenai/prosocial-dialog",
    obtain="Open on the Hub.",
    hub=HubFiles("allenai/prosocial-dialog", ("*.json",)),
    attribution="ProsocialDialog (Kim et al. 2022), CC BY 4.0.",
)

#: From harmless to urgent, as the paper orders them.
LABELS: Final = ("casual", "possibly_needs_caution", "probably_needs_caution", "needs_caution", "needs_intervention")
FLAGGED_FROM: Final = LABELS.index("needs_caution")


#: Columns of the corpus's own beside the text.
_MARKS: Final = frozenset({"dialogue_id", "episode_done", "response_id", "rots", "safety_label"})


def recognizes(columns: frozenset[str]) -> bool:
    """Exchanges of either export; where a dialogue is a list of turns, rows have no columns."""
    told = {"context", "response"} <= columns or {"text", "labels"} <= columns
    return not columns or (told and bool(columns & _MARKS))  # a context and a response have many


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Whole dialogues, batch by batch; the rows of one split are gathered from all its files first.

    Raises:
        InputError: see `records`.
    """
    yield from whole_dialogues(raw_files(paths, (".json", ".jsonl", ".gz", ".parquet")))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn of the user and its answer; `last` is null where the row does not say."""

    user: Any
    assistant: Any
    label: str | None
    rules: tuple[str, ...]
    last: bool | None

    @classmethod
    def of(cls, row: Row) -> "Exchange":
        """Parse a raw exchange of either export."""
        user, assistant = _texts(row)
        label = str(row.get("safety_label") or "").strip(" _").lower().replace(" ", "_") or None
        rules = row.get("rots") if isinstance(row.get("rots"), list) else [row.get("rots")]
        kept = tuple(rule for rule in rules or [] if isinstance(rule, str) and rule.strip())
        return cls(user, assistant, label, kept, ends(row))

    @property
    def degree(self) -> int | None:
        """The label's place among `LABELS`; null for none or an unknown one."""
        return LABELS.index(self.label) if self.label in LABELS else None


Fault = tuple[str, str]


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """One dialogue for the rows of each, with its safety labels and rules of thumb.

    Returns:
        drafts keyed by `dialogue_id` as text (null where the export has none); it repeats from split to split.
    """
    made: list[dict[str, Any]] = []
    refused: list[tuple[int, str, str]] = []
    repaired: Counter[str] = Counter()
    rows, places = mappings(batch), batch.origins.rows()
    for parts in dialogues(places, rows):
        kept, alone = _sift(parts, rows)
        refused += alone
        exchanges = _exchanges([rows[part] for part in kept])
        fault = _order_fault([places[part] for part in kept], [rows[part] for part in kept])
        if fault := fault or _exchange_fault(exchanges):
            refused += [(part, *fault) for part in kept]
        elif kept:
            key = id_of(rows[kept[0]])
            made.append(_draft(kept, key, exchanges, options))
            repaired += _repairs(exchanges, len(kept))
    return Normalized(drafts(made), rejects(refused), dict(repaired))


def _sift(parts: Sequence[int], rows: Sequence[Row]) -> tuple[list[int], list[tuple[int, str, str]]]:
    """Rows that may form the dialogue, and those that are refused alone: without ids, or copies of an earlier one."""
    kept: list[int] = []
    alone: list[tuple[int, str, str]] = []
    seen: set[str] = set()
    for part in parts:
        row, response = rows[part], whole(rows[part].get("response_id"))
        said = repr((response, *_texts(row)))
        if "dialogue_id" in row and id_of(row) is None:
            alone.append((part, "no-dialogue-id", "dialogue_id is null or blank"))
        elif "dialogue_id" in row and response is None:
            alone.append((part, "no-response-id", f"response_id is {row.get('response_id')!r}"))
        elif response is not None and said in seen:
            alone.append((part, "repeated-response", f"a copy of response {response}"))
        else:
            kept.append(part)
            seen.add(said)
    return kept, alone


def _exchanges(rows: Sequence[Row]) -> list[Exchange]:
    turns = [turn for row in rows for turn in row.get(LIST, [row])]
    return [Exchange.of(turn if isinstance(turn, dict) else {}) for turn in turns]


def _order_fault(places: Sequence[tuple[Any, ...]], rows: Sequence[Row]) -> Fault | None:
    """Whether exchanges are missing or doubled: by `response_id`, or, without ids, by their places in the file."""
    if rows and "dialogue_id" in rows[0]:
        what, numbers = "response ids", [whole(row.get("response_id")) or 0 for row in rows]
        due = list(range(len(rows)))
    else:
        what, numbers = "rows", [place[1] for place in places]
        due = list(range(numbers[0], numbers[0] + len(rows))) if numbers else []
    if len(set(numbers)) < len(numbers):
        return "repeated-response", f"{what} {numbers} with different texts"
    return None if numbers == due else ("gap-in-responses", f"{what} {numbers}")


def _exchange_fault(exchanges: Sequence[Exchange]) -> Fault | None:
    if not exchanges:
        return "no-turns", "the dialogue is an empty list"
    for number, exchange in enumerate(exchanges):
        for role, text in (("user", exchange.user), ("assistant", exchange.assistant)):
            if not isinstance(text, str) or not text.strip():
                return "empty-content", f"exchange {number} has no words by the {role}"
    ends = [number for number, exchange in enumerate(exchanges) if exchange.last]
    if ends and ends != [len(exchanges) - 1]:
        return "misplaced-episode-end", f"of {len(exchanges)} exchanges, number {ends[0]} is marked as last"
    return None


def _repairs(exchanges: Sequence[Exchange], rows: int) -> Counter[str]:
    unknown = sum(exchange.label is not None and exchange.degree is None for exchange in exchanges)
    found = {"missing-episode-end": 0 if exchanges[-1].last else rows, "unknown-safety-label": min(unknown, rows)}
    return Counter({name: count for name, count in found.items() if count})


def _draft(parts: list[int], key: str | None, exchanges: Sequence[Exchange], options: Options) -> dict[str, Any]:
    messages = [
        {"role": role, "content": text}
        for exchange in exchanges
        for role, text in (("user", exchange.user), ("assistant", exchange.assistant))
    ]
    return {
        "key": key,
        "parts": parts,
        "messages": messages,
        "untrained": [],
        "language_declared": "en",
        "license": DOSSIER.license,
        "terms": list(DOSSIER.terms),
        "provenance": {"raw_id": key, "revision": options.revision, "lineage": None, "derived": None},
        "safety": _safety(exchanges),
    }


def _safety(exchanges: Sequence[Exchange]) -> dict[str, Any] | None:
    degrees = [exchange.degree for exchange in exchanges]
    worst = max((degree for degree in degrees if degree is not None), default=None)
    rules = list(dict.fromkeys(rule for exchange in exchanges for rule in exchange.rules))
    if worst is None and not rules:
        return None
    return {
        "flagged": worst is not None and worst >= FLAGGED_FROM,
        "categories": [],
        "label": None if worst is None else LABELS[worst],
        "rules_of_thumb": rules,
        "flagged_positions": [
            2 * number for number, degree in enumerate(degrees) if degree is not None and degree >= FLAGGED_FROM
        ],
        "scores": [],
        "classifier": None,
    }


def _texts(row: Row) -> tuple[Any, Any]:
    """The user's words and the answer, as either export names them; of several `labels` the first."""
    answer = row.get("response", row.get("labels"))
    return row.get("context", row.get("text")), answer[0] if isinstance(answer, list) and answer else answer


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes)
