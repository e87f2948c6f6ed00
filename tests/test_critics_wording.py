# ruff: noqa: E501 - what is said stands in one line
"""What critics hear in a tutor's words: explicit correction however disguised, and nothing that only looks like it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.pedagogy.critics import check_turn
from quimbot_data.pedagogy.folding import bare, fold, without_quoted
from quimbot_data.pedagogy.lexicon import LANGUAGES, Lexicon, lexicon
from quimbot_data.pedagogy.tone import insults
from quimbot_data.pedagogy.wording import ends_in_question, explicit_corrections, phrases_in, questions

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
    "It's 'went', not 'go'.", "Red is “rossa” not “rosa”.", "Not “go” but “went”!", "Es «el problema», no «la problema».",
    "是“两本书”，不是“两个书”。", "不是“两个书”，是“两本书”。", "هو «ذهبت» وليس «ذهب».",
    "هذا خطأ.", "الصحيح هو «ذهبت».", "يجب أن تقول «ذهبت».", "تذكر القاعدة.", "هٰذَا خَطَأٌ", "هذا خـــطأ",
]  # fmt: skip
NO_CORRECTIONS = [
    "Correct me if I'm wrong, but you went alone?", "What went wrong with the car?", "You took the wrong bus! Where did it go?",
    "Nothing wrong with that!", "I'm not quite sure I follow. Where was it?", "Don't get me wrong, I love rain.",
    "Is that right? Tell me more!", "Does 'I go' fit with 'yesterday'?", "Which one sounds right to you?", "There is no wrong answer here.",
    "Did the plan change from Monday to Friday?", "You should say hello to her for me!", "How do you change a tyre?",
    "That's the right answer to a hard question!", "When we talk about more than one, what changes?", "Was I wrong about your aunt?",
    "Is it “not now” or “no way”? Which?", "She said “yes”, not him, did she?",
    "Listen to both: “I went yesterday” or “I go yesterday”. Which sounds better to you?", "Say both: “in Monday”, “on Monday”. Which?",
    "Everything you need to write is on the table, isn't it?", "The keys should be in the kitchen, no?", "Remember that day at the sea?",
    "You're not wrong about the weather!", "No, it's close to the sea. And you?", "No, you can come on Friday, too!", "It is not right that she pays, is it?",
    "Who left your bag there by mistake?", "The rule of the house is no shoes, then?", "No, es de mi mamá. ¿Y el tuyo?", "¿Cambia tu horario por el trabajo?", "Mal tiempo, ¿no?",
    "No digas eso, ¡qué pena!", "Se dice que llueve mucho allí, ¿no?", "¿El tráfico está mal por la mañana?", "Tienes que escribir un libro, ¿no?",
    "我记住了你的名字！", "不是，我是老师。你呢？", "计划改成星期天了吗？", "你应该用热水，是不是？", "必须加油！", "لا، هو أخي. وأنت؟", "يجب أن تكتب رسالة لجدتك، أليس كذلك؟",
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


def test_a_match_is_told_once():
    assert explicit_corrections("No. Se dice “el problema”.") == ["se dice"]


INSULTS = ["How stupid can you be?", "Are you an idiot?", "That was dumb.", "¡Qué bruto!", "Eres tonto.", "Estúpido."]
INSULTS += ["你真笨！", "太蠢了。", "أنت غبي!", "يا أحمق"]


@pytest.mark.parametrize("text", INSULTS)
def test_insults_break_respect_and_are_no_tone(text: str):
    assert insults(text)
    assert [failure.name for failure in check_turn(text, "en")] == ["background"]


@pytest.mark.parametrize("text", ["¿Cuánto es el salario bruto?", "箱子很笨重吗？", "Why is he hopeless at tennis?"])
def test_what_only_looks_like_an_insult_is_none(text: str):
    assert insults(text) == []


def test_words_that_the_learner_said_are_taken_up_without_insult():
    assert insults("Why was the film so dumb?", ["It was a dumb film."]) == []


def test_a_contrast_of_right_and_wrong_corrects():
    told = {"sentence": "I go there yesterday.", "start": 2, "end": 4, "corrected": "went"}
    assert [f.name for f in check_turn("Went, not go! Who was there?", "en", **told)] == ["explicit-correction"]
    assert [f.name for f in check_turn("It is “went”, and not “go”.", "en", **told)] == ["explicit-correction"]
    assert [f.name for f in check_turn("No, you went there.", "en", **told)] == ["explicit-correction"]
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
    text = re.sub(r" ?\([^()]*\)\?", "", phrase)
    text = re.sub(r"\(([^()|]*)[^()]*\)", r"\1", text)
    return text.lstrip("^ ").replace("…", {"zh": "这", "ar": "كلمة"}.get(language, "so")).replace("“", "“x")


def test_lexicons_that_no_native_teacher_has_read_say_so():
    assert all(not lexicon(language).reviewed for language in LANGUAGES)
    assert lexicon("zh").note == lexicon("ar").note == "Not yet reviewed by a native teacher."


# --- Folding ----------------------------------------------------------------------------------------------------------

PLANTED = ["that is wrong", "not quite", "you should say", "esta mal", "te equivocaste", "你说错了", "هذا خطأ"]
INVISIBLE = ["\u200b", "\u00ad", "\u2060", "\ufeff"]


@tried(300)
@given(st.text())
def test_folding_twice_changes_nothing(text: str):
    assert fold(fold(text)) == fold(text)
    assert bare(bare(text)) == bare(text)
    assert bare(fold(text)) == bare(text)


@tried(300)
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


@tried(200)
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
