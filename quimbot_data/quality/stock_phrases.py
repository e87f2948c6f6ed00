"""Lists of stock phrases: refusals, a model's talk of itself, and greetings. They know what they list and nothing else.

The English and Spanish ones follow the lists with which ShareGPT dumps are cleaned (`optional_clean.py` beside
ShareGPT_Vicuna_unfiltered, `wizardlm_clean.py`), less their moral vocabulary: "harmful" or "ethical" is no refusal.
Chinese and Arabic are the same phrases as models write them. No native speaker has reviewed the lists.
"""

from typing import Final

_ENGLISH_SERVICE: Final = (
    r"(?:assist|help|provide|fulfil|comply|engage|generate|create|write|produce|answer|support|participate|continue"
    r"|offer|share|discuss|respond|complete|perform|do (?:that|this))"
)
_SPANISH_SERVICE: Final = (
    r"(?:ayudar|asistir|proporcionar|cumplir|generar|crear|escribir|responder|ofrecer|brindar|participar|continuar"
    r"|completar|realizar|hacer(?:lo| eso| esto))"
)
_CHINESE_SERVICE: Final = (
    r"(?:[为為給给][您你]|[帮幫]|[协協]助|提供|[满滿]足|回答|[执執]行"
    r"|完成|生成|[继繼][续續]|[创創]作|[编編][写寫]|[讨討][论論])"
)
_ARABIC_SERVICE: Final = r"(?:مساعد|أن أساعد|تقديم|توفير|الإجابة|الرد|كتابة|إنشاء|تلبية|المشاركة|تنفيذ|إكمال)"

#: What refuses, at the start of a message: by language, a regular expression over its text, in any case.
REFUSALS: Final = {
    "en": (
        r"(?:(?:(?:but |i(?:'|’)?m (?:very |so |really )?|i am (?:very |so |really )?)?(?:sorry|afraid)|i apologi[sz]e"
        r"|my apologies|apologies|unfortunately|as an? [^.!?\n]{2,40}?,)[^\n]{0,60}?)?"
        r"\bi(?: cannot| can(?:'|’)t| can not| won(?:'|’)t| will not|(?: am|'m|’m) (?:unable|not able) to"
        rf"| must decline to)(?: \w+ly)? {_ENGLISH_SERVICE}"
    ),
    "es": (
        r"(?:(?:lo (?:siento|lamento)|disculpa|perdón|lamentablemente|desafortunadamente|me temo que"
        rf"|como [^.!?\n]{{2,40}}?,)[^\n]{{0,60}}?)?"
        rf"\bno (?:puedo|podré|me es posible|soy capaz de|estoy en condiciones de) {_SPANISH_SERVICE}"
    ),
    "zh": (
        r"(?:[很非常十分]{0,3}(?:抱歉|[对對]不起|不好意思)[^。！？\n]{0,30}?)?我?(?:[无無]法|不能|不可以|[没沒]有?[办辦]法)"
        rf"{_CHINESE_SERVICE}"
    ),
    "ar": (
        r"(?:(?:عذر|آسف|أنا آسف|أعتذر|اعتذر|للأسف)[^.!؟\n]{0,60}?)?"
        rf"(?:لا (?:أستطيع|استطيع|يمكنني)|لن أتمكن من|لست قادر[اًة]* على) {_ARABIC_SERVICE}"
    ),
}

#: What a model says of itself, anywhere in a message; in any case of ASCII letters.
DISCLAIMERS: Final = {
    "en": (
        *("as an ai language model", "as an ai model", "as an ai assistant", "as an ai,", "as an ai i "),
        *("as a language model", "as a large language model", "as an artificial intelligence"),
        *("i am an ai", "i'm an ai", "i’m an ai", "i am just an ai", "i'm just an ai", "i’m just an ai"),
        *("i am a language model", "i'm a language model", "i’m a language model", "my knowledge cutoff"),
        *("i am a large language model", "i'm a large language model", "i’m a large language model"),
        *("i am chatgpt", "i'm chatgpt", "i’m chatgpt", "i am vicuna", "i'm vicuna", "i’m vicuna"),
    ),
    "es": (
        *("como modelo de lenguaje", "como un modelo de lenguaje", "como modelo de ia", "como un modelo de ia"),
        *("como inteligencia artificial", "como una inteligencia artificial", "como asistente de ia", "como ia,"),
        *("soy un modelo de lenguaje", "soy una inteligencia artificial", "soy una ia"),
    ),
    "zh": (
        *(
            "作为一个人工智能",
            "作为人工智能",
            "作为一个ai",
            "作为ai",
            "作为一个语言模型",
            "作为语言模型",
            "作为一个大型语言模型",
        ),
        *("作為一個人工智能", "作為人工智能", "作為一個ai", "作為ai", "作為一個語言模型", "作為語言模型"),
        *("我是一个人工智能", "我是一个ai", "我是一个语言模型", "我是一個人工智能", "我是一個ai", "我是一個語言模型"),
    ),
    "ar": (
        *("كنموذج لغوي", "كنموذج لغة", "بصفتي نموذج", "باعتباري نموذج", "كذكاء اصطناعي", "بصفتي ذكاء اصطناعي"),
        *("كمساعد ذكاء اصطناعي", "أنا نموذج لغوي", "أنا نموذج لغة", "أنا مجرد نموذج"),
    ),
}

#: Greetings and the like, by whole words: scripts with blanks between words.
GREETINGS: Final = (
    *("hi", "hiya", "hey", "hello", "helo", "yo", "there", "good morning", "good afternoon", "good evening"),
    *("good night", "how are you", "how are you doing", "today", "what's up", "whats up", "what’s up", "sup"),
    *("ok", "okay", "thanks", "thank you", "thx", "bye", "goodbye", "test", "testing", "ping"),
    *("hola", "buenas", "buenos días", "buenos dias", "buenas tardes", "buenas noches", "qué tal", "que tal"),
    *("cómo estás", "como estas", "gracias", "adiós", "adios", "prueba"),
    *("مرحبا", "مرحباً", "أهلا", "أهلاً", "اهلا", "السلام عليكم", "شكرا", "شكراً", "كيف حالك", "صباح الخير", "مساء الخير"),
    *("bonjour", "salut", "hallo", "guten tag", "olá", "ola", "oi", "ciao", "привет", "здравствуйте", "спасибо"),
    *("안녕", "안녕하세요", "नमस्ते", "merhaba", "xin chào", "jambo", "habari", "salam", "asante"),
)
#: And of scripts without.
GREETINGS_UNSPACED: Final = (
    *(
        "你好",
        "您好",
        "嗨",
        "哈囉",
        "哈喽",
        "谢谢",
        "謝謝",
        "再见",
        "再見",
        "早上好",
        "晚上好",
        "在吗",
        "在嗎",
        "吗",
        "嗎",
        "啊",
    ),
    *("测试", "測試", "こんにちは", "こんばんは", "ありがとう", "สวัสดี", "ขอบคุณ"),
)
