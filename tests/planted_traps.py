"""Clean rows, each with something that is easily taken for personal data: numbers, codes and signs of every day."""

from collections.abc import Callable
from random import Random
from typing import Final
from uuid import UUID

SENTENCES: Final = (
    "{}",
    "See {}.",
    "I think it was {}, but check.",
    "Según el libro, {} es correcto.",
    "Laut Handbuch gilt {}.",
    "D'après le manuel, {} convient.",
    "Согласно книге, {} верно.",
    "这里写的是{}。",
    "ここに{}とあります。",
    "여기에 {}라고 적혀 있다.",
    "تقول الصفحة {} هنا.",
    "पन्ने पर {} लिखा है।",
    "ในหน้านี้เขียนว่า{}ครับ",
    "Kitabu kinasema {} hapa.",
    "({})",
    "“{}”",
    "| a | {} |",
    "line one\n{}\nline three",
)


def _year(random: Random) -> int:
    return random.randrange(1500, 2030)


def _years(random: Random) -> str:
    a = _year(random)
    b = a + random.randrange(1, 40)
    return random.choice(
        (
            f"{a}",
            f"{a}-{b}",
            f"{a}–{b}",
            f"{a} - {b}",
            f"{a}/{b % 100:02}",
            f"{a}-{b}, {b}-{b + 9}",
            f"{a}s",
            f"12 {a}-{b}",
            f"(12) {a}-{b}",
        )
    )


def _date(random: Random) -> str:
    year, month, day = _year(random), random.randrange(1, 13), random.randrange(1, 29)
    forms = (
        f"{year}-{month:02}-{day:02}",
        f"{day:02}.{month:02}.{year}",
        f"{month:02}/{day:02}/{year}",
        f"{day:02}-{month:02}-{year}",
        f"{year}{month:02}{day:02}",
        f"{year}/{month:02}/{day:02}",
        f"{year}年{month}月{day}日",
        f"{day:02} {month:02} {year}",
        f"{day:02}.{month:02}.{year} {random.randrange(24):02}:{random.randrange(60):02}",
        f"{day:02}.{month:02}.{year}-{day + 1:02}.{month:02}.{year}",
        f"{year}-{month:02}-{day:02} / {year}-{month:02}-{day + 1:02}",
    )
    return random.choice(forms)


def _time(random: Random) -> str:
    h, m, s = random.randrange(24), random.randrange(60), random.randrange(60)
    day = f"20{random.randrange(10, 30)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}"
    forms = (
        f"{h:02}:{m:02}",
        f"{h:02}:{m:02}:{s:02}.{random.randrange(10**6):06}",
        f"{day}T{h:02}:{m:02}:{s:02}+0{random.randrange(10)}:00",
        f"{day} {h:02}:{m:02}:{s:02},{random.randrange(1000):03} INFO started",
        f"00:{m:02}:{s:02},123 --> 00:{m:02}:{s:02},987",
        f"{random.randrange(10**9, 2 * 10**9)}",
        f"{random.randrange(10**12, 2 * 10**12)}",
        f"{h:02}h{m:02}",
        f"{h:02}.{m:02}-{(h + 1) % 24:02}.{m:02}",
    )
    return random.choice(forms)


def _isbn10(random: Random) -> str:
    body = "".join(random.choice("0123456789") for _ in range(9))
    check = -sum((10 - i) * int(char) for i, char in enumerate(body)) % 11
    text = body + ("X" if check == 10 else str(check))
    cut = random.randrange(2, 6)
    dashed = f"{text[0]}-{text[1:cut]}-{text[cut:9]}-{text[9]}"
    return random.choice(("ISBN ", "ISBN-10: ", "ISBN: ")) + random.choice((text, dashed, dashed.replace("-", " ")))


def _isbn13(random: Random) -> str:
    body = random.choice(("978", "979")) + "".join(random.choice("0123456789") for _ in range(9))
    text = body + str(-sum(int(char) * (1, 3)[i % 2] for i, char in enumerate(body)) % 10)
    cut = random.randrange(5, 9)
    dashed = f"{text[:3]}-{text[3]}-{text[4:cut]}-{text[cut:12]}-{text[12]}"
    return random.choice(("", "ISBN ", "ISBN-13: ")) + random.choice(
        (text, dashed, dashed.replace("-", " "), text[:3] + "-" + text[3:])
    )


def _decimal(random: Random) -> str:
    digits = random.randrange(2, 17)
    value = f"{random.uniform(0, 1000):.{digits}f}"
    return random.choice(
        (value, value.replace(".", ","), f"{random.random():.16f}", f"-{value}", f"{value}e-05", f"{value} ± 0.0021")
    )


def _quantity(random: Random) -> str:
    n = random.randrange(10**6, 10 ** random.randrange(7, 13))
    plain = f"{n:,}"
    marks = random.choice((",", ".", " ", "\u00a0", "\u202f", "'", "_"))
    noun = random.choice(("people", "habitantes", "Einwohner", "жителей", "units", "km", "bytes", "złotych", "目"))
    return f"{plain.replace(',', marks)} {noun}"


def _price(random: Random) -> str:
    n, c = random.randrange(1, 10 ** random.randrange(2, 10)), random.randrange(100)
    forms = (
        f"${n:,}.{c:02}",
        f"{n:,}".replace(",", ".") + f",{c:02} €",
        f"£{n}.{c:02}",
        f"¥{n}",
        f"{n} ₽",
        f"R$ {n},{c:02}",
        f"₹{n}",
    )
    return random.choice((*forms, f"{n:,}".replace(",", " ") + f",{c:02} zł", f"${n}-${n + 50}", f"USD {n:,}"))


def _version(random: Random) -> str:
    a, b, c, d = (random.randrange(60) for _ in range(4))
    forms = (
        f"v{a}.{b}.{c}.{d}",
        f"version {a}.{b}.{c}.{d}",
        f"Version: {a}.{b}.{c}.{d}",
        f"version 10.0.{random.randrange(10000, 30000)}.{d}",
        f"release {a}.{b}.{c}.{d}",
        f"Chrome/{a + 60}.0.0.0",
        f"package=={a}.{b}.{c}.{d}",
        f"package>={a}.{b}.{c}",
        f"{a}.{b}.{c}",
        f"{a}.{b}.{c}-rc.{d}",
        f"Python 3.{b}.{c}",
        f"firmware {a}.{b}.{c}.{d}",
        f"lib-{a}.{b}.{c}.{d}.tar.gz",
        f"build {a}.{b}.{c}.{d}",
        f"版本{a}.{b}.{c}.{d}",
        f"Section {a}.{b}.{c}.{d}",
        f"§ {a}.{b}.{c}.{d}",
        f"1.3.6.1.4.1.{a}.{b}.{c}",
    )
    return random.choice(forms)


def _hex(random: Random) -> str:
    n = random.getrandbits(160)
    forms = (
        f"{n:040x}",
        f"{n % 2**28:07x}",
        f"0x{n % 2**64:016X}",
        f"sha256:{n:064x}",
        str(UUID(int=n % 2**128)),
        "{" + str(UUID(int=n % 2**128)).upper() + "}",
        f"#{n % 2**24:06x}",
        ":".join(f"{n >> shift & 255:02x}" for shift in range(0, 48, 8)),
        "-".join(f"{n >> shift & 255:02X}" for shift in range(0, 48, 8)),
        ":".join(f"{n >> shift & 255:02x}" for shift in range(0, 128, 8)),
        f"commit {n:040x}",
        f"0b{n % 2**32:032b}",
        f"{n % 2**32:032b}",
    )
    return random.choice(forms)


def _array(random: Random) -> str:
    floats = [random.uniform(-5, 5) for _ in range(6)]
    whole = [random.randrange(10 ** random.randrange(1, 6)) for _ in range(8)]
    forms = (
        "array([" + ", ".join(f"{x:.8f}" for x in floats) + "])",
        "[" + "  ".join(f"{x: .8e}" for x in floats) + "]",
        "[[" + " ".join(f"{x:.4f}" for x in floats[:3]) + "]\n [" + " ".join(f"{x:.4f}" for x in floats[3:]) + "]]",
        "[" + ", ".join(map(str, whole)) + "]",
        "[" + ",".join(map(str, whole)) + "]",
        "[" + " ".join(map(str, whole)) + "]",
        " ".join(f"{x:3}" for x in whole),
        "tensor([" + ", ".join(f"{x}." for x in whole) + "])",
        "x[2000::5], x[::2], x[1:20, 3:40]",
        f"a[{whole[0]}:{whole[1]}] + b[{whole[2]}]",
        "\t".join(map(str, whole)),
        ";".join(map(str, whole)),
    )
    return random.choice(forms)


def _coordinates(random: Random) -> str:
    lat, lon = random.uniform(-90, 90), random.uniform(-180, 180)
    minutes, seconds = random.randrange(60), random.randrange(60)
    degrees = f"{abs(int(lat))}°{minutes:02}'{seconds:02}\"N {abs(int(lon))}°{seconds:02}′E"
    forms = (
        f"{lat:.6f}, {lon:.6f}",
        f"{lat:.7f},{lon:.7f}",
        f"({lat:.4f}; {lon:.4f})",
        degrees,
        f"{lat:+.4f}{lon:+.4f}/",
        f"geo:{lat:.5f},{lon:.5f}",
    )
    return random.choice((*forms, f"{lat:+.6f} {lon:+.6f}"))


def _sequence(random: Random) -> str:
    start, step = random.randrange(100), random.randrange(1, 30)
    linear = [start + step * i for i in range(12)]
    powers = [2**i for i in range(random.randrange(4, 12), 18)]
    a, b = random.randrange(1, 9), random.randrange(1, 9)
    sums = [a, b]
    while len(sums) < 16:
        sums.append(sums[-1] + sums[-2])
    numbers = random.choice((linear, powers, sums, [i * i for i in linear]))
    return random.choice((", ", " ", "-", ",", " → ", " + ", "; ")).join(map(str, numbers))


def _order(random: Random) -> str:
    """Order numbers whose last digit fails Luhn's rule."""
    body = random.choice("123456789") + "".join(random.choice("0123456789") for _ in range(14))
    total = sum(
        sum(map(int, str(2 * int(char)))) if i % 2 else int(char) for i, char in enumerate(reversed(body + "0"))
    )
    text = body + str((1 - total) % 10)
    word = random.choice(("order ", "Bestellung ", "pedido ", "订单号", "invoice no. ", "Ref. ", "#", "заказ № ", ""))
    short = f"{random.randrange(10**7, 10 ** random.randrange(8, 11))}"
    forms = (
        text,
        " ".join(text[i : i + 4] for i in range(0, 16, 4)),
        f"{text[:3]}-{text[3:10]}-{text[9:16]}",
        short,
        f"{short[:4]}-{short[4:]}",
    )
    return word + random.choice(forms)


def _catalogue(random: Random) -> str:
    """CAS numbers, DOIs, arXiv, tracking and part numbers, article numbers, postcodes, IMEIs."""
    n = random.randrange(10**8, 10**9)
    digits = f"{random.randrange(50, 999999)}{random.randrange(100):02}"
    check = sum(i * int(char) for i, char in enumerate(reversed(digits), 1)) % 10
    forms = (
        f"CAS {digits[:-2]}-{digits[-2:]}-{check}",
        f"{digits[:-2]}-{digits[-2:]}-{check}",
        f"doi:10.{n % 9000 + 1000}/{n}",
        f"https://doi.org/10.{n % 9000 + 1000}/s{n % 99999}-020-{n % 9999:04}-2",
        f"arXiv:{n % 24:02}01.{n % 99999:05}v2",
        f"1Z999AA1{n}{n % 10}",
        f"part no. {n % 1000}-{n % 7777:04}-{n % 99}",
        f"{n % 90000 + 10000}-{n % 9000 + 1000}",
        f"EAN 4{n}{n % 900 + 100}",
        f"US patent {n % 9 + 1},{n % 900 + 100},{n % 800 + 100}",
        f"ISSN {n % 9000 + 1000}-{n % 8000 + 1000}",
        f"C{n % 20}H{n % 40}O{n % 8}, M = {n % 900}.{n % 97:02} g/mol",
        f"NCT{n % 10**8:08}",
        f"PMID: {n % 10**8}",
        f"RFC {n % 9999}",
        f"{n % 900 + 100} {n % 90 + 10} Göteborg",
        f"{n % 900 + 100} {n % 90 + 10} Praha 4, {n % 90000 + 10000} Berlin",
        f"model {n % 90 + 10}-{n % 900 + 100}, size {n % 90 + 10}/{n % 60 + 20} R{n % 9 + 14}",
    )
    return random.choice(forms)


def _verse(random: Random) -> str:
    book = random.choice(("John", "Génesis", "Psalm", "1 Kor", "Сур.", "约翰福音", "Quran", "Mwanzo"))
    a, b = random.randrange(1, 150), random.randrange(1, 60)
    volume = f"{random.randrange(1, 60)}({random.randrange(1, 13)}), {a + 100}-{a + 120}"
    return random.choice(
        (
            f"{book} {a}:{b}",
            f"{book} {a}:{b}-{b + 7}",
            f"{book} {a}:{b}–{a + 1}:{b}",
            f"{book} {a},{b}; {a},{b + 2}",
            volume,
            f"pp. {a + 1000}-{a + 1012}",
        )
    )


def _sum(random: Random) -> str:
    a, b = random.randrange(100, 1000), random.randrange(1000, 10000)
    n = random.randrange(10**5, 10**9)
    forms = (
        f"555-{b}+2",
        f"{a}-{b}",
        f"{a}-{b} = {a - b}",
        f"({a}) + {b} = {a + b}",
        f"{n} + {b} = {n + b}",
        f"{n}+{n}={2 * n}",
        f"{a} x {b} = {a * b}",
        f"{n}/{a}={n / a:.6f}",
        f"x = {a}; y = -{n}",
        f"{a}-{b % 100}-{a % 90}={a - b % 100 - a % 90}",
        f"+{a} / -{b}",
        f"{n} % 2 == 0",
        f"{a}^2 + {b}^2",
        f"{n:,} × 10^{a % 30}",
        f"score {a % 12}-{b % 12}, {b % 12}-{a % 12}",
        f"{a * 2}x{b}",
        f"{n}!",
        f"+{n % 900}%",
    )
    return random.choice(forms)


def _at(random: Random) -> str:
    name = random.choice(
        ("app.route", "property", "pytest.mark.slow", "staticmethod", "Override", "media", "dataclass")
    )
    forms = (
        f"@{name}",
        f"@{name}('/x')",
        f"@{random.choice(('ann', 'lee_99', 'MariaK'))} said hi",
        f"{name}@",
        "ann@localhost",
        "root@server1:~$ ls",
        f"A @ B.T, x@w, {name} @ home",
        "icon@2x.png",
        "user at example dot com",
        "git@github.com:foo/bar.git",
        "5 apples @ $1.20",
        "left@right.sum()",
        "@example.com",
        "ann@",
        "npm i @types/node@18.0.1",
        "SELECT @rownum := @rownum + 1",
        "https://medium.com/@ann/story-12",
        "<email>@<domain>",
        "name@{host}",
        "postgres://user:password@localhost/db",
    )
    return random.choice(forms)


def _code(random: Random) -> str:
    n = random.randrange(10**6, 10**9)
    forms = (
        "std::vector<int> v; a::b x; Foo::Bar::Baz",
        f"for (int i = 0; i < {n}; i++) sum += i;",
        f"margin: 0 {n % 20} 20 30; color: rgba(255, 255, 255, 0.5)",
        f"const PRIME = {n}n; let mask = 0x{n:08X};",
        f"random.seed({n}); np.zeros(({n % 99}, {n % 77}))",
        f"INSERT INTO t VALUES ({n}, {n % 777}, '2020-01-0{n % 9 + 1}');",
        "127.0.0.1 0.0.0.0 255.255.255.0 ::1",
        f"chmod 0755 file_{n}.txt && sleep 10",
        f"M 10 {n % 90} L {n % 300} 20 C 30 40 50 60 70 80",
        f"ratio 16:9, {n % 60}:{n % 50}:{n % 40}",
        f"std::chrono::seconds({n})",
        "abc::def dead::beef A::B ::before",
        f"id_{n}_{n % 1000}, var{n}",
        f'printf("%08d", {n});',
        f"[{n % 24:02}:{n % 60:02}:{n % 60:02}] user_{n % 99} joined",
        f"tel = f(x); call({n % 100}, {n % 90})",
        f"0{n % 8}0{n % 8}0{n % 8}",
        f"TTAGGG{n % 10}ACGT 5'-{n % 90}-3'",
    )
    return random.choice(forms)


def _list(random: Random) -> str:
    """Runs of numbers with single separators: lottery draws, sizes, tables, scores, heights."""
    pick = [random.randrange(1, 60) for _ in range(6)]
    big = [random.randrange(10**3, 10**5) for _ in range(5)]
    forms = (
        " ".join(f"{n:02}" for n in sorted(pick)),
        "-".join(f"{n:02}" for n in sorted(pick)),
        ", ".join(map(str, pick)),
        " ".join(map(str, big)),
        "\n".join(map(str, big)),
        f"{pick[0]}. one {pick[1]}. two {pick[2]}. three",
        f"{big[0]} {big[1]} {big[2]}",
        f"sizes {pick[0]} {big[0]} {big[1]}",
        f"{pick[0]}/{pick[1]}/{pick[2]}/{pick[3]}",
        f"{100 + pick[0]}/{60 + pick[1]} mmHg, {100 + pick[2]}/{60 + pick[3]}",
        f"zip {random.randrange(10000, 99999)} and {random.randrange(10000, 99999)}",
        f"{random.randrange(65536)} {random.randrange(65536)}",
        "1 2 3 4 5 6 7 8 9 10",
        "0 1 1 2 3 5 8 13 21 34",
        f"{big[0]}:{big[1]}",
        f"phones sold: {big[0]}, calls: {big[1]}",
    )
    return random.choice(forms)


FAMILIES: Final[dict[str, Callable[[Random], str]]] = {
    "years": _years,
    "dates": _date,
    "times": _time,
    "isbn-10": _isbn10,
    "isbn-13": _isbn13,
    "decimals": _decimal,
    "quantities": _quantity,
    "prices": _price,
    "versions": _version,
    "hex": _hex,
    "arrays": _array,
    "coordinates": _coordinates,
    "sequences": _sequence,
    "orders": _order,
    "catalogue": _catalogue,
    "verses": _verse,
    "sums": _sum,
    "at signs": _at,
    "code": _code,
    "lists": _list,
}


def clean_row(random: Random, number: int) -> tuple[str, str]:
    """A family of traps and a row that holds one of it; the families take turns."""
    family = tuple(FAMILIES)[number % len(FAMILIES)]
    return family, random.choice(SENTENCES).replace("{}", FAMILIES[family](random))
