"""`quimbot synth samples`: the page of dialogues that a teacher can judge by."""

from pathlib import Path
from typing import Annotated

import typer

from quimbot_data.terminal import counted, say


def samples(
    output: Annotated[Path, typer.Option(help="The page to write.")] = Path("data_cards/scaffolding-samples.md"),
) -> None:
    """Write a page of twenty dialogues, chosen by a seed: across strategies, levels, backgrounds and languages."""
    from quimbot_data.workspace import atomic
    from synth.samples import page, sample_rows
    from synth.seeds import load_seeds

    rows = sample_rows(load_seeds())
    with atomic(output) as stream:
        stream.write(page(rows).encode())
    say(f"{output}: {counted(len(rows), 'dialogue')}")
