"""A corpus with planted personal data and its ground truth: made-up values in sentences of many scripts, and clean
rows that hold what is easily taken for personal data. Seeded: the same rows on every run.

Nothing here comes from the code under test: check digits follow their definitions, lengths their registries.
"""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Final, NamedTuple

from planted_phones import ANNOUNCING, PLANS, SILENT, written
from planted_traps import clean_row

PLACEHOLDER: Final = {"email": "[EMAIL]", "iban": "[IBAN]", "card": "[CARD]", "ip": "[IP]", "phone": "[PHONE]"}


class Planted(NamedTuple):
    """A row and what it must become; `group` is what its results are counted under, e.g. `phone pl`."""

    kind: str
    group: str
    text: str
    expected: str


#: For any value: scripts with and without blanks, glued, in brackets, quotes, markup, tables, JSON and code.
ANYWHERE: Final = (
    "Please write down {} before you go.",
    "Por favor, anota {} antes de salir.",
    "Merci de noter {} avant de partir.",
    "Запишите {} перед уходом.",
    "Σημειώστε {} πριν φύγετε.",
    "يرجى تدوين {} قبل المغادرة.",
    "कृपया {} लिख लें।",
    "请记下{}再离开。",
    "请记下 {} 再离开。",
    "お帰りの前に{}を控えてください。",
    "나가기 전에 {}를 적어 두세요.",
    "โปรดจด{}ก่อนออกไป",
    "សូមកត់ត្រា{}មុនពេលចាកចេញ",
    "Tafadhali andika {} kabla ya kuondoka.",
    "Wandiika {} nga tonnagenda.",
    "({})",
    "[{}]",
    "「{}」",
    "“{}”",
    "'{}'",
    "**{}**",
    "`{}`",
    "<li>{}</li>",
    "> {}",
    "- {}\n- more",
    "{}",
    "{}.",
    "first line\n{}\nlast line",
    "| name | value |\n|---|---|\n| Ann | {} |",
    "Ann\t{}\tLyon",
    "ann;{};lyon",
    '{{"name": "Ann", "value": "{}"}}',
    'value = "{}"  # change me',
    "print('{}')",
)
#: Where only some kinds stand.
CARRIERS: Final[dict[str, tuple[str, ...]]] = {
    "email": (
        "mailto:{}",
        "<{}>",
        "From: Ann Lee <{}>",
        "我的邮箱是{},谢谢。",
        "邮箱:{}",
        "メールは{}まで",
        "이메일은 {}입니다",
        "https://example.org/unsubscribe?to={}&id=7",
        "E-Mail:{}",
        'git config user.email "{}"',
        "Write to {}, please!",
    ),
    "ip": (
        "http://{url}/index.html",
        "http://{url}:8080/",
        "ping {}",
        "ssh ann@{}",
        "服务器地址是{}。",
        "サーバーは{}です",
        "Request from {} took 12 ms",
        "server={};port=443",
        "listen on {}, then restart",
    ),
    "card": (
        "Card number: {}, expires 12/27",
        "我的卡号是{},有效期12/27。",
        "カード番号は{}です",
        "Mi tarjeta es {}, vence 12/27.",
        "card={}&cvv=123",
        "Номер карты {} действует.",
    ),
    "iban": (
        "IBAN: {}",
        "IBAN:{}",
        "Überweise bitte auf {} bis Freitag.",
        "Transfiere a {} antes del viernes.",
        "请汇款到{},谢谢。",
        "Send €40 to {} today.",
    ),
    "phone": (
        "tel:{}",
        "| Ann | ann.lee@example.org | {} |",
        '{{"phone": "{}"}}',
        '<a href="tel:{}">call</a>',
        "ann.lee@example.org, {}",
    ),
}


def email(random: Random) -> str:
    """RFC 5321 and RFC 6531: tags, dots, subdomains, internationalised names."""
    local = random.choice(
        ("{a}", "{a}.{b}", "{a}_{b}", "{a}{n}", "{b}.{a}+{n}", "{a}-{b}", "{a}.{b}.{n}", "o'{b}", "{A}.{B}", "x{n}")
    )
    domain = random.choice(DOMAINS)
    if random.random() < 0.05:
        return random.choice(
            ("почта@пример.рф", "用户@例子.中国", "संपर्क@उदाहरण.भारत", "jörg@exämple.at", "josé.ñ@ejemplo.es")
        )
    first, last = random.choice(NAMES), random.choice(NAMES)
    return local.format(a=first, b=last, A=first.title(), B=last.title(), n=random.randrange(1, 2030)) + "@" + domain


DOMAINS: Final = (
    *(
        "example.com",
        "example.co.uk",
        "mail.example.org",
        "ex-ample.travel",
        "a1.example.com.br",
        "b.co",
        "EXAMPLE.NET",
    ),
    *("exämple.de", "xn--exmple-cua.com", "example.xn--p1ai", "mail.uni-example.edu.pl", "example.museum"),
)
NAMES: Final = ("ann", "lee", "maria", "kowalska", "chen", "omar", "aisha", "ivan", "sato", "okello", "nakato", "silva")


def ip(random: Random) -> str:
    """An IPv4 address that names a host, or an IPv6 address in one of RFC 4291's forms."""
    if random.random() < 0.5:
        while True:
            octets = [random.randrange(1, 224), *(random.randrange(256) for _ in range(3))]
            if octets[0] != 127 and max(octets) > 9 and any(octets[1:]):
                return ".".join(map(str, octets))
    prefix = random.choice((0x20010DB8 << 96, 0x2A02 << 112, 0xFD00 << 112, 0xFE80 << 112))
    host = random.getrandbits(random.choice((16, 48, 64, 80))) | 0x1000
    address = IPv6Address(prefix | host)
    forms = (address.compressed, address.compressed.upper(), address.exploded)
    mapped = f"::ffff:{IPv4Address(random.randrange(11 << 24, 100 << 24) | 0x0A0A0A)}"
    return random.choice((*forms, mapped))


#: ISO/IEC 7812 issuers: prefixes, length, groups in print.
ISSUERS: Final = (
    (("4",), 16, (4, 4, 4, 4)),
    (("51", "52", "53", "54", "55", "2221", "2450", "2720"), 16, (4, 4, 4, 4)),
    (("34", "37"), 15, (4, 6, 5)),
    (("300", "36", "38"), 14, (4, 6, 4)),
    (("6011", "644", "65"), 16, (4, 4, 4, 4)),
    (("3528", "3589"), 16, (4, 4, 4, 4)),
    (("62",), 16, (4, 4, 4, 4)),
    (("62",), 19, (4, 4, 4, 4, 3)),
    (("2200", "2204"), 16, (4, 4, 4, 4)),
)


def card(random: Random) -> str:
    """Luhn-valid; compact, with blanks, or with dashes."""
    prefixes, length, groups = random.choice(ISSUERS)
    body = random.choice(prefixes)
    body += "".join(random.choice("0123456789") for _ in range(length - 1 - len(body)))
    return grouped(body + luhn_digit(body), groups, random.choice(("", " ", "-")))


def luhn_digit(body: str) -> str:
    total = 0
    for place, char in enumerate(reversed(body)):
        n = int(char) * (2 if place % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


def grouped(text: str, sizes: tuple[int, ...], separator: str) -> str:
    parts = []
    for size in sizes:
        parts.append(text[:size])
        text = text[size:]
    return separator.join(part for part in (*parts, text) if part)


#: SWIFT's registry: the account after the two check digits; `n` digit, `a` capital, `c` either.
BBANS: Final[dict[str, str]] = {
    "AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c",
    "BH": "4a14c", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c", "CZ": "20n",
    "DE": "18n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n", "FI": "14n", "FO": "14n",
    "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n", "GI": "4a15c", "GL": "14n", "GR": "7n16c", "GT": "4c20c",
    "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n", "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c",
    "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c", "LC": "4a24c", "LI": "5n12c", "LT": "16n",
    "LU": "3n13c", "LV": "4a13c", "MC": "10n11c2n", "MD": "2c18c", "ME": "18n", "MK": "3n10c2n", "MR": "23n",
    "MT": "4a5n18c", "MU": "4a19n3a", "NL": "4a10n", "NO": "11n", "PK": "4a16c", "PL": "24n", "PS": "4a21c",
    "PT": "21n", "QA": "4a21c", "RO": "4a16c", "RS": "18n", "SA": "2n18c", "SE": "20n", "SI": "15n", "SK": "20n",
    "SM": "1a10n12c", "TL": "19n", "TN": "20n", "TR": "6n16c", "UA": "6n19c", "VA": "18n", "VG": "4a16n",
    "XK": "16n",
}  # fmt: skip


def iban(random: Random) -> str:
    """ISO 13616, mod 97 = 1; compact, in fours, or small."""
    country = random.choice(sorted(BBANS))
    account, count = "", ""
    for char in BBANS[country]:
        if char.isdigit():
            count += char
            continue
        alphabet = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"}[
            char
        ]
        account += "".join(random.choice(alphabet) for _ in range(int(count)))
        count = ""
    number = int("".join(str(int(char, 36)) for char in account + country + "00"))
    text = f"{country}{98 - number % 97:02}{account}"
    form = random.choice((str, str, str.lower))(text)
    return grouped(form, (4,) * 8, random.choice(("", " ", " ", "-")))


VALUES: Final[dict[str, Callable[[Random], str]]] = {"email": email, "ip": ip, "card": card, "iban": iban}


def planted(rows: int, seed: int) -> Iterator[Planted]:
    """Rows in turn: e-mail, address, card, IBAN, phone, and as many clean ones, each with a trap."""
    random = Random(seed)
    for number in range(rows // 2):
        turn = number % 6
        yield _phone_row(random, number // 2) if turn > 3 else _row(tuple(VALUES)[turn], random)
        group, text = clean_row(random, number)
        yield Planted("clean", f"clean {group}", text, text)


def _row(kind: str, random: Random) -> Planted:
    value = VALUES[kind](random)
    own = CARRIERS[kind]
    carrier = random.choice(own if random.random() < 0.4 else ANYWHERE)
    group = f"{kind} {'v6' if ':' in value else 'v4'}" if kind == "ip" else kind
    return _filled(kind, group, carrier, value)


def _phone_row(random: Random, number: int) -> Planted:
    """A third announced in the country's language, a third in its sentences that say nothing, a third anywhere."""
    country = tuple(PLANS)[number % len(PLANS)]
    plan = PLANS[country]
    language = plan["language"]
    turn = random.randrange(12)
    if turn == 0 and "compact" in plan:
        value, carrier = written(plan["compact"], random), random.choice(ANNOUNCING[language])
    else:
        carriers = (ANNOUNCING[language], SILENT[language], (*ANYWHERE, *CARRIERS["phone"]))[turn % 3]
        value, carrier = written(random.choice(plan["forms"]), random), random.choice(carriers)
    return _filled("phone", f"phone {country}", carrier, value)


def _filled(kind: str, group: str, carrier: str, value: str) -> Planted:
    url = f"[{value}]" if ":" in value else value
    masked = PLACEHOLDER[kind]
    text = carrier.format(value, url=url)
    expected = carrier.format(masked, url=url.replace(value, masked))
    # carriers that hold data of their own
    expected = expected.replace("ann.lee@example.org", "[EMAIL]")
    return Planted(kind, group, text, expected)
