"""Executable cards: every number has an origin, `verify-card` runs it again, and what was tampered with is named."""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from card_workspace import BY_HAND, MINE, RECIPE, REF, by_hand, lay_out, made
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data import card
from quimbot_data.build import build
from quimbot_data.card import refresh_documents
from quimbot_data.card.block import Figure, found, written
from quimbot_data.card.cells import Answer, traced
from quimbot_data.card.figures import QUERIES, VIEWS, Ask, CardFacts, card_facts, query_sql
from quimbot_data.card.formats import FORMATS, LITERAL, figure
from quimbot_data.card.numbers import numbers
from quimbot_data.card.prose import wanted
from quimbot_data.card.render import render
from quimbot_data.card.verify import CardCheck, compare, verify_card
from quimbot_data.sql.catalog import view_sql, workspace_catalog
from quimbot_data.sql.query import Session
from quimbot_data.version import verify
from quimbot_data.workspace import Ref, Workspace, entry_of, write_model
from schemas.card import CardBlock
from schemas.errors import InputError, IntegrityError, MissingError
from schemas.manifest import VersionManifest
from schemas.recipe import Recipe, parse_recipe

pytestmark = [pytest.mark.usefixtures("no_plots"), pytest.mark.slow]  # whole workspaces, many times over

#: Every number that the cards' own words hold, with the word that it stands in: none is a figure in disguise.
LITERALS = {
    *("5 %", "25 %", "75 %", "95 %", "99 %", "(95 %)", "`…@epoch2`"),
}


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Three corpora, `small@1.2.0` of them, and `by-hand-7@2.10.3`; not to be changed."""
    workspace = lay_out(tmp_path_factory.mktemp("corpora"))
    build(workspace, parse_recipe(RECIPE, "test"), REF)
    by_hand(workspace)
    return workspace


@pytest.fixture(scope="module")
def cards(corpora: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Cards of many kinds, by name."""
    empty, _ = made(corpora, MINE, tmp_path_factory.mktemp("empty"), unit="tokens", size=1)
    one, _ = made(corpora, MINE, tmp_path_factory.mktemp("one"))
    folders = {"small": corpora.version(REF), "by hand": corpora.version(BY_HAND), "empty": empty, "one": one}
    return {name: (folder / "README.md").read_text("utf-8") for name, folder in folders.items()}


@pytest.fixture(scope="module")
def facts(corpora: Workspace) -> CardFacts:
    return card_facts(corpora.version(BY_HAND), corpora.version_manifest(BY_HAND))


@pytest.fixture(scope="module")
def ask(corpora: Workspace) -> Iterator[Ask]:
    """Run a query over `by-hand-7@2.10.3`, as `quimbot sql` does, in one session."""
    catalog = workspace_catalog(corpora, BY_HAND)
    with Session() as session:

        def answer(sql: str) -> Answer:
            table = session.query(catalog, sql)
            return Answer(table.column_names, [tuple(row.values()) for row in table.to_pylist()])

        yield answer


@pytest.fixture(scope="module")
def held(facts: CardFacts, ask: Ask) -> Callable[[str], CardCheck]:
    """Compare a text with what `by-hand-7@2.10.3` gives."""
    expected = render(facts).block
    return lambda text: compare(text, expected, ask)


@pytest.fixture
def own(corpora: Workspace, tmp_path: Path) -> Workspace:
    """Both versions, free to be changed."""
    shutil.copytree(corpora.root / "versions", tmp_path / "w" / "versions")
    return Workspace(tmp_path / "w")


@pytest.fixture(scope="module")
def text(cards: dict[str, str]) -> str:
    return cards["by hand"]


def block(text: str) -> CardBlock:
    taken = found(text)
    assert taken.block is not None, taken.problem
    return taken.block


def entries(text: str) -> list[Figure]:
    return [Figure(printed, form, tuple(cells)) for printed, form, *cells in block(text).figures]


# Every number has an origin


@pytest.mark.parametrize("name", ["small", "by hand", "empty", "one"])
def test_every_number_is_a_figure_or_a_literal(cards: dict[str, str], name: str) -> None:
    stand = [number.text for number in numbers(found(cards[name]).text)]
    assert stand == [want.text for want in wanted(entries(cards[name]))]
    assert len(stand) > 100
    assert sum(each.form == LITERAL for each in entries(cards[name])) < 25


def words_of_literals(text: str) -> set[str]:
    """Each literal number of a card with the word around it."""
    taken, words = found(text), set()
    for number, want in zip(numbers(taken.text), wanted(entries(text)), strict=True):
        if want.figure.form == LITERAL:
            before = re.search(r"[^\s|]*$", taken.text[: number.start])
            after = re.match(r"(?:\d+ %)?[^\s|]*", taken.text[number.start :])
            words.add((before[0] if before else "") + (after[0] if after else ""))
    return words


def test_literals_are_words_of_every_card_and_no_figures(cards: dict[str, str]) -> None:
    assert {word for text in cards.values() for word in words_of_literals(text)} == LITERALS


def test_a_number_that_no_query_gave_is_not_printed() -> None:
    for form, value in (("count", 5), ("share", 0.5), ("code", "toefl11"), ("text", "demo@0.1.0")):
        with pytest.raises(TypeError, match="no cell of a query"):
            figure(form, value)
    assert figure("code", "en") == "`en`"


def test_header_alt_texts_and_code_count_as_text(text: str) -> None:
    listed = entries(text)
    assert [each.form for each in listed[:2]] == ["hub_license", "size_category"] or listed[0].form == "size_category"
    printed = {each.printed for each in listed}
    assert {"n<1K", "by-hand-7@2.10.3", "CC-BY-4.0", "`guard-8b@0123456789ab`", "0.85", "0.05"} <= printed
    (recipe,) = [each for each in listed if each.form == "toml"]
    assert parse_recipe(recipe.printed, "card") == block_recipe(text)
    assert recipe.printed in text


def block_recipe(text: str) -> Recipe:
    (printed,) = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)
    return parse_recipe(printed, "card")


def test_whoever_has_the_version_can_run_the_queries(ask: Ask, text: str) -> None:
    listed = block(text)
    assert set(listed.queries) == set(QUERIES)
    for name, query in listed.queries.items():
        assert query.sql == query_sql(name)
        answer = ask(query.sql)
        assert answer.sha256() == query.sha256, name
        for each in listed.figures:
            if each[1] != LITERAL and all(cell.startswith(f"{name}.") for cell in each[2:]):
                assert FORMATS[each[1]](*map(answer.cell, each[2:])) == each[0]


def test_the_views_of_a_version_are_its_manifest_recipe_and_audit(corpora: Workspace, ask: Ask) -> None:
    manifest = corpora.version_manifest(BY_HAND)

    def rows(query: str) -> list[dict[str, object]]:
        answer = ask(query)
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]

    assert rows("SELECT * EXCLUDE max_epochs FROM mix") == [line.model_dump() for line in manifest.mix]
    assert rows("SELECT name, items, too_short FROM evaluation") == [
        {"name": "quiz-7.jsonl", "items": 164, "too_short": 1}
    ]
    assert rows("SELECT kind, recall, recall_low, precision_high, asked FROM audit") == [
        {"kind": "exact", "recall": 0.966, "recall_low": 0.828, "precision_high": 0.994, "asked": 37},
        {"kind": "pii ip4", "recall": None, "recall_low": None, "precision_high": None, "asked": 37},
    ]
    (recipe,) = rows("SELECT * FROM recipe")
    assert Recipe.model_validate_json(str(recipe["recipe_json"])) == manifest.identity.recipe
    assert (recipe["size"], recipe["held_out"], recipe["threshold"], recipe["ngram"]) == (61, ["ny", "lg"], 0.85, 8)
    assert rows("SELECT source, revision FROM inputs ORDER BY ALL")[0] == {
        "source": "chats-2", "revision": "0123456789abcdef",
    }  # fmt: skip
    assert rows("SELECT cleared_by, cleared_on FROM clearances") == [
        {"cleared_by": "Ana 2", "cleared_on": "2026-02-08"}
    ]
    (made_by,) = rows("SELECT name, version, id, libraries FROM build")
    assert made_by == {"name": "by-hand-7", "version": "2.10.3", "id": manifest.id, "libraries": "polars 2.1.0"}


def test_the_queries_read_no_more_views_than_they_are_given() -> None:
    assert all(view_sql(view) for view in VIEWS)


HOSTILE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "\ufde0\ufdd3\ufde15\ufde2 7",
        "5\n% 6",
        "</details>",
        "```json",
        "<5 %",
        "![5](6)",
        "a: 'b' \"7\" #8",
        "\x07\x857\u20289",
    ]
)


@tried(15)
@given(HOSTILE, HOSTILE)
def test_no_text_of_corpora_or_recipes_confuses_the_marks(facts: CardFacts, title: str, attribution: str) -> None:
    named, said = traced(title, "build.0.title"), traced(attribution, "sources.0.attribution")
    assert isinstance(named, str)
    assert isinstance(said, str)
    sources = [facts.sources[0]._replace(attribution=said), *facts.sources[1:]]
    changed = dataclasses.replace(facts, build=facts.build._replace(title=named), sources=sources)
    card_text = render(changed).text
    stand = [number.text for number in numbers(found(card_text).text)]
    assert stand == [want.text for want in wanted(entries(card_text))]
    assert not re.search("[\ufdd0-\ufdef]", card_text)


def test_a_recipe_with_noncharacters_is_still_the_recipe(corpora: Workspace, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = by_hand(workspace, title="Odd \ufdd0\ufde2 and 5")
    text = (workspace.version(BY_HAND) / "README.md").read_text("utf-8")
    assert block_recipe(text) == manifest.identity.recipe
    assert not re.search("[\ufdd0-\ufdef]", text)
    assert not verify_card(workspace, BY_HAND, workspace.version(BY_HAND) / "README.md").differences


# What is whole


@pytest.mark.parametrize("ref", [REF, BY_HAND])
def test_a_card_as_written_is_what_the_data_gives(corpora: Workspace, ref: Ref) -> None:
    checked = verify_card(corpora, ref, corpora.version(ref) / "README.md")
    assert checked.differences == []
    assert checked.notes == []
    assert checked.queries == len(QUERIES)
    assert checked.figures > 200


def test_words_may_be_edited_freely(held: Callable[[str], CardCheck], text: str) -> None:
    edited = text.replace("## The mix", "## What it is made of").replace("## Lengths", "We measured.\n\n## Lengths")
    edited = edited.replace("- **Answers** are as the corpora hold them.", "- **Answers**: trust none.").replace(
        "\n", "\r\n"
    )
    assert edited != text
    assert held(edited.replace("\r\n", "\n")).differences == []


def test_a_copy_is_verified_as_the_card_is(own: Workspace, tmp_path: Path) -> None:
    (own.version(BY_HAND) / "plots").mkdir(exist_ok=True)
    (own.version(BY_HAND) / "plots" / "mix.png").write_bytes(b"")
    path = card.copy_card(own, BY_HAND, tmp_path / "cards")
    assert "](by-hand-7-2.10.3/mix.png)" in path.read_text("utf-8")
    assert verify_card(own, BY_HAND, path).differences == []
    windows = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + windows)
    assert verify_card(own, BY_HAND, path).differences == []


# What was tampered with


def line_with(text: str, part: str) -> str:
    (line,) = [line for line in text.splitlines() if part in line and not line.startswith("  [")]
    return line


def swapped(line: str, one: str, other: str) -> str:
    return line.replace(one, "\0", 1).replace(other, one, 1).replace("\0", other, 1)


EDITS: dict[str, tuple[Callable[[str], str], list[str]]] = {
    "a count in prose": (
        lambda t: t.replace("**60 dialogues**", "**61 dialogues**"),
        ["says 61", "gives 60", "totals, row 1"],
    ),
    "a thousands separator": (lambda t: t.replace("1,215", "1.215", 1), ["says 1.215", "gives 1,215"]),
    "the size category": (lambda t: t.replace("- n<1K", "- 1K<n<10K"), ["gives <1"]),
    "a licence's count in the header": (
        lambda t: t.replace("CC-BY-4.0: 30", "CC-BY-4.0: 29"),
        ["says 29", "license_totals"],
    ),
    "a licence": (lambda t: t.replace("CC-BY-4.0: 30", "CC-BY-3.0: 30"), ["says 3.0", "gives 4.0"]),
    "the id": (lambda t: re.sub(r"(Its id is `\D*)\d", r"\g<1>", t, count=1), ["build, row 1, id"]),
    "a library's version": (
        lambda t: t.replace("with polars 2.1.0", "with polars 2.2.0"),
        ["says 2.2.0", "gives 2.1.0"],
    ),
    "an alt text": (lambda t: t.replace("`toefl11` 1,215 raw", "`toefl11` 1,216 raw"), ["says 1,216", "sources, row"]),
    "a number of the recipe": (
        lambda t: t.replace("threshold = 0.85", "threshold = 0.8"),
        ["says 0.8", "in 'threshold = 0.85'"],
    ),
    "a threshold in prose": (
        lambda t: t.replace("shingles is 0.85", "shingles is 0.90"),
        ["says 0.90", "recipe, row 1"],
    ),
    "an interval": (lambda t: t.replace("0.966 (0.828 to", "0.966 (0.928 to", 1), ["says 0.928", "gives 0.828"]),
    "a sign": (lambda t: t.replace("−1,200", "1,200", 1), ["says 1,200", "gives −1,200"]),
    "a per cent sign": (
        lambda t: re.sub(r"\| (\s*)75.0 %", r"| \g<1>75.0  ", t, count=1),
        ["says 75.0", "gives 75.0%"],
    ),
    "a word's number": (lambda t: t.replace("(95 %)", "(99 %)", 1), ["says 99%", "own words say 95%"]),
    "an added number": (
        lambda t: t.replace("## Lengths", "It holds 7 jokes.\n\n## Lengths"),
        ["says 7, where no figure"],
    ),
    "a number for a dash": (
        lambda t: line_for(t, "`pii ip4`", lambda line: line.replace("–", "1.000", 1)),
        ["says 1.000"],
    ),
    "a deleted row": (
        lambda t: t.replace(line_with(t, "| `ny` ") + "\n", ""),
        ["leaves a number out", "languages, row"],
    ),
    "swapped numbers": (
        lambda t: line_for(t, "| train ", lambda line: swapped(line, "44", "90.0")),
        ["splits, row 1"],
    ),
}


def line_for(text: str, part: str, edit: Callable[[str], str]) -> str:
    line = line_with(text, part)
    return text.replace(line, edit(line))


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_text_is_named(held: Callable[[str], CardCheck], text: str, name: str) -> None:
    edit, told = EDITS[name]
    edited = edit(text)
    assert edited != text
    differences = held(edited).differences
    assert 0 < len(differences) <= 12
    whole = "\n".join(difference.told for difference in differences)
    assert all(part in whole for part in told), whole
    first = next(
        at
        for at, (one, other) in enumerate(zip(text.splitlines(), edited.splitlines(), strict=False), 1)
        if one != other
    )
    assert min(abs(difference.line - first) for difference in differences if difference.line) <= 1


def in_block(text: str, edit: Callable[[dict], None]) -> str:
    """The card with another block, written as cards write it."""
    value = json.loads(block(text).model_dump_json())
    edit(value)
    return text.replace(written(block(text)), written(CardBlock.model_validate(value)))


def figure_at(value: dict, printed: str) -> list[str]:
    return next(each for each in value["figures"] if each[0] == printed)


BLOCK_EDITS: dict[str, tuple[Callable[[str], str], str]] = {
    "gone": (lambda t: t.replace(written(block(t)), ""), "holds no block"),
    "twice": (lambda t: t + written(block(t)), "several blocks"),
    "garbled": (lambda t: t.replace('"schema_version": 1', '"schema_version": "one'), "cannot be read"),
    "another heading": (lambda t: t.replace("<summary>Where", "<summary>Here"), "holds no block"),
    "something hidden beside it": (
        lambda t: t.replace("```\n\n</details>", "```\n\n1,000,000 dialogues\n</details>"),
        "more or less",
    ),
    "a figure": (
        lambda t: in_block(t, lambda v: figure_at(v, "60").__setitem__(0, "61")),
        "block says '61', its query gives '60'",
    ),
    "a cell": (lambda t: in_block(t, lambda v: figure_at(v, "60").__setitem__(2, "totals.0.messages")), "figure"),
    "no such cell": (
        lambda t: in_block(t, lambda v: figure_at(v, "60").__setitem__(2, "totals.9.x")),
        "cannot be made again",
    ),
    "a path of nothing": (
        lambda t: in_block(t, lambda v: figure_at(v, "60").__setitem__(2, "totals")),
        "cannot be made again",
    ),
    "a format": (lambda t: in_block(t, lambda v: figure_at(v, "60").__setitem__(1, "share")), "should be"),
    "no such format": (
        lambda t: in_block(t, lambda v: figure_at(v, "60").__setitem__(1, "eval")),
        "cannot be made again",
    ),
    "a figure less": (lambda t: in_block(t, lambda v: v["figures"].pop(40)), "lists"),
    "SQL": (
        lambda t: in_block(t, lambda v: v["queries"]["totals"].update(sql="SELECT 61 AS dialogues")),
        "not the one that this package ships",
    ),
    "a result": (
        lambda t: in_block(t, lambda v: v["queries"]["totals"].update(sha256="0" * 64)),
        "its result is not the one",
    ),
    "a query less": (lambda t: in_block(t, lambda v: v["queries"].pop("terms")), "lacks the queries terms"),
    "a query more": (
        lambda t: in_block(t, lambda v: v["queries"].update(more=v["queries"]["terms"])),
        "no query of that name",
    ),
}


@pytest.mark.parametrize("name", BLOCK_EDITS)
def test_an_edited_block_is_named(held: Callable[[str], CardCheck], text: str, name: str) -> None:
    edit, told = BLOCK_EDITS[name]
    edited = edit(text)
    assert edited != text
    differences = held(edited).differences
    assert differences
    assert told in "\n".join(difference.told for difference in differences)
    assert len(differences) <= 60


def test_text_and_block_forged_together_are_caught(held: Callable[[str], CardCheck], text: str) -> None:
    row = line_with(text, "| `ny` ")
    without = [cell for each in block(text).figures for cell in each[2:] if cell.startswith("languages.")]
    place = next(cell.split(".")[1] for cell in without if f"languages.{cell.split('.')[1]}.dialogues" in without)

    def drop(value: dict) -> None:
        value["figures"] = [
            each for each in value["figures"] if not any(c.startswith(f"languages.{place}.") for c in each)
        ]

    forged = in_block(text.replace(row + "\n", ""), drop)
    assert any("lists" in difference.told for difference in held(forged).differences)

    def claim(value: dict) -> None:
        value["queries"]["totals"]["sql"] = query_sql("totals").replace("count(*) AS dialogues", "61 AS dialogues")

    assert held(in_block(text.replace("**60 dialogues**", "**61 dialogues**"), claim)).differences


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{path}'",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM '/etc/hostname'",
        "ATTACH '{path}'",
        "SELECT getenv('HOME')",
        "SELECT 'nan'::DOUBLE AS dialogues",
        "SELECT DATE '2026-01-01' AS dialogues",
        "SELECT repeat('x', 100000) FROM range(10)",
        "",
    ],
)
def test_sql_of_a_card_is_untrusted(held: Callable[[str], CardCheck], text: str, tmp_path: Path, sql: str) -> None:
    path = tmp_path / "written"

    def plant(value: dict) -> None:
        value["queries"]["totals"]["sql"] = sql.format(path=path) or " "

    differences = held(in_block(text, plant)).differences
    assert any(difference.query == "totals" for difference in differences)
    assert not path.exists()


def test_a_card_by_another_version_is_held_to_its_own_block(held: Callable[[str], CardCheck], text: str) -> None:
    older = text.replace(f'"package": "{block(text).package}"', '"package": "quimbot-data 0.0.9"')
    checked = held(older)
    assert checked.differences == []
    assert "quimbot-data 0.0.9" in checked.notes[0]
    (difference,) = held(older.replace("**60 dialogues**", "**61 dialogues**")).differences
    assert (difference.says, difference.gives) == ("61", "60")


@tried(12)
@given(st.data())
def test_any_changed_number_is_caught(held: Callable[[str], CardCheck], text: str, data: st.DataObject) -> None:
    stand = numbers(found(text).text)
    number = data.draw(st.sampled_from(stand))
    digit = next(at for at in range(number.start, len(text)) if text[at].isdecimal())
    other = data.draw(st.sampled_from([d for d in "0123456789" if d != text[digit]] + ["", "4" + text[digit]]))
    edited = text[:digit] + other + text[digit + 1 :]
    assert held(edited).differences


@tried(12)
@given(st.text(max_size=300), st.integers(0, 1000), st.integers(0, 200))
def test_no_card_however_mangled_is_a_traceback(
    held: Callable[[str], CardCheck], text: str, junk: str, at: int, cut: int
) -> None:
    place = len(text) * at // 1000
    held(text[:place] + junk + text[place + cut :])
    held(junk)


# Data, manifest and files


def test_a_manifest_that_says_other_than_the_card_is_named(own: Workspace) -> None:
    folder, manifest = own.version(BY_HAND), own.version_manifest(BY_HAND)
    first, *others = manifest.mix
    write_model(
        folder / "manifest.json",
        manifest.model_copy(update={"mix": [first.model_copy(update={"budget": 99}), *others]}),
    )
    differences = verify_card(own, BY_HAND, folder / "README.md").differences
    assert any("Query mix: its result is not the one" in difference.told for difference in differences)
    assert [(d.says, d.gives) for d in differences if d.line] == [("61", "99")]


def test_a_flipped_byte_a_removed_row_and_an_extra_file_are_caught(own: Workspace) -> None:
    folder, manifest = own.version(REF), own.version_manifest(REF)
    assert verify(own, REF) == []
    path = folder / manifest.data[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    assert verify(own, REF) == [f"{manifest.data[0].path}: its bytes differ from what was written"]
    path.write_bytes(whole)
    (folder / "data" / "more.parquet").write_bytes(whole)
    assert verify(own, REF) == ["data/more.parquet: not part of the version"]
    (folder / "data" / "more.parquet").unlink()
    pl.read_parquet(path)[1:].write_parquet(path)
    assert verify(own, REF) != []
    with pytest.raises(IntegrityError, match="not what its manifest states"):
        verify_card(own, REF, folder / "README.md")


def test_a_row_removed_together_with_its_counts_is_caught(own: Workspace) -> None:
    folder, manifest = own.version(REF), own.version_manifest(REF)
    path = folder / manifest.data[0].path
    gone = pl.read_parquet(path)[0].row(0, named=True)
    pl.read_parquet(path)[1:].write_parquet(path)
    changed = without_row(manifest, gone, entry_of(path, folder, manifest.data[0].rows - 1))
    write_model(folder / "manifest.json", changed)
    assert verify(own, REF) != []
    differences = verify_card(own, REF, folder / "README.md").differences
    assert ("40", "39") in {(difference.says, difference.gives) for difference in differences}


def without_row(manifest: VersionManifest, row: dict, entry) -> VersionManifest:
    """A manifest that counts one row less, as somebody who hides it would write."""
    stated = json.loads(manifest.model_dump_json())
    split = stated["identity"]["splits"][entry.path.removeprefix("data/").partition("-")[0]]
    component = next(line for line in stated["mix"] if row["source"] in line["sources"])
    last = [line for line in stated["ledger"] if line["source"] == row["source"]][-1]
    split["rows"] -= 1
    split["tokens"] -= row["n_tokens"]
    component["dialogues"] -= 1
    component["tokens"] -= row["n_tokens"]
    last["rows_out"] -= 1
    stated["data"][0] = json.loads(entry.model_dump_json())
    return VersionManifest.model_validate_json(json.dumps(stated))


# The command


def test_the_command_tells_and_exits(quimbot, own: Workspace, tmp_path: Path) -> None:
    place = ("--workspace", own.root)
    ran = quimbot("verify-card", BY_HAND, *place)
    assert ran.code == 0, ran.out + ran.err
    assert ran.out.startswith("by-hand-7@2.10.3: the numbers of README.md are what the data gives.\n")
    assert re.search(rf"^{len(QUERIES)} queries were run again, \d+ figures made again", ran.out, re.MULTILINE)
    path = own.version(BY_HAND) / "README.md"
    before = path.read_bytes()
    path.write_text(path.read_text("utf-8").replace("**60 dialogues**", "**61 \x1b[mdialogues**"), "utf-8")
    ran = quimbot(*place, "verify-card", BY_HAND)
    assert ran.code == 1
    assert re.fullmatch(r"line \d+: The card says 61, the data gives 60 \(totals, row 1, dialogues\)\.\n", ran.out)
    assert "1 difference" in ran.err
    ran = quimbot("verify-card", BY_HAND, "--json", *place)
    assert ran.code == 1
    told = json.loads(ran.out)
    assert [(each["says"], each["gives"], each["query"]) for each in told["differences"]] == [
        ("61", "60", "totals, row 1, dialogues")
    ]
    assert told["queries"] == len(QUERIES)
    assert verify(own, BY_HAND)[0] == "README.md: its bytes differ from what was written"
    refresh_documents(own, BY_HAND)
    assert path.read_bytes() == before


def test_what_is_no_card(quimbot, own: Workspace, tmp_path: Path) -> None:
    place = ("--workspace", own.root)
    quimbot("verify-card", BY_HAND, "--card", tmp_path / "none.md", *place).told("none.md", f"quimbot card {BY_HAND}")
    quimbot("verify-card", BY_HAND, "--card", tmp_path, *place).told("cannot be read")
    (tmp_path / "latin.md").write_bytes(b"caf\xe9")
    quimbot("verify-card", BY_HAND, "--card", tmp_path / "latin.md", *place).told("latin.md cannot be read")
    quimbot("verify-card", "small@9.9.9", *place).told("holds no version small@9.9.9")
    (own.version(REF) / "data" / "train-00000-of-00001.parquet").unlink()
    quimbot("verify-card", REF, *place).told("cannot be queried", f"quimbot verify {REF}")
    with pytest.raises(InputError):
        verify_card(own, BY_HAND, tmp_path / "latin.md")
    with pytest.raises(MissingError):
        verify_card(own, BY_HAND, tmp_path / "none.md")


def test_another_document_is_no_litany(own: Workspace, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes of 2026\n\nSee issue 12.\n", "utf-8")
    (told,) = verify_card(own, BY_HAND, tmp_path / "notes.md").differences
    assert "holds no block" in told.told


@pytest.mark.slow
def test_the_demo_with_an_audit(quimbot, tmp_path: Path) -> None:
    place = ("--workspace", tmp_path / "w")
    assert quimbot("demo", *place).code == 0
    assert quimbot("verify-card", "demo@0.1.0", *place).code == 0
    assert quimbot("build", "demo", "--version", "0.1.0", "--audit", "20", *place).code == 0
    ran = quimbot("verify-card", "demo@0.1.0", *place)
    assert ran.code == 0, ran.out
    text = (tmp_path / "w" / "versions" / "demo" / "0.1.0" / "README.md").read_text("utf-8")
    assert "## Audit" in text
    assert [number.text for number in numbers(found(text).text)] == [want.text for want in wanted(entries(text))]
    assert words_of_literals(text) <= LITERALS
