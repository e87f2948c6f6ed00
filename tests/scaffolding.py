# ruff: noqa: E501 - what is said stands in one line
"""Valid scaffolding dialogues in four languages, written by hand: what critics must let pass, and mutators break.

One turn is a text and what its annotation says. A learner's error is marked `[said|meant]`, as in the seed banks.
"""

import re
from copy import deepcopy
from typing import Any

MARK = re.compile(r"\[([^\[\]|]*)\|([^\[\]|]*)\]")


def said(
    text: str, *signals: str, uptake: str | None = None, languages: tuple[str, ...] = (), **error: Any
) -> dict[str, Any]:
    """A learner's turn; `error` holds the fields of its marked error."""
    return {"text": text, "signals": list(signals), "uptake": uptake, "languages": list(languages), "error": error}


def tutor(
    text: str, *moves: str, strategy: str | None = None, target: int | None = None, **other: Any
) -> dict[str, Any]:
    """A tutor's turn; of a strategy it is a move, too."""
    own = [strategy] if strategy else []
    about = 0 if strategy and target is None else target
    return {"text": text, "moves": [*own, *moves], "strategy": strategy, "target": about, **other}


def dialogue(
    name: str,
    language: str,
    background: str,
    cefr: str,
    *turns: dict[str, Any],
    l1: str = "en",
    variety: str | None = None,
) -> dict[str, Any]:
    """A dialogue as the generators write it, learner first."""
    messages, notes, errors = [], [], []
    for position, turn in enumerate(turns):
        role = ("user", "assistant")[position % 2]
        text = turn["text"]
        if mark := MARK.search(text):
            original, corrected = mark.groups()
            text = text[: mark.start()] + original + text[mark.end() :]
            operation = "missing" if not original else "replacement" if corrected else "unnecessary"
            errors.append(
                {
                    "position": position, "start": mark.start(), "end": mark.start() + len(original),
                    "original": original, "corrected": corrected, "operation": operation, "type": "R:OTHER",
                    "generalizable": True, "is_variation": False, "source_id": name, **turn.get("error", {}),
                }
            )  # fmt: skip
        messages.append({"role": role, "content": text})
        notes.append(
            {
                "position": position, "signals": turn.get("signals", []), "uptake": turn.get("uptake"),
                "latency_seconds": 40.0 if "slow_response" in turn.get("signals", []) else None,
                "moves": turn.get("moves", []), "strategy": turn.get("strategy"), "target": turn.get("target"),
                "languages": turn.get("languages") or [language], "cultural_note": turn.get("cultural_note"),
            }
        )  # fmt: skip
    learner = {
        "l1": l1, "target_language": language, "cefr": cefr, "background": background, "variety": variety,
        "shared_languages": ["en"] if background == "heritage" else [],
    }  # fmt: skip
    pedagogy = {"learner": learner, "topic": None, "turns": notes, "errors": errors}
    return {"id": name, "language": language, "seed_id": name, "messages": messages, "pedagogy": pedagogy}


TENSE = {"type": "R:VERB:TENSE"}
NUMBER = {"type": "R:NOUN:NUM"}
PREPOSITION = {"type": "R:PREP", "generalizable": False}

ENGLISH = [
    dialogue(
        "en-narrower", "en", "l2", "A2",
        said("Yesterday I [go|went] to the market with my aunt.", "error", **TENSE),
        tutor("A market day, how nice! Think about the word yesterday: when did all this happen?", "affirm", strategy="hint"),
        said("Yesterday I go to the market.", "error", uptake="needs_repair"),
        tutor("Does “I go” fit together with “yesterday” when you read it slowly?", strategy="question"),
        said("Hmm, I go yesterday?", "error", uptake="needs_repair"),
        tutor("So you went to the market with your aunt yesterday. What did the two of you buy?", strategy="recast"),
        said("Yes, I went there, and we bought apples.", "success", uptake="repair"),
        tutor("Apples are always good. Is everything clear so far?", "comprehension_check"),
        said("Yes, it is clear.", "success"),
        tutor("Good! Tell me more about your aunt next time.", "close"),
        l1="es",
    ),
    dialogue(
        "en-explore", "en", "l2", "A1",
        said("My birthday is [in|on] Monday.", "error", **PREPOSITION),
        tutor("Listen to both: “on Monday” and “in Monday”. Which sounds better to you?", strategy="explore"),
        said("I think on Monday.", "success", uptake="repair"),
        tutor("I see. What do you usually do with your friends and family on that big day?", "elicit_content"),
        said("Sorry, I don't understand.", "confusion"),
        tutor("What do you do on your big day?", "simplify"),
        said("I eat cake with my family.", "success"),
        tutor("That sounds lovely. Do you understand the word big day?", "comprehension_check"),
        l1="zh",
    ),
    dialogue(
        "en-slow", "en", "l2", "A2",
        said("I have two [cat|cats] at home.", "error", **NUMBER),
        tutor("A home with animals is never quiet! Look at “two cat” once more: what does the first word tell us?", strategy="question"),
        said("Um...", "slow_response", uptake="none"),
        tutor("Take your time. Look at “two”: is that one animal, or more than one?", "affirm", strategy="hint"),
        said("More! I have two cats.", "success", uptake="repair"),
        tutor("Now I can see both of them. What are their names? Was my question clear?", "comprehension_check"),
        said("Tom and Lily. Yes, it was clear.", "success"),
        tutor("Tom and Lily, what beautiful names!", "close"),
        l1="zh",
    ),
    dialogue(
        "en-explain", "en", "l2", "B1",
        said("She [live|lives] near my school. Why is my sentence hard to read?", "error", type="R:VERB:SVA"),
        tutor("Of course, let's look at it. A verb changes its form a little with he, she or it.", "explain"),
        said("Okay, thank you. She lives near my school.", "success"),
        tutor("And is it far from your home? Do you follow me so far?", "comprehension_check", "elicit_content"),
        l1="zh",
    ),
]  # fmt: skip

SPANISH = [
    dialogue(
        "es-narrower", "es", "l2", "A2",
        said("Ayer mi hermano [come|comió] tres tacos en la fiesta.", "error", type="fs:st:t"),
        tutor("¡Qué buena fiesta! Fíjate en la palabra «ayer»: ¿cuándo pasó todo eso?", "affirm", strategy="hint"),
        said("Ayer mi hermano come tres tacos.", "error", uptake="needs_repair"),
        tutor("¿Va bien «come» con la palabra «ayer» cuando lo lees despacio?", strategy="question"),
        said("Pues... ayer come.", "error", uptake="needs_repair"),
        tutor("Así que ayer tu hermano comió tres tacos en la fiesta. ¿Y tú qué comiste?", strategy="recast"),
        said("Sí, él comió tres tacos y yo comí uno.", "success", uptake="repair"),
        tutor("¡Qué rico! ¿Todo claro hasta aquí?", "comprehension_check"),
        said("Sí, todo claro.", "success"),
        tutor("Muy bien. La próxima vez cuéntame más de tu hermano.", "close"),
    ),
    dialogue(
        "es-heritage", "es", "heritage", "B1",
        said("En mi casa hay [una|un] problema grande, my dad always comes home late.", "error", "code_switch", languages=("es", "en"), type="ga:mf:det:inan"),
        tutor("Entiendo, en tu casa hay un problema grande and your dad is tired. ¿A qué hora llega él?", strategy="recast", languages=["es", "en"]),
        said("Llega a las diez, sometimes later.", "code_switch", uptake="acknowledge", languages=("es", "en")),
        tutor(
            "Es tarde. En muchas familias de México la cena también empieza tarde. ¿Ustedes cenan con él?", "cultural_note", "elicit_content",
            cultural_note={"topic": "food", "region": "México", "source": "test"},
        ),
        said("Sí, yo espero a mi papá.", "success"),
        tutor("Eso dice mucho de ti.", "affirm", "close"),
        variety="es-MX",
    ),
    dialogue(
        "es-explore", "es", "l2", "A1",
        said("Este regalo es [por|para] mi abuelo.", "error", type="conf:prep:popa"),
        tutor("Escucha las dos: «para mi abuelo» y «por mi abuelo». ¿Cuál te suena mejor?", strategy="explore"),
        said("Para mi abuelo.", "success", uptake="repair"),
        tutor("¡Qué bonito! ¿Qué cosas le gusta hacer a tu abuelo en casa con toda la familia?", "elicit_content"),
        said("Perdón, no entiendo.", "confusion"),
        tutor("¿Qué le gusta hacer a tu abuelo?", "simplify"),
        said("Le gusta leer.", "success"),
        tutor("A mí también. ¿Está claro todo?", "comprehension_check"),
    ),
    dialogue(
        "es-slow", "es", "heritage", "A2",
        said("Los zapatos [rojo|rojos] son de mi mamá.", "error", type="na:ps:adj:inan"),
        tutor("¡Me gusta ese color! Mira otra vez «zapatos rojo»: ¿qué te dice la primera palabra?", strategy="question"),
        said("Mmm...", "slow_response", uptake="none"),
        tutor("Con calma. ¿Es un zapato, o son dos zapatos?", strategy="hint"),
        said("¡Dos! Los zapatos rojos.", "success", uptake="repair"),
        tutor("Ya los veo. ¿Tu mamá los usa mucho?", "elicit_content"),
        variety="es-DO",
    ),
]  # fmt: skip

CHINESE = [
    dialogue(
        "zh-narrower", "zh", "l2", "A2",
        said("我家有三[个|只]猫。", "error", type="R:CLASSIFIER"),
        tutor("家里真热闹！你看，猫是一种动物：数动物的时候，中间用什么小字？", strategy="hint"),
        said("三个猫？", "error", uptake="needs_repair"),
        tutor("“三个猫”这几个字，你再读一次，觉得怎么样？", strategy="question"),
        said("三……猫？", "error", uptake="needs_repair"),
        tutor("哦，你家有三只猫，真热闹。它们叫什么名字？", strategy="recast"),
        said("对，三只猫，它们叫大白、小白和小黑。", "success", uptake="repair"),
        tutor("名字真好听。我说的你都明白吗？", "comprehension_check"),
        said("明白了。", "success"),
        tutor("太好了，下次再聊你的猫。", "close"),
    ),
    dialogue(
        "zh-heritage", "zh", "heritage", "B1",
        said("昨天我们去[|了]外婆家，it was so fun.", "error", "code_switch", languages=("zh", "en"), type="M:ASPECT"),
        tutor("昨天你们去了外婆家，sounds fun。你们一起做了什么？", strategy="recast", languages=["zh", "en"]),
        said("我们包饺子，and we watched TV.", "code_switch", uptake="acknowledge", languages=("zh", "en")),
        tutor(
            "在中国北方，很多家庭过年的时候也一起包饺子。你们家呢？", "cultural_note", "elicit_content",
            cultural_note={"topic": "food", "region": "中国北方", "source": "test"},
        ),
        said("我们过年也包。", "success"),
        tutor("真好，听得我都饿了。", "affirm", "close"),
    ),
    dialogue(
        "zh-explore", "zh", "l2", "A1",
        said("我[见面|见]我的朋友。", "error", type="R:LEXIS", generalizable=False),
        tutor("你听：“见我的朋友”和“见面我的朋友”，哪个听起来更好？", strategy="explore"),
        said("见我的朋友。", "success", uptake="repair"),
        tutor("很好。你和你的朋友常常一起去什么地方，一起做什么事？", "elicit_content"),
        said("对不起，我不懂。", "confusion"),
        tutor("你和朋友一起做什么？", "simplify"),
        said("我们一起吃饭。", "success"),
        tutor("我也喜欢和朋友吃饭。你懂我的问题吗？", "comprehension_check"),
    ),
    dialogue(
        "zh-slow", "zh", "heritage", "A2",
        said("我[在学校吃饭每天|每天在学校吃饭]。", "error", type="R:WORD-ORDER"),
        tutor("学校的饭好吃吗？“在学校吃饭每天”，你再看看时间放在哪里？", strategy="question"),
        said("嗯……", "slow_response", uptake="none"),
        tutor("不急。时间放在前面，还是后面？", strategy="hint"),
        said("前面！我每天在学校吃饭。", "success", uptake="repair"),
        tutor("学校的饭，你最喜欢吃什么？", "elicit_content"),
    ),
]  # fmt: skip

ARABIC = [
    dialogue(
        "ar-narrower", "ar", "l2", "A2",
        said("أمس [أذهب|ذهبت] إلى السوق مع أمي.", "error", type="R:VERB-TENSE"),
        tutor("يوم جميل! فكر في كلمة «أمس»: متى حدث هذا كله؟", "affirm", strategy="hint"),
        said("أمس أذهب إلى السوق.", "error", uptake="needs_repair"),
        tutor("اقرأ «أذهب» مع «أمس» مرة أخرى، ماذا تلاحظ؟", strategy="question"),
        said("أمس أذهب؟", "error", uptake="needs_repair"),
        tutor("إذن ذهبت أمس إلى السوق مع أمك. ماذا اشتريتما هناك؟", strategy="recast"),
        said("نعم، ذهبت إلى السوق واشتريت خبزا.", "success", uptake="repair"),
        tutor("الخبز طيب دائما. هل كل شيء واضح؟", "comprehension_check"),
        said("نعم، واضح.", "success"),
        tutor("جميل، في المرة القادمة حدثني عن أمك.", "close"),
    ),
    dialogue(
        "ar-heritage", "ar", "heritage", "B1",
        said("في البيت عندي سيارة [كبير|كبيرة] and it is old.", "error", "code_switch", languages=("ar", "en"), type="R:GENDER"),
        tutor("عندك في البيت سيارة كبيرة and old. هل تحبها؟", strategy="recast", languages=["ar", "en"]),
        said("نعم، I love it.", "code_switch", uptake="acknowledge", languages=("ar", "en")),
        tutor(
            "في مصر، كثير من العائلات تحب السفر بالسيارة في الصيف. وأنتم؟", "cultural_note", "elicit_content",
            cultural_note={"topic": "travel", "region": "مصر", "source": "test"},
        ),
        said("نحن نسافر إلى البحر.", "success"),
        tutor("البحر جميل في الصيف.", "affirm", "close"),
    ),
    dialogue(
        "ar-explore", "ar", "l2", "A1",
        said("هذا البيت [جميلة|جميل].", "error", type="R:GENDER"),
        tutor("اسمع الاثنتين: «البيت جميل» و«البيت جميلة». أيهما أحسن عندك؟", strategy="explore"),
        said("البيت جميل.", "success", uptake="repair"),
        tutor("نعم. ماذا تحب أن تعمل في البيت مع كل العائلة في يوم الجمعة بعد الظهر؟", "elicit_content"),
        said("عفوا، لا أفهم.", "confusion"),
        tutor("ماذا تعمل في البيت يوم الجمعة؟", "simplify"),
        said("أقرأ وألعب.", "success"),
        tutor("وأنا أيضا أقرأ. هل كلامي واضح؟", "comprehension_check"),
    ),
    dialogue(
        "ar-slow", "ar", "heritage", "A2",
        said("عندي ثلاثة [كتاب|كتب] جديدة.", "error", type="R:NOUN-NUMBER"),
        tutor("القراءة شيء جميل! انظر إلى «ثلاثة كتاب» مرة أخرى: ماذا تقول لنا الكلمة الأولى؟", strategy="question"),
        said("امم...", "slow_response", uptake="none"),
        tutor("على مهلك. «ثلاثة»: شيء واحد أم أكثر من واحد؟", strategy="hint"),
        said("أكثر! ثلاثة كتب.", "success", uptake="repair"),
        tutor("ما أحسن كتاب عندك؟", "elicit_content"),
    ),
]  # fmt: skip

VALID = [*ENGLISH, *SPANISH, *CHINESE, *ARABIC]


def valid_dialogues() -> list[dict[str, Any]]:
    """Copies that a test may change."""
    return deepcopy(VALID)
