"""`quimbot synth seeds`: what it writes, what may leave the workspace, and what is missing."""

import json
import re
from pathlib import Path

from corrected_corpora import Quimbot
from test_learner_errors import M2

from quimbot_data.workspace import Workspace
from synth.learner_errors import FORMATS, reader
from synth.seeds import read_seeds


def test_extract_writes_seeds_that_are_read_back_the_same_bytes_every_time(quimbot: Quimbot, tmp_path: Path) -> None:
    (tmp_path / "My Essays.m2").write_text(M2)
    out = tmp_path / "out" / "seeds.jsonl"
    args = ("synth", "seeds", "extract", "m2", tmp_path / "My Essays.m2", "--license", "CC-BY-SA-4.0", "--output", out)
    ran = quimbot(*args)
    assert ran.code == 0, ran.err
    assert "4 seeds" in ran.out
    assert "3 sentences or errors gave no seed: " in ran.out
    assert "no-error 1" in ran.out
    assert re.search(r"\d of 4 seeds have words for the offline engine", ran.out)
    first = out.read_bytes()
    report = json.loads(quimbot(*args, "--json").out)
    assert out.read_bytes() == first
    assert (report["seeds"], report["detected"], report["skipped"]) == (
        4,
        0,
        {"final-mark": 1, "no-correction": 1, "no-error": 1},
    )
    seeds = read_seeds(out)
    assert seeds[0].seed_id == "my-essays:My Essays#1/0"
    assert {tuple(seed.terms) for seed in seeds} == {("attribution", "share-alike")}
    listed = json.loads(quimbot("synth", "seeds", "list", out, "--json").out)
    assert sum(row["seeds"] for row in listed) == 4


def test_extract_says_what_is_missing(quimbot: Quimbot, tmp_path: Path) -> None:
    path, out = tmp_path / "a.m2", tmp_path / "out.jsonl"
    path.write_text("S All is well .\nA -1 -1|||noop|||-NONE-|||REQUIRED|||-NONE-|||0\n")
    run = ("synth", "seeds", "extract")
    quimbot(*run, "xml", path, "--output", out).told("'xml'", *FORMATS, "toefl11")
    quimbot(*run, "m2", path, "--output", out).told("licence of the file", "--license")
    quimbot(*run, "m2", "--license", "MIT", "--output", out).told("a file or folder")
    quimbot(*run, "m2", path, "--license", "Nope-1", "--output", out).told("Nope-1")
    quimbot(*run, "m2", path, "--license", "MIT", "--output", out).told("No seeds", "no-error 1")
    path.write_text("")
    quimbot(*run, "m2", path, "--license", "MIT", "--output", out).told("holds no sentences", "Is it m2")
    quimbot(*run, "m2", tmp_path / "no.m2", "--license", "MIT", "--output", out).told("not there")
    quimbot(*run, "toefl11", "-w", tmp_path, "--output", out).told("no corpus 'toefl11'")
    assert not out.exists()


def test_seeds_under_no_transfer_stay_in_the_workspace(quimbot: Quimbot, essays: Workspace, tmp_path: Path) -> None:
    run = ("synth", "seeds", "extract", "toefl11", "-w", essays.root, "--output")
    quimbot(*run, tmp_path / "out.jsonl").told("no-transfer", str(essays.root))
    assert not (tmp_path / "out.jsonl").exists()
    ran = quimbot(*run, essays.root / "seeds" / "toefl11.jsonl")
    assert ran.code == 0, ran.err
    assert "nobody corrected them" in ran.err
    assert read_seeds(essays.root / "seeds" / "toefl11.jsonl")


def test_list_counts_the_shipped_banks(quimbot: Quimbot) -> None:
    rows = json.loads(quimbot("synth", "seeds", "list", "--language", "en", "--json").out)
    assert {row["language"] for row in rows} == {"en"}
    assert sum(row["seeds"] for row in rows) >= 150
    quimbot("synth", "seeds", "list", "--language", "la").told("'la'")


def test_every_format_has_a_reader() -> None:
    assert all(callable(reader(form)) for form in FORMATS)
