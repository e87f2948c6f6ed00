"""A card against the data: its queries are run again, its figures are made again, its text must print them in place.

A card is untrusted input: its SQL runs as any query of `quimbot sql` does, one SELECT in a process without files, under
limits of memory and time. What it should print follows from the version alone, so a card whose block was forged
together with its text is caught as well; for a card by another version of this package, which may print other figures,
its own block says what should stand there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from quimbot_data.card.block import SCHEMA_VERSION, Figure, found, package
from quimbot_data.card.cells import Answer
from quimbot_data.card.figures import QUERIES, Ask, check, facts_of, query_sql
from quimbot_data.card.formats import FORMATS, LITERAL
from quimbot_data.card.numbers import line_of
from quimbot_data.card.prose import Odd, odd_numbers, wanted
from quimbot_data.card.render import render
from quimbot_data.pedagogy.version_measures import version_measures
from quimbot_data.sql.catalog import workspace_catalog
from quimbot_data.sql.query import Limits, Session
from quimbot_data.workspace import MEASURES, Ref, Workspace, model_bytes
from schemas.card import CardBlock
from schemas.errors import InputError, IntegrityError, MissingError, QueryError
from schemas.manifest import VersionManifest
from schemas.measures import VersionMeasures

#: For each query of a card; over the largest versions one takes minutes.
LIMITS: Final = Limits(seconds=600)


class Difference(NamedTuple):
    """What is wrong: in a line of the card or in all of it, what it says, what the data gives, by which query."""

    told: str
    line: int | None = None
    says: str | None = None
    gives: str | None = None
    query: str | None = None


@dataclass
class CardCheck:
    """What was looked at, and what came of it."""

    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    queries: int = 0
    figures: int = 0


def verify_card(workspace: Workspace, ref: Ref, card: Path) -> CardCheck:
    """Hold a version's card to its data.

    Args:
        workspace: holds the version.
        ref: the version.
        card: its `README.md`, or a copy of it.

    Raises:
        MissingError: no such version, or no such file.
        InputError: the file is no text.
        IntegrityError: the data cannot be read, or is not what the manifest states.
    """
    manifest = workspace.version_manifest(ref)
    text = _read(card, ref)
    with Session(LIMITS) as session:
        measured = _measured(workspace.version(ref), manifest, ref)
        catalog = workspace_catalog(workspace, ref, measures=measured)

        @cache
        def ask(sql: str) -> Answer:
            table = session.query(catalog, sql)
            return Answer(table.column_names, list(zip(*(column.to_pylist() for column in table.columns), strict=True)))

        facts = facts_of(_shipped(ask, ref))
        check(facts, manifest)
        checked = compare(text, render(facts).block, ask)
    checked.differences += _stated_measures(workspace.version(ref) / MEASURES, measured)
    return checked


def _measured(folder: Path, manifest: VersionManifest, ref: Ref) -> VersionMeasures | None:
    try:
        return version_measures(folder, manifest)
    except IntegrityError as error:
        raise IntegrityError(
            f"The data of {ref} cannot be queried: {error.found}", next_step=f"Run `quimbot verify {ref}`."
        ) from error


def _stated_measures(path: Path, measured: VersionMeasures | None) -> list[Difference]:
    """Whether `measures.json`, which `quimbot sql` reads, says what the rows give."""
    stated = path.read_bytes() if path.exists() else None
    if stated == (model_bytes(measured) if measured else None):
        return []
    return [Difference(f"{path.name} does not hold the measures that the version's rows give.", query="measures")]


def _read(card: Path, ref: Ref) -> str:
    try:
        return card.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise MissingError(f"There is no {card}.", next_step=f"Run `quimbot card {ref}`.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{card} cannot be read: {error}.", next_step="Name a card, a Markdown file.") from error


def _shipped(ask: Ask, ref: Ref) -> Ask:
    def trusted(sql: str) -> Answer:
        try:
            return ask(sql)
        except QueryError as error:
            raise IntegrityError(
                f"The data of {ref} cannot be queried: {' '.join(str(error).split())}",
                next_step=f"Run `quimbot verify {ref}`.",
            ) from error

    return trusted


def compare(card: str, expected: CardBlock, ask: Ask) -> CardCheck:
    """Hold a card's text to the block that its version gives; `ask` runs the queries of the card's own block."""
    taken, checked = found(card), CardCheck()
    block = taken.block
    if block is None:
        line = line_of(taken.text, taken.place)
        checked.differences.append(Difference(f"{taken.problem[0].upper()}{taken.problem[1:]}.", line=line))
    else:
        answers = _rerun(checked, block, ask)
        _remake(checked, block, answers)
    if block is not None and block.package == expected.package:
        checked.differences += _forged(block, expected)
    elif block is not None:
        checked.notes.append(f"The card is by {block.package}, this is {package()}: its own block says what it prints.")
        expected = block
    figures = [_figure(each) for each in expected.figures]
    odds = list(odd_numbers(taken.text, wanted(figures)))
    if block is None and len(odds) > len(figures) / 2:  # a file that is no card of this version
        return checked
    checked.differences += [_odd(taken.text, odd) for odd in odds]
    checked.figures = sum(figure.form != LITERAL for figure in figures)
    return checked


def _figure(entry: list[str]) -> Figure:
    printed, form, *cells = entry
    return Figure(printed, form, tuple(cells))


def _rerun(checked: CardCheck, block: CardBlock, ask: Ask) -> dict[str, Answer]:
    """Run the block's queries; only names that this package ships, so that no card can ask for many."""
    if block.schema_version != SCHEMA_VERSION:
        checked.notes.append(f"The block is of schema {block.schema_version}, this package writes {SCHEMA_VERSION}.")
    answers = {}
    for name, query in block.queries.items():
        told = _query_problems(name, query.sql)
        if name in QUERIES:
            checked.queries += 1
            try:
                answers[name] = ask(query.sql)
                if answers[name].sha256() != query.sha256:
                    told.append("its result is not the one that the card was written from")
            except (QueryError, TypeError, ValueError) as error:
                told.append(f"it gives no result: {error}")
        checked.differences += [Difference(f"Query {name}: {each}.", query=name) for each in told]
    return answers


def _query_problems(name: str, sql: str) -> list[str]:
    if name not in QUERIES:
        return ["this package ships no query of that name"]
    return [] if sql.strip() == query_sql(name).strip() else ["its SQL is not the one that this package ships"]


def _remake(checked: CardCheck, block: CardBlock, answers: Mapping[str, Answer]) -> None:
    """Print the block's figures again from what its queries gave."""
    for place, entry in enumerate(block.figures, 1):
        figure = _figure(entry)
        if figure.form == LITERAL or any(cell.partition(".")[0] not in answers for cell in figure.cells):
            continue
        query = _origin(figure)
        try:
            gives = FORMATS[figure.form](*(answers[cell.partition(".")[0]].cell(cell) for cell in figure.cells))
        except (LookupError, AttributeError, TypeError, ValueError, ArithmeticError) as error:
            told = f"Figure {place} of its block, {figure.printed!r}, cannot be made again: {error!r}."
            checked.differences.append(Difference(told, says=figure.printed, query=query))
            continue
        if gives != figure.printed:
            told = f"Figure {place} of its block says {figure.printed!r}, its query gives {gives!r} ({query})."
            checked.differences.append(Difference(told, says=figure.printed, gives=gives, query=query))


def _forged(block: CardBlock, expected: CardBlock) -> Iterator[Difference]:
    """What the block should list, with which format and cells: the numbers themselves are compared elsewhere."""
    if lacking := [name for name in expected.queries if name not in block.queries]:
        yield Difference(f"Its block lacks the queries {', '.join(lacking)}.")
    listed, should = ([entry[1:] for entry in each.figures] for each in (block, expected))
    if listed == should:
        return
    pairs = zip(block.figures, expected.figures, strict=False)
    at = next((at for at, (one, other) in enumerate(pairs) if one[1:] != other[1:]), min(len(listed), len(should)))
    says = " ".join(block.figures[at]) if at < len(listed) else "nothing"
    gives = " ".join(expected.figures[at]) if at < len(should) else "nothing"
    told = f"Its block lists {len(listed)} figures, not the {len(should)} of this version: figure {at + 1} is {says}"
    yield Difference(f"{told}, it should be {gives}.", says=says, gives=gives)


def _odd(text: str, odd: Odd) -> Difference:
    line = line_of(text, odd.place)
    if odd.wanted is None:
        return Difference(f"The card says {odd.says}, where no figure stands.", line=line, says=odd.says)
    figure, query = odd.wanted.figure, _origin(odd.wanted.figure)
    gives = odd.wanted.text
    says = f"The card says {odd.says}" if odd.says else "The card leaves a number out"
    if figure.form == LITERAL:
        return Difference(f"{says}, its own words say {gives}.", line, odd.says, gives)
    part = f" in {odd.wanted.line!r}" if len(odd.wanted.line) > len(gives) + 1 else ""
    return Difference(f"{says}, the data gives {gives}{part} ({query}).", line, odd.says, gives, query)


def _origin(figure: Figure) -> str:
    """The cells of a figure, in words: `mix, row 1, dialogues`."""
    told = []
    for cell in figure.cells:
        query, row, column = (*cell.split(".", 2), "", "")[:3]
        told.append(f"{query}, row {int(row) + 1 if row.isdecimal() and len(row) < 10 else row}, {column}")
    return "; ".join(told)
