"""Same inputs, same version: whatever the threads, the folders, and how raw rows were cut, ordered and named."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import REF, corpus_bytes, corpus_of, ingest_all, version_bytes
from raw_rows import Cut, lay_out

from quimbot_data.buckets import Spill
from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import Recipe, parse_recipe

pytestmark = [pytest.mark.usefixtures("plain_card"), pytest.mark.slow]

CUTS = (Cut(files=3, shuffle=5, name="part"), Cut(files=2, shuffle=9, name="a"))


def row_files(workspace: Workspace, source: str) -> dict[str, bytes]:
    """Dialogues and learner texts; origins and refused rows name raw files, so they follow those names."""
    files = corpus_bytes(workspace, source)
    return {path: data for path, data in files.items() if not path.startswith(("origins-", "rejected-"))}


@pytest.mark.parametrize(("cut", "threads"), [(CUTS[0], 1), (CUTS[1], 2)])
def test_cut_order_names_threads_and_folder_leave_no_trace(built, recipe, tmp_path, cut, threads):
    workspace = Workspace(tmp_path / "elsewhere")
    ingest_all(workspace, lay_out(tmp_path / "raw", cut), threads)
    for source in built.sources():
        assert row_files(workspace, source) == row_files(built, source), source
        mine, theirs = workspace.corpus_manifest(source), built.corpus_manifest(source)
        assert mine.digest() == theirs.digest()
        assert mine.ledger == theirs.ledger
    manifest, _ = build(workspace, recipe, REF, threads=threads)
    assert manifest.id == built.version_manifest(REF).id
    assert version_bytes(workspace) == version_bytes(built)
    assert verify(workspace, REF) == []


def test_many_files_a_corpus_leave_no_trace_of_threads_and_cuts(raw, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(Spill.groups, "__defaults__", (120_000,))
    workspaces = [Workspace(tmp_path / name) for name in ("one", "two")]
    for workspace, folders, threads in zip(workspaces, (raw, lay_out(tmp_path / "raw", CUTS[0])), (2, 1), strict=True):
        ingest_all(workspace, folders, threads)
        build(workspace, recipe, REF, threads=threads)
    one, two = workspaces
    assert len(one.corpus_manifest("lmsys").dialogues) >= 3
    assert len(one.version_manifest(REF).data) > 3
    assert one.version_manifest(REF).id == two.version_manifest(REF).id
    assert version_bytes(one) == version_bytes(two)


def test_renaming_raw_files_moves_origins_alone(raw, tmp_path):
    workspace, renamed = Workspace(tmp_path / "w"), tmp_path / "renamed.parquet"
    (path,) = raw["lmsys"].rglob("*.parquet")
    renamed.write_bytes(path.read_bytes())
    ingest(workspace, corpus_of("lmsys"), [path], Options())
    before = row_files(workspace, "lmsys")
    ingest(workspace, corpus_of("lmsys"), [renamed], Options())
    assert row_files(workspace, "lmsys") == before


# The same at scale.

ROWS = 240_000


def lmsys_alone() -> Recipe:
    component = '[[components]]\nfamily = "conversation"\nweight = 1.0\nsources = ["lmsys"]\n'
    return parse_recipe(f'name = "scale"\nsize = 40_000_000\n{component}', "scale.toml")


def recut(files: list[Path], folder: Path, seed: int) -> list[Path]:
    """The same rows in another order, in seven files of uneven length under other names."""
    folder.mkdir()
    table = pa.concat_tables([pq.read_table(path) for path in files])
    order = np.random.default_rng(seed).permutation(table.num_rows)
    paths = []
    for number, part in enumerate(np.array_split(order, [11, 30_000, 90_001, 90_002, 150_000, 239_000])):
        paths.append(folder / f"{'zyxwvut'[number]}.parquet")
        pq.write_table(table.take(part), paths[-1], row_group_size=7_001)
    return paths


@pytest.mark.scale
@pytest.mark.slow
def test_determinism_and_conservation_at_scale(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    import lmsys_layout  # a script, so not on the path

    files = lmsys_layout.write(tmp_path / "raw", ROWS)
    ref, runs = Ref("scale", "1.0.0"), []
    for name, paths, threads in (("one", files, 2), ("two", recut(files, tmp_path / "recut", 3), 1)):
        workspace = Workspace(tmp_path / name)
        corpus = ingest(workspace, SOURCES["lmsys"], paths, Options(), threads=threads)
        manifest, _ = build(workspace, lmsys_alone(), ref, threads=threads)
        refused = sum(entry.rows for entry in corpus.rejected)
        assert sum(pq.read_metadata(path).num_rows for path in paths) == ROWS
        assert sum(entry.rows for entry in corpus.dialogues) + refused == ROWS == corpus.ledger[0].rows_in
        assert verify(workspace, ref) == []
        runs.append((workspace, manifest))
    (one, first), (two, second) = runs
    assert first.id == second.id
    assert row_files(one, "lmsys") == row_files(two, "lmsys")
    assert version_bytes(one, ref) == version_bytes(two, ref)
