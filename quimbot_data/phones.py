"""Phone numbers in text: international ones, national ones by their written grouping, others where a word says so.

    rule           what it takes                                 what it must pass                 source
    -------------  --------------------------------------------  --------------------------------  -------------------
    international  +CC or 00CC, then 8-15 digits, any grouping   assigned code; +1 takes 11        ITU-T E.164, E.123
    national       NANP 3-3-4; 0-led 9-12 digits in 2-5 groups;  stands apart from other numbers;  NANPA, national
                   the groupings of `_BY_COUNTRY`                no date, ZIP+4 or counting row    plans (ITU-T E.129)
    announced      8-13 digits, in groups or not                 a word such as `phone:` before    -
                                                                 it, or an e-mail address beside

Groups of three set by blanks (`612 345 678`) are quantities as often as numbers: they are taken where they begin as
mobiles of Spain, Portugal and Poland do and no unit, currency or `population:` stands beside them, else with the word.
Five and five (`98765 43210`) may be two postcodes, eight digits a date, and ungrouped digits anything: with the word.
Google's libphonenumber was tried: of random groups of three it calls 99 % valid in one of eleven countries.
"""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from quimbot_data.spans import GAP, Rule, before, digits, longest, rule

#: Country codes in use, ITU-T E.164.D: no code is the beginning of another.
_COUNTRY: Final = (
    "(?:1|7|2[07]|2[1-689][0-9]|3[0-469]|3[578][0-9]|4[013-9]|42[0-9]|5[1-8]|5[09][0-9]|6[0-6]|6[789][0-9]|8[1246]"
    "|8[0578][0-9]|9[0-58]|9[679][0-9])"
)
_SEP: Final = f"{GAP}./"
#: What may not stand before or after a national number: other digits, hex, ids, paths.
_APART: Final = r"(?<![0-9A-Za-z_#])(?<![0-9A-Fa-f]-)(?<![0-9][.:,/ \u00a0\u202f])(?<!\w/)"
_ENDS: Final = r"(?![0-9_A-WYZa-wyz]|[.:/-][0-9]|-[A-Za-z])"
_INTERNATIONAL: Final = (
    rf"(?:\((?:\+|00){_COUNTRY}\)|(?:(?<![0-9A-Za-z_+)\]])\+|(?<![0-9A-Za-z_.,:+#/)\]-])00 ?){_COUNTRY})(?: ?\(0\))?"
    rf"(?:[{_SEP}]{{0,2}}(?:\([0-9]{{1,5}}\)[ -]?)?[0-9]{{1,14}})(?:(?:[{_SEP}]{{1,2}}| / )[0-9]{{2,14}}){{0,5}}"
    r"(?![0-9_A-WYZa-wyz])"
)
#: North America. Blanks alone are also a row of numbers, which goes on.
_NANP: Final = (
    rf"(?:1[{GAP}.])?(?:\([1-9][0-9]{{2}}\)[{GAP}.]?[0-9]{{3}}[{GAP}.]?[0-9]{{4}}"
    rf"|[1-9][0-9]{{2}}(?P<nanp>[\-.\u2011])[0-9]{{3}}(?P=nanp)[0-9]{{4}}"
    r"|[2-9][0-9]{2} [0-9]{3}[ -][0-9]{4}(?! {1,4}[0-9]))"
)
#: The area code may be set off by another separator than the rest.
_ZERO_LED: Final = (
    rf"(?:\(0[1-9][0-9]{{0,4}}\)[{_SEP}]?|0[1-9][0-9]{{0,4}}[{_SEP}]|0[6-9][0-9]{{4}}[ -])"
    rf"[0-9]{{2,8}}(?:(?P<zero>[{GAP}.])[0-9]{{2,6}}(?:(?P=zero)[0-9]{{2,4}}){{0,2}})?"
)
_NO_YEARS: Final = r"(?!(?:1[5-9]|20)[0-9]{2}[ -](?:1[5-9]|20)[0-9]{2}(?![0-9]))"
#: Groupings that little else has; the first digits are those that the plans assign.
_BY_COUNTRY: Final = (
    # China's mobiles
    r"1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])(?P<china>[ -]?)[0-9]{4}(?P=china)[0-9]{4}",
    # Russia and Kazakhstan: trunk 8, or 7 without its plus
    r"[78](?:[ -]?\([0-9]{3}\)[ -]?|[ -][0-9]{3}[ -])[0-9]{3}[ -][0-9]{2}[ -]?[0-9]{2}",
    # Brazil: area code, then 9 and eight digits, or eight; Mexico's four cities with short codes
    r"(?:\([1-9][1-9]\) ?9 ?[0-9]{4}[ -]|[1-9][1-9][ -]9 ?[0-9]{4}-)[0-9]{4}",
    rf"(?:\([1-9][1-9]\) ?{_NO_YEARS}[1-9][0-9]{{3}}[ -]|[1-9][1-9] {_NO_YEARS}[2-9][0-9]{{3}}-)[0-9]{{4}}",
    rf"(?:33|5[56]|81)(?P<mexico>[ -]){_NO_YEARS}[0-9]{{4}}(?:(?P=mexico)|-)[0-9]{{4}}",
    # Spain, Portugal, Poland, Senegal: 2-3-2-2; Spain 3-2-2-2 and, by dashes, 3-3-3
    r"(?:\([1-9][0-9]\)[ -]?|[1-9][0-9][ -])[0-9]{3}(?P<two>[ -])[0-9]{2}(?P=two)[0-9]{2}",
    r"[6-9][0-9]{2}(?P<spain>[ -])[0-9]{2}(?P=spain)[0-9]{2}(?P=spain)[0-9]{2}",
    r"[5-9][0-9]{2}-[0-9]{3}-[0-9]{3}",
    # Turkey and Russian cities: 3-3-2-2, perhaps after a trunk 0 or a country code without its plus
    r"(?:0 ?|[1-9][0-9]{0,2} )?(?:\([2-9][0-9]{2}\)[ -]?|[2-9][0-9]{2}[ -])[0-9]{3}(?P<pairs>[ -])[0-9]{2}(?P=pairs)"
    r"[0-9]{2}",
    # Italy's and Colombia's mobiles, Colombia's cities
    r"(?:3[0-9]{2}[ /-]|60[1-8] )[0-9]{7}|3[0-9]{2} [0-9]{2} [0-9]{2} [0-9]{3}",
    # Country codes of nine-digit plans, in brackets and without their plus
    r"\((?:3[0-9]{2}|34|48)\) ?[2-9][0-9]{2}(?P<nine> ?)[0-9]{3}(?P=nine)[0-9]{3}",
    # Japan, its exchange in brackets
    r"0[1-9][0-9]{0,3}\([0-9]{1,4}\)[0-9]{4}",
)
_NATIONAL: Final = f"{_APART}(?:{_NANP}|(?:{_ZERO_LED}|{'|'.join(_BY_COUNTRY)})(?! [0-9])){_ENDS}"

#: Mobiles of Spain, Portugal and Poland in threes: a quantity as well, unless nothing beside it counts anything.
_IN_THREES: Final = (
    rf"{_APART}(?:4[5]|5[0137]|6[0-9]|7[1-489]|88|9[1236])[0-9] [0-9]{{3}} (?!000)[0-9]{{3}}(?! [0-9]){_ENDS}(?!,[0-9])"
)
_COUNTED: Final = re.compile(
    r" ?(?:[€$£¥₹₽%°=<>+×*/]|(?i:zł|pln|eur|usd|inr|rub|руб|евро|euro|dollar|dólar|peso|reais|yen|people|person|pessoa"
    r"|residents|(?:in)?habitant|mieszka|osób|ludzi|жител|человек|einwohner|menschen|abitanti|unit|unidad|sztuk|item|row"
    r"|record|token|word|user|vote|voto|głos|cop(?:y|ies)|time|year|años|byte|bit|km|kg|ha |mile|milla|metr"
    r"|met(?:er|re)|m[²³23]|hect|lat |ton|square|kwadrat|cuadrad))"
)
_COUNTING: Final = re.compile(
    r"(?:[€$£¥₹₽≈~=<>×*^+−–-]\s?|(?i:(?<!\w)(?:population|poblaci[oó]n|população|ludność|население|total|sum|suma|summe"
    r"|somme|gdp|pib|pkb|price|precio|preço|cena|prix|costs?|about|around|over|nearly|almost|approximately|than|exactly"
    r"|equals|de|od|ponad|około|prawie|wynosi|reached|received|sold|worth|usd|eur|pln|r[$])"
    r"(?: (?:is|was|of|es|era|é|de|to))?[ :]{0,2}))\Z"
)

_ANNOUNCED: Final = (
    r"(?<![0-9A-Za-z_.])(?:[0-9]{8}|[0-9]{4}[ \u00a0][0-9]{4}|[0-9]{2}(?:[ .\u00a0][0-9]{2}){3}"
    rf"|\(?[0-9](?:\)?[{GAP}./]?\(?[0-9]){{8,14}})(?![0-9A-Za-z_]|[.:/-][0-9])"
)
#: Nouns for a phone and verbs for calling, then few words, none of which says that something else is counted.
_NOUN: Final = (
    r"tel|tél|tlf|tfn|tel\. ?kom|phone|telephone|mobile?|mobiel|mobilnummer|cell|cellphone|cellulare|cel|fax|whatsapp"
    r"|gsm|cep|telefon[oea]?|telefonum|telefonu|teléfono|telefone|téléphone|móvil|celular|telemóvel|portable|handy"
    r"|komórk[aię]|telef(?:oo|o)nnummer|(?:e?s)?simu|foni|телефона?|тел|моб|мобильный"
    r"|(?:ال)?(?:هاتف|جوال|موبايل)ي?|फ\u093c?ोन|मोबाइल|ስልክ"
)
_VERB: Final = (
    r"(?:call|text|reach|ring) (?:me|us)|ll[aá]ma(?:me|nos|dme|dnos)|ruf(?:en sie|t)? (?:mich|uns)|erreich\w+"
    r"|appell?ez?[- ](?:moi|nous)"
    r"|chiama(?:mi|ci|temi|teci)|(?:za)?dzwo[nń](?:cie)?|lig(?:ue|a|ar|uem) (?:para|pro)|(?:по)?звони(?:те)?"
    r"|nipigie|nkubira|ndiyimbireni|bel (?:me|ons)|ring (?:mig|oss)|اتصل(?:وا)? (?:بي|بنا)"
)
_BETWEEN: Final = (
    r"number|no|nr|num|numer|n[uú]mero|numéro|numara\w*|nummer|номеру?|नंबर|ቁጥ\w+|رقم"
    r"|is|at|on|est|es|ist|é|è|to|el|le|al|au|o|lautet|unter|pod|мне|нам|по|móvil|telefonu|ku|ya|yangu|ni|pa|mooy|op|på|är|هو|على|है"
)
_PHONE_CUE: Final = re.compile(
    rf"(?i:(?<![\w\[])(?:{_NOUN}|{_VERB})(?:[ .:]{{1,3}}(?:{_BETWEEN})(?![\w-])){{0,4}}"
    r"[\s.:=#\"'(*]{0,5}"
    r"|(?:电话|手机|電話|携帯|전화|号码|연락처|拨打|致电)(?:号码|番号|번호|是|は|는|를)*[\s::]{0,2})\Z"
    r"|\[EMAIL\][\s|,;:/·()<>\"'—–-]{1,6}\Z"
)
_PHONE_CUE_AFTER: Final = re.compile(
    r"[\s|,;:/·()<>\"'—–-]{1,6}\[EMAIL\]|(?:に|へ|まで)お?電話|번으로 (?:전화|연락)|(?i: numara)| पर (?:कॉल|फ\u093c?ोन)"
)
_EXTENSION: Final = re.compile(
    r"[ ,;]{0,2}(?:ext(?:ension|n)?\.?|x|доб\.?|Durchwahl)[ .:=]{0,2}[0-9]{1,6}(?![0-9A-Za-z_])"
)
_DATE: Final = re.compile(
    r"0[1-9][-./ ](?:[0-3][0-9][-./ ])?(?:19|20)[0-9]{2}(?![0-9]|[ -][0-9]{4})|(?:19|20)[0-9]{2}[-.][01][0-9][-.]"
    r"|(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9](?![0-9])"
)
_ZIP4: Final = re.compile(r"[0-9]{5}-[0-9]{4}")

_CODE_HINT: Final = rf"(?:\+|00 ?)[1-9](?:[{_SEP}()]{{0,4}}[0-9]){{7}}"
_NUMBER_HINT: Final = rf"[0-9](?:[{_SEP}()]{{0,4}}[0-9]){{8}}"
#: Eight digits are also the length of dates and of ranges of years: these forms spare them.
_ANNOUNCED_HINT: Final = (
    rf"[0-9](?:(?:[{_SEP}()]{{0,4}}[0-9]){{8}}"
    r"|[0-9]{7}|[0-9]{3}[ \u00a0][0-9]{4}|[0-9](?:[ .\u00a0][0-9]{2}){3})"
)


def _is_international(number: str) -> bool:
    national = re.sub(r"\(0\)", "", number)
    figures = digits(national).removeprefix("00")
    marks = set(re.sub(r"[0-9+() \u00a0\u202f]", "", national))
    if len(marks) > 1 or (number.count(".") == 1 and len(figures) < 11):  # +40.7128-074.0060, +51.5073509
        return False
    if figures.startswith("1"):
        return len(figures) == 11
    return 8 + 2 * number.startswith("00") <= len(figures) <= 15


def _is_national(number: str) -> bool:
    """The shape says enough, except for 0-led numbers, which dates, ZIP+4 codes and counting rows look like."""
    groups = re.findall(r"[0-9]+", number)
    figures = "".join(groups)
    if figures[0] != "0":
        return len(figures) >= 9
    steps = {int(b) - int(a) for a, b in pairwise(groups)}
    counting = set(figures) <= {"0", "1"} or (len(groups) > 3 and steps in ({0}, {1}))
    most = 12 if len(groups) <= 3 else 11
    return not counting and 9 <= len(figures) <= most and not _DATE.match(number) and not _ZIP4.fullmatch(number)


def _is_announced(number: str) -> bool:
    most = 15 if number.startswith("00") else 13
    return 8 <= len(digits(number)) <= most and not _DATE.match(number)


def _end_of(accepted: Callable[[str], bool]) -> Callable[[re.Match[str]], int]:
    """The end of a phone number with its extension."""

    def end(match: re.Match[str]) -> int:
        stop = longest(match, accepted)
        extension = _EXTENSION.match(match.string, stop) if stop else None
        return extension.end() if extension else stop

    return end


def _in_threes_end(match: re.Match[str]) -> int:
    counted = before(match, _COUNTING) or _COUNTED.match(match.string, match.end())
    return 0 if counted else match.end()


def _announced_end(match: re.Match[str]) -> int:
    said = before(match, _PHONE_CUE, 64) or _PHONE_CUE_AFTER.match(match.string, match.end())
    return _end_of(_is_announced)(match) if said else 0


RULES: Final[tuple[Rule, ...]] = (
    rule("phone", _CODE_HINT, _INTERNATIONAL, _end_of(_is_international)),
    rule("phone", _NUMBER_HINT, _NATIONAL, _end_of(_is_national)),
    rule("phone", _NUMBER_HINT, _IN_THREES, _in_threes_end),
    rule("phone", _ANNOUNCED_HINT, _ANNOUNCED, _announced_end),
)
