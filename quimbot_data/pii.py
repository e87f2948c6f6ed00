"""Replace personal data and secrets in text by typed placeholders, and count them.

Rules run in this order, so the more specific kind wins where two overlap:

    kind    what is replaced                                    what it must pass                     source
    ------  --------------------------------------------------  ------------------------------------  -----------------
    secret  tokens with a published prefix, JWTs, PEM private   6 distinct characters; dashed words   gitleaks' rules,
            keys, the password of a `scheme://user:pw@` URL     need a digit; no `password`, `<pw>`   vendors' documents
    email   local@domain.tld, plus tags, subdomains, IDN        no file (`icon@2x.png`), no call      RFC 5321, RFC 6531
                                                                (`a@b.sum()`), no `git@`, URL login
    iban    country, check digits, account; compact or in       length by country, mod 97 = 1         ISO 13616, SWIFT's
            groups of four; any case                                                                  registry
    card    13-19 digits: compact, in fours, 4-6-4, 4-6-5,      issuer prefix and length, Luhn        ISO/IEC 7812,
            6-13; one separator throughout                                                            issuers' ranges
    ipv6    full, `::`, v4-mapped; beside port, CIDR, zone      parses; `_ipv6_end`                   RFC 4291, RFC 5952
    ipv4    dotted quad; beside port or CIDR                    `_ipv4_end`                           RFC 791
    phone   +CC or 00CC, then 8-15 digits in any grouping       assigned country code; +1 takes 11    ITU-T E.164
            NANP 3-3-4 with separators, perhaps after a 1       stands apart from other numbers       NANPA
            0-led national: 9-12 digits in 2-5 groups           no date, ZIP+4 or counting row        ITU-T E.123
            Chinese mobiles, Brazil (dd) ddddd-dddd, Russia 8   the country's own grouping            national plans
            any other 8-13 digits                               only after a word such as `phone:`    -

Left on purpose: loopback, `0.*`, netmasks, `x.0.0.0`, and quads of four single digits (`1.2.3.4` is a section, a
version or a public resolver); quads after `version`, `v`, `section` and the like or pinned as `name==4.5.5.64`;
`a::b` of C++ and Ruby; national phone numbers written without any grouping, unless a word announces them; local ones
without area code; made-up secrets such as `sk-xxxx`. Replaced on purpose: private and documentation addresses, and
`example.com` mail: no rule can tell a made-up address from a copied one.
"""

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

PLACEHOLDERS: Final[dict[str, str]] = {
    "secret": "[SECRET]",
    "email": "[EMAIL]",
    "iban": "[IBAN]",
    "card": "[CARD]",
    "ipv6": "[IP]",
    "ipv4": "[IP]",
    "phone": "[PHONE]",
}

# Unicode `\b` and `\d` are avoided throughout: in the gate they cost 10 to 65 times.

#: Secrets: prefix, then body. The gate uses the prefixes alone.
_TOKENS: Final = (
    (r"sk-(?:proj|svcacct|admin|ant-[a-z0-9]+|or-v1|lf)-", r"[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic, OpenRouter
    (r"sk-", r"[A-Za-z0-9]{20,}"),  # OpenAI until 2024, DeepSeek
    (r"(?:AKIA|ASIA|ABIA|ACCA)", r"[A-Z0-9]{16}"),  # AWS
    (r"gh[pousr]_", r"[A-Za-z0-9]{30,255}"),  # GitHub
    (r"github_pat_", r"[A-Za-z0-9_]{22,255}"),
    (r"glpat-", r"[A-Za-z0-9_-]{20,}"),  # GitLab
    (r"AIza", r"[A-Za-z0-9_-]{35}"),  # Google
    (r"(?:ya29\.|GOCSPX-)", r"[A-Za-z0-9_-]{20,}"),
    (r"(?:xox[abeoprs]-|xapp-)", r"[A-Za-z0-9-]{10,}"),  # Slack
    (r"hooks\.slack\.com/services/", r"T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{16,}"),
    (r"hf_", r"[A-Za-z0-9]{30,}"),  # Hugging Face
    (r"(?:[sr]k_(?:live|test)_|whsec_)", r"[A-Za-z0-9+/=]{16,}"),  # Stripe
    (r"(?:npm_|gsk_|r8_|pplx-|xai-|lin_api_|ntn_|glsa_)", r"[A-Za-z0-9_]{32,}"),  # npm, Groq, Replicate, …
    (r"(?:pypi-AgE|dckr_pat_)", r"[A-Za-z0-9_-]{24,}"),  # PyPI, Docker
    (r"(?:do[opr]_v1_|shp(?:at|ca|pa|ss)_|dapi)", r"[a-f0-9]{32,64}"),  # DigitalOcean, Shopify, Databricks
    (r"SG\.", r"[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),  # SendGrid
    (r"eyJ", r"[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),  # JSON Web Tokens
)
_TOKEN: Final = "(?<![A-Za-z0-9])(?:" + "|".join(head + body for head, body in _TOKENS) + ")(?![A-Za-z0-9])"
#: A key in a JSON string has `\n` for line ends; one cut before its end line is replaced as well.
_PEM: Final = (
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:"
    r"[^\[\]]{16,8000}?-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\\n){0,8}+[A-Za-z0-9+/=]{16,}+)+)"
)
_URL_LOGIN_END: Final = r"(?<=:)[^\s:/@\[\]<>{}$*'\"]{3,}(?=@[A-Za-z0-9])"
_URL_LOGIN: Final = re.compile(r"//[^\s/@]{0,80}\Z")
_MADE_UP: Final = frozenset({"password", "passwd", "pass", "pwd", "secret", "token", "yourpassword", "mypassword"})

#: Letters beyond ASCII of scripts with blanks between words, with the marks that Python's `\w` leaves out.
_SPACED: Final = (
    "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u0376\u0386\u0388-\u052f\u0531-\u0587\u0591-\u05f2\u0620-\u0669"
    "\u066e-\u06d3\u06d5-\u06ff\u0900-\u0963\u0966-\u0dff\u10a0-\u10ff\u1200-\u135f\u1e00-\u1fff"
)
#: Scripts without blanks, and Hangul, whose particles follow directly: beside them an ASCII address ends.
_UNSPACED: Final = "\u0e01-\u0e4e\u0e80-\u0eff\u1000-\u1049\u1780-\u17d3\u3005\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3"
_UNSPACED_TLDS: Final = (
    "中国|中國|公司|网络|網絡|广告|在线|中文网|集团|网址|香港|台湾|台灣|世界|みんな|コム|닷컴|한국|ไทย"
)
_WORD: Final = f"0-9A-Za-z{_SPACED}"
_EMAIL: Final = (
    rf"(?:(?<![{_WORD}_])(?<![{_WORD}_][.%+&'’-])[{_WORD}_][{_WORD}_.%+&'’-]*+|[{_UNSPACED}]{{1,8}}+)@"
    rf"(?:(?:[{_WORD}][{_WORD}-]*+|[{_UNSPACED}]{{1,16}}+)\.){{1,10}}"
    rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[A-Za-z]{{2,24}}|[{_SPACED}]{{2,24}}|{_UNSPACED_TLDS})(?![A-Za-z0-9])"
)
#: Last labels that are files or array attributes, none of them a top-level domain.
_NOT_TLD: Final = re.compile(
    r"(?i:png|jpe?g|gif|svg|webp|bmp|ico|pdf|s?css|m?jsx?|tsx?|json|xml|ya?ml|toml|html?|txt|csv|exe|dll"
    r"|shape|dtype|ndim|size|reshape|transpose|mean|sum|values)"
)

_GAP: Final = " \u00a0\u202f\\-\u2010\u2011"
IBAN_LENGTHS: Final[dict[int, str]] = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN: Final = "(?ai:(?<![A-Z0-9_])(?=[A-Z]{{2}}[0-9]{{2}})(?:{})(?![A-Z0-9_]|-[A-Z0-9]))".format(
    "|".join(
        f"(?:{countries.replace(' ', '|')})[0-9]{{2}}(?:[{_GAP}]?[A-Z0-9]{{4}}){{{length // 4 - 1}}}"
        + (f"[{_GAP}]?[A-Z0-9]{{{length % 4}}}" if length % 4 else "")
        for length, countries in IBAN_LENGTHS.items()
    )
)

#: Issuer prefixes with the lengths that they are issued in.
_ISSUERS: Final = tuple(
    (re.compile(prefix), lengths)
    for prefix, lengths in (
        (r"4", (13, 16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"30[0-5]|3095|3[689]", (14, 15, 16, 17, 18, 19)),  # Diners Club
        (r"35|6011|64[4-9]|65|62", (16, 17, 18, 19)),  # JCB, Discover, UnionPay
        (r"1800|2131", (15,)),  # JCB, older
        (r"50(?:18|20|38)|5893|6304|6759|676[1-3]", (13, 14, 15, 16, 17, 18, 19)),  # Maestro
        (r"220[0-4]|60|8[12]|508|9792", (16,)),  # Mir, RuPay, Troy
    )
)
_CARD: Final = (
    r"(?<![A-Za-z0-9_])(?<![0-9]\.)(?<!\b0,)(?:[2-9][0-9]{12,18}|1800[0-9]{11}"
    rf"|(?<![0-9]{{4}}[{_GAP}])[2-9][0-9]{{3}}([{_GAP}])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{1,4}}(?:\1[0-9]{{1,3}})?(?!\1?[0-9])"
    rf"|3[0-9]{{3}}([{_GAP}])[0-9]{{6}}\2[0-9]{{4,5}}"
    rf"|6[0-9]{{5}}[{_GAP}][0-9]{{13}})(?![A-Za-z0-9_]|\.[0-9a-z])"
)

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_QUAD: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV4: Final = rf"(?<![0-9A-Za-z_])(?<![0-9]\.)(?<![A-Za-z]-){_QUAD}(?![0-9A-Za-z_]|\.[0-9A-Za-z]|-[A-Za-z])"
_VERSION_CUE: Final = re.compile(
    r"(?i:(?<![a-z])(?:v|ver|versions?|versión|versão|release|rev|revision|build|firmware|driver|update|section|sect?"
    r"|chapter|clause|article|figure|fig|table|appendix|paragraph|item|step|abschnitt|kapitel)[\s.:=#*`\"']{0,3}"
    r"|§\s?|版本\s?[::]?\s?|(?<![\w.])[a-z][\w-]*(?:==|>=|<=|~=|\^)\s?)\Z"
)
_IPV6: Final = (
    rf"(?<![0-9A-Za-z_])(?:[0-9A-Fa-f]{{0,4}}:){{2,64}}+(?:{_QUAD}|[0-9A-Fa-f]{{1,4}})?+(?![0-9A-Za-z_:]|\.[0-9])"
)
#: Where a short `x::y` counts as an address: global, unique local, link-local, multicast, NAT64.
_IPV6_ASSIGNED: Final = tuple(
    IPv6Network(network) for network in ("2000::/3", "fc00::/7", "fe80::/10", "ff00::/12", "64:ff9b::/96")
)

#: Country codes in use, ITU-T E.164.D: no code is the beginning of another.
_COUNTRY: Final = (
    "(?:1|7|2[07]|2[1-689][0-9]|3[0-469]|3[578][0-9]|4[013-9]|42[0-9]|5[1-8]|5[09][0-9]|6[0-6]|6[789][0-9]|8[1246]"
    "|8[0578][0-9]|9[0-58]|9[679][0-9])"
)
_SEP: Final = f"{_GAP}./"
#: What may not stand before or after a national number: other digits, hex, ids, paths.
_APART: Final = r"(?<![0-9A-Za-z_#])(?<![0-9A-Fa-f]-)(?<![0-9][.:,/ \u00a0])(?<!\w/)"
_ENDS: Final = r"(?![0-9_A-WYZa-wyz]|[.:/-][0-9]|-[A-Za-z])"
_INTERNATIONAL: Final = (
    rf"(?:\((?:\+|00){_COUNTRY}\)|(?:(?<![0-9A-Za-z_+)\]])\+|(?<![0-9A-Za-z_.,:+#/)\]-])00 ?){_COUNTRY})(?: ?\(0\))?"
    rf"(?:[{_SEP}]{{0,2}}(?:\([0-9]{{1,5}}\)[ -]?)?[0-9]{{1,14}})(?:(?:[{_SEP}]{{1,2}}| / )[0-9]{{2,14}}){{0,5}}"
    r"(?![0-9_A-WYZa-wyz])"
)
_NATIONAL: Final = (
    rf"{_APART}(?:"
    # North America
    rf"(?:1[{_GAP}.])?(?:\([1-9][0-9]{{2}}\)[{_GAP}.]?[0-9]{{3}}[{_GAP}.]?"
    rf"|[1-9][0-9]{{2}}(?P<nanp>[\-.\u2011])[0-9]{{3}}(?P=nanp)|[2-9][0-9]{{2}} [0-9]{{3}}[ -])[0-9]{{4}}|(?:"
    # 0-led: the area code may be set off by another separator than the rest
    rf"(?:\(0[1-9][0-9]{{0,4}}\)[{_SEP}]?|0[1-9][0-9]{{0,4}}[{_SEP}])"
    rf"[0-9]{{2,8}}(?:(?P<zero>[{_GAP}.])[0-9]{{2,6}}(?:(?P=zero)[0-9]{{2,4}}){{0,2}})?"
    # China's mobiles, Brazil, Russia
    r"|1(?:3[0-9]|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])(?P<china>[ -]?)[0-9]{4}(?P=china)[0-9]{4}"
    r"|\([1-9][1-9]\) ?(?:9[0-9]{4}|[2-5][0-9]{3})-[0-9]{4}"
    r"|8[ -]?\(?[3489][0-9]{2}\)?[ -]?[0-9]{3}[ -][0-9]{2}[ -][0-9]{2}"
    rf")(?! [0-9])){_ENDS}"
)
_ANNOUNCED: Final = (
    r"(?<![0-9A-Za-z_.])(?:[0-9]{8}|[0-9]{4}[ \u00a0][0-9]{4}|[0-9]{2}(?:[ .\u00a0][0-9]{2}){3}"
    rf"|\(?[0-9](?:\)?[{_GAP}.]?\(?[0-9]){{8,12}})(?![0-9A-Za-z_]|[.:/-][0-9])"
)
_PHONE_CUE: Final = re.compile(
    r"(?i:(?<![\w\[])(?:tel|tél|tlf|phone|telephone|mobile|cell|cellphone|fax|whatsapp|telefon|telefono|teléfono"
    r"|telefone|téléphone|móvil|celular|portable|handy|telefonnummer|телефон|тел|هاتف"
    r"|(?:call|text|reach|ring) (?:me|us) (?:at|on))"
    r"(?: ?(?:number|no|nr|num))?(?: (?:is|at|est|es|ist|é))?[\s.:=#\"']{0,4}"
    r"|(?:电话|手机|電話|携帯|전화|号码)(?:号码|番号|是|は)?[\s::]{0,2})\Z"
)
_EXTENSION: Final = re.compile(
    r"[ ,;]{0,2}(?:ext(?:ension|n)?\.?|x|доб\.?|Durchwahl)[ .:=]{0,2}[0-9]{1,6}(?![0-9A-Za-z_])"
)
_DATE: Final = re.compile(
    r"0[1-9][-./ ](?:[0-3][0-9][-./ ])?(?:19|20)[0-9]{2}(?![0-9])|(?:19|20)[0-9]{2}[-.][01][0-9][-.]"
)
_ZIP4: Final = re.compile(r"[0-9]{5}-[0-9]{4}")

# Hints: cheap, necessary for their rules, and in the syntax that Python and polars share. Together they are the gate.
_AT: Final = r"[^ \n\t(/]@[^ \n\t]"
_HEAD_HINT: Final = "(?:" + "|".join(head for head, _ in _TOKENS) + r")[A-Za-z0-9_-]{6}"
_IBAN_HINT: Final = (
    rf"[A-Za-z]{{2}}[0-9]{{2}}[{_GAP}]?[A-Za-z0-9]{{4}}[{_GAP}]?[A-Za-z0-9]{{4}}[{_GAP}]?[A-Za-z0-9]{{3}}"
)
_COLONS: Final = r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:|[23Ff][0-9A-Fa-f]{3}::|::[0-9]{1,3}\."
_DOTS: Final = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
_CARD_HINT: Final = rf"[1-9](?:[{_GAP}]?[0-9]){{12}}"
_CODE_HINT: Final = rf"(?:\+|00 ?)[1-9](?:[{_SEP}()]{{0,4}}[0-9]){{7}}"
_NUMBER_HINT: Final = rf"[0-9](?:[{_SEP}()]{{0,4}}[0-9]){{8}}"
#: Eight digits are also the length of dates and of ranges of years: these forms spare them.
_ANNOUNCED_HINT: Final = (
    rf"[0-9](?:(?:[{_SEP}()]{{0,4}}[0-9]){{8}}"
    r"|[0-9]{7}|[0-9]{3}[ \u00a0][0-9]{4}|[0-9](?:[ .\u00a0][0-9]{2}){3})"
)


class _Rule(NamedTuple):
    """A pattern proposes a span; `end` says up to where it is personal data, 0 for not at all."""

    kind: str
    hint: re.Pattern[str]
    pattern: re.Pattern[str]
    end: Callable[[re.Match[str]], int]


def _before(match: re.Match[str], cue: re.Pattern[str], width: int = 32) -> bool:
    """Whether the text right before a match ends in a cue."""
    return cue.search(match.string, max(0, match.start() - width), match.start()) is not None


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


def _token_end(match: re.Match[str]) -> int:
    """Keys are random: few distinct characters, or dashed words without a digit, are somebody's example."""
    body = match[0][8:]
    prose = "-" in body and not re.search(r"[0-9]", body)
    return 0 if prose or len(set(body)) < 6 else match.end()


def _url_password_end(match: re.Match[str]) -> int:
    made_up = match[0].lower() in _MADE_UP or len(set(match[0])) < 3
    return match.end() if not made_up and _before(match, _URL_LOGIN, 100) else 0


def _email_end(match: re.Match[str]) -> int:
    local, _, domain = match[0].rpartition("@")
    call = match.string.startswith("(", match.end())
    code = call or local.lower() == "git" or _NOT_TLD.fullmatch(domain.rpartition(".")[2])
    return 0 if code or _before(match, _URL_LOGIN, 100) else match.end()


def _iban_end(match: re.Match[str]) -> int:
    """ISO 7064 mod 97-10: the head moves to the end, letters count from A = 10, the remainder is 1."""
    text = re.sub(r"[^A-Z0-9]", "", match[0].upper())
    return match.end() if int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1 else 0


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right doubled, its digits summed."""
    doubled = "".join(str(2 * int(d)) for d in digits[-2::-2])
    return sum(map(int, doubled + digits[::-1][::2])) % 10 == 0


def _is_card(number: str) -> bool:
    digits = _digits(number)
    return any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS) and _luhn(digits)


def _longest(match: re.Match[str], accepted: Callable[[str], bool]) -> int:
    """End of the longest run of whole digit groups that is accepted: a security code or an hour may follow."""
    ends = [group.end() for group in re.finditer(r"[0-9]+\)?", match[0])]
    return next((match.start() + end for end in reversed(ends) if accepted(match[0][:end])), 0)


def _card_end(match: re.Match[str]) -> int:
    return _longest(match, _is_card)


def _quad_identifies(quad: str) -> bool:
    octets = [int(octet) for octet in quad.split(".")]
    return octets[0] not in (0, 127, 255) and max(octets) > 9 and any(octets[1:])


def _ipv4_end(match: re.Match[str]) -> int:
    return match.end() if _quad_identifies(match[0]) and not _before(match, _VERSION_CUE) else 0


def _ipv6_end(match: re.Match[str]) -> int:
    """Short forms must lie in an assigned range, since `a::b` is code; groups of two are hardware ids and times."""
    text = match[0][:-1] if match[0].endswith(":") and not match[0].endswith("::") else match[0]
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return 0
    groups = [group for group in text.split(":") if group]
    if "." in text:
        found = _quad_identifies(groups[-1])
    elif max(map(len, groups), default=0) < 3:
        found = False
    else:
        found = len(groups) > 2 or any(address in network for network in _IPV6_ASSIGNED)
        found = found and not (len(groups) == 2 and _before(match, re.compile(r"\w\[\Z"), 2))  # a slice, x[2000::5]
    return match.start() + len(text) if found else 0


def _is_international(number: str) -> bool:
    national = re.sub(r"\(0\)", "", number)
    digits = _digits(national).removeprefix("00")
    marks = set(re.sub(r"[0-9+() \u00a0\u202f]", "", national))
    if len(marks) > 1 or (number.count(".") == 1 and len(digits) < 11):  # +40.7128-074.0060, +51.5073509
        return False
    return len(digits) == 11 if digits[0] == "1" else 8 + 2 * number.startswith("00") <= len(digits) <= 15


def _is_national(number: str) -> bool:
    """The shape says enough, except for 0-led numbers, which dates, ZIP+4 codes and counting rows look like."""
    groups = re.findall(r"[0-9]+", number)
    digits = "".join(groups)
    if digits[0] != "0":
        return len(digits) >= 10
    steps = {int(b) - int(a) for a, b in pairwise(groups)}
    counting = set(digits) <= {"0", "1"} or (len(groups) > 3 and steps in ({0}, {1}))
    longest = 12 if len(groups) <= 3 else 11
    return not counting and 9 <= len(digits) <= longest and not _DATE.match(number) and not _ZIP4.fullmatch(number)


def _is_announced(number: str) -> bool:
    return 8 <= len(_digits(number)) <= 13 and not _DATE.match(number)


def _phone_end(accepted: Callable[[str], bool], cue: re.Pattern[str] | None = None) -> Callable[[re.Match[str]], int]:
    """The end of a phone number with its extension."""

    def end(match: re.Match[str]) -> int:
        if cue and not _before(match, cue):
            return 0
        stop = _longest(match, accepted)
        extension = _EXTENSION.match(match.string, stop) if stop else None
        return extension.end() if extension else stop

    return end


_RULES: Final = tuple(
    _Rule(kind, re.compile(hint), re.compile(pattern), end)
    for kind, hint, pattern, end in (
        ("secret", "PRIVATE KEY", _PEM, re.Match.end),
        ("secret", _HEAD_HINT, _TOKEN, _token_end),
        ("secret", _AT, _URL_LOGIN_END, _url_password_end),
        ("email", _AT, _EMAIL, _email_end),
        ("iban", _IBAN_HINT, _IBAN, _iban_end),
        ("card", _CARD_HINT, _CARD, _card_end),
        ("ipv6", _COLONS, _IPV6, _ipv6_end),
        ("ipv4", _DOTS, _IPV4, _ipv4_end),
        ("phone", _CODE_HINT, _INTERNATIONAL, _phone_end(_is_international)),
        ("phone", _NUMBER_HINT, _NATIONAL, _phone_end(_is_national)),
        ("phone", _ANNOUNCED_HINT, _ANNOUNCED, _phone_end(_is_announced, _PHONE_CUE)),
    )
)
_GATE: Final = "|".join(dict.fromkeys(rule.hint.pattern for rule in _RULES))


def _apply(rule: _Rule, text: str) -> tuple[str, int]:
    """One rule over one text: the text with placeholders, and how many."""
    if not rule.hint.search(text):
        return text, 0
    done: list[str] = []
    at = 0
    while match := rule.pattern.search(text, at):
        at = match.end()
        if end := rule.end(match):
            # The rest is read as it will stand, after a placeholder: so the next number of a list stands apart too.
            done.append(text[: match.start()])
            text = PLACEHOLDERS[rule.kind] + text[end:]
            at = len(PLACEHOLDERS[rule.kind])
    return "".join([*done, text]), len(done)


def redact(text: str) -> tuple[str, dict[str, int]]:
    """Replace personal data and secrets in one text.

    Rules run until none finds anything, since a placeholder can uncover its neighbour: so redacting twice equals
    redacting once. Placeholders match no rule; text in NFC stays in NFC, since `[` and `]` compose with nothing.

    Returns:
        The text, and the number of replacements for every kind of `PLACEHOLDERS`.
    """
    counts = dict.fromkeys(PLACEHOLDERS, 0)
    before = None
    while before != text:
        before = text
        for rule in _RULES:
            text, found = _apply(rule, text)
            counts[rule.kind] += found
    return text, counts


def redact_column(texts: pl.Series) -> tuple[pl.Series, dict[str, npt.NDArray[np.uint32]]]:
    """Replace personal data and secrets in a column of strings without nulls.

    Equals `redact` row by row; one polars expression spares most rows from it.

    Returns:
        A series of the same name and length, and for every kind found the positions of the texts that held it.
    """
    found: dict[str, list[int]] = {}
    rows = texts.str.contains(_GATE).arg_true()
    changed: dict[int, str] = {}
    for row, text in zip(rows, texts.gather(rows), strict=True):
        redacted, counts = redact(text)
        if redacted != text:
            changed[row] = redacted
            for kind in (kind for kind, count in counts.items() if count):
                found.setdefault(kind, []).append(row)
    positions = {kind: np.array(held, np.uint32) for kind, held in found.items()}
    return texts.clone().scatter(list(changed), list(changed.values())) if changed else texts, positions
