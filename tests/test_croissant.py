"""`croissant.json`: mlcroissant finds nothing to complain of, reads every record, and catches a changed byte."""

import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import mlcroissant
import polars as pl
import pytest
from conftest import REF
from mlcroissant._src.core.rdf import make_context
from written_version import HOSTILE, describe, hostile_rows, write_version

from quimbot_data import card
from quimbot_data.card import croissant
from quimbot_data.licenses import spdx_pages
from quimbot_data.workspace import MANIFEST, Workspace, file_digest, read_model
from schemas.manifest import VersionManifest

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.slow]  # what other libraries warn of is theirs


def told(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "croissant.json").read_bytes())


@cache
def opened(folder: Path) -> mlcroissant.Dataset:
    return mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))


def records(folder: Path, name: str) -> list[dict[str, Any]]:
    """Records by field name, as mlcroissant reads them."""
    return [{key.partition("/")[2]: value for key, value in row.items()} for row in opened(folder).records(name)]


def record_sets(folder: Path) -> list[str]:
    return [record_set.uuid for record_set in opened(folder).metadata.record_sets]


def complaints(folder: Path) -> set[str]:
    """What mlcroissant finds wrong, or short of what it recommends."""
    issues = opened(folder).metadata.ctx.issues
    return {*map(str, issues.errors), *map(str, issues.warnings)}


def manifest_of(folder: Path) -> VersionManifest:
    return read_model(folder / MANIFEST, VersionManifest)


@pytest.fixture(scope="module")
def version(built: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small@1.0.0` with its card and description; not to be changed."""
    folder = tmp_path_factory.mktemp("croissant") / "version"
    shutil.copytree(built.version(REF), folder)
    describe(folder, manifest_of(folder))
    return folder


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    write_version(folder, {"train": hostile_rows()}, "10.20.30")
    return folder


# mlcroissant accepts it


def test_the_validator_says_nothing_but_done(version):
    validator = "from mlcroissant.scripts.cli import main; main()"  # what the command `mlcroissant` runs
    command = [sys.executable, "-c", validator, "validate", "--jsonld", str(version / "croissant.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "Done" in said
    assert not re.search("warning|error|issue", said, flags=re.IGNORECASE), said


@pytest.mark.parametrize("name", ["version", "hostile"])
def test_it_has_no_errors_and_no_warnings(name, request):
    assert complaints(request.getfixturevalue(name)) == set()


def test_its_context_is_the_standard_one(version):
    context, dataset = told(version)["@context"], opened(version)
    standard = make_context(dataset.metadata.ctx)
    assert {key: context.get(key) for key in standard} == standard


def test_terms_of_the_vocabulary_are_all_in_the_context(version):
    """A key that the context does not know would silently become one of schema.org's."""
    context, document = told(version)["@context"], (version / "croissant.json").read_text()
    used = set(re.findall(r'"([A-Za-z]+)": ', document))
    schema_org = {
        *("name", "alternateName", "description", "version", "identifier", "datePublished", "url", "license"),
        *("usageInfo", "creator", "keywords", "inLanguage", "distribution", "contentUrl", "contentSize", "sha256"),
        *("encodingFormat", "author", "instrument", "softwareVersion", "creditText"),
    }
    assert used - schema_org <= set(context)


# Files and records


def test_every_parquet_file_is_listed_with_hash_and_size(version):
    listed = {node["contentUrl"]: node for node in told(version)["distribution"] if node["@type"] == "cr:FileObject"}
    held = {path.relative_to(version).as_posix(): path for path in version.rglob("*.parquet")}
    assert {path: (node["sha256"], node["contentSize"], node["encodingFormat"]) for path, node in listed.items()} == {
        path: (file_digest(file), f"{file.stat().st_size} B", "application/x-parquet") for path, file in held.items()
    }


def test_every_record_set_is_read_to_its_end(version):
    manifest = manifest_of(version)
    in_all = sum(entry.rows for entry in manifest.data)
    rows = {"dialogues": in_all, "messages": in_all, "fates": manifest.fates.rows}
    rows |= {Path(entry.path).stem: entry.rows for entry in manifest.data}
    assert {name: len(records(version, name)) for name in record_sets(version)} == rows


def test_messages_are_two_lists_in_step(version):
    files = [pl.read_parquet(path) for path in (version / "data").iterdir()]
    said = {row["dialogue_id"]: row["messages"] for row in pl.concat(files).to_dicts()}
    for row in records(version, "messages"):
        turns = zip(row["role"], row["content"], strict=True)
        messages = said.pop(row["dialogue_id"].decode())
        assert [{"role": role.decode(), "content": content.decode()} for role, content in turns] == messages
    assert not said


def test_fates_are_those_of_the_file(version):
    rows = {row.pop("dialogue_id"): row for row in pl.read_parquet(version / "fates.parquet").to_dicts()}
    found = [
        {name: value.decode() if isinstance(value, bytes) else value for name, value in row.items()}
        for row in records(version, "fates")
    ]
    assert {row.pop("dialogue_id"): row for row in found} == rows


def test_a_file_with_a_changed_byte_is_not_read(version, tmp_path):
    folder = shutil.copytree(version, tmp_path / "version")
    for entry in (*manifest_of(folder).data, manifest_of(folder).fates):
        path = folder / entry.path
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 1]) + whole[len(whole) // 2 + 1 :])
        with pytest.raises(mlcroissant.GenerationError) as refused:
            records(folder, path.stem)
        assert "Hash of downloaded file" in str(refused.value.__cause__)
        path.write_bytes(whole)
        assert records(folder, path.stem)


def test_a_version_without_dialogues_has_its_fates(tmp_path):
    write_version(tmp_path, {})
    assert complaints(tmp_path) == set()
    assert record_sets(tmp_path) == ["fates"]
    assert [row["reason"] for row in records(tmp_path, "fates")] == [b"over-budget"]
    assert [node["@id"] for node in told(tmp_path)["distribution"]] == ["fates.parquet"]


# What it says


def test_it_says_whose_the_rows_are_and_where_they_come_from(version):
    document, manifest = told(version), manifest_of(version)
    rows = pl.concat([pl.read_parquet(path) for path in (version / "data").iterdir()])
    licences = {page for licence in rows["license"].unique() for page in spdx_pages(licence)}
    assert set(document["license"]) == licences
    derived = {entity["name"]: entity for entity in document["prov:wasDerivedFrom"]}
    assert set(derived) == set(rows["source"].unique())
    for source, count in rows["source"].value_counts().iter_rows():
        known, entity = manifest.sources[source], derived[source]
        assert entity["description"] == f"{count} dialogues; digest of the ingested corpus {known['corpus_digest']}"
        assert (entity.get("url", ""), entity.get("version")) == (known["url"], known["revision"])
        assert entity.get("creditText", "") == known["attribution"]
    assert {term["name"] for term in document["usageInfo"]} == set(rows["terms"].explode().drop_nulls().unique())
    assert document["identifier"] == f"sha256:{manifest.id}"
    assert document["datePublished"] == manifest.record["created"]
    assert document["isLiveDataset"] is False


def test_hostile_names_arrive_as_they_are(hostile):
    document = told(hostile)
    assert document["alternateName"] == " ".join(HOSTILE.split())
    assert [entity["alternateName"] for entity in document["prov:wasDerivedFrom"]] == [HOSTILE]
    (cleared,) = [act for act in document["usageInfo"] if act["@type"] == "sc:CreativeWork"]
    assert cleared["author"]["name"] == HOSTILE
    assert cleared["description"].endswith(f"cleared on 2026-11-26: {HOSTILE}")
    assert opened(hostile).metadata.version == "10.20.30"
    assert {row["license"] for row in records(hostile, "dialogues")} == {b"CC-BY-4.0", b"MIT OR LicenseRef-Own Terms"}


def test_the_citation_is_bibtex_whatever_the_title(hostile):
    cited = told(hostile)["citeAs"]
    bare = re.sub(r"\\textbackslash\{\}|\\[{}&%$#_]", "", cited)
    assert re.fullmatch(r"@misc\{written-10\.20\.30,\n(  \w+ = \{[^{}\\&%$#_]*\},?\n)+\}", bare), cited
    assert "year = {2026}" in cited


def test_the_same_version_gives_the_same_bytes(version):
    manifest = manifest_of(version)
    again = croissant.document(manifest, card.card_facts(version, manifest))
    assert again == (version / "croissant.json").read_bytes()


@pytest.mark.parametrize(
    ("expression", "pages"),
    [
        ("CC-BY-4.0", ["https://spdx.org/licenses/CC-BY-4.0"]),
        ("Apache-2.0 AND LicenseRef-Own", ["https://spdx.org/licenses/Apache-2.0", "LicenseRef-Own"]),
        ("no licence at (all", ["no licence at (all"]),
    ],
)
def test_pages_of_licences(expression, pages):
    assert spdx_pages(expression) == pages
