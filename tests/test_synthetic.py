import copy
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from raw_rows import write_lines
from strategies import derived_by, turn_at
from told import DATA, Told, expected, tell

from quimbot_data.ingest import ingest
from quimbot_data.sources import messages
from quimbot_data.sources.source import Options
from quimbot_data.sources.synthetic import CORPUS, recognizes
from quimbot_data.workspace import Workspace

PROVIDED = DATA / "provided" / "synthetic.jsonl"
ROW: dict[str, Any] = json.loads(PROVIDED.read_text(encoding="utf-8").split("\n")[0])
Changes = dict[str, Any]


def told(folder: Path, **changes: object) -> Told:
    path = folder / "rows.jsonl"
    path.write_text(json.dumps(ROW | changes))
    return tell(CORPUS, path)


def pedagogy(**changes: object) -> Changes:
    return {"pedagogy": ROW["pedagogy"] | changes}


def spoken(*turns: tuple[str, str]) -> Changes:
    return {"messages": [{"role": role, "content": text} for role, text in turns], **pedagogy(turns=[], errors=[])}


def test_the_fixture_is_told_as_expected() -> None:
    outcome = tell(CORPUS, PROVIDED, revision="r1")
    assert outcome.dialogues == expected("synthetic")
    assert outcome.rejected == [
        ("synthetic.jsonl", 2, "no-generator"),
        ("synthetic.jsonl", 3, "invalid-pedagogy"),
    ]
    assert len(outcome.raw_rows) == 4


def test_parquet_tells_the_same(tmp_path: Path) -> None:
    rows = [ROW | {"id": f"g-{n}"} for n in range(2)]
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    lines, parquet = (tell(CORPUS, tmp_path / name).dialogues for name in ("rows.jsonl", "rows.parquet"))
    assert len(lines) == 2
    assert [row | {"from": None} for row in lines] == [row | {"from": None} for row in parquet]


_SPAN = ROW["pedagogy"]["errors"][0]
_NOTE = turn_at(0)


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("no-generator", {"generator": None}),
        ("no-generator", {"generator": ""}),
        ("no-generator", {"generator": 7}),
        ("invalid-pedagogy", {"pedagogy": None}),
        ("invalid-pedagogy", pedagogy(learner=None)),
        ("invalid-pedagogy", pedagogy(surprise=1)),
        ("invalid-pedagogy", pedagogy(turns=[_NOTE | {"position": 2}])),
        ("invalid-pedagogy", pedagogy(turns=[_NOTE | {"signals": ["boredom"]}])),
        ("invalid-pedagogy", pedagogy(turns=[turn_at(0, target=1)])),
        ("invalid-pedagogy", pedagogy(errors=[_SPAN | {"start": 7}])),
        ("invalid-pedagogy", pedagogy(errors=[_SPAN | {"position": 9}])),
        ("invalid-pedagogy", pedagogy(errors=[_SPAN | {"start": 22, "end": 99, "original": ""}])),
        ("invalid-template", {"template": [{"position": 0, "head": 20, "tail": 3}]}),
        ("invalid-template", {"template": [{"position": 2, "head": 0, "tail": 0}]}),
        ("invalid-template", {"template": [{"position": 0, "head": -1, "tail": 0}]}),
        ("malformed-turn", {"messages": None}),
        ("malformed-turn", {"messages": [{"role": "user"}]}),
        ("unknown-role", {"messages": [{"role": "tutor", "content": "x"}]}),
        ("no-turns", spoken()),
        ("late-system", spoken(("user", "a"), ("system", "b"), ("assistant", "c"))),
        ("opens-with-assistant", spoken(("assistant", "a"))),
        ("same-role-twice", spoken(("user", "a"), ("user", "b"), ("assistant", "c"))),
        ("dangling-user", spoken(("user", "a"), ("assistant", "b"), ("user", "c"))),
        ("empty-content", spoken(("user", "a"), ("assistant", " "))),
        ("invalid-row", {"terms": ["anything"]}),
        ("invalid-row", {"license": ""}),
        ("invalid-row", {"language": 5}),
    ],
)
def test_each_refusal(tmp_path: Path, reason: str, changes: Changes) -> None:
    outcome = told(tmp_path, **changes)
    assert outcome.reasons == {reason: 1}
    assert outcome.dialogues == []


def test_the_complaint_says_where() -> None:
    (batch,) = CORPUS.read([PROVIDED])
    rejected = CORPUS.normalize(batch, Options()).rejected
    assert rejected["detail"][1].startswith("pedagogy.learner.cefr: Input should be 'A1', 'A2'")


def test_an_inserted_word_is_an_empty_span(tmp_path: Path) -> None:
    span = _SPAN | {"start": 5, "end": 5, "original": "", "corrected": "me ", "operation": "missing"}
    (dialogue,) = told(tmp_path, **pedagogy(errors=[span])).dialogues
    assert dialogue["pedagogy"]["errors"] == [span]


@pytest.mark.parametrize(
    ("license_", "terms", "row_license", "row_terms"),
    [
        (None, None, "CC-BY-4.0", ["attribution"]),
        ("CC-BY-4.0", None, "CC-BY-4.0", ["attribution"]),
        ("MIT", None, "MIT", ["attribution"]),
        ("MIT", ["no-transfer"], "MIT", ["attribution", "no-transfer"]),
        ("LicenseRef-mine", None, "LicenseRef-mine", ["unknown"]),
        ("LicenseRef-mine", ["non-commercial"], "LicenseRef-mine", ["non-commercial"]),
        ("LicenseRef-LDC-TOEFL11", [], "LicenseRef-LDC-TOEFL11", ["no-transfer", "research-only"]),
        (["MIT", "CC-BY-4.0", "MIT"], ["unknown"], "CC-BY-4.0 AND MIT", ["attribution", "unknown"]),
        (None, ["research-only", "attribution", "attribution"], "CC-BY-4.0", ["attribution", "research-only"]),
    ],
)
def test_a_row_may_state_its_own_rights(
    tmp_path: Path, license_: object, terms: object, row_license: str, row_terms: list[str]
) -> None:
    (dialogue,) = told(tmp_path, license=license_, terms=terms).dialogues
    assert (dialogue["license"], dialogue["terms"]) == (row_license, row_terms)


@pytest.mark.parametrize("terms", [None, [], ["attribution"]])
def test_a_seed_out_of_a_corpus_brings_its_terms_along(tmp_path: Path, terms: object) -> None:
    """Also where the generator forgot to say so; of a known corpus, and of one of the user's own."""
    workspace = Workspace(tmp_path / "datasets")
    write_lines([{"instruction": "Say hi.", "output": "Hi."}], tmp_path / "own.jsonl")
    own = messages.corpus("own", "conversation", "CC-BY-NC-4.0", ["attribution", "non-commercial"])
    ingest(workspace, own, [tmp_path / "own.jsonl"], Options())
    seeds = ("toefl11:88", "own:1", "elsewhere:1", "market")
    rows = [ROW | {"id": seed, "seed_id": seed, "license": "CC-BY-4.0", "terms": terms} for seed in seeds]
    write_lines(rows, tmp_path / "rows.jsonl")
    manifest = ingest(workspace, CORPUS, [tmp_path / "rows.jsonl"], Options())
    made = pl.concat([pl.read_parquet(workspace.corpus("synthetic") / each.path) for each in manifest.dialogues])
    found = {row["provenance"]["lineage"]: (row["license"], row["terms"]) for row in made.to_dicts()}
    assert found == {
        "toefl11:88": ("CC-BY-4.0 AND LicenseRef-LDC-TOEFL11", ["attribution", "no-transfer", "research-only"]),
        "own:1": ("CC-BY-4.0 AND CC-BY-NC-4.0", ["attribution", "non-commercial"]),
        "elsewhere:1": ("CC-BY-4.0", ["attribution"]),
        "market": ("CC-BY-4.0", ["attribution"]),
    }


def test_what_is_no_licence_is_refused_by_name(tmp_path: Path) -> None:
    made = told(tmp_path, license="all rights reserved")
    assert not made.dialogues
    assert [reason for _, _, reason in made.rejected] == ["invalid-license"]


def test_what_may_be_absent(tmp_path: Path) -> None:
    bare = copy.deepcopy(ROW)
    for name in ("id", "template", "template_id", "seed_id", "language"):
        del bare[name]
    (tmp_path / "rows.jsonl").write_text(json.dumps(bare))
    (dialogue,) = tell(CORPUS, tmp_path).dialogues
    assert (dialogue["key"], dialogue["language_declared"], dialogue["provenance"]["lineage"]) == (None, None, None)
    assert dialogue["provenance"]["derived"] == derived_by("grammar@1", [])


def test_only_generators_columns_are_recognized() -> None:
    assert recognizes(frozenset(ROW))
    assert not recognizes(frozenset({"id", "messages"}))


def test_dialogues_about_one_sentence_of_a_corpus_share_a_lineage(tmp_path: Path) -> None:
    lineages = [
        told(tmp_path, seed_id=seed_id).dialogues[0]["provenance"]["lineage"]
        for seed_id in ("toefl11:1#749/0", "toefl11:1#749/2", "en:article:1")
    ]
    assert lineages == ["toefl11:1#749", "toefl11:1#749", "en:article:1"]
