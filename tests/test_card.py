"""Cards: what they say is what the files hold, they load, and they can be written again."""

import dataclasses
import doctest
import re
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest
from card_workspace import MINE, RECIPE, REF, lay_out, made
from PIL import Image

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.card import (
    copy_card,
    documents,
    formats,
    header,
    hub_names,
    markdown,
    marks,
    numbers,
    plots,
    refresh_documents,
    write_documents,
)
from quimbot_data.card import tables as card_tables
from quimbot_data.card.figures import QUERIES, CardFacts, card_facts, query_sql
from quimbot_data.card.recipe_toml import recipe_toml
from quimbot_data.sources import lmsys, waxal
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace, read_model
from schemas.errors import IntegrityError, LockedError, MissingError
from schemas.manifest import Documents, VersionManifest
from schemas.recipe import Recipe, parse_recipe

PLOTS = ("languages", "ledger", "lengths", "mix")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory) -> Workspace:
    return lay_out(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def built(corpora) -> tuple[Path, VersionManifest]:
    """A version, not to be changed."""
    manifest, _ = build(corpora, parse_recipe(RECIPE, "test"), REF)
    return corpora.version(REF), manifest


@pytest.fixture
def own(built, corpora, tmp_path) -> Workspace:
    """A workspace of one's own with the same version, free to be changed."""
    workspace = Workspace(tmp_path / "datasets")
    shutil.copytree(built[0], workspace.version(REF))
    return workspace


def tables(text: str) -> list[list[dict[str, str]]]:
    """Every table of a card, as rows by heading."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        assert len({len(row) for row in rows}) == 1
        assert len({len(line) for line in block.splitlines()}) == 1 or not block.isascii()
        found.append([dict(zip(rows[0], row, strict=True)) for row in rows[2:]])
    return found


def table_with(text: str, *columns: str) -> list[dict[str, str]]:
    (found,) = [table for table in tables(text) if set(columns) <= set(table[0])]
    return found


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def rows_of(folder: Path) -> pl.DataFrame:
    parts = [
        pl.read_parquet(path).with_columns(split=pl.lit(path.name.split("-")[0]))
        for path in (folder / "data").iterdir()
    ]
    return pl.concat(parts)


def load(folder: Path, cache: Path) -> dict[str, int]:
    from datasets import load_dataset

    return {split: rows.num_rows for split, rows in load_dataset(str(folder), cache_dir=str(cache)).items()}


# What the Hub and `datasets` read


def test_load_dataset_gives_the_splits_and_rows_of_the_manifest(built, tmp_path):
    folder, manifest = built
    stated = {name: split.rows for name, split in manifest.identity.splits.items()}
    assert all(stated.values())
    assert load(folder, tmp_path) == stated


@pytest.mark.slow
def test_a_version_without_validation_loads(corpora, tmp_path):
    folder, manifest = made(corpora, RECIPE.replace("validation = 0.2", "validation = 0.0"), tmp_path)
    assert manifest.identity.splits["validation"].rows == 0
    assert set(load(folder, tmp_path / "cache")) == {"train", "test"}
    text = (folder / "README.md").read_text()
    assert "The split validation is empty" in text
    assert [row["Dialogues"] for row in table_with(text, "Split") if row["Split"] == "validation"] == ["0"]


def test_the_header_is_a_dataset_card(built):
    from huggingface_hub import DatasetCard

    folder, manifest = built
    data = DatasetCard((folder / "README.md").read_text(encoding="utf-8")).data.to_dict()
    by_rows = rows_of(folder).filter(pl.col("language") != "und").group_by("language").len()
    assert data["language"] == by_rows.sort("len", "language", descending=[True, False])["language"].to_list()
    assert data["pretty_name"] == manifest.identity.recipe.title
    assert data["size_categories"] == ["n<1K"]
    assert data["tags"] == ["dialogue", "conversation", "multilingual", "quimbot"]
    assert data["license"] == "other"
    assert data["license_name"] == "mixed"
    assert "LicenseRef-LMSYS-Chat-1M" in data["license_details"]
    paths = [entry["path"] for entry in data["configs"][0]["data_files"]]
    assert all(list(folder.glob(path)) for path in paths)


def test_one_licence_that_the_hub_knows_goes_by_its_name(corpora, tmp_path):
    from huggingface_hub import DatasetCard

    folder, _ = made(corpora, MINE, tmp_path)
    text = (folder / "README.md").read_text()
    assert DatasetCard(text).data.license == "apache-2.0"
    assert "may not leave the workspace" not in text
    assert "No dialogue is under a licence term." in text


def test_one_licence_of_its_own_is_named_and_linked(built):
    from huggingface_hub import DatasetCard

    folder, manifest = built
    facts = card_facts(folder, manifest)
    lmsys_alone = dataclasses.replace(
        facts,
        licenses=[row for row in facts.licenses if row.source == "lmsys"],
        license_totals=[row for row in facts.license_totals if "LMSYS" in row.license],
    )
    data = DatasetCard(f"---\n{header.header(lmsys_alone)[0]}\n---\n").data.to_dict()
    assert (data["license"], data["license_name"]) == ("other", "lmsys-chat-1m")
    assert data["license_link"] == lmsys.DOSSIER.url


def test_norwegian_is_no_truth_value():
    from huggingface_hub import DatasetCardData

    assert "- 'no'" in DatasetCardData(language=["no"]).to_yaml()


@pytest.mark.parametrize(
    ("spdx", "hub"),
    [("MIT", "mit"), ("GPL-3.0-or-later", "gpl-3.0"), ("ODC-By-1.0", "odc-by"), ("CC-BY-4.0 AND MIT", None)],
)
def test_licence_ids_of_the_hub(spdx, hub):
    assert hub_names.hub_license(spdx) == hub


# What the card says


def test_mix_and_splits_are_those_of_the_data(built):
    folder, manifest = built
    text, rows = (folder / "README.md").read_text(), rows_of(folder)
    for line, row in zip(manifest.mix, table_with(text, "Component", "Shortfall"), strict=True):
        of = rows.filter(pl.col("family") == line.family)
        assert (number(row["Dialogues"]), number(row["Tokens"])) == (of.height, of["n_tokens"].sum())
        assert row["Of dialogues"] == f"{100 * of.height / rows.height:.1f} %"
        assert row["Of tokens"] == f"{100 * of['n_tokens'].sum() / rows['n_tokens'].sum():.1f} %"
    for row in table_with(text, "Split", "Asked"):
        of = rows.filter(pl.col("split") == row["Split"])
        assert (number(row["Dialogues"]), number(row["Tokens"])) == (of.height, of["n_tokens"].sum())
        assert row["Asked"] == {"train": "60.0 %"}.get(row["Split"], "20.0 %")


def test_the_ledger_is_the_manifests_from_raw_rows_to_kept_rows(built):
    folder, manifest = built
    printed = [table for table in tables((folder / "README.md").read_text()) if "Step" in table[0]]
    assert [len(table) for table in printed] == [13, 13, 13]
    assert [number(table[0]["In"]) for table in printed] == [50, 15, 20]
    assert sum(number(table[-1]["Out"]) for table in printed) == rows_of(folder).height
    said = {(row["Step"], *pair) for row in printed[0] for pair in re.findall(r"`([^`]+)` ([\d,]+)", row["Reasons"])}
    stated = {(li.step, li.reason, f"{li.rows:,}") for li in manifest.ledger if li.source == "lmsys" and li.reason}
    assert said == stated
    assert {("read", "empty-content", "5"), ("redacted", "email", "5"), ("filter", "max_chars", "1")} <= said


def test_languages_lengths_and_safety_are_those_of_the_data(built):
    folder, _ = built
    text, rows = (folder / "README.md").read_text(), rows_of(folder)
    said = {row["Language"].strip("`"): number(row["Dialogues"]) for row in table_with(text, "Language")}
    assert said == dict(rows["language"].value_counts().iter_rows())
    for row, column in zip(table_with(text, "Median"), ("n_turns", "n_chars", "n_tokens"), strict=True):
        assert number(row["Median"]) == rows[column].quantile(0.5, "lower")
        assert (number(row["Least"]), number(row["Most"])) == (rows[column].min(), rows[column].max())
    by_source = {row["Source"]: row for row in table_with(text, "Flagged")}
    flagged = rows.filter(pl.col("safety").struct.field("flagged"))
    assert 0 < flagged.height == number(by_source["`lmsys`"]["Flagged"])
    assert number(by_source["`lmsys`"]["Untrained messages"]) == rows["untrained"].list.len().sum() > 0
    assert by_source["`waxal`"]["Labelled"] == "0"
    assert table_with(text, "Kind")[0]["Name"] == "`hate`"


def test_sources_terms_and_made_turns(built):
    folder, _ = built
    text, rows = (folder / "README.md").read_text(), rows_of(folder)
    sources = {row["Source"].strip("`"): row for row in table_with(text, "Licence", "Revision")}
    assert {name: number(row["Dialogues"]) for name, row in sources.items()} == dict(
        rows["source"].value_counts().iter_rows()
    )
    assert sources["lmsys"]["Revision"] == "`0123456789ab`"
    assert sources["mine"]["Title"] == r"Mine \| \<b\>bold\</b\> and \`more\`"
    assert lmsys.DOSSIER.attribution in text
    assert f"<{waxal.DOSSIER.url}>" in text
    no_transfer = rows["terms"].list.contains("no-transfer").sum()
    assert f"**This version may not leave the workspace.** {no_transfer} of its dialogues" in text
    derived = table_with(text, "Made by")
    assert sum(number(row["Dialogues"]) for row in derived) == (rows["source"] == "waxal").sum()
    assert f"**Made turns**: {(rows['source'] == 'waxal').sum()} dialogues" in text


def test_every_term_has_its_duty():
    from schemas.fields import TERMS

    assert set(card_tables.DUTIES) == set(TERMS)


def test_the_printed_recipe_is_the_recipe(built):
    folder, manifest = built
    (printed,) = re.findall(r"```toml\n(.*?)```", (folder / "README.md").read_text(), flags=re.DOTALL)
    assert parse_recipe(printed, "card") == manifest.identity.recipe


def test_a_recipe_with_everything_survives_as_toml():
    recipe = Recipe.model_validate(
        {
            "name": "all",
            "title": 'Quotes " and \\ and \x7f and ü and 😀',
            "size": "max",
            "components": [
                {
                    **{"family": "pedagogical", "weight": 1.0, "sources": ["a", "b.c"], "languages": ["no"]},
                    **{"target_languages": [], "backgrounds": ["heritage"]},
                }
            ],
            "filters": {"max_digit_share": 1e-07, "languages_agree": True, "languages": ["es", "en"]},
            "safety": {"labels": {"a b": "drop"}, "categories": {"x/y": "drop"}},
            "splits": {"validation": 0.0, "languages": ["ny"]},
        }
    )
    assert parse_recipe(recipe_toml(recipe), "x") == recipe


def test_a_version_without_dialogues_has_a_card(corpora, tmp_path):
    folder, manifest = made(corpora, MINE, tmp_path, unit="tokens", size=1)
    assert not manifest.data
    text = (folder / "README.md").read_text()
    assert "**0 dialogues**" in text
    assert "configs:" not in text
    assert sorted(path.stem for path in (folder / "plots").iterdir()) == ["ledger", "mix"]
    assert_links_resolve(folder / "README.md")


def test_detectors_and_date_are_those_of_the_record(built):
    folder, manifest = built
    text, record = (folder / "README.md").read_text(), manifest.record
    detectors = ", ".join(f"{name} {version}" for name, version in sorted(record["language_detectors"].items()))
    assert f"- Languages are detected by {detectors}." in text
    assert f"Built {record['created']} with " in text


# Plots


def assert_links_resolve(path: Path) -> list[str]:
    images = re.findall(r"^!\[(.*)\]\((.*)\)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert images
    for alternative, link in images:
        assert len(alternative) > 20
        assert "]" not in alternative
        assert (path.parent / link).exists()
    return [link for _, link in images]


@pytest.mark.slow
def test_sources_that_went_through_other_steps_stand_beside_each_other(built):
    """One was purged and one repeated, which the others were spared; names are as long as they may be."""
    facts = card_facts(*built)
    one = next(line.source for line in facts.ledger)
    names = [f"{'m' * 62}{number:02}" for number in range(4)]
    story = [line for line in facts.ledger if line.source == one]
    purged = [story[0]._replace(step="purged", unit="dialogues", reason=reason) for reason in (None, "td-0")]
    repeated = [story[-1]._replace(step="repeated", reason=reason) for reason in (None, "epochs")]
    ledgers = [story, [*story[:2], *purged, *story[2:]], [*story, *repeated], story]
    lines = [line._replace(source=name) for name, ledger in zip(names, ledgers, strict=True) for line in ledger]
    sources = [facts.sources[0]._replace(source=name) for name in names]
    told = plots.plots(dataclasses.replace(facts, ledger=lines, sources=sources))  # a warning is an error here
    assert told["ledger"].startswith(b"\x89PNG")
    funnels = plots.funnels(dataclasses.replace(facts, ledger=lines))
    assert len({tuple(stage.label for stage in funnel) for funnel in funnels.values()}) == 1
    assert "after purged" in [stage.label for stage in funnels[names[0]]]


def test_plots_are_small_pictures_with_words(built):
    folder, _ = built
    links = assert_links_resolve(folder / "README.md")
    assert sorted(links) == [f"plots/{name}.png" for name in PLOTS]
    for link in links:
        data = (folder / link).read_bytes()
        assert len(data) < 60_000
        picture = Image.open(BytesIO(data))
        assert picture.width > 900
        assert not {"Software", "Creation Time"} & set(picture.info)


# Written again


def test_the_same_files_give_the_same_bytes(built):
    folder, manifest = built
    again = documents(folder, manifest)
    assert set(again) == {"README.md", "croissant.json", *(f"plots/{name}.png" for name in PLOTS)}
    assert all((folder / path).read_bytes() == content for path, content in again.items())


def test_refreshing_mends_documents_and_nothing_else(own, built):
    folder, before = own.version(REF), {path: path.read_bytes() for path in own.root.rglob("*") if path.is_file()}
    (folder / "README.md").write_text("Painted over.")
    (folder / "plots" / "mix.png").unlink()
    assert len(verify(own, REF)) == 2
    refresh_documents(own, REF)
    assert verify(own, REF) == []
    after = {path: path.read_bytes() for path in own.root.rglob("*") if path.is_file() and ".locks" not in path.parts}
    assert after == before


@pytest.mark.slow
def test_refreshing_keeps_other_documents_drops_old_plots_and_vouches_for_no_stray_file(own):
    folder = own.version(REF)
    listed = read_model(folder / "documents.json", Documents)
    (folder / "NOTES.md").write_text("Notes.")
    (folder / "plots" / "old.png").write_text("old")
    more = {name: card.file_digest(folder / name) for name in ("NOTES.md", "plots/old.png")}
    (folder / "documents.json").write_text(Documents(files=listed.files | more).model_dump_json())
    (folder / "stray.txt").write_text("?")
    refresh_documents(own, REF)
    assert verify(own, REF) == ["stray.txt: not part of the version"]
    assert not (folder / "plots" / "old.png").exists()
    assert set(read_model(folder / "documents.json", Documents).files) == {*listed.files, "NOTES.md"}


def test_refreshing_waits_for_no_other_writer(own):
    with own.lock("version", REF.name, REF.version), pytest.raises(LockedError):
        refresh_documents(own, REF)


def test_a_copy_stands_alone(own, tmp_path):
    for _ in range(2):
        path = copy_card(own, REF, tmp_path / "data_cards")
    assert path == tmp_path / "data_cards" / "small-1.2.0.md"
    assert_links_resolve(path)
    assert (
        path.read_text().replace("(small-1.2.0/CHANGES", "(CHANGES").replace("(small-1.2.0/", "(plots/")
        == (own.version(REF) / "README.md").read_text()
    )
    assert verify(own, REF) == []


def test_nothing_to_copy(own, tmp_path):
    with pytest.raises(MissingError, match="holds no version"):
        copy_card(own, Ref("small", "9.9.9"), tmp_path)
    (own.version(REF) / "README.md").unlink()
    with pytest.raises(MissingError, match="quimbot card"):
        copy_card(own, REF, tmp_path)


# Refusals


def test_a_card_that_cannot_be_made_fails_the_build(corpora, tmp_path, monkeypatch):
    def refuse(*_: object) -> CardFacts:
        raise IntegrityError("No card today.")

    monkeypatch.setattr(card, "card_facts", refuse)
    with pytest.raises(IntegrityError, match="No card today"):
        made(corpora, MINE, tmp_path)
    assert Workspace(tmp_path / "datasets").versions() == []
    assert not list((tmp_path / "datasets").glob("versions/*/*"))


def test_data_that_is_not_the_manifests_gets_no_card(own):
    folder, manifest = own.version(REF), own.version_manifest(REF)
    first, *others = manifest.data
    with pytest.raises(IntegrityError, match="not what its manifest states"):
        write_documents(folder, manifest.model_copy(update={"data": others}))
    (folder / first.path).write_bytes(b"PAR1 and no more")
    with pytest.raises(IntegrityError, match=r"cannot be read.*quimbot verify"):
        write_documents(folder, manifest)
    (folder / first.path).unlink()
    with pytest.raises(IntegrityError, match="cannot be read"):
        write_documents(folder, manifest)


# Pieces


def test_every_query_states_its_grain_and_names_a_figure(built):
    assert {field.name for field in dataclasses.fields(CardFacts)} == {*QUERIES, "digests"}
    assert all(query_sql(name).startswith("-- One row") for name in QUERIES)
    assert card_facts(*built) == card_facts(*built)


@pytest.mark.parametrize("module", [markdown, hub_names, formats, marks, numbers], ids=lambda module: module.__name__)
def test_examples_in_docstrings(module):
    failed, tried = doctest.testmod(module)
    assert tried
    assert not failed


@pytest.mark.slow
def test_building_loads_plots_and_templates_only_when_it_draws():
    heavy = ("matplotlib", "jinja2", "duckdb", "huggingface_hub", "PIL")
    script = f"import sys, quimbot_data.card; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
