"""Dialogues by grammars: the same on every run, valid by construction, honest about what was dropped."""

import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import polars as pl
import pytest
from conftest import Ran

from quimbot_data.build import build
from quimbot_data.ingest import ingest
from quimbot_data.pedagogy.critics import check
from quimbot_data.pedagogy.error_rates import MOST_DIVERGENCE, family_mix, jensen_shannon
from quimbot_data.sources import SOURCES
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.dialogue import Message, Pedagogy
from schemas.errors import InputError, MixError
from schemas.generation import GenerationReport
from schemas.learner import STRATEGIES
from schemas.recipe import parse_recipe
from schemas.seed import Seed
from synth.blind import Unseen, fit, seen
from synth.fitting import profiles_with_seeds, unused
from synth.generate import Grown, generate_offline, grown
from synth.grammar import fold_of, grow
from synth.grammar.expansion import FOLDS, Speaker
from synth.grammar.notation import grammar_languages, load_grammar, parse_grammar
from synth.grammar.phrases import literal, slots_of
from synth.output import Row, frame, row_schema
from synth.profiles import load_profile, load_profiles, profile_names
from synth.samples import SAMPLES, page, sample_rows
from synth.scenarios import Scenario, openings, plan
from synth.seeds import load_seeds

ROOT = Path(__file__).parents[1]
SEEDS = load_seeds()


def scenarios(count: int, *names: str, random_seed: int = 7) -> list[Scenario]:
    return list(islice(plan(load_profiles(names), SEEDS, random_seed), count))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row for scenario in scenarios(480) if (row := grow(scenario))]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, GenerationReport]:
    """A small file in two languages, made by one process."""
    output = tmp_path_factory.mktemp("generated") / "dialogues.parquet"
    return output, _generate(output, workers=1)


def _generate(output: Path, workers: int) -> GenerationReport:
    names = ("english-l2", "spanish-heritage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("synth.generate.FITTED_ON", 240)  # as many as a few dialogues are judged by well enough
        return generate_offline(output, count=60, random_seed=3, profiles=names, seeds=SEEDS, workers=workers)


# The plan


def test_a_plan_does_not_depend_on_how_far_it_is_followed() -> None:
    assert scenarios(40) == scenarios(120)[:40]
    assert [s.number for s in scenarios(40)] == list(range(40))


@pytest.mark.parametrize("name", ["spanish-heritage", "spanish-l2"])
def test_families_of_errors_follow_the_rates_of_the_profile(name: str) -> None:
    made = scenarios(600, name)
    for level in load_profile(name).levels:
        counts = Counter(s.seed.family for s in made if s.level == level)
        assert jensen_shannon(counts, family_mix("es", load_profile(name).background, level)) <= MOST_DIVERGENCE


def test_strategies_and_levels_are_even_and_no_variation_is_a_target() -> None:
    made = scenarios(600)
    assert min(Counter(s.strategy for s in made).values()) >= 0.2 * len(made)
    assert not any(s.seed.is_variation for s in made)
    assert any(s.variation for s in made if s.profile.name == "spanish-heritage")
    for each in made:
        assert each.strategy in openings(each.seed, each.level)
        assert each.strategy in ("recast", "explore") or each.seed.generalizable


@pytest.mark.parametrize("name", profile_names())
def test_strategies_hang_on_no_level(name: str) -> None:
    made = Counter((s.level, s.strategy) for s in scenarios(500, name))
    for level in load_profile(name).levels:
        shares = [made[level, strategy] / sum(made[level, each] for each in STRATEGIES) for strategy in STRATEGIES]
        assert min(shares) >= 0.2, (level, shares)


def test_right_forms_come_first_in_half_of_a_seeds_comparisons() -> None:
    by_seed: dict[str, list[bool]] = {}
    for each in scenarios(3000, "spanish-l2"):
        if each.strategy == "explore":
            by_seed.setdefault(each.seed.seed_id, []).append(each.right_first)
    assert all(abs(2 * sum(orders) - len(orders)) <= 1 for orders in by_seed.values())
    orders = [order for several in by_seed.values() for order in several]
    assert 0.45 <= sum(orders) / len(orders) <= 0.55


@pytest.mark.parametrize("name", ["spanish-l2", "mandarin-heritage", "arabic-l2"])
def test_cultural_notes_are_told_at_the_profiles_rate(name: str) -> None:
    made, rate = scenarios(400, name), load_profile(name).cultural_notes
    noted = [each for each in made if each.note]
    assert 0.9 * rate <= len(noted) / len(made) <= rate
    assert all(each.note and each.note.topic == each.seed.topic for each in noted)


def test_first_languages_decide_nothing_but_themselves() -> None:
    """The tutor's words cannot tell a first language that was drawn apart from them."""
    there = load_profile("english-l2")
    alone = there.model_copy(update={"l1": {"zh": 1.0}})
    for one, other in zip(islice(plan([there], SEEDS, 5), 30), islice(plan([alone], SEEDS, 5), 30), strict=True):
        grown_one, grown_other = grow(one), grow(other)
        assert (grown_one and grown_one["messages"]) == (grown_other and grown_other["messages"])


def test_a_profile_without_seeds_says_so() -> None:
    with pytest.raises(InputError, match="No seed fits the profile arabic-l2"):
        next(plan([load_profile("arabic-l2")], load_seeds(["en"]), 1))
    with pytest.raises(InputError, match="no profile 'klingon'"):
        load_profile("klingon")


# The words


def test_a_scenario_has_one_dialogue(rows: list[Row]) -> None:
    again = [row for scenario in scenarios(120) if (row := grow(scenario))]
    assert len(again) > 100
    assert again == rows[: len(again)]


def test_dialogues_are_what_the_schema_says(rows: list[Row]) -> None:
    for row in rows:
        pedagogy = Pedagogy.model_validate(row["pedagogy"])
        messages = [Message.model_validate(message) for message in row["messages"]]
        assert [message.role for message in messages] == ["user", "assistant"] * (len(messages) // 2)
        assert 4 <= len(messages) <= 12
        assert [turn.position for turn in pedagogy.turns] == list(range(len(messages)))
        for error in pedagogy.errors:
            assert messages[error.position].content[error.start : error.end] == error.original


def test_nearly_all_pass_the_critics_as_they_come(rows: list[Row]) -> None:
    failing = {row["id"]: found for row in rows if (found := check(row))}
    assert len(failing) <= 0.03 * len(rows), failing


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_speaks(name: str, rows: list[Row]) -> None:
    made = [row for row in rows if row["profile"] == name]
    assert len(made) >= 50
    profile = load_profile(name)
    moves = {move for row in made for turn in row["pedagogy"]["turns"] for move in turn["moves"]}
    assert moves >= {"recast", "question", "hint", "explore", "affirm", "elicit_content", "simplify", "close"}
    assert ("comprehension_check" in moves) == (profile.background == "l2")
    signals = {signal for row in made for turn in row["pedagogy"]["turns"] for signal in turn["signals"]}
    assert ("code_switch" in signals) == (profile.code_switch > 0)
    assert signals >= {"error", "success", "confusion", "slow_response"}


def test_heritage_learners_mix_and_are_answered_in_both_at_the_profiles_rate() -> None:
    made = [row for scenario in scenarios(300, "spanish-heritage") if (row := grow(scenario))]
    turns = [row["pedagogy"]["turns"] for row in made]
    answers = [
        following["languages"] == ["es", "en"]
        for several in turns
        for turn, following in pairwise(several)
        if "code_switch" in turn["signals"]
    ]
    assert 0.42 <= sum(answers) / len(answers) <= 0.58
    assert not any("explain" in turn["moves"] for several in turns for turn in several)


def test_what_failed_twice_is_followed_by_something_narrower(rows: list[Row]) -> None:
    order = {"hint": 0, "explore": 1, "question": 1, "recast": 2}
    for row in rows:
        turns = row["pedagogy"]["turns"]
        supports = [(turn["strategy"], turns[turn["position"] + 1]["uptake"]) for turn in turns if turn["strategy"]]
        for (one, failed), (two, also), (three, _) in zip(supports, supports[1:], supports[2:], strict=False):
            if {failed, also} <= {"needs_repair", "none"} and two != "recast":
                assert order[three] > order[two], (row["id"], one, two, three)


#: Words by which a tutor says that the learner said a phrase, before it or after it.
ATTRIBUTED = {
    "en": r"\byou (?:just )?(?:say|said|wrote|told me) “([^”]+)”|“([^”]+)”, you (?:say|said|told me)",
    "es": r"(?:dijiste|escribiste) «([^»]+)»|«([^»]+)», me (?:dices|dijiste)",
    "zh": r"你(?:刚才)?[说写]了?“([^”]+)”",
    "ar": r"(?:قلت|كتبت) «([^»]+)»|«([^»]+)»، كما قلت",
}
QUOTED = {"en": "“([^”]+)”", "es": "«([^»]+)»", "zh": "“([^”]+)”", "ar": "«([^»]+)»"}


def test_learners_are_quoted_with_their_own_words(rows: list[Row]) -> None:
    """What a tutor says that a learner said stands in a turn of theirs, as does what a question is about."""
    cues, told, attributed = {seed.seed_id: str(seed.cue) for seed in SEEDS}, list[str](), Counter[str]()
    for row in rows:
        before = ""
        for message, turn in zip(row["messages"], row["pedagogy"]["turns"], strict=True):
            said = message["content"]
            if message["role"] == "user":
                before += said.casefold() + "\n"
                continue
            found = re.finditer(ATTRIBUTED[row["language"]], said, re.IGNORECASE)
            own = [next(filter(None, match.groups())) for match in found]
            attributed[row["language"]] += len(own)
            asked = re.findall(QUOTED[row["language"]], said) if turn["strategy"] == "question" else []
            own += [each for each in asked if each not in cues[row["seed_id"]]]
            told += [f"{row['id']}: {each}" for each in own if each.casefold() not in before]
    assert not told
    assert all(attributed[language] >= 3 for language in ATTRIBUTED), attributed


@pytest.mark.parametrize(
    ("phrase", "sentence", "error", "language", "stands"),
    [
        ("I go", "Yesterday I go home.", "go", "en", "I go"),
        ("I go yesterday", "Yesterday I go to the market.", "go", "en", "Yesterday I go"),
        ("she make tea", "Every day my aunt make tea, and it is good.", "make", "en", "Every day my aunt make tea"),
        ("the horse like", "The horse like the sea.", "like", "en", "The horse like"),
        ("the team win", "The old team win the game.", "win", "en", "The old team win"),
        ("爸爸司机", "我爸爸出租车司机，每天很早出门。", "", "zh", "爸爸出租车司机"),
        ("يذهب أمس", "أمس يذهب أبي إلى السوق.", "يذهب", "ar", "أمس يذهب"),
    ],
)
def test_a_phrase_is_quoted_as_it_stands(phrase: str, sentence: str, error: str, language: str, stands: str) -> None:
    start = sentence.index(error or "出租车")
    assert literal(phrase, sentence, (start, start + len(error)), language) == stands
    assert stands in sentence


#: What answers something that was told, and no question.
AGREEING = re.compile(r"\b(?:yes|exactly|thank|thanks|gracias|exacto|نعم|شكرا)\b|谢谢|没错|就是", re.IGNORECASE)


def test_who_passes_a_question_over_neither_agrees_nor_thanks(rows: list[Row]) -> None:
    said = [
        row["messages"][answer["position"]]["content"]
        for row in rows
        for turn, answer in pairwise(row["pedagogy"]["turns"])
        if turn["strategy"] in ("question", "hint", "explore") and answer["uptake"] == "acknowledge"
    ]
    assert len(said) >= 20
    assert not [each for each in said if AGREEING.search(each)]


def test_a_farewell_asks_a_question_of_the_seed_that_is_new_or_none(rows: list[Row]) -> None:
    own = {seed.seed_id: [question.casefold() for question in seed.questions] for seed in SEEDS}
    asking = 0
    for row in rows:
        for message, turn in zip(row["messages"], row["pedagogy"]["turns"], strict=True):
            said, told = message["content"].casefold(), " ".join(each["content"].casefold() for each in row["messages"])
            if "close" in turn["moves"] and said.endswith(("?", "？", "؟")):
                asking += 1
                assert [told.count(question) for question in own[row["seed_id"]] if question in said] == [1], said
    assert asking >= 20


def test_a_comparison_holds_the_word_that_decides() -> None:
    """Forms that are both right somewhere are compared with what a cue quotes."""
    film = next(seed for seed in SEEDS if seed.seed_id == "en:verb-tense:2")
    seed = film.model_copy(
        update={"contrast": ["we watched a film", "we watch a film"], "cue": "the phrase 'last night'"}
    )
    slots = slots_of(seed, load_grammar("en"), "A2", right_first=True)
    assert slots["first"] == "“Last night, after dinner, we watched a film”"
    assert slots["second"] == "“Last night, after dinner, we watch a film”"


def test_no_template_is_of_two_seeds(rows: list[Row]) -> None:
    seeds: dict[str, set[str]] = {}
    for row in rows:
        seeds.setdefault(str(row["template_id"]), set()).add(row["seed_id"])
    assert all(len(several) == 1 for several in seeds.values())


# The grammars


@pytest.mark.parametrize("language", grammar_languages())
def test_grammars_are_whole_and_in_nfc(language: str) -> None:
    text = (ROOT / "synth" / "grammar" / "rules" / f"{language}.toml").read_text(encoding="utf-8")
    assert unicodedata.normalize("NFC", text) == text
    grammar = load_grammar(language)
    assert {name.partition("@")[0] for name in grammar.rules} >= {
        name.partition("@")[0] for name in load_grammar("en").rules if not name.startswith(("explain-", "explore-"))
    }
    assert not [rule for rule, found in grammar.rules.items() if any(")?" in str(parts) for parts in found)]


def _speaker(text: str, fold: int = 0, **slots: str) -> Speaker:
    script = 'language = "en"\nreviewed = false\n[script]\nspace = " "\nagain = "it"\nquotes = ["“", "”"]\n[rules]\n'
    grammar = parse_grammar(script + text, "test.toml")
    return Speaker(grammar, scenarios(1)[0].random(), ("A1",), fold, dict(slots))


def test_rules_choose_call_and_fill() -> None:
    speaker = _speaker('a = ["(x|y)<b>{z}"]\nb = ["!"]\n"b@A1" = ["?"]\n', z="3")
    assert {speaker.say("a") for _ in range(40)} == {"x?3", "y?3"}


def test_an_alternative_without_its_slot_is_passed_over() -> None:
    assert {_speaker('a = ["{none}", "x"]\n').say("a") for _ in range(20)} == {"x"}
    assert _speaker('a = ["{none}"]\n').say("a") is None


def test_folds_share_no_alternative_of_a_long_rule() -> None:
    rule = "a = [" + ", ".join(f'"{n}"' for n in range(8)) + "]\n"
    said = [{_speaker(rule, fold).say("a") for _ in range(1)} | set(_all(rule, fold)) for fold in range(FOLDS)]
    assert said[0] & said[1] == set()
    assert len(said[0] | said[1]) == 8


def _all(rule: str, fold: int) -> Iterator[str | None]:
    speaker = _speaker(rule, fold)
    return (speaker.say("a") for _ in range(60))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('a = ["(x"]\n', "not balanced"),
        ('a = ["x)"]\n', "not balanced"),
        ('a = ["<b>"]\n', "rules that it does not have: b"),
        ('a = ["{b"]\n', "cannot be read"),
        ("a = 3\n", "not valid"),
    ],
)
def test_a_broken_grammar_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        _speaker(text)


# The blind check


def test_the_blind_critic_judges_what_it_was_not_fitted_on() -> None:
    """A fold's critic learns from the other fold: what only its own fold says is unknown to it."""
    words = {"recast": "you went there", "hint": "look at the clue"}
    told = [
        Unseen("en", fold, seen("en", [f"{text} {fold}"]), {"strategy": name, "level": "A1", "background": "l2"})
        for fold in range(FOLDS)
        for name, text in words.items()
        for _ in range(4)
    ]
    critic = fit(told)
    assert all(all(found.values()) for found in critic.recovered(told))
    swapped = [
        Unseen("en", 0, seen("en", ["look at the clue 0"]), {"strategy": "recast", "level": "A1", "background": "l2"})
    ]
    assert critic.tells(swapped[0]) == ("strategy",), "there is one level and one background"
    assert critic.recovered(swapped) == [{"strategy": False, "level": True, "background": True}]


def test_folds_hold_other_seeds_and_other_words(rows: list[Row]) -> None:
    assert {fold_of(row["seed_id"]) for row in rows} == set(range(FOLDS))


# The run


def test_a_run_writes_what_was_asked_and_names_what_it_dropped(generated: tuple[Path, GenerationReport]) -> None:
    output, report = generated
    table = pl.read_parquet(output)
    assert table.height == report.written == 60
    assert table.schema == frame([]).schema
    assert report.planned == report.written + sum(line.dialogues for line in report.dropped)
    assert {line.step for line in report.dropped} <= {"grammar", "critics", "duplicates", "blind", "count"}
    beside = GenerationReport.model_validate_json((output.parent / f"{output.name}.report.json").read_text())
    within = json.loads(pl.read_parquet_metadata(output)["quimbot.generation"])
    assert beside == report == GenerationReport.model_validate(within)
    for profile in report.profiles:
        judged = {line.target: line for line in report.blind if line.profile == profile}
        # English and Spanish are taught to one background each here: there is nothing to recover of it.
        assert set(judged) == {"strategy", "level", "all"}
        assert judged["all"].recovered <= min(judged[target].recovered for target in judged)
    assert not any(check(row) for row in table.to_dicts())


@pytest.mark.slow
def test_processes_cannot_be_seen_in_the_file(generated: tuple[Path, GenerationReport], tmp_path: Path) -> None:
    output, _ = generated
    _generate(tmp_path / output.name, workers=2)
    for name in (output.name, f"{output.name}.report.json"):
        assert (tmp_path / name).read_bytes() == (output.parent / name).read_bytes()


@pytest.mark.slow
def test_a_run_that_cannot_succeed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.generate.MOST_TRIES", 0.9)
    monkeypatch.setattr("synth.generate.CHUNK", 1)
    monkeypatch.setattr("synth.generate.FITTED_ON", 12)
    few = [seed for seed in SEEDS if seed.language == "en"][:6]
    output = tmp_path / "x.parquet"
    told: list[tuple[int, str]] = []

    def run(*, at_most: bool) -> GenerationReport:
        return generate_offline(
            output,
            count=80,
            random_seed=1,
            profiles=["english-l2"],
            seeds=few,
            workers=1,
            at_most=at_most,
            tell=lambda done, remark: told.append((done, remark)),
        )

    with pytest.raises(MixError, match=r"became dialogues, too few for 80: \d+ \S+ \(\w+\).* --at-most") as caught:
        run(at_most=False)
    assert "{" not in str(caught.value)
    assert not output.exists()
    report = run(at_most=True)
    assert 0 < report.written == pl.read_parquet(output).height < 80
    assert told[-1] == (report.written, f"of {report.planned:,} scenarios")


def test_a_hopeless_count_is_given_up_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synth.generate.JUDGED", 20)
    monkeypatch.setattr("synth.generate.FITTED_ON", 4)
    monkeypatch.setattr("synth.generate.grown", lambda several: [Grown(None, None, [])] * len(several))
    with pytest.raises(MixError, match="Of 20 scenarios 0 became dialogues, too few for 1,000: 20 no-words"):
        generate_offline(tmp_path / "x", count=1000, random_seed=1, profiles=["english-l2"], seeds=SEEDS, workers=1)


@pytest.mark.slow
def test_a_polite_kill_clears_the_processes_away(tmp_path: Path) -> None:
    told = ("synth", "generate", "--count", "9000", "--output", str(tmp_path / "x.parquet"))
    with subprocess.Popen([sys.executable, "-m", "quimbot_data", *told], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        first = process.stderr.readline()
        process.terminate()
        rest = process.stderr.read()
    assert process.returncode == 130, first + rest
    assert "leaked" not in rest
    assert "Traceback" not in rest
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_is_ingested_whole_with_its_provenance(
    generated: tuple[Path, GenerationReport], tmp_path: Path
) -> None:
    output, _ = generated
    manifest = ingest(Workspace(tmp_path), SOURCES["synthetic"], [output], Options())
    made = pl.concat([pl.read_parquet(tmp_path / "corpus" / "synthetic" / e.path) for e in manifest.dialogues])
    assert made.height == 60
    written = {row["id"]: row for row in pl.read_parquet(output).to_dicts()}
    for row in made.to_dicts():
        source, provenance = written[row["provenance"]["raw_id"]], row["provenance"]
        assert provenance["lineage"] == source["seed_id"]
        assert provenance["derived"]["by"] == source["generator"] == "grammar@1"
        assert provenance["derived"]["template_id"] == source["template_id"]
        assert json.loads(provenance["derived"]["sampling"])["random_seed"] == 3
        assert row["messages"] == source["messages"]
        assert row["pedagogy"] == source["pedagogy"]
        assert (row["license"], row["terms"]) == ("CC-BY-4.0", ["attribution"])


_RECIPE = """
name = "scaffolds"
unit = "dialogues"
size = "max"

[[components]]
family = "pedagogical"
weight = 1.0
sources = ["synthetic"]

[near_duplicates]
action = "drop"

[splits]
validation = 0.02
test = 0.02
"""


@pytest.mark.usefixtures("plain_card")
def test_a_build_splits_by_seed_and_drops_none_as_duplicates(
    generated: tuple[Path, GenerationReport], tmp_path: Path
) -> None:
    workspace = Workspace(tmp_path)
    ingest(workspace, SOURCES["synthetic"], [generated[0]], Options())
    build(workspace, parse_recipe(_RECIPE, "scaffolds.toml"), Ref("scaffolds", "1.0.0"))
    fates = pl.read_parquet(tmp_path / "versions" / "scaffolds" / "1.0.0" / "fates.parquet")
    assert fates.filter(pl.col("step") == "dedup").is_empty()
    kept = fates.filter(fate="kept")
    seeds = pl.read_parquet(generated[0]).select(dialogue_id="synthetic:" + pl.col("id"), seed="seed_id")
    split = kept.join(seeds, on="dialogue_id")
    assert split.group_by("seed").agg(pl.col("split").n_unique())["split"].max() == 1


# Files and pages


def test_rows_of_every_engine_have_one_schema() -> None:
    assert set(row_schema().names) == Row.__required_keys__


def test_the_page_of_samples_is_what_the_command_writes() -> None:
    rows = sample_rows(SEEDS)
    written = (ROOT / "data_cards" / "scaffolding-samples.md").read_text(encoding="utf-8")
    assert page(rows) == written, "run `quimbot synth samples`"
    assert len(rows) == SAMPLES == 20
    firsts = [next(turn["strategy"] for turn in row["pedagogy"]["turns"] if turn["strategy"]) for row in rows]
    assert min(Counter(firsts).values()) >= 4
    assert {row["profile"] for row in rows} == set(profile_names())
    assert {row["pedagogy"]["learner"]["cefr"] for row in rows} == {"A1", "A2", "B1"}
    assert "data_cards/scaffolding-samples.md" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_command_tells_what_it_wrote(quimbot: Callable[..., object], tmp_path: Path) -> None:
    output = tmp_path / "few.parquet"
    options = ("--count", 8, "--profile", "english-l2", "--workers", 1, "--output", output)
    ran = quimbot("synth", "generate", *options, "--json")
    assert json.loads(ran.out)["written"] == 8  # type: ignore[attr-defined]
    assert "8 of 8, of" in ran.err  # type: ignore[attr-defined]
    refused = quimbot("synth", "generate", *options[:2], "--profile", "klingon", "--output", output)
    refused.told("no profile 'klingon'", "spanish-heritage")  # type: ignore[attr-defined]


def test_only_files_of_its_own_are_replaced(quimbot: Callable[..., Ran], tmp_path: Path) -> None:
    def into(output: Path) -> Ran:
        return quimbot("synth", "generate", "--count", 1, "--profile", "nobody", "--output", output)

    (tmp_path / "foreign.csv").write_text("a,b\n")
    (tmp_path / "foreign.parquet").write_text("a,b\n")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "other.parquet")
    frame([]).write_parquet(tmp_path / "own.parquet", metadata={"quimbot.generation": "{}"})
    into(tmp_path).told("is a folder")
    into(tmp_path / "foreign.csv").told("does not end in .parquet")
    for name in ("foreign.parquet", "other.parquet"):
        into(tmp_path / name).told("did not write it")
    into(tmp_path / "own.parquet").told("no profile 'nobody'")
    assert (tmp_path / "foreign.parquet").read_text() == "a,b\n"


def test_seeds_of_ones_own_that_no_grammar_can_use_are_refused(quimbot: Callable[..., object], tmp_path: Path) -> None:
    own = tmp_path / "seeds.jsonl"
    own.write_text(SEEDS[0].model_copy(update={"seed_id": "mine:1", "recast": None}).model_dump_json(), "utf-8")
    options = ("--count", 1, "--output", tmp_path / "few.parquet")
    refused = quimbot("synth", "generate", *options, "--seeds", own)
    refused.told("None of the 1 seeds", "--engine llm")  # type: ignore[attr-defined]
    assert quimbot("synth", "generate", *options, "--no-shipped-seeds").code == 2  # type: ignore[attr-defined]


def test_profiles_are_those_that_there_are_seeds_for_and_what_goes_unused_is_counted() -> None:
    spanish = [seed for seed in SEEDS if seed.language == "es" and not seed.is_variation][:3]
    bare = [seed.model_copy(update={"recast": None}) for seed in spanish]
    assert [each.name for each in profiles_with_seeds([], SEEDS)] == profile_names()
    assert {each.language for each in profiles_with_seeds([], spanish)} == {"es"}
    assert [each.name for each in profiles_with_seeds(["arabic-l2"], spanish)] == ["arabic-l2"]
    with pytest.raises(InputError, match="No seed fits a profile"):
        profiles_with_seeds([], bare)
    assert profiles_with_seeds([], bare, worded=False)
    assert unused(spanish, [], "f", worded=True) == ""
    assert unused([*spanish, *bare], [], "f", worded=True).startswith("f: 3 of 6 seeds are not used: 3 without words")
    for names, told in (([], "without words"), (["arabic-l2"], "none of the profiles")):
        with pytest.raises(InputError, match=f"None of the 3 seeds in f .*{told}"):
            unused(bare, names, "f", worded=True)


def test_chunks_are_grown_alike() -> None:
    made = scenarios(6, "english-l2")
    assert [each for part in (made[:2], made[2:]) for each in grown(part)] == grown(made)


def test_seeds_without_words_are_passed_over() -> None:
    bare = [seed.model_copy(update={"recast": None}) for seed in SEEDS if seed.language == "en"]
    with pytest.raises(InputError):
        next(plan([load_profile("english-l2")], bare, 1))
    assert isinstance(bare[0], Seed)
