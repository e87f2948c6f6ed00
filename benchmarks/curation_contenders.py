"""The curation pipelines that are compared: raw LMSYS-layout files in, curated dialogues out.

`python benchmarks/curation_contenders.py NAME OUT FILE...` prints the seconds of one run, without the imports, as JSON;
`python benchmarks/curation_contenders.py outcome NAME OUT` what was written.
"""

import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import quimbot_data  # noqa: F401 - before polars: it tells the allocators what the command tells them

# isort: split
import polars as pl

OURS, TROVE, CUT = "quimbot, ingest and build", "datatrove, as it ships", "datatrove, words by our regex"
TRIMMED = f"{CUT}, lower case only, no moderation"
Run = Callable[[], None]


def prepared(name: str, paths: list[Path], out: Path) -> Run:
    """The work of a contender, imported and ready; "OURS + n" has the first n annotation steps on top."""
    if name in (TROVE, CUT, TRIMMED):
        import curation_datatrove

        return lambda: curation_datatrove.run(paths, out, trimmed=name == TRIMMED, own_words=name == TROVE)
    for late in ("duckdb", "huggingface_hub", "jinja2", "matplotlib.figure", "matplotlib.style", "pyarrow.dataset"):
        importlib.import_module(late)  # what a build imports when it gets there
    import curated
    from curation_settings import recipe

    from schemas.recipe import Recipe

    added = int(name.removeprefix(f"{OURS} + ")) if name != OURS else 0
    curated.leave_out(curated.ANNOTATION[added:])
    resolved = Recipe.model_validate(recipe())

    def run() -> None:
        curated.ingest_rows(paths, out)
        curated.build_version(resolved, out)

    return run


def outcome(name: str, out: Path) -> dict[str, int | str]:
    """Numbers by step, and digests of what every pipeline must agree on.

    Which of some equal dialogues survives is each side's own choice, so duplicates are compared by content: `distinct`
    are the contents that are left for the search for near-duplicates.
    """
    tables = their_tables(out) if name in (TROVE, CUT, TRIMMED) else our_tables(out)
    kept, near = tables["kept"], tables["near"]
    return {
        "rejected": tables["rejected"].height,
        "rejected_digest": digest(tables["rejected"], "key", "reason"),
        "filtered": tables["filtered"].height,
        "filtered_digest": digest(tables["filtered"], "key", "reason"),
        "exact": tables["exact"].height,
        "distinct_digest": digest(
            pl.concat([kept.select("content_hash"), near.select("content_hash")]), "content_hash"
        ),
        "near": near.height,
        "kept": kept.height,
    }


def our_tables(out: Path) -> dict[str, pl.DataFrame]:
    import curated
    from curation_settings import recipe

    from quimbot_data.workspace import Ref, Workspace

    files = curated.corpus_files(out)
    rejected = pl.scan_parquet(sorted(files[0].parent.glob("rejected-*.parquet")))
    raw_key = pl.col("raw").str.json_path_match("$.conversation_id").alias("key")
    version = Workspace(out).version(Ref(recipe()["name"], curated.VERSION))
    contents = pl.scan_parquet(files).select("dialogue_id", "content_hash")
    fates = pl.scan_parquet(version / "fates.parquet").join(contents, on="dialogue_id", how="left")
    fates = fates.with_columns(key=pl.col("dialogue_id").str.strip_prefix("lmsys:")).collect()
    written = pl.scan_parquet(version / "data" / "*.parquet").select("content_hash", "messages").collect()
    return {
        "rejected": rejected.select(raw_key, "reason").collect(),
        "filtered": fates.filter(pl.col("step") == "filter"),
        "exact": fates.filter(pl.col("reason") == "exact-duplicate"),
        "near": fates.filter(pl.col("reason") == "near-duplicate"),
        "kept": checked(written),
    }


def their_tables(out: Path) -> dict[str, pl.DataFrame]:
    from curation_datatrove import rows

    return {
        "rejected": rows(out, "rejected"),
        "filtered": rows(out, "filtered"),
        "exact": rows(out, "exact-duplicates"),
        "near": rows(out, "near-duplicates"),
        "kept": checked(rows(out, "rows")),
    }


def checked(written: pl.DataFrame) -> pl.DataFrame:
    """Rows with their content hash computed again from the messages, so that it stands for roles and contents."""
    from outcome import MESSAGES

    from schemas.frame import content_hashes

    return written.select(content_hashes(pl.col("messages").cast(MESSAGES)).alias("content_hash"))


def digest(frame: pl.DataFrame, *columns: str) -> str:
    """sha256 over the rows, whatever their order; all columns are text."""
    lines = frame.select(pl.concat_str(columns, separator="\t")).to_series().sort()
    return hashlib.sha256("\n".join(lines.to_list()).encode()).hexdigest()


def main() -> None:
    if sys.argv[1] == "outcome":
        sys.stdout.write(json.dumps(outcome(sys.argv[2], Path(sys.argv[3]))) + "\n")
        return
    _, name, out, *files = sys.argv
    Path(out).mkdir(parents=True, exist_ok=True)
    run = prepared(name, [Path(file) for file in files], Path(out))
    started = time.perf_counter()
    run()
    sys.stdout.write(json.dumps({"seconds": time.perf_counter() - started}) + "\n")


if __name__ == "__main__":
    main()
