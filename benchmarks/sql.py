"""SQL over a million rows: how soon a query is answered, and how soon `quimbot sql` is there.

    .venv/bin/python benchmarks/sql.py [--rows 1000000] [--repeat 9]

Corpora are written as ingest writes them, straight into the workspace: five sources of equal size, files of 10,000
rows, each with the texts of the same 10,000 conversations (`lmsys_layout.py`, ingested once, not annotated) under ids
of its own, and languages drawn by Zipf's law. Queries are timed as the shell runs them: a session that is kept, the
manifests read anew for each, the first answer uncounted. Starts are whole processes, the first one uncounted: from the
call to the end of `quimbot sql "SELECT 1"`, and to the shell's first prompt on a terminal.
"""

import argparse
import os
import pty
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version

import numpy as np
from lmsys_layout import write
from rounds import CORES, DATA, cleared, environment, markdown, pin, say

import quimbot_data  # noqa: F401 - before polars: it tells the allocators what the command tells them

# isort: split
import polars as pl

from quimbot_data.buckets import write_parquet
from quimbot_data.ingest import ingest
from quimbot_data.sources.lmsys import CORPUS
from quimbot_data.sources.source import Options
from quimbot_data.sql.catalog import workspace_catalog
from quimbot_data.sql.query import Session
from quimbot_data.workspace import MANIFEST, Workspace, publish, read_model, write_model
from schemas.manifest import CorpusManifest, FileEntry

SCRATCH = DATA / "scratch-sql"
ROWS, ROWS_A_FILE = 1_000_000, 10_000
SOURCES = ("alpha", "beta", "gamma", "delta", "epsilon")
LANGUAGES = (
    *("en", "es", "ru", "zh", "fr", "de", "pt", "ja", "ar", "ko", "hi", "it", "tr", "vi", "pl", "nl", "id", "sw", "lg"),
    *("rw", "ny", "am", "ha", "yo", "ig", "zu", "ach", "nyn", "xog", "teo"),
)
GROUPED = "SELECT source, language, count(*) AS dialogues FROM dialogues GROUP BY ALL ORDER BY ALL"
QUERIES = {
    "dialogues by source and language": GROUPED,
    "dialogues and tokens by source and language": GROUPED.replace(" FROM", ", sum(n_tokens) AS tokens FROM"),
    "flagged dialogues by source": "SELECT source, count(*) FILTER (safety.flagged) FROM dialogues GROUP BY ALL",
}
TARGET = "dialogues by source and language"
MOST_SECONDS, MOST_START = 0.3, 1.0
#: What the console script runs.
QUIMBOT = (sys.executable, "-c", "import sys; from quimbot_data.cli import main; sys.argv[0] = 'quimbot'; main()")


def section(rows: int = ROWS, repeat: int = 9) -> list[str]:
    """Markdown: medians of warm queries and of starts, and what is to be reached."""
    with corpora(rows) as workspace:
        queries = {name: warm(workspace, query, repeat) for name, query in QUERIES.items()}
        starts = {
            '`quimbot sql "SELECT 1"`': repeated(partial(select_one, workspace), repeat),
            "`quimbot sql`, to the prompt": repeated(partial(first_prompt, workspace), repeat),
        }
    return [*heading(rows, repeat), *table("query, warm", queries), *table("start", starts), *reached(queries, starts)]


# Rows


@contextmanager
def corpora(rows: int) -> Iterator[Workspace]:
    """A workspace of that many rows, removed at the end."""
    workspace = Workspace(cleared(SCRATCH))
    try:
        template, manifest = conversations(workspace)
        for number, source in enumerate(SOURCES):
            write_corpus(workspace, manifest, template, source, rows // len(SOURCES), number)
        shutil.rmtree(workspace.corpus(CORPUS.dossier.name))
        say(f"{rows:,} rows written")
        yield workspace
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)


def conversations(workspace: Workspace) -> tuple[pl.DataFrame, CorpusManifest]:
    """Dialogues as ingest leaves them, and the manifest beside them."""
    ingest(workspace, CORPUS, write(DATA, ROWS_A_FILE), Options(), annotate=False)
    folder = workspace.corpus(CORPUS.dossier.name)
    manifest = read_model(folder / MANIFEST, CorpusManifest)
    return pl.concat([pl.read_parquet(folder / entry.path) for entry in manifest.dialogues]), manifest


def write_corpus(
    workspace: Workspace, like: CorpusManifest, template: pl.DataFrame, source: str, rows: int, seed: int
) -> None:
    """A corpus of `rows` rows, listed by a manifest like the one that is given."""
    folder, rng, files = workspace.corpus(source), np.random.default_rng(seed), list[FileEntry]()
    folder.mkdir(parents=True)
    (folder / like.origins.path).touch()
    for start in range(0, rows, ROWS_A_FILE):
        part = dialogues(template, source, start, min(ROWS_A_FILE, rows - start), rng)
        files.append(publish(folder, ".parquet", partial(write_parquet, part, level=1), rows=part.height))
    write_model(
        folder / MANIFEST, like.model_copy(update={"source": source, "dialogues": files, "rejected": [], "ledger": []})
    )


def dialogues(template: pl.DataFrame, source: str, start: int, size: int, rng: np.random.Generator) -> pl.DataFrame:
    """The template's rows, over and over, under ids and languages of their own."""
    picked = (rng.zipf(1.5, size) - 1) % len(LANGUAGES)
    language = pl.Series("language", np.array(LANGUAGES)[picked])
    return template[np.arange(start, start + size) % template.height].with_columns(
        pl.Series("dialogue_id", [f"{source}:{number:032x}" for number in range(start, start + size)]),
        pl.lit(source).alias("source"),
        language,
        language.alias("language_detected"),
    )


# Times


def warm(workspace: Workspace, query: str, repeat: int) -> list[float]:
    """Seconds of each answer after the first, in one session."""
    with Session() as session:
        return repeated(lambda: session.query(workspace_catalog(workspace), query), repeat)


def repeated(act: Callable[[], object], repeat: int) -> list[float]:
    taken = []
    for _ in range(repeat + 1):
        started = time.perf_counter()
        act()
        taken.append(time.perf_counter() - started)
    return taken[1:]


def select_one(workspace: Workspace) -> None:
    command = [*QUIMBOT, "sql", "SELECT 1", "--workspace", str(workspace.root)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | environment())


def first_prompt(workspace: Workspace) -> None:
    """Start the shell on a terminal of its own, read up to the prompt, and end it."""
    ours, theirs = pty.openpty()
    command = [*QUIMBOT, "sql", "--workspace", str(workspace.root)]
    shell = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | environment())
    os.close(theirs)
    said = b""
    try:
        while b"sql>" not in said:
            said += os.read(ours, 4096)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


# Markdown


def heading(rows: int, repeat: int) -> list[str]:
    libraries = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "polars"))
    return [
        "## SQL over a million rows",
        "",
        f"{rows:,} generated dialogues of {len(SOURCES)} sources in files of {ROWS_A_FILE:,}; {CORES} cores, medians of"
        f" {repeat} after a first that is not counted; {libraries}.",
        "",
    ]


def table(what: str, taken: dict[str, list[float]]) -> list[str]:
    cells = [
        [name, *(f"{seconds:.3f}" for seconds in (statistics.median(times), min(times), max(times)))]
        for name, times in taken.items()
    ]
    return [*markdown([what, "seconds", "least", "most"], cells), ""]


def reached(queries: dict[str, list[float]], starts: dict[str, list[float]]) -> list[str]:
    answer, start = statistics.median(queries[TARGET]), max(statistics.median(times) for times in starts.values())
    return [
        f"- {TARGET[:1].upper()}{TARGET[1:]}: {answer:.3f} s (to reach: at most {MOST_SECONDS})",
        f"- Start: {start:.2f} s (to reach: at most {MOST_START:.0f})",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--repeat", type=int, default=9, help="counted answers")
    arguments = parser.parse_args()
    pin()
    sys.stdout.write("\n".join(section(arguments.rows, arguments.repeat)))


if __name__ == "__main__":
    main()
