"""Near-duplicates: what is found is true, most of what is true is found, and how the rows were cut cannot be seen."""

import itertools
import random
import re
import resource
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from planted_texts import SCRIPTS, Planted, edited, jaccard, planted, true_pairs
from property_tests import tried
from strategies import bare_row, frame_of, messages_of

import quimbot_data.near_duplicates as near
from quimbot_data.near_duplicates import NGRAM, NearDuplicates, Rule, components
from quimbot_data.near_duplicates import shingles as shingling
from quimbot_data.near_duplicates import signatures as signing
from quimbot_data.near_duplicates.meeting import PIVOTS, SMALL, candidates
from quimbot_data.near_duplicates.shingles import ShingleSets, joined, offsets_of, set_digests, shingle_sets
from quimbot_data.near_duplicates.signatures import band_keys, signatures
from quimbot_data.near_duplicates.store import SetStore, places
from quimbot_data.words import own_texts, words
from schemas.dialogue import Dialogue
from schemas.errors import RecipeError

FEW = tried(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
#: All scripts, and what is awkward: final sigma, dotted I, marks, digits, emoji, blanks, nothing.
TEXTS = st.lists(
    st.text(st.sampled_from("aAbBzZ é\u0301İΣσς中文カタกข 가ह\u093f٣१_-'.\n🙂\u200d"), max_size=40)
    | st.text(max_size=20).filter(lambda text: not re.search("[\ud800-\udfff]", text)),
    max_size=12,
)


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """Fresh folders: one a run, since hypothesis calls a test many times."""
    return (tmp_path / str(number) for number in itertools.count())


def found(
    folder: Path, rows: dict[str, str], cut: int = 10_000, rule: Rule | None = None, threads: int = 2
) -> pl.DataFrame:
    """All pairs among texts by id, in shards of `cut` rows."""
    run, items = NearDuplicates(folder, rule or Rule()), list(rows.items())

    def look(number: int) -> None:
        part = items[number * cut : (number + 1) * cut]
        run.look(number, pl.Series([key for key, _ in part]), pl.Series([text for _, text in part], dtype=pl.String))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(look, range(-(-len(items) // cut))))
    return pl.concat([pl.DataFrame(schema=near.PAIRS_SCHEMA), *run.pairs(threads)])


def pairs_of(frame: pl.DataFrame) -> set[tuple[str, str]]:
    pairs = list(frame.select("id_a", "id_b").iter_rows())
    assert len(set(pairs)) == len(pairs)
    assert all(one < other for one, other in pairs)
    return set(pairs)


def clusters(frame: pl.DataFrame) -> dict[str, str]:
    return dict(components([frame]).iter_rows())


# Shingles


def splitmix64(number: int) -> int:
    number = (number + 0x9E3779B97F4A7C15) % 2**64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
    return number ^ number >> 31


def published(found: list[str], n: int) -> list[int]:
    """The shingle hashes as the module's docstring defines them, for one text's words."""
    p, q = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93
    hashes = [sum(splitmix64(ord(letter)) * pow(p, at, 2**64) for at, letter in enumerate(word)) for word in found]
    runs = [hashes[at : at + n] for at in range(len(hashes) - n + 1)] or [hashes]
    folded = [sum(one * p ** (len(run) - 1 - at) for at, one in enumerate(run)) for run in runs]
    if len(found) < n:
        folded = [one + len(found) * q for one in folded]
    return sorted({one % 2**64 >> 32 for one in folded}) if found else []


def as_lists(sets: ShingleSets) -> list[list[int]]:
    return [sets.hashes[start:end].tolist() for start, end in itertools.pairwise(sets.offsets)]


@tried(150)
@given(texts=TEXTS, n=st.integers(1, 5), block=st.sampled_from([1, 30, 10_000]))
def test_shingles_are_those_published_over_the_words_of_the_package(texts: list[str], n: int, block: int) -> None:
    series = pl.Series(texts, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shingling, "_BLOCK", block)
        sets = joined(list(shingle_sets(series, n)))
    assert as_lists(sets) == [published(found, n) for found in words(series).to_list()]


def test_every_character_is_what_the_words_regex_makes_of_it() -> None:
    kinds, _ = shingling._alphabet(17)
    code_points = [number for number in range(0x110000) if not 0xD800 <= number < 0xE000]
    # Beside letters: one part of a word leaves one word, a word of its own makes three, anything else two.
    around = pl.Series([f"x{chr(number)}x" for number in code_points])
    count = words(around).list.len().to_numpy()
    assert np.array_equal(kinds[code_points], np.select([count == 1, count == 3], [1, 2], 0))


def test_digests_are_equal_for_equal_sets_only() -> None:
    texts = pl.Series(
        ["a b c d e", "A, b. C d\ne", "a b c d", "a b c d f", "x y", "y x", "中文字", "a b c a b c a b c"]
    )
    sets = joined(list(shingle_sets(texts, 3)))
    digests = set_digests(sets).tolist()
    assert digests[0] == digests[1]
    assert len(set(digests)) == len(digests) - 1


@pytest.mark.parametrize("size", [1, 2, 9, 40, 130, 600])
@pytest.mark.parametrize("similarity", [0.5, 0.8, 0.9])
def test_signatures_agree_as_often_as_sets_are_alike(size: int, similarity: float) -> None:
    rng = np.random.default_rng([size, round(100 * similarity)])
    shared, trials = round(size * 2 * similarity / (1 + similarity)), 400
    sets, expected = [], 0.0
    for _ in range(trials):
        drawn = np.unique(rng.integers(0, 2**32, 2 * size - shared, dtype=np.uint32))
        rng.shuffle(drawn)
        sets += [np.sort(drawn[:size]), np.sort(np.concatenate([drawn[:shared], drawn[size:]]))]
        expected += shared / len(drawn) / trials
    signed = signatures(ShingleSets(np.concatenate(sets), offsets_of([len(one) for one in sets])), 128, 42)
    agreed = (signed[::2] == signed[1::2]).mean(axis=0)
    assert agreed.mean() == pytest.approx(expected, abs=0.03)
    assert np.abs(agreed - expected).max() < 0.13  # five standard errors of a single value


def test_signatures_are_of_the_sets_alone() -> None:
    texts = pl.Series([text.text for text in planted(300, seed=4)])
    sets = joined(list(shingle_sets(texts, 3)))
    together = band_keys(sets, 128, 16, 42)
    alone = [band_keys(joined(list(shingle_sets(texts[at : at + 1], 3))), 128, 16, 42) for at in range(len(texts))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "_BATCH", 7)
        assert np.array_equal(band_keys(sets, 128, 16, 42), together)
    assert np.array_equal(np.concatenate(alone), together)


# The rule


def test_the_table_of_the_docstring_is_the_curve_of_the_rule() -> None:
    heads, values = re.search(r"    s  (.*)\n    found(.*)\n", str(near.__doc__)).groups()
    table = dict(zip(map(float, heads.split()), values.split(), strict=True))
    assert len(table) >= 8
    for similarity, stated in table.items():
        assert round(Rule().recall(similarity), len(stated.partition(".")[2])) == float(stated)
    assert round((1 / 16) ** (1 / 8), 3) == 0.707


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0.0},
        {"threshold": 1.1},
        {"ngram": 0},
        {"bands": 0},
        {"bands": 15},
        {"permutations": 0},
        {"permutations": 96},
    ],
)
def test_a_rule_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="bands divide permutations"):
        Rule(**wrong)


# Texts


def test_what_is_near_and_what_is_not(tmp_path: Path) -> None:
    long = " ".join(f"word{number}" for number in range(60))
    rows = {
        "a": long,
        "b": long.upper().replace(" ", ", ") + "!",  # equal words
        "c": long.replace("word30", "other"),  # 55 of 61 shingles shared
        "d": " ".join(reversed(long.split())),  # the same words in another order
        "e": "🙂 …",
        "f": "🙂 …",  # no words: near to none, not even to the same
        "g": "",
        "h": "Thank you",
        "i": "thank you!",  # fewer words than a shingle has: equal words meet
        "j": "you thank",
        "k": "thank",
        "l": "我们今天去学校学习中文和数学然后回家吃饭休息",
        "m": "我们今天去学校学习中文和数学然后回家吃饭休息。",
    }
    pairs = found(tmp_path / "x", rows)
    assert pairs_of(pairs) == {("a", "b"), ("a", "c"), ("h", "i"), ("l", "m")}
    assert dict(pairs.select(pl.concat_str("id_a", "id_b"), "jaccard").iter_rows()) == {
        "ab": 1.0,
        "ac": 55 / 61,
        "hi": 1.0,
        "lm": 1.0,
    }
    assert clusters(pairs) == {"a": "a", "b": "a", "c": "a", "h": "h", "i": "h", "l": "l", "m": "l"}


def test_a_template_makes_no_near_duplicates(tmp_path: Path) -> None:
    head = "Please transcribe the following recording word by word and leave out nothing that you can hear in it: "
    own = ["the weather in Kampala was fine", "she sells four mangoes a day", "the weather in Kampala was fine"]
    rows = []
    for number, text in enumerate(own):
        row = bare_row() | {"dialogue_id": f"t:{number}", "messages": messages_of(head + text, f"reply {text}")}
        span = {"position": 0, "head": len(head), "tail": 0}
        row["provenance"] = dict.fromkeys(row["provenance"]) | {"derived": {"by": "template:t@1", "template": [span]}}
        rows.append(row)
    frame = frame_of(Dialogue, rows)
    with_template = frame["messages"].list.eval(pl.element().struct.field("content")).list.join("\n")
    ids = frame["dialogue_id"].to_list()
    assert pairs_of(found(tmp_path / "own", dict(zip(ids, own_texts(frame), strict=True)))) == {("t:0", "t:2")}
    low = Rule(threshold=0.3, bands=64)
    assert len(clusters(found(tmp_path / "all", dict(zip(ids, with_template, strict=True)), rule=low))) == 3
    assert len(clusters(found(tmp_path / "low", dict(zip(ids, own_texts(frame), strict=True)), rule=low))) == 2


def test_nothing_gives_nothing(tmp_path: Path) -> None:
    none = found(tmp_path / "none", {})
    assert none.is_empty()
    assert components([none]).is_empty()
    assert components([none]).schema == near.COMPONENTS_SCHEMA
    assert found(tmp_path / "blank", {"a": "", "b": " "}).is_empty()
    assert found(tmp_path / "one", {"a": "one text is near to nothing"}).is_empty()
    assert found(tmp_path / "typed", {"a": "one text is near to nothing"}).schema == near.PAIRS_SCHEMA


# Order, shards, threads


def crowd(count: int, seed: int, share: float = 0.03, length: int = 120) -> list[Planted]:
    """One text and its edited copies, all of one family."""
    rng = random.Random(seed)
    vocabulary = [f"w{number}" for number in range(5_000)]
    whole = rng.choices(vocabulary, k=length)
    copies = [tuple(edited(rng, whole, vocabulary, share)) for _ in range(count)]
    return [Planted(f"crowd:{seed}#{number:05}", copy, " ".join(copy)) for number, copy in enumerate(copies)]


@pytest.fixture(scope="module")
def corpus() -> list[Planted]:
    """All scripts, families of copies, and a crowd that meets under one key."""
    return [
        *planted(120, seed=1, copied=0.5, longest=90),
        *crowd(80, seed=2, share=0.02),
        *crowd(40, seed=3, share=0.05),
    ]


@pytest.fixture(scope="module")
def expected(corpus: list[Planted], tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    whole = found(tmp_path_factory.mktemp("whole") / "x", {text.id: text.text for text in corpus}, threads=1)
    assert whole.height > 150
    return whole.sort("id_a", "id_b")


@pytest.mark.slow
@tried(12, FEW)
@given(seed=st.integers(0, 10**6), cut=st.integers(1, 400), threads=st.integers(1, 3))
def test_the_pairs_are_the_same_whatever_the_order_shards_and_threads(
    folders: Iterator[Path], corpus: list[Planted], expected: pl.DataFrame, seed: int, cut: int, threads: int
) -> None:
    rows = random.Random(seed).sample(corpus, len(corpus))
    pairs = found(next(folders), {text.id: text.text for text in rows}, cut, threads=threads)
    assert pairs.sort("id_a", "id_b").equals(expected)


def test_shards_may_be_looked_at_in_any_order_and_by_any_number(
    tmp_path: Path, corpus: list[Planted], expected: pl.DataFrame
) -> None:
    run = NearDuplicates(tmp_path / "x")
    for shard in (70_000, 3, 12):
        part = corpus[{70_000: 2, 3: 0, 12: 1}[shard] :: 3]
        run.look(shard, pl.Series([text.id for text in part]), pl.Series([text.text for text in part]))
    assert pl.concat(run.pairs()).sort("id_a", "id_b").equals(expected)
    assert pl.concat(run.pairs()).sort("id_a", "id_b").equals(expected)


@tried(60)
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12), st.randoms())
def test_components_are_those_of_the_naive_search(pairs: list[tuple[str, str]], rng: random.Random) -> None:
    pairs = [(min(pair), max(pair)) for pair in pairs if len(set(pair)) == 2]
    linked = {one: {one} for pair in pairs for one in pair}
    for _ in pairs:
        for one, other in pairs:
            linked[one] = linked[other] = linked[one] | linked[other]
    shuffled = rng.sample(pairs, len(pairs))
    frames = [pl.DataFrame([(*pair, 1.0)], near.PAIRS_SCHEMA, orient="row") for pair in shuffled]
    table = components(frames)
    assert table["dialogue_id"].to_list() == sorted(linked)
    assert dict(table.iter_rows()) == {one: min(members) for one, members in linked.items()}


# Crowds


@contextmanager
def files_may_not_grow() -> Iterator[None]:
    """No file longer than 1,024 bytes, as on a disk that fills up: the first write fits, a later one fits in part.

    Not for longer than that: pytest's own output may go to a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_as_one(tmp_path: Path) -> None:
    """numpy's own writer says how many items were written, and not why."""
    texts = pl.Series([f"one two three four five {row}" for row in range(5_000)])
    sets = joined(list(shingle_sets(texts, NGRAM)))
    with files_may_not_grow(), pytest.raises(OSError, match="File too large"):
        SetStore(tmp_path).write(0, sets)


class Counting(SetStore):
    """A store that counts its comparisons."""

    compared = 0

    def jaccard(self, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        Counting.compared += len(one)
        return super().jaccard(one, other)


def stored(folder: Path, texts: list[Planted]) -> Counting:
    folder.mkdir(exist_ok=True)
    store, Counting.compared = Counting(folder), 0
    store.write(0, joined(list(shingle_sets(pl.Series([text.text for text in texts]), NGRAM))))
    return store


def test_jaccard_is_that_of_plain_python(tmp_path: Path, corpus: list[Planted]) -> None:
    store, at = stored(tmp_path, corpus), places(0, len(corpus))
    rng = random.Random(5)
    chosen = [rng.sample(range(len(corpus)), 2) for _ in range(300)]
    chosen += [[start, start + 1] for start in range(len(corpus) - 1)]
    one, other = (np.array([pair[side] for pair in chosen]) for side in (0, 1))
    expected = [jaccard(corpus[first], corpus[second], NGRAM) for first, second in chosen]
    assert store.jaccard(at[one], at[other]).tolist() == expected
    assert max(expected) > 0.9
    assert store.sizes(at[one]).tolist() == np.diff(store.read(at[one]).offsets).tolist()


def test_a_crowd_that_is_alike_is_found_as_a_star(tmp_path: Path) -> None:
    texts = crowd(1_000, seed=7, share=0.02)
    store, at = stored(tmp_path, texts), places(0, len(texts))
    pairs = candidates(np.zeros(len(at), np.uint64), at, store, 0.8)
    assert Counting.compared < 2 * PIVOTS * len(at)
    assert len(pairs.one) < PIVOTS * len(at)
    names = [text.id for text in texts]
    tied = pl.DataFrame(
        {"id_a": [names[int(one)] for one in pairs.one], "id_b": [names[int(one)] for one in pairs.other]}
    )
    assert len(components([tied])) > 0.99 * len(texts)
    assert components([tied])["component"].n_unique() == 1


def test_a_crowd_that_is_not_alike_costs_a_fixed_number_of_comparisons_a_text(tmp_path: Path) -> None:
    texts = crowd(600, seed=8, share=0.5)
    store, at = stored(tmp_path, texts), places(0, len(texts))
    assert len(candidates(np.zeros(len(at), np.uint64), at, store, 0.8).one) == 0
    assert Counting.compared <= PIVOTS * len(at)


@pytest.mark.parametrize("count", [2, SMALL, SMALL + 1, SMALL + 2])
def test_few_are_all_paired_and_many_as_far_as_they_are_alike(tmp_path: Path, count: int) -> None:
    texts = crowd(count, seed=9, share=0)
    store, at = stored(tmp_path, texts), places(0, count)
    pairs = candidates(np.ones(count, np.uint64), at[::-1], store, 0.8)
    assert len(pairs.one) == (count * (count - 1) // 2 if count <= SMALL else count - 1)
    assert (pairs.one < pairs.other).all()


# Recall and precision


def measured(folder: Path, texts: list[Planted], cut: int) -> tuple[float, float, float]:
    """Recall of planted pairs at Jaccard >= .8; precision of named pairs by plain Python; share of clusters' pairs
    that lie within one planted family."""
    by_id = {text.id: text for text in texts}
    pairs = found(folder, {text.id: text.text for text in texts}, cut)
    truth, named = true_pairs(texts, NGRAM, 0.8), pairs_of(pairs)
    assert len(truth) > len(texts) / 50
    together = clusters(pairs)
    met = sum(one in together and together[one] == together.get(other) for one, other in truth)
    right = sum(jaccard(by_id[one], by_id[other], NGRAM) >= 0.8 for one, other in named)
    same = [by_id[one].family == by_id[root].family for one, root in together.items()]
    return met / len(truth), right / len(named), sum(same) / len(same)


def test_planted_pairs_are_found_and_what_is_found_is_true(tmp_path: Path) -> None:
    recall, precision, pure = measured(tmp_path / "x", list(planted(2_500, seed=11)), cut=700)
    assert recall >= 0.95
    assert precision >= 0.98
    assert pure >= 0.98


@pytest.mark.slow
def test_fifty_thousand_rows_in_all_scripts(tmp_path: Path) -> None:
    texts = list(planted(45_000, seed=12, copied=0.08))
    assert len(texts) >= 50_000
    assert {text.id.partition(":")[0] for text in texts} == set(SCRIPTS)
    random.Random(13).shuffle(texts)
    recall, precision, pure = measured(tmp_path / "x", texts, cut=10_000)
    print(f"{len(texts):,} rows: recall {recall:.4f}, precision {precision:.4f}, pure clusters {pure:.4f}")
    assert recall >= 0.95
    assert precision >= 0.98
    assert pure >= 0.98
