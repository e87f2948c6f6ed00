"""Cards that are held to their data: `verify-card`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from quimbot_data.commands.options import JsonOption, RefArgument, WorkspaceOption, opened, parsed_ref
from quimbot_data.terminal import note, print_json, say


def verify_card(
    context: typer.Context,
    ref: RefArgument,
    card: Annotated[
        Path | None, typer.Option("--card", help="A copy of the card; default the version's own README.md.")
    ] = None,
    json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Run every query of a card again, and compare each number of its text with what they give.

    Exit 1 if anything differs: a number that was changed, added, left out or moved, a query, or the block that lists
    them. Words may be edited freely.
    """
    from quimbot_data.card import CARD
    from quimbot_data.card.marks import harmless
    from quimbot_data.card.verify import verify_card as run

    place, parsed = opened(context, workspace), parsed_ref(ref)
    path = card or place.version(parsed) / CARD
    checked = run(place, parsed, path)
    differences = [difference._asdict() for difference in checked.differences]
    if json:
        print_json({"version": ref, "card": str(path), **asdict(checked), "differences": differences})
        raise typer.Exit(1 if differences else 0)
    for told in checked.notes:
        note(harmless(told))
    for difference in checked.differences:
        say(harmless(f"line {difference.line}: {difference.told}" if difference.line else difference.told))
    if differences:
        counted = "1 difference" if len(differences) == 1 else f"{len(differences)} differences"
        note(f"{path} does not say what the data of {ref} gives: {counted}.")
        raise typer.Exit(1)
    say(f"{ref}: the numbers of {path.name} are what the data gives.")
    say(f"{checked.queries} queries were run again, {checked.figures:,} figures made again and found in their places.")
