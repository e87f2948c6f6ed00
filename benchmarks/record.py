"""Run benchmarks one after another and put what they measured into RESULTS.md, each under its own heading.

    .venv/bin/python benchmarks/record.py ingest sql     # some of them; `make bench` names all but the million
    .venv/bin/python benchmarks/record.py million

A heading that is there already is written anew, with the day and the machine; the others stay as they are.
"""

import argparse
import importlib
import platform
import re
from datetime import UTC, datetime
from pathlib import Path

from rounds import HERE, pin, say

RESULTS = HERE / "RESULTS.md"
BENCHMARKS = ("ingest", "near_duplicates", "languages", "curation", "sql", "model_requests", "training", "million")
TITLE = "# Measured results\n\nEach part names its day, machine and rows; `README.md` says how they are made.\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=BENCHMARKS)
    arguments = parser.parse_args()
    pin()
    for name in arguments.names:
        publish(RESULTS, importlib.import_module(name).section())
        say(f"{name}: written to {RESULTS}")


def publish(results: Path, section: list[str]) -> None:
    """Replace the part of the file that has this section's heading, or add the section at its end."""
    text = results.read_text(encoding="utf-8") if results.exists() else TITLE
    heading, *body = section
    made = [heading, "", f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, Python {platform.python_version()}.", *body]
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    written = "\n".join(made).rstrip() + "\n"
    places = [at for at, part in enumerate(parts) if part.startswith(heading + "\n")]
    for at in places:
        parts[at] = written
    parts += [] if places else [written]
    results.write_text("\n".join(part.rstrip() + "\n" for part in parts), encoding="utf-8")


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
