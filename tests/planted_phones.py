"""Made-up phone numbers as thirty-odd countries write them, and sentences that such numbers stand in."""

import re
import tomllib
from pathlib import Path
from random import Random
from typing import Any, Final

#: Country to its language, its forms with separators or country code, and for some its form without separators.
PLANS: Final[dict[str, dict[str, Any]]] = tomllib.loads(
    (Path(__file__).parent / "data" / "phone_plans.toml").read_text("utf-8")
)

#: Sentences by language: half of them say that a phone number follows, half do not.
ANNOUNCING: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Call me at {} after six.",
        "My phone number is {}.",
        "Tel: {}",
        "Reach us on {}, any day.",
        "Phone: {} (office)",
    ),
    "es": (
        "Llámame al {} por la tarde.",
        "Mi número de teléfono es {}.",
        "Tel.: {}",
        "Mi móvil es el {}",
        "WhatsApp: {}",
    ),
    "de": ("Ruf mich unter {} an.", "Meine Telefonnummer ist {}.", "Tel.: {}", "Handy: {}", "Mobil {} (abends)"),
    "fr": ("Appelle-moi au {} ce soir.", "Mon numéro de téléphone est le {}.", "Tél. : {}", "Portable : {}"),
    "it": ("Chiamami al {} stasera.", "Il mio numero di telefono è {}.", "Tel. {}", "Cell.: {}", "Cellulare: {}"),
    "pl": ("Zadzwoń pod numer {} wieczorem.", "Mój numer telefonu to {}.", "Tel. {}", "Tel. kom.: {}", "Telefon: {}"),
    "pt": ("Ligue para {} à noite.", "Meu número de telefone é {}.", "Tel.: {}", "Celular: {}", "Telemóvel: {}"),
    "ru": ("Позвоните мне по номеру {} вечером.", "Мой номер телефона: {}.", "Тел.: {}", "Телефон {}", "моб. {}"),
    "zh": ("我的电话是{},谢谢。", "请拨打{}联系我。", "手机号码:{}", "联系电话:{}(周一至周五)"),
    "ja": ("電話番号は{}です。", "携帯:{}", "{}までお電話ください。", "TEL {}"),
    "ko": ("제 전화번호는 {}입니다.", "연락처: {}", "{}번으로 전화 주세요."),
    "ar": ("رقم هاتفي هو {}.", "هاتف: {}", "اتصل بي على {} مساءً", "الجوال: {}"),
    "tr": ("Beni {} numarasından ara.", "Telefon numaram {}.", "Tel: {}", "Cep: {}"),
    "hi": ("मेरा फ़ोन नंबर {} है।", "फोन: {}", "मोबाइल नंबर {}"),
    "lg": ("Nkubira ku ssimu {}.", "Essimu: {}"),
    "sw": ("Nipigie simu {} jioni.", "Nambari yangu ya simu ni {}.", "Simu: {}"),
    "ny": ("Ndiyimbireni pa {}.", "Foni: {}"),
    "wo": ("Sama telefon mooy {}.", "Tel: {}"),
    "am": ("ስልክ ቁጥሬ {} ነው።", "ስልክ: {}"),
    "nl": ("Bel me op {} vanavond.", "Mijn telefoonnummer is {}.", "Tel.: {}", "Mobiel: {}"),
    "sv": ("Ring mig på {} ikväll.", "Mitt telefonnummer är {}.", "Tfn: {}", "Mobil: {}"),
}
SILENT: Final[dict[str, tuple[str, ...]]] = {
    "en": ("I left {} with the front desk.", "Ask for Ann ({}) at the counter.", "Ann Lee, {}, Springfield"),
    "es": ("Pregunta por Ana ({}) en la entrada.", "Ana López, {}, Sevilla", "Apunta: {}."),
    "de": ("Frag nach Anna ({}) am Empfang.", "Anna Krause, {}, Ulm"),
    "fr": ("Demande Anne ({}) à l'accueil.", "Anne Petit, {}, Lyon", "Note bien : {}."),
    "it": ("Chiedi di Anna ({}) all'ingresso.", "Anna Russo, {}, Parma", "Segna: {}."),
    "pl": ("Zapytaj o Annę ({}) przy wejściu.", "Anna Nowak, {}, Kraków", "Zapisz: {}."),
    "pt": ("Pergunte pela Ana ({}) na entrada.", "Ana Souza, {}, Recife", "Anota aí: {}."),
    "ru": ("Спросите Анну ({}) у входа.", "Анна Иванова, {}, Пермь", "Запишите: {}."),
    "zh": ("到了以后找小王({})。", "小王{}北京", "「{}」"),
    "ja": ("受付で田中({})を呼んでください。", "田中、{}、大阪", "「{}」と書いてあります。"),
    "ko": ("안내에서 민수({})를 찾으세요.", "김민수, {}, 부산"),
    "ar": ("اسأل عن سارة ({}) عند الباب.", "سارة، {}، القاهرة"),
    "tr": ("Girişte Ayşe'yi ({}) sor.", "Ayşe Kaya, {}, İzmir"),
    "hi": ("दरवाज़े पर सीमा ({}) से पूछो।", "सीमा, {}, पटना"),
    "lg": ("Buuza Namuli ({}) ku mulyango.", "Namuli, {}, Kampala"),
    "sw": ("Muulize Asha ({}) mlangoni.", "Asha, {}, Mombasa"),
    "ny": ("Funsani Chikondi ({}) pakhomo.", "Chikondi, {}, Zomba"),
    "wo": ("Laajal Awa ({}) ci bunt bi.", "Awa, {}, Thiès"),
    "am": ("በሩ ላይ ሣራን ({}) ጠይቅ።", "ሣራ፣ {}፣ ሐረር"),
    "nl": ("Vraag naar Anna ({}) bij de balie.", "Anna de Vries, {}, Delft"),
    "sv": ("Fråga efter Anna ({}) i receptionen.", "Anna Berg, {}, Lund"),
}


def written(template: str, random: Random) -> str:
    """Fill one template."""
    chosen = re.sub(r"<([^>]*)>", lambda match: random.choice(match[1].split("|")), template)
    ranges = {"#": "0123456789", "N": "23456789"}
    return "".join(random.choice(ranges[char]) if char in ranges else char for char in chosen)
