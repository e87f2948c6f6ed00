"""`quimbot synth seeds`: what seeds there are, and seeds out of corpora."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quimbot_data.commands.options import JsonOption
from quimbot_data.terminal import print_json, print_table

if TYPE_CHECKING:
    from schemas.seed import Seed

app = typer.Typer(
    name="seeds", help="Learner errors that dialogues grow from.", no_args_is_help=True, rich_markup_mode="rich"
)

_COLUMNS = ("language", "family", "seeds", "heritage", "l2", "generalizable", "variation")


@app.command("list")
def list_seeds(
    file: Annotated[
        Path | None, typer.Argument(help="JSON Lines of `seeds extract`; without it, the shipped banks.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option(help="Only this language; repeatable.")] = None,
    json: JsonOption = False,
) -> None:
    """Count seeds by language, family and the background of the learners of whom they are typical."""
    from synth.seeds import load_seeds, read_seeds

    if file is None:
        found = load_seeds(language)
    else:
        found = [seed for seed in read_seeds(file) if not language or seed.language in language]
    rows = _counts(found)
    if json:
        print_json([dict(zip(_COLUMNS, row, strict=True)) for row in rows])
    else:
        print_table(f"{len(found):,} seeds", _COLUMNS, rows)


def _counts(seeds: "list[Seed]") -> list[tuple[str | int, ...]]:
    """One row a language and family, in the order of `_COLUMNS`."""
    rows: list[tuple[str | int, ...]] = []
    for language, family in sorted({(seed.language, seed.family) for seed in seeds}):
        group = [seed for seed in seeds if (seed.language, seed.family) == (language, family)]
        by_background = [sum(background in seed.backgrounds for seed in group) for background in ("heritage", "l2")]
        marks = [sum(seed.generalizable for seed in group), sum(seed.is_variation for seed in group)]
        rows.append((language, family, len(group), *by_background, *marks))
    return rows
