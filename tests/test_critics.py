# ruff: noqa: E501 - what is said stands in one line
"""Critics: valid dialogues pass, each invariant broken on purpose is named, and what only looks broken passes too."""

import json
from collections import Counter
from copy import deepcopy
from itertools import islice

import polars as pl
import pytest
from broken_dialogues import MUTATORS, Dialogue, breaks
from hypothesis import given, settings
from hypothesis import strategies as st
from scaffolding import VALID, dialogue, said, tutor, valid_dialogues

from quimbot_data.pedagogy.critics import (
    BATCH_CHECKS,
    DIALOGUE_CHECKS,
    INVARIANTS,
    Configured,
    check,
    check_batch,
    check_turn,
    reveals,
    unchecked,
)
from quimbot_data.pedagogy.folding import bare, fold, without_quoted
from quimbot_data.pedagogy.lexicon import LANGUAGES, Lexicon, lexicon
from quimbot_data.pedagogy.wording import ends_in_question, explicit_corrections, phrases_in, questions
from schemas.dialogue import Pedagogy

# --- Valid and broken -------------------------------------------------------------------------------------------------


def test_every_invariant_of_the_specification_has_a_check():
    assert {each.number for each in INVARIANTS.values()} == set(range(1, 16))
    assert set(DIALOGUE_CHECKS) == set(MUTATORS)
    assert {INVARIANTS[name].number for name in BATCH_CHECKS} == {6, 8, 12, 13, 15}


@pytest.mark.parametrize("valid", VALID, ids=[each["id"] for each in VALID])
def test_valid_dialogues_pass(valid: Dialogue):
    Pedagogy.model_validate(valid["pedagogy"])
    assert check(valid) == []


def rejected_rightly(dialogues: list[Dialogue], rates: dict[str, float], exact: float) -> None:
    """Of broken copies, the share of each invariant that names it; of all, the share that names nothing else."""
    made, named, alone = Counter[str](), Counter[str](), Counter[str]()
    for each in dialogues:
        for invariant, _, broken in breaks(each, deepcopy):
            names = {failure.name for failure in check(broken)}
            made[invariant] += 1
            named[invariant] += invariant in names
            alone[invariant] += names == {invariant}
    missed = {name: (named[name], count) for name, count in made.items() if named[name] < rates[name] * count}
    assert not missed
    assert sum(alone.values()) >= exact * sum(made.values())
    assert set(made) == set(rates)


def test_each_invariant_broken_on_purpose_is_named():
    rejected_rightly(VALID, dict.fromkeys(MUTATORS, 1.0), exact=0.95)


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_is_named_in_each_language(language: str):
    own = [each for each in VALID if each["language"] == language]
    rejected_rightly(own, dict.fromkeys(MUTATORS, 1.0), exact=0.9)


# --- Explicit correction ----------------------------------------------------------------------------------------------

CORRECTIONS = [
    "That's wrong.", "Incorrect!", "Not quite. Look again.", "No, it's “went”.", "That is not correct.", "Close, but look again.",
    "You should say “I went”.", "You need to say went.", "Change 'go' to 'went'.", "Please change that word.",
    "The correct form is went.", "It should be “went”.", "We say “went”.", "Say “went”.", "Use “went” instead of “go”.",
    "Remember the rule: the past takes -ed.", "The past of go is went.", "Verbs always agree with their subject.",
    "go → went", "go -> went", "go ⇒ went", "You made a small mistake.", "There’s an error in your sentence.", "Your verb is wrong here.",
    "What's wrong with this? “go” is wrong.", "THAT’S WRONG", "That is w\u200bron\u00adg.", "ｗｒｏｎｇ！", "wróng!",
    "Está mal.", "ESTA MAL", "Eso es incorrecto.", "Te equivocaste.", "Se dice “el problema”, no “la problema”.",
    "Deberías decir fui.", "La forma correcta es fui.", "Recuerda la regla.", "No se dice así.", "Los adjetivos concuerdan con el nombre.",
    "你说错了。", "这样说不对。", "应该说“两本书”。", "正确的说法是“两本书”。", "记住这条规则。", "這樣說不對。",
    "هذا خطأ.", "الصحيح هو «ذهبت».", "يجب أن تقول «ذهبت».", "تذكر القاعدة.", "هٰذَا خَطَأٌ", "هذا خـــطأ",
]  # fmt: skip
NO_CORRECTIONS = [
    "Correct me if I'm wrong, but you went alone?", "What went wrong with the car?", "You took the wrong bus! Where did it go?",
    "Nothing wrong with that!", "I'm not quite sure I follow. Where was it?", "Don't get me wrong, I love rain.",
    "Is that right? Tell me more!", "Does 'I go' fit with 'yesterday'?", "Which one sounds right to you?", "There is no wrong answer here.",
    "Did the plan change from Monday to Friday?", "You should say hello to her for me!", "How do you change a tyre?",
    "That's the right answer to a hard question!", "When we talk about more than one, what changes?", "Was I wrong about your aunt?",
    "Listen to both: “I went yesterday” or “I go yesterday”. Which sounds better to you?", "Say both: “in Monday”, “on Monday”. Which?",
    "Everything you need to write is on the table, isn't it?", "The keys should be in the kitchen, no?", "Remember that day at the sea?",
    "Corrígeme si me equivoco: ¿fuiste sola?", "No está nada mal. ¿Y qué más?", "¿Tu abuela está mal de salud?", "¿Se te fue mal el día?",
    "¿Cómo se dice eso en tu casa?", "¿El carro está mal estacionado?", "Te equivocaste de autobús, ¿y luego?", "¿Cambia el menú cada día?",
    "不错！你买了什么？", "你明天去，对不对？", "如果我说错了，请告诉我。", "对不起，我没听清楚。", "你坐错车了吗？", "我们错过了火车！",
    "صححني إن أخطأت: ذهبت وحدك؟", "هل كان العنوان خطأ؟ الطريق الخطأ طويل دائما.", "لا خطأ في ذلك، وماذا بعد؟",
]  # fmt: skip


@pytest.mark.parametrize("text", CORRECTIONS)
def test_explicit_correction_is_told(text: str):
    assert explicit_corrections(text)


@pytest.mark.parametrize("text", NO_CORRECTIONS)
def test_what_only_looks_like_correction_is_not(text: str):
    assert explicit_corrections(text) == []


def test_the_learners_own_words_are_exempt_in_quotation_and_nowhere_else():
    learner = ["My teacher said that's wrong."]
    assert explicit_corrections("She said “that's wrong”? What did you do?", learner) == []
    assert explicit_corrections("She said “that's wrong”? What did you do?") == ["wrong"]
    assert explicit_corrections("That's wrong.", learner) == ["wrong"]


def test_a_contrast_of_right_and_wrong_corrects():
    told = {"sentence": "I go there yesterday.", "start": 2, "end": 4, "corrected": "went"}
    assert [f.name for f in check_turn("Went, not go! Who was there?", "en", **told)] == ["explicit-correction"]
    assert [f.name for f in check_turn("It is “went”, and not “go”.", "en", **told)] == ["explicit-correction"]
    assert check_turn("You went there! Who else was there?", "en", **told) == []
    both = "Listen: “not sure I went” and “not sure I go”. Which?"  # the "not" is the learner's, within both
    assert check_turn(both, "en", **told) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_a_lexicon_is_found_by_its_own_pattern(language: str):
    lists = [
        name
        for name in Lexicon.model_fields
        if name not in ("language", "reviewed", "note", "shifts", "cues", "function")
    ]
    for kind in lists:
        for phrase in getattr(lexicon(language), kind):
            text = spelled_out(phrase, language)
            assert phrases_in(text, kind), (kind, phrase, text)


def spelled_out(phrase: str, language: str) -> str:
    """A text that the phrase matches: the first of each choice, a word in each gap."""
    import re

    text = re.sub(r" ?\([^()]*\)\?", "", phrase)
    text = re.sub(r"\(([^()|]*)[^()]*\)", r"\1", text)
    return text.lstrip("^ ").replace("…", {"zh": "这", "ar": "كلمة"}.get(language, "so")).replace("“", "“x")


def test_lexicons_that_no_native_teacher_has_read_say_so():
    assert all(not lexicon(language).reviewed for language in LANGUAGES)
    assert lexicon("zh").note == lexicon("ar").note == "Not yet reviewed by a native teacher."


# --- Folding ----------------------------------------------------------------------------------------------------------

PLANTED = ["that is wrong", "not quite", "you should say", "esta mal", "te equivocaste", "你说错了", "هذا خطأ"]
INVISIBLE = ["\u200b", "\u00ad", "\u2060", "\ufeff"]


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing(text: str):
    assert fold(fold(text)) == fold(text)
    assert bare(bare(text)) == bare(text)
    assert bare(fold(text)) == bare(text)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLANTED), st.data())
def test_no_disguise_hides_a_verdict(phrase: str, data: st.DataObject):
    disguised = "".join(_disguised(char, data) for char in phrase)
    assert explicit_corrections(f"{disguised}."), disguised


def _disguised(char: str, data: st.DataObject) -> str:
    ways = [char, char.upper(), char + data.draw(st.sampled_from(INVISIBLE))]
    if char.isascii() and char.isalpha():
        ways += [chr(ord(char) + 0xFEE0), char + "\u0301", char.upper() + "\u0308"]
    if "\u0620" <= char <= "\u064a":
        ways += [char + "\u064e", char + "\u0640"] if char != " " else []
    return data.draw(st.sampled_from(ways))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abc 你ب'\"“”", max_size=20), st.text(alphabet="abc 你ب", min_size=1, max_size=12))
def test_setting_quotations_aside_only_ever_shortens_them(before: str, quoted: str):
    text = f"{before} “{quoted}”"
    assert without_quoted(text, []) == bare(text)
    assert bare(quoted).strip() == "" or '"~"' in without_quoted(f"“{quoted}”", [f"x {quoted} y"])


@pytest.mark.parametrize(
    ("text", "count", "ends"),
    [
        ("You said “where you go?” to her. Was she kind?", 1, True), ("¿Y tú? ¿Cuándo?!", 2, True), ("是吗？好。", 1, False),
        ("حقا؟ كيف؟", 2, True), ("What?! Why??", 2, True), ("Tell me.", 0, False), ("Which, “a” or “b”?", 1, True),
    ],
)  # fmt: skip
def test_questions_are_counted_by_their_marks(text: str, count: int, ends: bool):
    assert questions(text) == count
    assert ends_in_question(text) == ends


# --- Corrections held and leaked --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "start", "end", "corrected", "language", "told", "not_told"),
    [
        ("I go there yesterday.", 2, 4, "went", "en", "So you went there?", "Does “I go” fit with yesterday?"),
        ("I like go to park.", 13, 13, "the ", "en", "To the park, then?", "What stands before the word in the “go to park”?"),
        ("She is a married with him.", 7, 9, "", "en", "She is married?", "Look at “is a married”."),
        ("I bought book.", 9, 13, "a book", "en", "You bought a book!", "What is a book about? No: which word before “book”?"),
        ("Hay una problema.", 4, 7, "un", "es", "Un problema, vaya.", "¿Una palabra, un momento: «una problema»?"),
        ("我买三个书。", 3, 4, "本", "zh", "三本书！", "三个书？本子呢？"),
        ("عندي ثلاثة كتاب.", 11, 15, "كتب", "ar", "ثلاثة كتب؟", "كم هي «ثلاثة كتاب»؟"),
    ],
)  # fmt: skip
def test_a_turn_that_tells_the_answer_is_told_from_one_that_does_not(
    sentence: str, start: int, end: int, corrected: str, language: str, told: str, not_told: str
):
    assert reveals(told, sentence, start, end, corrected, language)
    if corrected != "a book":
        assert not reveals(not_told, sentence, start, end, corrected, language)


def test_a_recast_says_things_back_in_another_person():
    told = {
        "sentence": "Ayer yo compro pan para mi mamá.",
        "start": 8,
        "end": 14,
        "corrected": "compré",
        "strategy": "recast",
    }
    assert check_turn("Así que ayer compraste pan para tu mamá. ¿Estaba rico?", "es", **told) == []
    assert [f.name for f in check_turn("Así que compras pan para tu mamá. ¿Está rico?", "es", **told)] == ["recast"]


def test_switched_words_need_not_come_back_in_a_recast():
    valid = dialogue(
        "es-switch", "es", "heritage", "B1",
        said("My cousin [trayó|trajo] su guitarra and we sang all night.", "error", "code_switch", languages=("en", "es")),
        tutor("Tu primo trajo su guitarra, ¡y cantaron toda la noche! ¿Qué canciones tocaron?", strategy="recast"),
        said("Boleros.", uptake="acknowledge"),
        tutor("Los boleros nunca pasan de moda.", "close"),
    )  # fmt: skip
    assert check(valid) == []


# --- Without annotations ----------------------------------------------------------------------------------------------


def test_what_has_no_annotations_is_checked_by_its_words_and_the_rest_is_said():
    plain = {"language": "en", "messages": deepcopy(VALID[0]["messages"])}
    assert check(plain) == []
    plain["messages"][1]["content"] = "That's wrong. Is it? Or not? Well?"
    assert {failure.name for failure in check(plain)} == {"explicit-correction", "questions"}
    left_out = unchecked(plain)
    assert {"recast", "question", "hint", "explore", "uptake", "level"} <= set(left_out)
    assert not {"structure", "explicit-correction", "questions"} & set(left_out)
    assert unchecked(VALID[0]) == []


def test_a_learner_without_a_level_is_not_checked_for_it():
    valid = valid_dialogues()[0]
    valid["pedagogy"]["learner"]["cefr"] = None
    assert unchecked(valid) == ["level"]
    assert check(valid) == []


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_missing_or_strange_is_a_failure_and_never_a_crash(data: st.DataObject):
    strange = valid_dialogues()[data.draw(st.integers(0, len(VALID) - 1))]
    value = st.one_of(
        st.none(), st.integers(-3, 99), st.text(max_size=3), st.lists(st.integers(), max_size=2), st.just({})
    )
    for _ in range(data.draw(st.integers(1, 4))):
        holder = data.draw(st.sampled_from(_holders(strange)))
        key = (
            data.draw(st.sampled_from(sorted(holder)))
            if isinstance(holder, dict)
            else data.draw(st.integers(0, len(holder) - 1))
        )
        holder[key] = data.draw(value)
    assert all(failure.name in INVARIANTS and failure.detail for failure in check(strange))


def _holders(value: object) -> list:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) and value else []
    return own + [each for part in inner for each in _holders(part)]


# --- Batches ----------------------------------------------------------------------------------------------------------


def batch(times: int = 30) -> list[Dialogue]:
    """Copies of the valid dialogues, with rates as they should be: half of the explores turned round."""
    several = []
    for number in range(times):
        for each in valid_dialogues():
            each["split"] = "train" if number % 2 else "test"
            each["seed_id"], each["template_id"] = f"{each['id']}-{number}", f"t-{each['id']}-{number}"
            several.append(distinct(turned(each) if number % 4 < 2 else each, number))
            for support in (note for note in each["pedagogy"]["turns"] if note["strategy"]):
                seldom = 1 if support["strategy"] == "recast" else 2
                each["pedagogy"]["turns"][support["position"] + 1]["uptake"] = (
                    "partial" if number % 4 >= seldom else "repair"
                )
    return several


def distinct(each: Dialogue, number: int) -> Dialogue:
    """The same dialogue about something else: each copy speaks of another name, so that no sentence repeats."""
    first = each["messages"][0]
    first["content"] = f"{first['content']} {number}"
    return each


def turned(each: Dialogue) -> Dialogue:
    """The two variants of an explore in the other order; every second recast and hint ends without a question."""
    import re

    for note in each["pedagogy"]["turns"]:
        message = each["messages"][note["position"]]
        quoted = re.findall(r"[“«]([^”»]*)[”»]", message["content"])
        if note["strategy"] == "explore":
            a, b = quoted
            message["content"] = message["content"].replace(a, "\0").replace(b, a).replace("\0", b)
        elif note["strategy"] in ("recast", "hint", "question"):
            message["content"] = re.sub("[?？؟]$", ".", message["content"])
    return each


def failed(dialogues: list[Dialogue], configured: Configured | None = None) -> set[str]:
    return {failure.name for failure in check_batch(dialogues, configured).failures}


def test_a_batch_with_the_right_rates_passes_and_says_its_rates():
    report = check_batch(batch())
    assert report.failures == []
    assert {rate.name for rate in report.rates} == {"explore-order", "repair-rate", "question-rate", "mirroring-rate"}
    assert report.unchecked == {}


def each_broken() -> dict[str, list[Dialogue]]:
    always_right = batch()
    for each in always_right:
        for note in each["pedagogy"]["turns"]:
            if note["strategy"] == "explore":
                each["messages"][note["position"]]["content"] = next(
                    valid["messages"][note["position"]]["content"] for valid in VALID if valid["id"] == each["id"]
                )
    repaired = batch()
    for each in repaired:
        for note in each["pedagogy"]["turns"]:
            note["uptake"] = note["uptake"] and "repair"
    asking = batch()
    for each in asking:
        for note in (note for note in each["pedagogy"]["turns"] if note["strategy"]):
            each["messages"][note["position"]]["content"] += "?"
    silent = batch()
    for each in silent:
        for note in each["pedagogy"]["turns"]:
            note["languages"] = note["languages"][:1]
    straddling = batch()
    straddling[1]["seed_id"] = straddling[-1]["seed_id"]
    return {
        "explore-order": always_right, "repair-rate": repaired, "question-rate": asking, "mirroring-rate": silent,
        "splits": straddling,
    }  # fmt: skip


@pytest.mark.parametrize("name", BATCH_CHECKS)
def test_each_rate_broken_on_purpose_is_named(name: str):
    found = failed(each_broken()[name])
    assert found == {name}


@pytest.mark.parametrize(
    ("field", "value"), [("template_id", "t"), ("messages", None), ("provenance", {"lineage": "one", "derived": None})]
)
def test_nothing_stands_in_two_splits(field: str, value: object):
    straddling = batch(2)
    first, last = straddling[0], next(each for each in reversed(straddling) if each["id"] == straddling[0]["id"])
    assert first["split"] != last["split"]
    first[field] = last[field] = deepcopy(first["messages"]) if field == "messages" else value
    assert "splits" in failed(straddling)


def test_configured_rates_are_held():
    assert failed(batch(), Configured(repair={"question": 0.5, "recast": 0.25}, mirroring=0.5)) == set()
    assert failed(batch(), Configured(mirroring=0.95)) == {"mirroring-rate"}
    assert failed(batch(), Configured(repair={"explore": 0.99})) == {"repair-rate"}


def test_few_are_not_judged_and_it_is_said():
    report = check_batch(valid_dialogues())
    assert "explore-order" in report.unchecked
    assert report.unchecked["splits"] == "fewer than two splits"
    assert check_batch([]).failures == []
    assert set(check_batch([]).unchecked) == set(BATCH_CHECKS)


# --- Generated dialogues ----------------------------------------------------------------------------------------------


def generated(count: int) -> list[Dialogue]:
    """Dialogues of the offline generator that pass their critics, spread over its profiles."""
    synth = pytest.importorskip("synth.scenarios")
    from synth.grammar import grow
    from synth.profiles import load_profiles
    from synth.seeds import load_seeds

    scenarios = synth.plan(load_profiles([]), load_seeds(), 20_260_208)
    rows = (grow(scenario) for scenario in islice(scenarios, 4 * count))
    return list(islice((row for row in rows if row is not None and not check(row)), count))


@pytest.mark.slow
def test_generated_dialogues_broken_on_purpose_are_named():
    rows = generated(400)
    assert len(rows) == 400
    assert {row["language"] for row in rows} == set(LANGUAGES)
    rejected_rightly(rows, dict.fromkeys(MUTATORS, 0.95), exact=0.85)


# --- The command ------------------------------------------------------------------------------------------------------


def test_the_command_counts_names_and_keeps_the_rejected(quimbot, tmp_path):
    broken = valid_dialogues()[0]
    broken["messages"][1]["content"] = "That's wrong."
    plain = {"id": "plain", "messages": VALID[1]["messages"]}
    path = tmp_path / "dialogues.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*VALID, broken, plain]))
    rejected = tmp_path / "rejected.parquet"
    ran = quimbot("critics", "check", path, "--json", "--output", rejected)
    found = json.loads(ran.out)
    assert (found["dialogues"], found["annotated"], found["rejected"]) == (len(VALID) + 2, len(VALID) + 1, 1)
    assert found["failed"] == {"explicit-correction": 1, "hint": 1}
    assert found["unchecked"]["recast"] == 1
    assert "splits" in found["batch"]["unchecked"]
    [row] = pl.read_parquet(rejected).to_dicts()
    assert (row["place"], row["dialogue_id"], row["failed"]) == (
        len(VALID),
        "en-narrower",
        ["explicit-correction", "hint"],
    )
    assert json.loads(row["row"])["messages"] == broken["messages"]
    first = rejected.read_bytes()
    quimbot("critics", "check", path, "--output", rejected)
    assert rejected.read_bytes() == first
    shown = quimbot("critics", "check", path)
    assert "1 rejected" in shown.out
    assert "explicit-correction" in shown.out


def test_the_command_reads_parquet_versions_and_other_layouts(quimbot, built, tmp_path):
    path = tmp_path / "dialogues.parquet"
    pl.DataFrame(valid_dialogues()).write_parquet(path)
    assert json.loads(quimbot("critics", "check", path, "--json").out)["valid"] == len(VALID)
    version = json.loads(quimbot("-w", built.root, "critics", "check", "small@1.0.0", "--json").out)
    assert version["dialogues"] > 100
    assert version["unchecked"]["recast"] == version["dialogues"] - version["annotated"]
    other = tmp_path / "other.json"
    other.write_text(
        json.dumps([{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Wrong."}]}])
    )
    rows = tmp_path / "rows.jsonl"
    found = json.loads(quimbot("critics", "check", other, "--json", "--output", rows).out)
    assert found["failed"] == {"structure": 1, "explicit-correction": 1}
    assert json.loads(rows.read_text())["failed"] == ["structure", "explicit-correction"]


def test_the_command_says_what_it_cannot_read(quimbot, tmp_path):
    quimbot("critics", "check", tmp_path / "nothing.jsonl").told("neither a file nor a version", "NAME@X.Y.Z")
    bare_rows = tmp_path / "rows.jsonl"
    bare_rows.write_text('{"text": "x"}\n')
    quimbot("critics", "check", bare_rows).told("row 0 has no messages", "text")
    bare_rows.write_text("{}\n{")
    quimbot("critics", "check", bare_rows).told("row 1 is no record")
    good = tmp_path / "good.jsonl"
    good.write_text(json.dumps(VALID[0]) + "\n")
    quimbot("critics", "check", good, "--output", tmp_path / "x.csv").told(".parquet, .jsonl")
