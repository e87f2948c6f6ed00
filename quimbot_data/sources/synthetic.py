"""Scaffolding dialogues by this project's own generators: tutor turns that support discovery instead of correcting.

Who       `quimbot synth generate`
Licence   CC-BY-4.0 where a row states no other; rows whose `seed_id` is an id of a corpus (`toefl11:…`) carry that
          corpus's licence and terms, too
One row   {"id": "g-1", "language": "es", "generator": "grammar@1", "template_id": "recast/past", "seed_id": "s-1",
           "license": null, "terms": null, "template": [{"position": 1, "head": 4, "tail": 0}],
           "messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}],
           "pedagogy": {"learner": {…}, "topic": "travel", "turns": […], "errors": […]}}

Annotations point into messages by position and offset, so nothing is mended here: a row keeps the rules as it stands,
or it is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from quimbot_data.licenses import Rights, joined, terms_of
from quimbot_data.sources.files import RawFile, raw_files, sniff
from quimbot_data.sources.parquet import parquet_note
from quimbot_data.sources.records import mappings, records
from quimbot_data.sources.source import Corpus, Dossier, Normalized, Options, RawBatch, drafts, rejects
from quimbot_data.sources.turns import Refusal, is_blank
from schemas.dialogue import Pedagogy, TemplateSpan, turn_structure_fault
from schemas.errors import InputError
from schemas.fields import Hash, NonEmpty, Role, Term
from schemas.generation import REPORT_KEY, GenerationReport
from schemas.seed import sentence_id

DOSSIER: Final = Dossier(
    name="synthetic",
    title="Quimbot scaffolding dialogues",
    family="pedagogical",
    license="CC-BY-4.0",
    terms=("attribution",),
    url="",
    obtain="Made by this project's own generator: `quimbot ingest synthetic FILE.parquet`, or JSON Lines.",
    language_from="declared",
    attribution="Scaffolding dialogues by the Quimbot project, CC BY 4.0.",
)

_SUFFIXES: Final = (".parquet", ".jsonl", ".json", ".gz")

#: Reject names by the field that is at fault.
_REASONS: Final = {
    "generator": "no-generator",
    "messages": "malformed-turn",
    "pedagogy": "invalid-pedagogy",
    "template": "invalid-template",
}


def recognizes(columns: frozenset[str]) -> bool:
    """Whether these are the generators' columns."""
    return {"messages", "pedagogy", "generator"} <= columns


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Parquet or JSON Lines, batch by batch.

    Raises:
        InputError: see `records.records`.
    """
    for file in raw_files(paths, _SUFFIXES):
        yield from records(file)


def reports(paths: Sequence[Path]) -> dict[str, GenerationReport | None]:
    """The report that each raw file holds; None for JSON Lines, and where it is none that can be read.

    Raises:
        InputError: a file that cannot be read.
    """
    return {file.name: _report(file) for file in raw_files(paths, _SUFFIXES)}


def _report(file: RawFile) -> GenerationReport | None:
    told = parquet_note(file, REPORT_KEY) if sniff(file) == "parquet" else None
    try:
        return None if told is None else GenerationReport.model_validate_json(told)
    except ValidationError:
        return None


class _Turn(BaseModel):
    role: Role
    content: str


class _Row(BaseModel):
    """A row as the generators write it; text is cleaned later, so it is not held to the schema's text rules here."""

    model_config = ConfigDict(extra="ignore", strict=True)

    generator: NonEmpty
    messages: list[_Turn]
    pedagogy: Pedagogy
    id: str | None = None
    language: str | None = None
    template: list[TemplateSpan] | None = None
    template_id: NonEmpty | None = None
    prompt_hash: Hash | None = None
    model: NonEmpty | None = None
    sampling: NonEmpty | None = None
    seed_id: str | None = None
    license: NonEmpty | list[NonEmpty] | None = None
    terms: list[Term] | None = None


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """One dialogue a row, or a reject.

    Rejects: `no-generator`; `malformed-turn`, `unknown-role`, `empty-content` and the names of
    `schemas.dialogue.turn_structure_fault`; `invalid-pedagogy` (a field that breaks `Pedagogy`, or a place that the
    messages do not have); `invalid-template`; `invalid-license`; `invalid-row` (any other field).
    """
    told: list[dict[str, Any]] = []
    refused: list[tuple[int, str, str]] = []
    for part, raw in enumerate(mappings(batch)):
        try:
            row = _Row.model_validate(raw)
        except ValidationError as error:
            refused.append((part, *_complaint(error)))
            continue
        if fault := _turn_fault(row) or _pedagogy_fault(row) or _template_fault(row):
            refused.append((part, *fault))
            continue
        try:
            told.append(_draft(row, part, _rights(row, options.rights), options))
        except InputError as error:
            refused.append((part, "invalid-license", error.found))
    return Normalized(drafts(told), rejects(refused))


def _complaint(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False)[0]
    where = first["loc"]
    reason = "unknown-role" if where[0] == "messages" and where[-1] == "role" else _REASONS.get(str(where[0]))
    return Refusal(reason or "invalid-row", f"{'.'.join(map(str, where))}: {first['msg']}")


def _turn_fault(row: _Row) -> Refusal | None:
    if fault := turn_structure_fault([turn.role for turn in row.messages]):
        return Refusal(fault, "roles: " + " ".join(turn.role for turn in row.messages))
    blank = next((place for place, turn in enumerate(row.messages) if is_blank(turn.content)), None)
    return None if blank is None else Refusal("empty-content", f"message {blank} has no text")


def _pedagogy_fault(row: _Row) -> Refusal | None:
    for turn in row.pedagogy.turns:
        if turn.position >= len(row.messages):
            return Refusal(
                "invalid-pedagogy", f"a turn annotation is about message {turn.position}, which is not there"
            )
        if turn.target is not None and turn.target >= len(row.pedagogy.errors):
            return Refusal(
                "invalid-pedagogy", f"message {turn.position} is about error {turn.target}, which is not there"
            )
    for error in row.pedagogy.errors:
        text = row.messages[error.position].content if error.position < len(row.messages) else ""
        if error.end > len(text) or text[error.start : error.end] != error.original:
            where = f"{error.start} to {error.end} of message {error.position}"
            return Refusal("invalid-pedagogy", f"{error.original!r} does not stand at {where}")
    return None


def _template_fault(row: _Row) -> Refusal | None:
    for span in row.template or ():
        length = len(row.messages[span.position].content) if span.position < len(row.messages) else -1
        if span.head + span.tail > length:
            return Refusal("invalid-template", f"{span.head} + {span.tail} characters of message {span.position}")
    return None


def _draft(row: _Row, part: int, rights: Rights, options: Options) -> dict[str, Any]:
    template = [span.model_dump() for span in row.template or ()]
    raw_id = row.id if row.id and not is_blank(row.id) else None
    return {
        "key": raw_id,
        "parts": [part],
        "messages": [turn.model_dump() for turn in row.messages],
        "untrained": [],
        "language_declared": row.language,
        **rights._asdict(),
        "provenance": {
            "raw_id": raw_id,
            "revision": options.revision,
            "lineage": row.seed_id and sentence_id(row.seed_id),
            "derived": {
                "by": row.generator,
                "template": template,
                "template_id": row.template_id,
                "prompt_hash": row.prompt_hash,
                "model": row.model,
                "sampling": row.sampling,
            },
        },
        "pedagogy": row.pedagogy.model_dump(),
    }


def _rights(row: _Row, others: Mapping[str, Rights]) -> Rights:
    """Licence and terms of a row: its own, and those of the corpus of its seed.

    A seed out of a corpus is named by an id of it (`toefl11:…`): whatever the row says, that corpus's terms hold.

    Raises:
        InputError: a licence is none.
    """
    stated = (row.license,) if isinstance(row.license, str) else tuple(row.license or (DOSSIER.license,))
    own = _stated(stated, None if row.terms is None else tuple(row.terms))
    seed = (row.seed_id or "").partition(":")[0]
    return joined(own, others[seed]) if seed in others else own


@cache
def _stated(licences: tuple[str, ...], terms: tuple[str, ...] | None) -> Rights:
    """All that the licences imply, and the terms: they make known what an unknown licence asks, and waive nothing."""
    return joined(*(Rights(name, terms_of(name, terms)) for name in licences))


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes, reports)
