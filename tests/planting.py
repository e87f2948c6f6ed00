# ruff: noqa: E501 - what is said stands in one line
"""What is planted into a dialogue to break it, and where: words by language, and turns that take them."""

from collections.abc import Callable
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
