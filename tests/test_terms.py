"""Terms decide what enters: profiles, clearances as recorded acts, and what a version's licences ask."""

import json
import re

import polars as pl
import pytest
from conftest import REF, corpus_of, files_below

from quimbot_data.build import build, changed_inputs
from quimbot_data.clearance import clear, clearances, withdraw
from quimbot_data.diff import diff
from quimbot_data.filters import FORBIDDEN_TERMS
from quimbot_data.licence_report import licence_report
from quimbot_data.plan import plan
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import InputError, MissingError, MixError
from schemas.fields import TERMS
from schemas.recipe import Recipe, parse_recipe

pytestmark = pytest.mark.usefixtures("plain_card")

OPENHERMES = "LicenseRef-OpenHermes-2.5"
RECIPE = """
name = "{name}"
unit = "dialogues"
size = "max"
profile = "{profile}"

[[components]]
family = "instruction"
weight = 1.0
sources = ["openhermes"]
"""


def recipe_of(profile: str, name: str = "terms") -> Recipe:
    return parse_recipe(RECIPE.format(name=name, profile=profile), "test")


def rights_of(workspace: Workspace, source: str) -> pl.DataFrame:
    folder = workspace.corpus(source)
    entries = workspace.corpus_manifest(source).dialogues
    return pl.concat([pl.read_parquet(folder / e.path, columns=["dialogue_id", "license", "terms"]) for e in entries])


def fates(workspace: Workspace, ref: Ref) -> pl.DataFrame:
    return pl.read_parquet(workspace.version(ref) / "fates.parquet")


@pytest.mark.parametrize(
    ("profile", "reasons"),
    [("private", set()), ("research", {"unknown"}), ("redistributable", {"no-transfer", "unknown"})],
)
def test_no_row_of_a_version_has_a_term_that_its_profile_forbids(copied, recipe, profile, reasons):
    parts = [component.model_copy(update={"weight": 0.5}) for component in recipe.components[1:3]]
    ref = Ref("small", "2.0.0")
    build(copied, recipe.model_copy(update={"profile": profile, "components": parts, "size": 20}), ref)
    data = pl.concat([pl.read_parquet(path) for path in (copied.version(ref) / "data").glob("*.parquet")])
    held = set(data["terms"].explode().drop_nulls())
    assert not held & set(FORBIDDEN_TERMS[profile])
    assert held <= set(TERMS)
    dropped = fates(copied, ref).filter(pl.col("step") == "terms")
    assert set(dropped["reason"]) == reasons


@pytest.mark.parametrize("profile", ["research", "redistributable", "commercial"])
def test_a_profile_that_keeps_everything_out_is_named_with_what_it_keeps_out(built, profile):
    rows = rights_of(built, "openhermes").height
    with pytest.raises(MixError, match="openhermes") as caught:
        build(built, recipe_of(profile), Ref("terms", "1.0.0"))
    assert re.search(
        rf"profile {profile} keeps out: (openhermes \d+ \((unknown|no-transfer)\)(, )?)+\.", str(caught.value)
    )
    assert str(plan(built, recipe_of(profile)).problem) == str(caught.value)
    assert rows > 0
    assert not built.version(Ref("terms", "1.0.0")).exists()


def test_a_clearance_admits_the_rows_of_its_licence_to_research_alone(copied):
    made, _ = clear(copied, "openhermes", by="Ana Ruiz", reason="they wrote so on 2026-05-01", license_id=OPENHERMES)
    assert [(each.source, each.license) for each in made] == [("openhermes", OPENHERMES)]
    assert clearances(copied) == made
    manifest, _ = build(copied, recipe_of("research"), Ref("terms", "1.0.0"))
    assert manifest.cleared == made
    rights = rights_of(copied, "openhermes")
    cleared = set(rights.filter(pl.col("license") == OPENHERMES)["dialogue_id"])
    looked = fates(copied, Ref("terms", "1.0.0"))
    assert cleared
    assert cleared < set(rights["dialogue_id"])
    assert set(looked.filter(pl.col("step") == "terms")["dialogue_id"]) == set(rights["dialogue_id"]) - cleared
    for profile in ("redistributable", "commercial"):
        with pytest.raises(MixError, match="keeps out"):
            build(copied, recipe_of(profile), Ref("terms", "2.0.0"))


def test_a_clearance_can_be_replaced_and_taken_back(copied):
    first = clear(copied, "openhermes", by="Ana", reason="one")
    assert (len(first.made), first.replaced) == (2, [])
    second = clear(copied, "openhermes", by="Ben", reason="two", license_id=OPENHERMES)
    assert [(each.license, each.by) for each in second.replaced] == [(OPENHERMES, "Ana")]
    assert {each.license: each.by for each in clearances(copied)}[OPENHERMES] == "Ben"
    assert [each.by for each in withdraw(copied, "openhermes", OPENHERMES)] == ["Ben"]
    assert [each.by for each in clearances(copied)] == ["Ana"]
    withdraw(copied, "openhermes")
    with pytest.raises(MissingError, match="Cleared: nothing"):
        withdraw(copied, "openhermes")


def test_a_version_stays_whole_when_its_clearance_goes_and_says_why_it_cannot_be_built_again(quimbot, copied):
    clear(copied, "openhermes", by="Ana", reason="looked it up")
    ref = Ref("terms", "1.0.0")
    manifest, _ = build(copied, recipe_of("research"), ref)
    assert changed_inputs(copied, manifest) == []
    withdraw(copied, "openhermes", OPENHERMES)
    assert verify(copied, ref) == []
    assert [OPENHERMES in problem for problem in changed_inputs(copied, manifest)] == [True]
    ran = quimbot("verify", ref, "--rebuild", "--workspace", copied.root)
    assert ran.code == 1
    assert ran.out.startswith(f"{ref} is whole")
    assert "It cannot be built again: the clearance of openhermes" in ran.err


@pytest.mark.slow
def test_a_diff_names_the_clearance_that_let_rows_in(copied):
    asked = recipe_of("research")
    clear(copied, "openhermes", by="Ana", reason="looked it up", license_id=OPENHERMES)
    build(copied, asked, Ref("terms", "1.0.0"))
    clear(copied, "openhermes", by="Ben", reason="asked the others, too")
    manifest, _ = build(copied, asked, None)
    found = diff(copied, Ref("terms", "1.0.0"), Ref("terms", manifest.version))
    keys = {change.key: (change.a, change.b) for change in found.recipe}
    assert f"clearance of openhermes ({OPENHERMES})" in keys
    assert [a for a, _ in keys.values()].count(None) == 1, "the other licence was not cleared before"
    assert found.rows("added") > 0


@pytest.mark.parametrize(("by", "reason"), [("", "why"), ("  ", "why"), ("who", ""), ("who", "x" * 2_001)])
def test_nobody_and_nothing_clear_nothing(copied, by, reason):
    before = files_below(copied.root / "corpus")
    with pytest.raises(InputError, match="Say who answers for it"):
        clear(copied, "openhermes", by=by, reason=reason)
    assert files_below(copied.root / "corpus") == before
    assert clearances(copied) == []


def test_what_is_known_needs_no_clearance(copied):
    with pytest.raises(MissingError, match="holds no dialogue with unknown terms"):
        clear(copied, "prosocial", by="Ana", reason="why")
    with pytest.raises(MissingError, match=f"With unknown terms: .*{OPENHERMES}"):
        clear(copied, "openhermes", by="Ana", reason="why", license_id="MIT")
    with pytest.raises(MissingError, match="holds no corpus"):
        clear(copied, "nowhere", by="Ana", reason="why")


def test_the_report_counts_every_row_once_by_licence_and_names_what_to_print(built):
    report = licence_report(built, REF)
    manifest = built.version_manifest(REF)
    assert sum(line.dialogues for line in report.lines) == sum(s.rows for s in manifest.identity.splits.values())
    assert sum(line.tokens for line in report.lines) == sum(s.tokens for s in manifest.identity.splits.values())
    unknown = sum(line.dialogues for line in report.lines if "unknown" in line.terms)
    assert {line.term: line.dialogues for line in report.terms}["unknown"] == unknown > 0
    texts = {each.source: each.text for each in report.attributions}
    assert texts["prosocial"] == corpus_of("prosocial").dossier.attribution
    problems = " ".join(report.unresolved)
    assert "openhermes" in problems
    assert "tutor: its licence asks for attribution" in problems


@pytest.mark.slow
def test_rows_out_of_another_corpus_bring_its_attribution(copied):
    ref = Ref("terms", "1.0.0")
    build(copied, recipe_of("private"), ref)
    assert {each.source for each in licence_report(copied, ref).attributions} == {"openhermes", "lmsys"}


@pytest.mark.slow
def test_the_commands_tell_the_same(quimbot, copied):
    place = ("--workspace", copied.root)
    told = json.loads(quimbot("licenses", REF, "--json", *place).out)
    assert told == licence_report(copied, REF).model_dump(mode="json")
    shown = quimbot("licenses", REF, *place)
    assert shown.code == 0
    assert "ProsocialDialog" in shown.out
    assert "Unresolved: openhermes" in shown.err
    quimbot("clear", "openhermes", *place).told("Give --by and --reason")
    quimbot("clear", "openhermes", "--by", "Ana", *place).told("Give --by and --reason")
    cleared = quimbot("clear", "openhermes", "--by", "Ana", "--reason", "a mail", "--json", *place)
    assert json.loads(cleared.out) == [each.model_dump(mode="json") for each in clearances(copied)]
    assert quimbot("clear", "openhermes", "--withdraw", *place).code == 0
    assert clearances(copied) == []
