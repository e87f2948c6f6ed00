"""Texts of made-up words in several scripts, with edited copies planted among them; the truth is their word lists."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

#: Letters of made-up words, and what stands between them; without blanks, a character is a word.
SCRIPTS = {
    "latin": ("aeiourstnldmcpbgvhfqjxyzñáéíóúçß", " "),
    "cyrillic": ("оеаинтсрвлкмдпуяыьгзбчйхжшю", " "),
    "greek": ("αβγδεζηθικλμνξοπρστυφχψω", " "),
    "arabic": ("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", " "),
    "devanagari": ("कखगघचजटडतदनपबमयरलवशसहािीुे", " "),
    "hangul": ("가나다라마바사아자차카타파하고노도로모보소오", " "),
    "chinese": ("".join(map(chr, range(0x4E00, 0x4E00 + 1500))), ""),
    "japanese": ("".join(map(chr, [*range(0x3042, 0x3094), *range(0x30A2, 0x30F4), *range(0x5200, 0x5500)])), ""),
    "thai": ("กขคงจฉชซญณดตถทธนบปผพฟมยรลวศสหอฮะาำเแโใไ", ""),
}


@dataclass(frozen=True)
class Planted:
    """
    Attributes:
        id: of the text; the part before `#` names the original that it is an edited copy of.
        words: in their order.
        text: as it would be read.
    """

    id: str
    words: tuple[str, ...]
    text: str

    @property
    def family(self) -> str:
        return self.id.partition("#")[0]


def planted(originals: int, seed: int, *, copied: float = 0.1, longest: int = 250) -> Iterator[Planted]:
    """Originals in all scripts; a share of them has one to three copies with up to a tenth of their words edited."""
    rng = random.Random(seed)
    vocabularies = {name: _vocabulary(rng, *script) for name, script in SCRIPTS.items()}
    for number in range(originals):
        name = rng.choice(list(SCRIPTS))
        vocabulary, blank = vocabularies[name], SCRIPTS[name][1]
        words = [rng.choice(vocabulary) for _ in range(rng.randint(30, longest))]
        yield _made(rng, f"{name}:{number:06}", words, blank)
        if rng.random() < copied:
            for copy in range(rng.randint(1, 3)):
                yield _made(
                    rng, f"{name}:{number:06}#{copy}", edited(rng, words, vocabulary, rng.uniform(0, 0.1)), blank
                )


def edited(rng: random.Random, words: list[str], vocabulary: list[str], share: float) -> list[str]:
    """A copy with a share of its words replaced, dropped, or followed by another."""
    copy = list(words)
    for _ in range(round(share * len(words))):
        at, kind = rng.randrange(len(copy)), rng.random()
        copy[at : at + 1] = (
            [] if kind < 0.2 else [rng.choice(vocabulary)] if kind < 0.8 else [copy[at], rng.choice(vocabulary)]
        )
    return copy


def shingles(words: tuple[str, ...], n: int) -> frozenset[tuple[str, ...]]:
    """The shingle that the module names, in plain Python."""
    runs = frozenset(words[at : at + n] for at in range(len(words) - n + 1))
    return runs or (frozenset([words]) if words else runs)


def jaccard(one: Planted, other: Planted, n: int) -> float:
    first, second = shingles(one.words, n), shingles(other.words, n)
    return len(first & second) / len(first | second)


def true_pairs(texts: list[Planted], n: int, threshold: float) -> set[tuple[str, str]]:
    """Pairs of one family whose Jaccard reaches the threshold."""
    families: dict[str, list[Planted]] = {}
    for text in texts:
        families.setdefault(text.family, []).append(text)
    pairs = (pair for family in families.values() for pair in combinations(sorted(family, key=lambda t: t.id), 2))
    return {(one.id, other.id) for one, other in pairs if jaccard(one, other, n) >= threshold}


def _vocabulary(rng: random.Random, letters: str, blank: str) -> list[str]:
    if not blank:
        return list(letters)
    return ["".join(rng.choices(letters, k=rng.randint(2, 8))) for _ in range(2_000)]


def _made(rng: random.Random, name: str, words: list[str], blank: str) -> Planted:
    """Case, stops and line ends differ between copies: they are no part of a word."""
    written = [word.upper() if blank and rng.random() < 0.02 and _recased(word) else word for word in words]
    stops = [rng.choice([". ", ", ", "\n"]) if rng.random() < 0.08 else blank for _ in words]
    return Planted(name, tuple(words), "".join(map("".join, zip(written, stops, strict=True))))


def _recased(word: str) -> bool:
    """Whether the word comes back from upper case (ß does not, nor σ from a word's end)."""
    return word.upper().lower() == word
