"""Five readers, one version: DuckDB, polars, pandas, `datasets` and mlcroissant give the same rows, nulls and all."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import REF
from strategies import Row
from written_version import describe, hostile_rows, write_version

from quimbot_data.workspace import MANIFEST, Workspace, read_model
from schemas.frame import dialogue_schema
from schemas.manifest import VersionManifest

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]  # what other libraries warn of is theirs
SCHEMA = dialogue_schema() | {"split": pl.String()}


@pytest.fixture(scope="module", params=["built", "hostile"])
def version(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version as built, and one of rows in which everything or nothing is null; not to be changed."""
    folder = tmp_path_factory.mktemp("readers") / "version"
    if request.param == "hostile":
        full, bare, odd = hostile_rows()
        write_version(folder, {"train": [full, bare, odd | {"dialogue_id": "tutor:9"}], "test": [odd]})
    else:
        workspace: Workspace = request.getfixturevalue("built")
        shutil.copytree(workspace.version(REF), folder)
        describe(folder, read_model(folder / MANIFEST, VersionManifest))
    return folder


def files(version: Path) -> list[tuple[Path, str]]:
    """Data files, and the split that a file's name says."""
    return [(path, path.name.partition("-")[0]) for path in sorted((version / "data").iterdir())]


def by_polars(version: Path, scratch: Path) -> list[Row]:
    return [row | {"split": split} for path, split in files(version) for row in pl.read_parquet(path).to_dicts()]


def by_duckdb(version: Path, scratch: Path) -> list[Row]:
    import duckdb

    split = "regexp_extract(parse_filename(filename), '^[a-z]+')"
    query = (
        f"SELECT * EXCLUDE filename, {split} AS split FROM read_parquet('{version}/data/*.parquet', filename = true)"
    )
    with duckdb.connect() as connection:
        answer = connection.execute(query)
        columns = [column[0] for column in answer.description]
        return [dict(zip(columns, row, strict=True)) for row in answer.fetchall()]


def by_pandas(version: Path, scratch: Path) -> list[Row]:
    import pandas as pd

    return [
        row | {"split": split}
        for path, split in files(version)
        for row in pd.read_parquet(path, engine="pyarrow").to_dict("records")
    ]


def by_datasets(version: Path, scratch: Path) -> list[Row]:
    import datasets

    datasets.disable_progress_bars()
    loaded = datasets.load_dataset(str(version), cache_dir=str(scratch))
    return [row | {"split": split} for split, rows in loaded.items() for row in rows.to_list()]


def by_mlcroissant(version: Path, scratch: Path) -> list[Row]:
    """These are flat already."""
    import mlcroissant

    dataset = mlcroissant.Dataset(jsonld=str(version / "croissant.json"))
    return [{key.partition("/")[2]: value for key, value in row.items()} for row in dataset.records("dialogues")]


READERS: dict[str, Callable[[Path, Path], list[Row]]] = {
    "DuckDB": by_duckdb,
    "pandas": by_pandas,
    "datasets": by_datasets,
}


def flat(row: Row) -> Row:
    """One value a leaf, named by its path: a list of structs becomes one list a field."""
    return {name: value for column, dtype in SCHEMA.items() for name, value in leaves(column, dtype, row[column])}


def leaves(name: str, dtype: Any, value: Any) -> list[tuple[str, Any]]:
    if isinstance(dtype, pl.Struct):
        return [
            leaf
            for field in dtype.fields
            for leaf in leaves(f"{name}.{field.name}", field.dtype, None if value is None else value[field.name])
        ]
    if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct):
        items = [dict(leaves(name, dtype.inner, item)) for item in ([] if value is None else value)]
        return [(leaf, None if value is None else [item[leaf] for item in items]) for leaf in names(name, dtype.inner)]
    return [(name, value)]


def names(name: str, dtype: Any) -> list[str]:
    return [leaf for leaf, _ in leaves(name, dtype, None)]


def plain(value: Any) -> Any:
    """Plain Python: no arrays, no bytes, None where a reader has NaN."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, bytes):
        return value.decode()
    return None if value != value else value


def canonical(rows: list[Row]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


@pytest.fixture(scope="module")
def reference(version: Path) -> list[Row]:
    return by_polars(version, version)


def test_the_rows_hold_what_readers_differ_over(reference):
    found = [flat(row) for row in reference]
    always = {"dialogue_id", "messages.content", "terms", "untrained", "quality.symbol_share"}
    assert all(row[name] is not None for row in found for name in always)
    assert any(row["language_declared"] is None for row in found)
    assert any(row["safety.flagged"] is not None for row in found)
    assert any(row["safety.flagged"] is None for row in found)
    assert any(row["untrained"] == [] for row in found)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_of_parquet_gives_the_rows_that_polars_gives(name, version, reference, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rows = [plain(row) for row in READERS[name](version, tmp_path)]
    assert canonical(rows) == canonical(reference)


def test_mlcroissant_gives_them_flat(version, reference, tmp_path):
    rows = [plain(row) for row in by_mlcroissant(version, tmp_path)]
    assert canonical(rows) == canonical([flat(row) for row in reference])
