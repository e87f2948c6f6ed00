"""What `quimbot_data.pii` must find, what it must leave, and what must hold for any text."""

import unicodedata
from ipaddress import IPv4Address, IPv6Address

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried

from quimbot_data.pii import _RULES, IBAN_LENGTHS, PLACEHOLDERS, redact, redact_column

#: Made-up keys are put together here, so that no scanner takes this file for a leak.
BODY = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzA1bC2dE3fG4hI5jK6"
HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2
PEM = ("-----BEGIN RSA ", "PRIVATE KEY-----\n", "MIIEpAIBAAKCAQEA\n" * 3, "-----END RSA ", "PRIVATE KEY-----")

FOUND = {
    "secret": [
        "sk-" + BODY[:48],
        "sk-" + HEX[:32],
        "sk-proj-" + BODY[:20] + "_" + BODY[:20] + "-x",
        "sk-ant-api03-" + BODY[:40] + "-AA",
        "sk-or-v1-" + HEX,
        "AKIAIOSFODNN7EXAMPLE",
        "ASIA" + "QWERTYUIOPASDFGH",
        "ghp_" + BODY[:36],
        "gho_" + BODY[:36],
        "github_pat_" + BODY[:22] + "_" + BODY[:40],
        "glpat-" + BODY[:20],
        "AIza" + BODY[:35],
        "ya29." + BODY[:40],
        "xoxb-" + "123456789012-1234567890123-" + BODY[:24],
        "xoxp-" + "123456789012-" + BODY[:24],
        "hooks.slack.com/services/" + "T0A1B2C3D/B0A1B2C3D/" + BODY[:24],
        "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
        "sk_live_" + BODY[:24],
        "npm_" + BODY[:36],
        "gsk_" + BODY[:48],
        "dop_v1_" + HEX,
        "SG." + BODY[:22] + "." + BODY[:43],
        "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + BODY[:43],
        "".join(PEM),
        "".join(PEM).replace("\n", "\\n"),
        "".join(PEM[:3]).strip(),
    ],
    "email": [
        "ann@example.com",
        "ann.lee+news@mail.example.co.uk",
        "Ann_99@sub.sub.example.museum",
        "o'brien@example.ie",
        "a@b.co",
        "x1@ex-ample.travel",
        "ann@xn--exmple-cua.de",
        "ann@example.xn--p1ai",
        "jörg@exämple.de",
        "почта@пример.рф",
        "संपर्क@डाटामेल.भारत",
        "用户@例子.广告",
        "zhang@例子.中国",
    ],
    "iban": [
        "GB82 WEST 1234 5698 7654 32",
        "GB82WEST12345698765432",
        "gb82 west 1234 5698 7654 32",
        "de89370400440532013000",
        "FR14-2004-1010-0505-0001-3M02-606",
        "NO93\u00a08601\u00a01117\u00a0947",
        "MT84MALT011000012345MTLCAST001S",
    ],
    "card": [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111111111111111",
        "5555555555554444",
        "2223 0031 2200 3222",
        "3782 822463 10005",
        "378282246310005",
        "30569309025904",
        "3056 930902 5904",
        "6011 1111 1111 1117",
        "3530-1113-3330-0000",
        "6304000000000000",
    ],
    "ipv6": [
        "2001:db8::1",
        "2001:0db8:85a3:0000:0000:8a2e:0370:7334",
        "2001:DB8:0:0:8:800:200C:417A",
        "fe80::1ff:fe23:4567:890a",
        "fd12:3456:789a:1::1",
        "::ffff:192.0.2.128",
        "::ffff:c000:280",
        "64:ff9b::192.0.2.33",
        "a1b2:c3d4:e5f6:1:2:3:4:5",
        "fe80::",
    ],
    "ipv4": ["203.0.113.77", "10.12.0.5", "192.168.1.20", "8.8.4.44", "223.255.255.254"],
    "phone": [
        "+12125550100",
        "+1 (212) 555-0100",
        "+1.212.555.0100",
        "1-800-555-0199",
        "212-555-0100",
        "212.555.0100",
        "(212) 555 0100",
        "(212)555-0100",
        "212 555-0100",
        "555-123-4567",
        "00442079460958",
        "0044 20 7946 0958",
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "(+44) 20 7946 0958",
        "020 7946 0958",
        "(020) 7946 0958",
        "07700 900123",
        "+34 612 345 678",
        "+33 6 12 34 56 78",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "+49 30 1234567",
        "030/1234567",
        "0151 23456789",
        "070-123 45 67",
        "06-12345678",
        "090-1234-5678",
        "138 0013 8000",
        "138-0013-8000",
        "13800138000",
        "+86 138 0013 8000",
        "+7 (912) 345-67-89",
        "8 (912) 345-67-89",
        "(11) 91234-5678",
        "+351 912 345 678",
        "22 123 45 67",
        "(22) 123-45-67",
        "612 34 56 78",
        "601-234-567",
        "(495) 123-45-67",
        "532 123 45 67",
        "0 (532) 123 45 67",
        "8 916 123 4567",
        "11 91234-5678",
        "(11) 9 1234-5678",
        "19 3123-4567",
        "55 1234 5678",
        "347 1234567",
        "320 12 34 567",
        "098765 43210",
        "03(1234)5678",
        "02 2033 3384",
        "212-555-0100 ext. 12",
        "(212) 555-0100x123",
        "+1 212 555 0100, ext 5",
    ],
}

IN_CONTEXT = [
    ("我的邮箱是zhang@example.com请联系我", "我的邮箱是[EMAIL]请联系我"),
    ("메일은 kim@example.com으로", "메일은 [EMAIL]으로"),
    ("<mailto:ann@example.com?subject=hi>", "<mailto:[EMAIL]?subject=hi>"),
    ("**ann@example.com**, ...bob@example.org...", "**[EMAIL]**, ...[EMAIL]..."),
    ("http://198.51.100.23:8080/x and 10.12.0.0/16", "http://[IP]:8080/x and [IP]/16"),
    ("ip.addr==203.0.113.77 || 203.0.113.7-203.0.113.99", "ip.addr==[IP] || [IP]-[IP]"),
    ("[2001:db8::8a2e:370:7334]:443, fe80::1%eth0, 2001:db8::/32", "[[IP]]:443, [IP]%eth0, [IP]/32"),
    ("2001:db8::1: unreachable", "[IP]: unreachable"),
    ("IP:2001:db8::1", "IP:[IP]"),
    ("4111 1111 1111 1111 123", "[CARD] 123"),
    ("4111111111111111,12/25", "[CARD],12/25"),
    ("12 4111 1111 1111 1111 exp 12/25", "12 [CARD] exp 12/25"),
    ("IBAN:DE89370400440532013000.", "IBAN:[IBAN]."),
    ("tel:+1-212-555-0100", "tel:[PHONE]"),
    ("tel:2125550100", "tel:[PHONE]"),
    ('{"phone": "5551234567"}', '{"phone": "[PHONE]"}'),
    ("Call me at 98765 43210!", "Call me at [PHONE]!"),
    ("Mi teléfono es 612 345 678.", "Mi teléfono es [PHONE]."),
    ("我的电话是13800138000,谢谢", "我的电话是[PHONE],谢谢"),
    ("手机号码 138 0013 8000", "手机号码 [PHONE]"),
    ("Mój numer telefonu to 601 234 567.", "Mój numer telefonu to [PHONE]."),
    ("Ruf mich unter 0151 23456789 an, Handy 01512345678", "Ruf mich unter [PHONE] an, Handy [PHONE]"),
    ("Позвоните мне по номеру 89161234567", "Позвоните мне по номеру [PHONE]"),
    ("98765-43210 पर कॉल करें", "[PHONE] पर कॉल करें"),
    ("ann@example.com, 601 234 567", "[EMAIL], [PHONE]"),
    ("| 601 234 567 | ann@example.com |", "| [PHONE] | [EMAIL] |"),
    ("tel:00351 912 707 469", "tel:[PHONE]"),
    ("メールは用户@例子.中国まで", "メールは[EMAIL]まで"),
    ("+1 212 555 0100 24 hours", "[PHONE] 24 hours"),
    ("postgres://ann:s3cr3t!pw@db.example.com/x", "postgres://ann:[SECRET]@db.example.com/x"),
    (f"key={FOUND['secret'][0]}; ann@example.com", "key=[SECRET]; [EMAIL]"),
    ("ann@203.0.113.77", "ann@[IP]"),
]

LEFT = """\
from 1990-2000, 1999–2004 and 2010 - 2019
2024-01-15 10:20:30.123456, 2024-01-15T10:20:30+01:00, 20240115T102030Z, +0530
05-06-2024 10, 05.06.2024 12.30, 01/02/2024, 04-15-2023-001, 11/12/2023-12/12/2023
ISBN 978-0-306-40615-7, 0-306-40615-2, 0306406152, 9780306406157, 978 0 306 40615 7, 978-3-16-148410-0
3.14159265358979, 2.718281828459045, 0.4111111111111111, 0,4111111111111111, 0.123 456 789
1,234,567.89 and 1.234.567,89 and 1 234 567 890 and 50 000 000
population 331 449 281 (2020) against 1 425 775 850
a[10][20][30] = 0xDEADBEEF12345678; 0x4111111111111111; [0612, 345, 678]
std::vector<int> v; std::map<a::b, c::d> x; ::before ::after use Foo::Bar::Baz
abc::def face::add dead::beef A::B x[::2] x[2000::5] x[1::2, 0::3]
version 1.2.3.4, v10.0.0.1, Version: 10.12.33.4, opencv-python==4.5.5.64, release 12.10.0.4
Section 1.2.3.4, § 10.2.13.4, chapter 2.10.3.1
1.2.3.4 Scope of this clause
00:1A:2b:3C:4d:5E 00-14-22-01-23-45 01-23-45-67-89-10 01:23:45:67:89:ab
da39a3ee5e6b4b0d3255bfef95601890afd80709 4111111111111111abcdef
123e4567-e89b-12d3-a456-426614174000 01234567-0123-4567-8901-012345678901
16:27:ac:a5:76:28:2d:36:63:1b:56:4d:eb:df:a6:48 and 12:34:56:78:9a:bc:de:f0
doi:10.1000/182 10.1145/3368089.3417058 10.1038/s41586-020-2649-2 arXiv:2101.00001v2
timestamps 1612345678 1612345678901 1612345678901234
order 112-1234567-1234567, 1Z999AA10123456784, 9400110200881234567890, #0161-496-0000
40.7127837, -74.0059413 and +40.7128-074.0060/ and +51.5073509 -0.1277583
@mention @app.route("/x") @property a @b W @ x
*@* and *@*.com and icon@2x.png and a@b.sum() and X@w.shape and left@right.apply(f)
git clone git@github.com:foo/bar.git && open https://user@host.com/x
mongodb://user:password@host.com/db mongodb://<user>:<password>@cluster0.abc.mongodb.net
127.0.0.1 0.0.0.0 255.255.255.0 8.8.8.8 10.0.0.0/8 Chrome/120.0.0.0 ::1 ::
300.1.2.3 and 256.10.10.10 and 1.3.6.1.4.1.311.21.20
NAME_1 met NAME_2 and NAME_10
/ˈsɛvən/ [ˌɪn.təˈnæʃ.nəl]
01 02 03 04 05 and 00 01 02 03 04 05 06 07
08 09 10 11 12 13 14
0011 0101 1100 1010 01 10 11 01 10
02139-4307 and 90210-1234
1:2:3:4:5:6:7:8 and 12:30:45
9007199254740991 4503599627370496 2432902008176640000 6402373705728000 18446744073709551615
1000 2000 3000 4000 5000 6000 and 4000 4500 5000 5500 6000
sk-learn-some-long-css-class-name task-based-learning-in-the-classroom sk-toggleable__label-arrow
xoxb-your-bot-token-here hf_hub_download_with_progress
-----BEGIN PUBLIC KEY----- MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A -----END PUBLIC KEY-----
12(3) 456-478, 45 (12), 1234-1240 and 5 (1999) 123-145
iPhone 12 13 14 15 in 2019 2020, phones 1920x1080
1-2-3-4-5-6-7-8-9-10 and [1,2,3,4,5,6,7,8,9,10,11,12] and 64 128 256 512 1024 2048
1+1234567890 = 2+12345678901
GB82 WEST 1234 5698 7654 33 and 4111 1111 1111 1112
EAN 4006381333931, 4222222222222, 5018374350978
sizes 64 1024 2048, 256 512 1024 2048 4096, 66 034 481 246
ここに@example.comとあります。 package==29.38.56.44
00 62-1.2345678 and 00 62 1234567.5 and 00 17 43
612 345 678 habitantes, 65536 32768, 331 449 281 in all, zip 90210 94105
the phone cost 1234.56789, phones sold: 65536, call f(x, 12345), order no. 12345678
rgba(255, 255, 255, 0.5); margin: 0 10 20 30
[EMAIL] [PHONE] [IP] [IP]:8080 [CARD] [IBAN] [SECRET] [PHONE] 12345678""".splitlines()
MADE_UP_KEYS = [
    "sk-" + "x" * 32,
    "ghp_" + "X" * 36,
    "AIza" + "*" * 35,
    "-----BEGIN " + PEM[1] + "...\n-----END " + PEM[4],
]

CARRIERS = ["{}", "Write to {}.", "({})", "'{}', please", "这是 {} 谢谢", "first line\n{}\nlast line"]


def found(text: str) -> dict[str, int]:
    return {kind: n for kind, n in redact(text)[1].items() if n}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in FOUND.items() for value in values])
def test_is_found(kind: str, value: str) -> None:
    for carrier in CARRIERS:
        text = carrier.format(value)
        assert redact(text)[0] == carrier.format(PLACEHOLDERS[kind])
        assert found(text) == {kind: 1}


@pytest.mark.parametrize(("text", "expected"), IN_CONTEXT)
def test_in_context(text: str, expected: str) -> None:
    assert redact(text)[0] == expected


@pytest.mark.parametrize("text", LEFT + MADE_UP_KEYS)
def test_is_left(text: str) -> None:
    assert redact(text) == (text, dict.fromkeys(PLACEHOLDERS, 0))
    assert redact(f"See {text}, then.")[0] == f"See {text}, then."


@pytest.mark.parametrize(
    "text", ["1 " * 9000, "a." * 9000 + "@", "x@" + "a." * 9000, ":aaa" * 9000, "212-555-0100 " * 900]
)
def test_long_repetitions_end(text: str) -> None:
    assert redact(text)[0]


# --- properties -------------------------------------------------------------------------------------------------------

FRAGMENTS = st.sampled_from(
    [value for values in FOUND.values() for value in values]
    + [text for text, _ in IN_CONTEXT]
    + LEFT
    + list(PLACEHOLDERS.values())
    + ["+", "00", "1", "12", "06", "4111", ".", "-", " ", ":", "::", "@", "(", ")", "/", "//", "tel:", "ext 1", "é"]
    + ["\u0301", "我", "#", "_", "\n", "=", "a", "fe80", "GB82"]
)
TEXTS = st.one_of(st.lists(FRAGMENTS, min_size=1, max_size=12).map("".join), st.text(min_size=1)).map(
    lambda text: unicodedata.normalize("NFC", text)
)


@given(TEXTS)
@tried(300)
def test_redaction_is_idempotent_nfc_and_never_empty(text: str) -> None:
    once, counts = redact(text)
    assert redact(once) == (once, dict.fromkeys(PLACEHOLDERS, 0))
    assert unicodedata.is_normalized("NFC", once)
    assert once
    assert (once == text) == (sum(counts.values()) == 0)


@given(st.lists(TEXTS, max_size=12))
@tried(150)
def test_column_equals_rows(texts: list[str]) -> None:
    series = pl.Series("content", texts, dtype=pl.String)
    redacted, positions = redact_column(series)
    rows = [redact(text) for text in texts]
    assert redacted.to_list() == [text for text, _ in rows]
    held = {kind: [row for row, (_, counts) in enumerate(rows) if counts[kind]] for kind in PLACEHOLDERS}
    assert {kind: list(found) for kind, found in positions.items()} == {k: rows for k, rows in held.items() if rows}
    assert (redacted.name, redacted.dtype, series.to_list()) == ("content", pl.String, texts)


@given(st.one_of(FRAGMENTS, TEXTS))
@tried(400)
def test_hints_are_necessary(text: str) -> None:
    """A rule that fires on a text has its hint there too: otherwise the gate would lose rows."""
    for rule in _RULES:
        if any(rule.end(match) for match in rule.pattern.finditer(text)):
            assert rule.hint.search(text)


def with_luhn(body: str) -> str:
    """Append the check digit, from the definition and not from the code under test."""
    total = 0
    for place, char in enumerate(reversed(body)):
        n = int(char) * (2 if place % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return body + str(-total % 10)


def digits(n: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=n, max_size=n)


CARDS = st.one_of(
    st.tuples(st.sampled_from(["4", "51", "55", "2221", "2720", "6011", "65", "62", "3528"]), digits(15)).map(
        lambda parts: with_luhn("".join(parts)[:15])
    ),
    st.tuples(st.sampled_from(["34", "37"]), digits(12)).map(lambda parts: with_luhn("".join(parts))),
    st.tuples(st.sampled_from(["36", "38", "300"]), digits(12)).map(lambda parts: with_luhn("".join(parts)[:13])),
)


def grouped(number: str, separator: str) -> str:
    sizes = [4, 6, 5] if len(number) in (14, 15) else [4] * 5
    groups = []
    for size in sizes:
        groups.append(number[:size])
        number = number[size:]
    return separator.join(filter(None, groups))


@given(CARDS, st.sampled_from(["", " ", "-"]), st.sampled_from(CARRIERS))
@tried(200)
def test_valid_cards_are_found_and_wrong_check_digits_are_not(card: str, separator: str, carrier: str) -> None:
    assert found(carrier.format(grouped(card, separator))) == {"card": 1}
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert "card" not in found(carrier.format(grouped(wrong, separator)))


@st.composite
def ibans(draw: st.DrawFn) -> str:
    length = draw(st.sampled_from(sorted(IBAN_LENGTHS)))
    country = draw(st.sampled_from(IBAN_LENGTHS[length].split()))
    account = draw(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=length - 4, max_size=length - 4))
    number = int("".join(str(int(c, 36)) for c in account + country + "00"))
    return f"{country}{98 - number % 97:02}{account}"


@given(ibans(), st.booleans(), st.booleans(), st.sampled_from(CARRIERS))
@tried(200)
def test_valid_ibans_are_found_and_wrong_check_digits_are_not(
    iban: str, spaced: bool, lower: bool, carrier: str
) -> None:
    def written(text: str) -> str:
        text = " ".join(text[i : i + 4] for i in range(0, len(text), 4)) if spaced else text
        return carrier.format(text.lower() if lower else text)

    assert found(written(iban)) == {"iban": 1}
    assert "iban" not in found(written(f"{iban[:2]}{(int(iban[2:4]) + 1) % 97:02}{iban[4:]}"))


@given(st.integers(min_value=int(IPv4Address("11.0.0.1")), max_value=int(IPv4Address("223.255.255.255"))))
def test_ipv4_addresses_are_found(number: int) -> None:
    address = IPv4Address(number)
    if not address.is_loopback and number % 2**24:
        assert found(f"Seen from {address}.") == {"ipv4": 1}
        assert found(f"http://{address}:8080/") == {"ipv4": 1}
        assert found(f"::ffff:{address}") == {"ipv6": 1}


@given(st.integers(min_value=2**125, max_value=2**126 - 1), st.integers(0, 112))
def test_ipv6_addresses_are_found(number: int, zeros: int) -> None:
    address = IPv6Address(number >> zeros << zeros)
    for form in (address.compressed, address.exploded, address.compressed.upper()):
        assert found(f"Seen from {form}.") == {"ipv6": 1}
        assert found(f"https://[{form}]:8443/ or {form}/64") == {"ipv6": 2}


def test_counts_name_every_kind() -> None:
    assert redact("nothing here")[1] == dict.fromkeys(PLACEHOLDERS, 0)
    assert redact_column(pl.Series([], dtype=pl.String))[1] == {}
