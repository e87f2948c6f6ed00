# ruff: noqa: E501 - what is said stands in one line
"""One invariant broken on purpose: for each a few ways, in each language; None where a dialogue gives no occasion.

Every mutator takes a copy that it may change. What it plants is worded apart from the lexicons, so that a critic which
knows no more than its own examples fails here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Dialogue = dict[str, Any]
Mutator = Callable[[Dialogue], Dialogue | None]

WORDS: dict[str, dict[str, list[str]]] = {
    "en": {
        "explicit": [
            "That is wrong.", "Sorry, this is incorrect.", "Not quite!", "You should say it like this.",
            "There is a small mistake in your sentence.", "Remember the rule for this.", "The correct form is another one.",
            "Thát is WRONG.", "That is wr\u200bong.", "Your verb: x → y.",
        ],
        "unrelated": ["I like the sea very much."], "cueless": ["Have another go at it, please."], "off": ["Do you live near the sea?"],
        "terms": ["That verb is nice."], "form": ["Does it sound right?"], "questions": ["Is it? Can it? Will it?"],
        "deficit": ["That is broken English.", "Nobody calls that real Spanish.", "Your English is bad."],
        "policing": ["English only, please.", "Please don't mix languages."],
        "rare": ["Perspicacious ornithologists adjudicate zeugmatic perorations."],
        "long": ["We go and we come and we eat and we see and we play and we go and we come and we eat."],
        "sweeping": ["In Mexico all people are happy."], "unhedged": ["In Mexico they eat at ten."], "nowhere": ["Many families eat at ten."],
        "note": ["In Mexico, many families eat late."], "foreign": ["Hoy vamos a comer todos juntos en casa de mi hermana porque es su fiesta"],
        "statement": ["Both are here."],
    },
    "es": {
        "explicit": [
            "Eso está mal.", "ESO ESTA MAL.", "Tu frase es incorrecta.", "Te equivocaste aquí.", "Deberías decir otra cosa.",
            "La forma correcta es otra.", "Recuerda la regla.", "Hay un error en tu frase.", "x => y",
        ],
        "unrelated": ["Me gusta mucho el mar."], "cueless": ["Inténtalo otra vez, por favor."], "off": ["¿Vives cerca del mar?"],
        "terms": ["Ese verbo es bonito."], "form": ["¿Suena bien?"], "questions": ["¿Sí? ¿No? ¿Tal vez?"],
        "deficit": ["Eso es español roto.", "Eso no es español de verdad.", "Tu español es muy pobre."],
        "policing": ["Solo español, por favor.", "No mezcles los idiomas."],
        "rare": ["Ornitólogos perspicaces dirimen peroratas alambicadas."],
        "long": ["Yo voy y tú vas y él va y ella va y yo voy y tú vas y él va y ella va."],
        "sweeping": ["En México todos los mexicanos comen tarde."], "unhedged": ["En México se come tarde."], "nowhere": ["Muchas familias comen tarde."],
        "note": ["En México, muchas familias comen tarde."], "foreign": ["Today we are going to eat together at my sister's house because it is her party"],
        "statement": ["Las dos están aquí."],
    },
    "zh": {
        "explicit": ["你说错了。", "这样不对。", "这个句子有错误。", "正确的说法是另一个。", "应该改成别的。", "语法规则是这样的。", "甲→乙"],
        "unrelated": ["我很喜欢大海。"], "cueless": ["请再试试。"], "off": ["你住在海边吗？"],
        "terms": ["这个动词真好。"], "form": ["这样说，听起来对吗？"], "questions": ["是吗？好吗？对吗？"],
        "deficit": ["这是蹩脚的中文。", "这不是真正的中文。", "你的中文很差。"],
        "policing": ["只能说中文。", "不要说英文。"],
        "rare": ["鸿儒们诘屈聱牙地针砭窠臼。"],
        "long": ["我去了你也去了他也去了她也去了我们都去了你们也都去了他们也都去了大家都去了"],
        "sweeping": ["在中国，所有的人都吃饺子。"], "unhedged": ["在中国吃饺子。"], "nowhere": ["很多家庭吃饺子。"],
        "note": ["在中国，很多家庭吃饺子。"], "foreign": ["Today we are going to eat together at my house"],
        "statement": ["两个都在这里。"],
    },
    "ar": {
        "explicit": ["هذا خطأ.", "هذه الجملة غير صحيحة.", "أخطأت هنا.", "الصحيح هو شيء آخر.", "يجب أن تقول شيئا آخر.", "تذكر القاعدة.", "هٰذَا خَطَأٌ.", "س → ص"],
        "unrelated": ["أحب البحر كثيرا."], "cueless": ["حاول مرة ثانية من فضلك."], "off": ["هل تسكن قرب البحر؟"],
        "terms": ["هذا الفعل جميل."], "form": ["هل يبدو صحيحا؟"], "questions": ["نعم؟ لا؟ ربما؟"],
        "deficit": ["لغتك ضعيفة.", "هذه عربية مكسرة.", "ليست عربية حقيقية."],
        "policing": ["بالعربية فقط.", "لا تخلط اللغات."],
        "rare": ["يستقصي الجهابذة مناكفات المتفيهقين باستفاضة."],
        "long": ["ذهب أبي وذهبت أمي وذهب أخي وذهبت أختي وجاء صديقي وجاءت صديقتي وأكل الولد وأكلت البنت وشرب الرجل وشربت المرأة"],
        "sweeping": ["في مصر كل الناس في البيت."], "unhedged": ["في مصر يأكلون ليلا."], "nowhere": ["كثير من العائلات تأكل ليلا."],
        "note": ["في مصر، كثير من العائلات تأكل ليلا."], "foreign": ["Today we are going to eat together at my house"],
        "statement": ["الاثنتان هنا."],
    },
}  # fmt: skip


def breaks(dialogue: Dialogue, copy: Callable[[Dialogue], Dialogue]) -> Iterator[tuple[str, str, Dialogue]]:
    """Every way to break a dialogue: the invariant, the way, and the broken copy."""
    for invariant, ways in MUTATORS.items():
        for way in ways:
            broken = way(copy(dialogue))
            if broken is not None:
                yield invariant, way.__name__, broken


def text_of(dialogue: Dialogue, position: int) -> str:
    return str(dialogue["messages"][position]["content"])


def notes(dialogue: Dialogue) -> list[dict[str, Any]]:
    return list(dialogue["pedagogy"]["turns"])


def words(dialogue: Dialogue, kind: str, place: int = 0) -> str:
    several = WORDS[dialogue["language"]][kind]
    return several[place % len(several)]


def say(dialogue: Dialogue, position: int, text: str) -> Dialogue:
    dialogue["messages"][position]["content"] = text
    return dialogue


def strategy_turn(dialogue: Dialogue, *strategies: str) -> dict[str, Any] | None:
    return next((note for note in notes(dialogue) if note["strategy"] in strategies), None)


def plain_tutor_turn(dialogue: Dialogue) -> dict[str, Any] | None:
    """A tutor turn without strategy, where words can be planted that break nothing else."""
    at = signalled(dialogue, "confusion", "slow_response")
    compared = {*(position + 1 for position in at), *(position - 1 for position in at)}
    found = (
        note for note in notes(dialogue) if note["moves"] and not note["strategy"] and "explain" not in note["moves"]
    )
    return next((note for note in found if note["position"] not in compared and not note["cultural_note"]), None)


def signalled(dialogue: Dialogue, *signals: str) -> list[int]:
    return [note["position"] for note in notes(dialogue) if set(signals) & set(note["signals"])]


def target_of(dialogue: Dialogue, note: dict[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = dialogue["pedagogy"]["errors"][note["target"]]
    return error


def right(dialogue: Dialogue, note: dict[str, Any]) -> str:
    """The correction with the word behind it, or before where nothing follows."""
    error = target_of(dialogue, note)
    sentence = text_of(dialogue, error["position"])
    before, behind = sentence[: error["start"]], sentence[error["end"] :]
    if dialogue["language"] == "zh":
        return before[-2:] + str(error["corrected"]) + behind[:2]
    return " ".join(
        [*before.split()[-1:], *(error["corrected"] + behind).split()[: len(error["corrected"].split()) + 2]]
    )


def planted(kind: str, place: int = 0) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = plain_tutor_turn(dialogue) or strategy_turn(dialogue, "question", "hint", "explore")
        if note is None:
            return None
        blank = "" if dialogue["language"] == "zh" else " "
        return say(
            dialogue, note["position"], words(dialogue, kind, place) + blank + text_of(dialogue, note["position"])
        )

    way.__name__ = f"planted_{kind}_{place}"
    return way


# 1


def last_turn_lost(dialogue: Dialogue) -> Dialogue:
    dialogue["messages"].pop()
    dialogue["pedagogy"]["turns"].pop()
    return dialogue


def too_short(dialogue: Dialogue) -> Dialogue:
    dialogue["messages"] = dialogue["messages"][:2]
    dialogue["pedagogy"]["turns"] = dialogue["pedagogy"]["turns"][:2]
    dialogue["pedagogy"]["errors"] = [each for each in dialogue["pedagogy"]["errors"] if each["position"] < 2]
    for note in notes(dialogue):
        note["target"], note["strategy"] = None, None
    return dialogue


def too_long(dialogue: Dialogue) -> Dialogue:
    for _ in range(7):
        dialogue["messages"] += [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]
    return dialogue


def role_twice(dialogue: Dialogue) -> Dialogue:
    dialogue["messages"][2]["role"] = "assistant"
    return dialogue


def span_shifted(dialogue: Dialogue) -> Dialogue | None:
    errors = dialogue["pedagogy"]["errors"]
    if not errors or not errors[0]["original"]:
        return None
    errors[0]["start"] += 1
    errors[0]["end"] += 1
    return dialogue


def edit_changes_nothing(dialogue: Dialogue) -> Dialogue | None:
    errors = dialogue["pedagogy"]["errors"]
    if not errors:
        return None
    errors[0]["corrected"] = errors[0]["original"]
    return dialogue


# 3


def recast_with_error(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    if note is None:
        return None
    error, text = target_of(dialogue, note), text_of(dialogue, note["position"])
    if not error["corrected"] or not re.search(re.escape(error["corrected"]), text, re.IGNORECASE):
        return None
    return say(
        dialogue, note["position"], re.sub(re.escape(error["corrected"]), error["original"], text, flags=re.IGNORECASE)
    )


def recast_of_something_else(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    return (
        None
        if note is None
        else say(dialogue, note["position"], words(dialogue, "unrelated") + " " + words(dialogue, "off"))
    )


def recast_in_quotation_marks(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    if note is None:
        return None
    first, mark, rest = re.split(r"([.!。،,，:])", text_of(dialogue, note["position"]), maxsplit=1)
    return say(dialogue, note["position"], f"“{first}”{mark}{rest}")


def recast_with_terms(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    return (
        None
        if note is None
        else say(dialogue, note["position"], words(dialogue, "terms") + " " + text_of(dialogue, note["position"]))
    )


def recast_that_asks_nothing(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "recast")
    if note is None:
        return None
    told = re.match(r".*?[.!。]", text_of(dialogue, note["position"]))
    return say(dialogue, note["position"], told[0]) if told else None


def recast_that_asks_about_form(dialogue: Dialogue) -> Dialogue | None:
    broken = recast_that_asks_nothing(dialogue)
    note = strategy_turn(dialogue, "recast")
    if broken is None or note is None:
        return None
    return say(broken, note["position"], text_of(broken, note["position"]) + " " + words(dialogue, "form"))


# 4, 5, 6


def _with_answer(strategy: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = strategy_turn(dialogue, strategy)
        if note is None or not target_of(dialogue, note)["corrected"]:
            return None
        return say(dialogue, note["position"], f"“{right(dialogue, note)}”: " + text_of(dialogue, note["position"]))

    way.__name__ = f"{strategy}_with_the_answer"
    return way


def question_that_asks_nothing(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question")
    return (
        None
        if note is None
        else say(dialogue, note["position"], re.sub("[?？؟¿]", ".", text_of(dialogue, note["position"])))
    )


def question_about_something_else(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question")
    return None if note is None else say(dialogue, note["position"], words(dialogue, "off"))


def hint_without_cue(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "hint")
    return None if note is None else say(dialogue, note["position"], words(dialogue, "cueless"))


def hint_at_no_rule(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "hint")
    if note is None:
        return None
    target_of(dialogue, note)["generalizable"] = False
    return dialogue


def _explore(change: Callable[[Dialogue, list[str]], str], name: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = strategy_turn(dialogue, "explore")
        if note is None:
            return None
        text = text_of(dialogue, note["position"])
        quoted = re.findall(r"[“«][^”»]*[”»]", text)
        return say(dialogue, note["position"], change(dialogue, [text, *quoted])) if len(quoted) > 1 else None

    way.__name__ = name
    return way


explore_with_one_variant = _explore(lambda d, t: t[0].replace(t[2], t[1]), "explore_with_one_variant")
explore_that_marks = _explore(lambda d, t: t[0].replace(t[1], f"{t[1]} ✓"), "explore_that_marks")
explore_that_asks_nothing = _explore(
    lambda d, t: f"{t[1]}, {t[2]}. {words(d, 'statement')}", "explore_that_asks_nothing"
)


# 7, 8


def no_target(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question", "hint", "recast", "explore")
    if note is None:
        return None
    note["target"] = None
    return dialogue


def two_strategies(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "hint", "question", "explore")
    if note is None:
        return None
    note["moves"] = [*note["moves"], "recast"]
    return dialogue


def wider_after_failures(dialogue: Dialogue) -> Dialogue | None:
    supports = [note for note in notes(dialogue) if note["strategy"]]
    if [note["strategy"] for note in supports[:3]] != ["hint", "question", "recast"]:
        return None
    answers = [notes(dialogue)[note["position"] + 1] for note in supports[:2]]
    if not all(answer["uptake"] in ("needs_repair", "none") for answer in answers):
        return None
    hint, _, last = supports[:3]
    last["strategy"], last["moves"] = "hint", ["hint"]
    return say(dialogue, last["position"], text_of(dialogue, hint["position"]))


def uptake_unsaid(dialogue: Dialogue) -> Dialogue | None:
    note = next((note for note in notes(dialogue) if note["uptake"]), None)
    if note is None:
        return None
    note["uptake"] = None
    return dialogue


def ends_in_a_strategy(dialogue: Dialogue) -> Dialogue | None:
    supports = [note["position"] for note in notes(dialogue) if note["strategy"]]
    last = next((position for position in supports if position >= 3), None)
    if last is None:
        return None
    checked = any("comprehension_check" in note["moves"] for note in notes(dialogue)[: last + 1])
    dialogue["messages"] = dialogue["messages"][: last + 1]
    dialogue["pedagogy"]["turns"] = dialogue["pedagogy"]["turns"][: last + 1]
    dialogue["pedagogy"]["errors"] = [each for each in dialogue["pedagogy"]["errors"] if each["position"] <= last]
    if not checked:
        notes(dialogue)[1]["moves"].append("comprehension_check")
    return dialogue


# 9, 10


def _after(signal: str, change: Callable[[Dialogue, dict[str, Any]], Dialogue | None], name: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        position = next(iter(signalled(dialogue, signal)), None)
        return None if position is None or position == 0 else change(dialogue, notes(dialogue)[position + 1])

    way.__name__ = name
    return way


def _verbatim(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    return say(dialogue, note["position"], text_of(dialogue, note["position"] - 2))


def _no_simplify(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    note["moves"] = [move for move in note["moves"] if move != "simplify"] or ["reflect"]
    return dialogue


def _other_words(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    return say(dialogue, note["position"], words(dialogue, "off"))


def _no_way_in(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    note["moves"], note["strategy"], note["target"] = ["reflect"], None, None
    notes(dialogue)[note["position"] + 1]["uptake"] = None
    return say(dialogue, note["position"], words(dialogue, "cueless"))


def _explains(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    note["moves"] = [*note["moves"], "cultural_note"]
    note["cultural_note"] = {
        "topic": "food",
        "region": {"en": "Mexico", "es": "México", "zh": "中国", "ar": "مصر"}[dialogue["language"]],
        "source": "test",
    }
    return say(dialogue, note["position"], text_of(dialogue, note["position"]))


def _longer(dialogue: Dialogue, note: dict[str, Any]) -> Dialogue:
    blank = "" if dialogue["language"] == "zh" else " "
    return say(
        dialogue,
        note["position"],
        text_of(dialogue, note["position"])
        + blank
        + text_of(dialogue, note["position"] - 2)
        .replace("?", ".")
        .replace("？", "。")
        .replace("؟", ".")
        .replace("¿", ""),
    )


# 11, 12


def rare_words(dialogue: Dialogue) -> Dialogue | None:
    broken = planted("rare")(dialogue)
    return broken and planted("rare")(broken)


def long_sentence(dialogue: Dialogue) -> Dialogue | None:
    return planted("long")(dialogue) if dialogue["pedagogy"]["learner"]["cefr"] == "A1" else None


# 13, 14


def targets_variation(dialogue: Dialogue) -> Dialogue | None:
    note = strategy_turn(dialogue, "question", "hint", "recast", "explore")
    if note is None:
        return None
    target_of(dialogue, note)["is_variation"] = True
    return dialogue


def no_comprehension_check(dialogue: Dialogue) -> Dialogue | None:
    if dialogue["pedagogy"]["learner"]["background"] != "l2":
        return None
    for note in notes(dialogue):
        note["moves"] = ["affirm" if move == "comprehension_check" else move for move in note["moves"]]
    return dialogue


def explains_unasked(dialogue: Dialogue) -> Dialogue | None:
    note = plain_tutor_turn(dialogue)
    if note is None or signalled(dialogue, "error")[:1] == [note["position"] - 1] or "explain" in note["moves"]:
        return None
    if any(each["uptake"] not in (None, "repair") for each in notes(dialogue)[: note["position"]]):
        return None
    note["moves"] = [*note["moves"], "explain"]
    return dialogue


def explains_to_heritage(dialogue: Dialogue) -> Dialogue | None:
    note = plain_tutor_turn(dialogue)
    if note is None or dialogue["pedagogy"]["learner"]["background"] != "heritage":
        return None
    note["moves"] = [*note["moves"], "explain"]
    return dialogue


def l2_in_another_language(dialogue: Dialogue) -> Dialogue | None:
    note = plain_tutor_turn(dialogue)
    learner = dialogue["pedagogy"]["learner"]
    if note is None or learner["background"] != "l2":
        return None
    learner["l1"], learner["cefr"] = ("es" if learner["target_language"] == "en" else "en"), "B1"
    return say(dialogue, note["position"], words(dialogue, "foreign"))


def _note(kind: str) -> Mutator:
    def way(dialogue: Dialogue) -> Dialogue | None:
        note = next((note for note in notes(dialogue) if note["cultural_note"]), None) or plain_tutor_turn(dialogue)
        if note is None:
            return None
        region = {"en": "Mexico", "es": "México", "zh": "中国", "ar": "مصر"}[dialogue["language"]]
        note["cultural_note"] = {"topic": "food", "region": region, "source": "test"}
        note["moves"] = ["cultural_note", *(move for move in note["moves"] if move != "cultural_note")]
        return say(dialogue, note["position"], words(dialogue, kind))

    way.__name__ = f"note_{kind}"
    return way


def two_notes(dialogue: Dialogue) -> Dialogue | None:
    broken = _note("note")(dialogue)
    other = plain_tutor_turn(dialogue)
    if broken is None or other is None:
        return None
    first = next(note for note in notes(broken) if note["cultural_note"])
    other["cultural_note"], other["moves"] = first["cultural_note"], ["cultural_note", *other["moves"]]
    return say(broken, other["position"], words(dialogue, "note"))


MUTATORS: dict[str, list[Mutator]] = {
    "structure": [last_turn_lost, too_short, too_long, role_twice, span_shifted, edit_changes_nothing],
    "explicit-correction": [planted("explicit", place) for place in range(10)],
    "recast": [
        recast_with_error, recast_of_something_else, recast_in_quotation_marks, recast_with_terms,
        recast_that_asks_nothing, recast_that_asks_about_form,
    ],
    "question": [_with_answer("question"), question_that_asks_nothing, question_about_something_else],
    "hint": [_with_answer("hint"), hint_without_cue, hint_at_no_rule],
    "explore": [explore_with_one_variant, explore_that_marks, explore_that_asks_nothing],
    "one-target": [no_target, two_strategies, wider_after_failures],
    "uptake": [uptake_unsaid, ends_in_a_strategy],
    "simplify": [
        _after("confusion", _verbatim, "simplified_verbatim"), _after("confusion", _no_simplify, "not_simplified"),
        _after("confusion", _other_words, "simplified_to_something_else"), _after("confusion", _longer, "simplified_longer"),
    ],
    "slow-response": [
        _after("slow_response", _no_way_in, "slow_without_a_way_in"), _after("slow_response", _longer, "slow_longer"),
        _after("slow_response", _explains, "slow_with_something_new"),
    ],
    "level": [rare_words, long_sentence],
    "questions": [planted("questions")],
    "background": [
        *(planted("deficit", place) for place in range(3)), *(planted("policing", place) for place in range(2)),
        targets_variation, no_comprehension_check, explains_unasked, explains_to_heritage, l2_in_another_language,
    ],
    "cultural-note": [_note("sweeping"), _note("unhedged"), _note("nowhere"), two_notes],
}  # fmt: skip
