"""The cards of facts say what the dossiers say, and name every reject and repair that the readers use."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from told import DATA, tell

from quimbot_data import clean, shard
from quimbot_data.sources import SOURCES
from quimbot_data.sources.openhermes import from_lmsys
from quimbot_data.sources.source import Corpus
from quimbot_data.sources.waxal import CONFIGS, ISO_CODES
from schemas import frame
from schemas.fields import TERMS

CARDS = Path(__file__).parent.parent / "data_cards" / "sources"
READERS = "quimbot_data.sources."
SECTIONS = (
    "What it is",
    "Where it lies",
    "Licence and terms",
    "Layouts",
    "Repaired",
    "Refused",
    "Ids",
    "Language",
    "Known problems",
    "Where these facts come from",
)
KEBAB = re.compile(r"[a-z]+(?:-[a-z0-9]+)+")
#: Words of that shape which name neither a reject nor a repair: terms, encodings, kinds of files.
OTHER = {*TERMS, "utf-8", "utf-8-sig", "json-array", "json-lines"}
#: These modules' names are used by those who call these functions; whatever else they offer is used without them.
ENTRIES = {READERS + "records": {"records"}, READERS + "turns": {"assemble", "read_turns"}}

each_corpus = pytest.mark.parametrize("corpus", SOURCES.values(), ids=list(SOURCES))


def card(corpus: Corpus) -> str:
    return (CARDS / f"{corpus.dossier.name}.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def facts(text: str) -> dict[str, str]:
    """The table of facts, without its two head lines."""
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", text, re.MULTILINE)
    return dict(rows[1:])


def literals(code: str) -> set[str]:
    """Whole string literals that are shaped like a name."""
    constants = (node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and KEBAB.fullmatch(value)} - OTHER


def reader_names(module: str) -> set[str]:
    """Rejects and repairs in a reader's code, in that of the readers it calls, and in the turn rules if asked."""
    code = inspect.getsource(importlib.import_module(module))
    names = literals(code)
    for node in ast.walk(ast.parse(code)):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        imported = {alias.name for alias in node.names}
        if node.module == "schemas.dialogue" and "turn_structure_fault" in imported:
            names |= literals(inspect.getsource(importlib.import_module(node.module).turn_structure_fault))
        if node.module.startswith(READERS) and ENTRIES.get(node.module, imported) & imported:
            names |= reader_names(node.module)
    return names


def names_of(corpus: Corpus) -> set[str]:
    return reader_names(READERS + corpus.dossier.name)


def told_in(text: str) -> set[str]:
    """Names in back quotes under Repaired and Refused."""
    quoted = re.findall(r"`([^`]+)`", section(text, "Repaired") + section(text, "Refused"))
    return set(filter(KEBAB.fullmatch, quoted))


def test_each_corpus_has_a_card_and_each_card_a_corpus():
    assert {path.stem for path in CARDS.glob("*.md")} == set(SOURCES)


@each_corpus
def test_the_table_of_facts_is_the_dossier(corpus):
    dossier = corpus.dossier
    assert card(corpus).startswith(f"# {dossier.title}\n")
    assert facts(card(corpus)) == {
        "Source": f"`{dossier.name}`",
        "Family": dossier.family,
        "Licence": dossier.license,
        "Terms": ", ".join(dossier.terms),
        "Language": dossier.language_from,
        "URL": dossier.url or "none",
        "Attribution": dossier.attribution,
    }


@each_corpus
def test_the_sections_stand_in_order(corpus):
    text = card(corpus)
    assert tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)) == SECTIONS
    assert all(section(text, title).strip() for title in SECTIONS)


@each_corpus
def test_all_rejects_and_repairs_are_named_and_no_others(corpus):
    told, used = told_in(card(corpus)), names_of(corpus)
    assert used - told == set()
    for_all = set().union(*(literals(inspect.getsource(module)) for module in (clean, shard, frame)))
    assert told - used - for_all == set()


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("openhermes", "openhermes.json"),
        ("synthetic", "synthetic.jsonl"),
        ("toefl11", "toefl11_ldc"),
    ],
)
def test_what_the_fixtures_meet_is_among_the_names(name, raw):
    told = tell(SOURCES[name], DATA / "provided" / raw)
    met = {*told.reasons, *told.repaired}
    assert met
    assert met <= names_of(SOURCES[name])


@each_corpus
def test_sources_are_public_and_doubts_are_marked(corpus):
    origin = section(card(corpus), "Where these facts come from")
    assert corpus.dossier.url in origin
    assert "unverified" in origin
    assert not re.search(r"/work\b|/tmp\b|shared/|\[\?\]", card(corpus))


def test_waxal_tells_licences_by_configuration_and_codes_put_right():
    text = card(SOURCES["waxal"])
    licences, language = section(text, "Licence and terms"), section(text, "Language")
    assert set(re.findall(r"`([a-z]{3}_(?:asr|tts))`", licences)) == set(CONFIGS)
    assert all(found.license in licences for found in CONFIGS.values())
    assert dict(re.findall(r"`([a-z]{3})` is `([a-z]{3})`", language)) == ISO_CODES


def test_openhermes_tells_the_terms_of_its_lmsys_rows():
    text = section(card(SOURCES["openhermes"]), "Licence and terms")
    assert SOURCES["lmsys"].dossier.license in text
    spellings = re.findall(r"`(\w*(?:lmsys|LMSys)[^`-]*)`", text)
    assert spellings
    assert all(map(from_lmsys, spellings))
