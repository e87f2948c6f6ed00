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
    card    14-19 digits: compact, in fours, 4-6-4, 4-6-5,      issuer prefix and length, Luhn        ISO/IEC 7812,
            6-13; one separator throughout                                                            issuers' ranges
    ipv6    full, `::`, v4-mapped; beside port, CIDR, zone      parses; `_ipv6_end`                   RFC 4291, RFC 5952
    ipv4    dotted quad; beside port or CIDR                    `_ipv4_end`                           RFC 791
    phone   see `quimbot_data.phones`                                                                 ITU-T E.164

Left on purpose: loopback, `0.*`, netmasks, `x.0.0.0`, and quads of four single digits (`1.2.3.4` is a section, a
version or a public resolver); quads after `version`, `v`, `section` and the like or pinned as `name==4.5.5.64`;
`a::b` of C++ and Ruby; 13-digit cards, which Visa gave up and EAN codes look like; phone numbers without area code,
in another script's digits, or in a form that only a word could tell from a quantity; made-up secrets such as
`sk-xxxx`. Replaced on purpose: private and documentation addresses, and `example.com` mail: no rule can tell a made-up
address from a copied one.
"""

import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from quimbot_data import phones
from quimbot_data.spans import GAP, Rule, before, digits, longest, rule

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
#: Characters of one such script: a local part is of one, and then the domain is of one as well.
_RUNS: Final = tuple(
    f"[{chars}]"
    for chars in (
        "\u3400-\u9fff\u3005",
        "\u3041-\u30ff",
        "\uac00-\ud7a3",
        "\u0e01-\u0e4e",
        "\u0e80-\u0eff",
        "\u1000-\u1049",
        "\u1780-\u17d3",
    )
)
_UNSPACED_TLDS: Final = (
    "中国|中國|公司|网络|網絡|广告|在线|中文网|集团|网址|香港|台湾|台灣|世界|みんな|コム|닷컴|한국|ไทย"
)
_WORD: Final = f"0-9A-Za-z{_SPACED}"
_EMAIL: Final = (
    rf"(?:(?<![{_WORD}_])(?<![{_WORD}_][.%+&'’-])[{_WORD}_][{_WORD}_.%+&'’-]*+"
    rf"|(?:{'|'.join(f'{run}{{1,8}}+' for run in _RUNS)})(?=@(?:[{_WORD}-]{{1,63}}\.){{0,9}}[{_UNSPACED}]))@"
    rf"(?:(?:[{_WORD}][{_WORD}-]*+|[{_UNSPACED}]{{1,16}}+)\.){{1,10}}"
    rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[A-Za-z]{{2,24}}|[{_SPACED}]{{2,24}}|{_UNSPACED_TLDS})(?![A-Za-z0-9])"
)
#: Last labels that are files or array attributes, none of them a top-level domain.
_NOT_TLD: Final = re.compile(
    r"(?i:png|jpe?g|gif|svg|webp|bmp|ico|pdf|s?css|m?jsx?|tsx?|json|xml|ya?ml|toml|html?|txt|csv|exe|dll"
    r"|shape|dtype|ndim|size|reshape|transpose|mean|sum|values)"
)

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
        f"(?:{countries.replace(' ', '|')})[0-9]{{2}}(?:[{GAP}]?[A-Z0-9]{{4}}){{{length // 4 - 1}}}"
        + (f"[{GAP}]?[A-Z0-9]{{{length % 4}}}" if length % 4 else "")
        for length, countries in IBAN_LENGTHS.items()
    )
)

#: Issuer prefixes with the lengths that they are issued in.
_ISSUERS: Final = tuple(
    (re.compile(prefix), lengths)
    for prefix, lengths in (
        (r"4", (16, 19)),  # Visa
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
        (r"3[47]", (15,)),  # American Express
        (r"30[0-5]|3095|3[689]", (14, 15, 16, 17, 18, 19)),  # Diners Club
        (r"35|6011|64[4-9]|65|62", (16, 17, 18, 19)),  # JCB, Discover, UnionPay
        (r"1800|2131", (15,)),  # JCB, older
        (r"50(?:18|20|38)|5893|6304|6759|676[1-3]", (14, 15, 16, 17, 18, 19)),  # Maestro
        (r"220[0-4]|60|8[12]|508|9792", (16,)),  # Mir, RuPay, Troy
    )
)
_CARD: Final = (
    r"(?<![A-Za-z0-9_])(?<![0-9]\.)(?<!\b0,)(?:[2-9][0-9]{13,18}|1800[0-9]{11}"
    rf"|(?<![0-9]{{4}}[{GAP}])[2-9][0-9]{{3}}([{GAP}])[0-9]{{4}}\1[0-9]{{4}}\1[0-9]{{1,4}}(?:\1[0-9]{{1,3}})?(?!\1?[0-9])"
    rf"|3[0-9]{{3}}([{GAP}])[0-9]{{6}}\2[0-9]{{4,5}}"
    rf"|6[0-9]{{5}}[{GAP}][0-9]{{13}})(?![A-Za-z0-9_]|\.[0-9a-z])"
)

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_QUAD: Final = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_IPV4: Final = rf"(?<![0-9A-Za-z_])(?<![0-9]\.)(?<![A-Za-z]-){_QUAD}(?![0-9A-Za-z_]|\.[0-9A-Za-z]|-[A-Za-z])"
_VERSION_CUE: Final = re.compile(
    r"(?i:(?<![a-z])(?:v|ver|versions?|versión|versão|release|rev|revision|build|firmware|driver|update|section|sect?"
    r"|chapter|clause|article|figure|fig|table|appendix|paragraph|item|step|abschnitt|kapitel)[\s.:=#*`\"']{0,3}"
    r"|§\s?|版本\s?[::]?\s?|(?<![a-z0-9_.])[a-z][a-z0-9_-]*(?:==|>=|<=|~=|\^)\s?)\Z"
)
_IPV6: Final = (
    rf"(?<![0-9A-Za-z_])(?:[0-9A-Fa-f]{{0,4}}:){{2,64}}+(?:{_QUAD}|[0-9A-Fa-f]{{1,4}})?+(?![0-9A-Za-z_:]|\.[0-9])"
)
#: Where a short `x::y` counts as an address: global, unique local, link-local, multicast, NAT64.
_IPV6_ASSIGNED: Final = tuple(
    IPv6Network(network) for network in ("2000::/3", "fc00::/7", "fe80::/10", "ff00::/12", "64:ff9b::/96")
)

# Hints: cheap, necessary for their rules, and in the syntax that Python and polars share. Together they are the gate.
_AT: Final = r"[^ \n\t(/]@[^ \n\t]"
_HEAD_HINT: Final = "(?:" + "|".join(head for head, _ in _TOKENS) + r")[A-Za-z0-9_-]{6}"
_IBAN_HINT: Final = rf"[A-Za-z]{{2}}[0-9]{{2}}[{GAP}]?[A-Za-z0-9]{{4}}[{GAP}]?[A-Za-z0-9]{{4}}[{GAP}]?[A-Za-z0-9]{{3}}"
_COLONS: Final = r":[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:|[23Ff][0-9A-Fa-f]{3}::|::[0-9]{1,3}\."
_DOTS: Final = r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]"
_CARD_HINT: Final = rf"[1-9](?:[{GAP}]?[0-9]){{13}}"


def _token_end(match: re.Match[str]) -> int:
    """Keys are random: few distinct characters, or dashed words without a digit, are somebody's example."""
    body = match[0][8:]
    prose = "-" in body and not re.search(r"[0-9]", body)
    return 0 if prose or len(set(body)) < 6 else match.end()


def _url_password_end(match: re.Match[str]) -> int:
    made_up = match[0].lower() in _MADE_UP or len(set(match[0])) < 3
    return match.end() if not made_up and before(match, _URL_LOGIN, 100) else 0


def _email_end(match: re.Match[str]) -> int:
    local, _, domain = match[0].rpartition("@")
    call = match.string.startswith("(", match.end())
    code = call or local.lower() == "git" or _NOT_TLD.fullmatch(domain.rpartition(".")[2])
    return 0 if code or before(match, _URL_LOGIN, 100) else match.end()


def _iban_end(match: re.Match[str]) -> int:
    """ISO 7064 mod 97-10: the head moves to the end, letters count from A = 10, the remainder is 1."""
    text = re.sub(r"[^A-Z0-9]", "", match[0].upper())
    return match.end() if int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1 else 0


def _luhn(number: str) -> bool:
    """ISO/IEC 7812-1 annex B: every second digit from the right doubled, its digits summed."""
    doubled = "".join(str(2 * int(d)) for d in number[-2::-2])
    return sum(map(int, doubled + number[::-1][::2])) % 10 == 0


def _is_card(text: str) -> bool:
    number = digits(text)
    return any(len(number) in lengths and prefix.match(number) for prefix, lengths in _ISSUERS) and _luhn(number)


def _card_end(match: re.Match[str]) -> int:
    return longest(match, _is_card)


def _quad_identifies(quad: str) -> bool:
    octets = [int(octet) for octet in quad.split(".")]
    return octets[0] not in (0, 127, 255) and max(octets) > 9 and any(octets[1:])


def _ipv4_end(match: re.Match[str]) -> int:
    return match.end() if _quad_identifies(match[0]) and not before(match, _VERSION_CUE) else 0


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
        found = found and not (len(groups) == 2 and before(match, re.compile(r"\w\[\Z"), 2))  # a slice, x[2000::5]
    return match.start() + len(text) if found else 0


_RULES: Final = (
    rule("secret", "PRIVATE KEY", _PEM, re.Match.end),
    rule("secret", _HEAD_HINT, _TOKEN, _token_end),
    rule("secret", _AT, _URL_LOGIN_END, _url_password_end),
    rule("email", _AT, _EMAIL, _email_end),
    rule("iban", _IBAN_HINT, _IBAN, _iban_end),
    rule("card", _CARD_HINT, _CARD, _card_end),
    rule("ipv6", _COLONS, _IPV6, _ipv6_end),
    rule("ipv4", _DOTS, _IPV4, _ipv4_end),
    *phones.RULES,
)
_GATE: Final = "|".join(dict.fromkeys(each.hint.pattern for each in _RULES))


def _apply(each: Rule, text: str) -> tuple[str, int]:
    """One rule over one text: the text with placeholders, and how many."""
    if not each.hint.search(text):
        return text, 0  # the very same object, as `_redacted` expects
    done: list[str] = []
    at = 0
    while match := each.pattern.search(text, at):
        at = match.end()
        if end := each.end(match):
            # The rest is read as it will stand, after a placeholder: so the next number of a list stands apart too.
            done.append(text[: match.start()])
            text = PLACEHOLDERS[each.kind] + text[end:]
            at = len(PLACEHOLDERS[each.kind])
    return "".join([*done, text]) if done else text, len(done)


def redact(text: str) -> tuple[str, dict[str, int]]:
    """Replace personal data and secrets in one text.

    Rules run until none finds anything, since a placeholder can uncover its neighbour: so redacting twice equals
    redacting once. Placeholders match no rule; text in NFC stays in NFC, since `[` and `]` compose with nothing.

    Returns:
        The text, and the number of replacements for every kind of `PLACEHOLDERS`.
    """
    return _redacted(text, [True] * len(_RULES))


def _redacted(text: str, hinted: Sequence[bool]) -> tuple[str, dict[str, int]]:
    """`redact`, spared the rules whose hint the text does not hold: until it changes, they find nothing."""
    counts = dict.fromkeys(PLACEHOLDERS, 0)
    original, last = text, None
    while last != text:
        last = text
        for each, holds in zip(_RULES, hinted, strict=True):
            if holds or text is not original:
                text, found = _apply(each, text)
                counts[each.kind] += found
    return text, counts


def redact_column(texts: pl.Series) -> tuple[pl.Series, dict[str, npt.NDArray[np.uint32]]]:
    """Replace personal data and secrets in a column of strings without nulls.

    Equals `redact` row by row; one polars expression spares most rows from it, others the rest most of the rules.

    Returns:
        A series of the same name and length, and for every kind found the positions of the texts that held it.
    """
    found: dict[str, list[int]] = {}
    rows = texts.str.contains(_GATE).arg_true()
    changed: dict[int, str] = {}
    gated = texts.gather(rows)
    hints = np.array([gated.str.contains(each.hint.pattern) for each in _RULES]).T.tolist()
    for row, text, hinted in zip(rows, gated, hints, strict=True):
        redacted, counts = _redacted(text, hinted)
        if redacted != text:
            changed[row] = redacted
            for kind in (kind for kind, count in counts.items() if count):
                found.setdefault(kind, []).append(row)
    positions = {kind: np.array(held, np.uint32) for kind, held in found.items()}
    return texts.clone().scatter(list(changed), list(changed.values())) if changed else texts, positions
