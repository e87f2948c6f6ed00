"""Versions as packed rows: cut at exchanges, cached by what decides them, families near their shares all along."""

import itertools
import shutil
from collections import Counter

import numpy as np
import polars as pl
import pytest
from conftest import files_below
from hypothesis import given
from hypothesis import strategies as st
from property_tests import tried
from tiny_qwen import qwen
from versions_to_share import MIXED, version_rows

from schemas.training import Optimization
from train import data
from train.data import Trainable, cache_key, shuffle_by, tokenize, tokenized, trainable
from train.packing import packed_rows
from train.render import IGNORED, render
from train.shares import FamilyLine, family_lines, strays

FAMILIES = ("conversation", "instruction", "multilingual", "pedagogical", "safety")


@pytest.fixture(scope="module")
def rows(shared):
    """The training split of `mixed@1.0.0`, which holds messages that must not be learnt."""
    return version_rows(shared, MIXED).filter(split="train")


@pytest.fixture(scope="module")
def tokens(rows):
    return tokenize(rows, qwen())


def test_rows_are_what_rendering_gives(rows, tokens):
    whole = trainable(tokens, 4096)
    assert (whole.cut, whole.too_long, whole.untrained) == (0, 0, 0)
    assert whole.dialogues["dialogue_id"].to_list() == rows["dialogue_id"].to_list()
    for at, (messages, untrained) in enumerate(rows.select("messages", "untrained").iter_rows()):
        rendered = render(messages, untrained, qwen())
        ids, labels, lengths = whole.row([at])
        assert (ids.tolist(), labels.tolist(), lengths) == (rendered.ids, rendered.labels(), [len(rendered.ids)])
    assert rows["untrained"].list.len().sum() > 0, "some turns are masked"


@pytest.mark.parametrize("most", [12, 24, 40])
def test_cut_rows_are_what_rendering_gives_cut(rows, tokens, most):
    short, places = trainable(tokens, most), []
    for messages, untrained in rows.select("messages", "untrained").iter_rows():
        places.append(render(messages, untrained, qwen(), most))
    kept = [rendered for rendered in places if rendered.spans]
    assert [short.row([at])[0].tolist() for at in range(len(kept))] == [rendered.ids for rendered in kept]
    assert [short.row([at])[1].tolist() for at in range(len(kept))] == [rendered.labels() for rendered in kept]
    assert short.cut == sum(rendered.cut > 0 for rendered in kept)
    assert short.too_long == sum(not rendered.ids for rendered in places)
    assert short.untrained == sum(bool(rendered.ids) and not rendered.spans for rendered in places)
    assert short.dialogues.height + short.too_long + short.untrained == rows.height, "nothing disappears uncounted"


def test_tokens_are_made_once(shared, to_share, monkeypatch):
    first = tokenized(to_share, MIXED, "train", qwen())
    assert first.height == shared.version_manifest(MIXED).identity.splits["train"].rows

    def fail(*_):
        raise AssertionError("tokenized again")

    with monkeypatch.context() as patch:
        patch.setattr(data, "_tokenize", fail)
        assert tokenized(to_share, MIXED, "train", qwen()).equals(first)
        with pytest.raises(AssertionError, match="again"):
            tokenized(to_share, MIXED, "validation", qwen())
        patch.setattr(data, "template_hash", lambda: "another template")
        with pytest.raises(AssertionError, match="again"):
            tokenized(to_share, MIXED, "train", qwen())
    cache = to_share.tokens(shared.version_manifest(MIXED).id)
    before = files_below(cache)
    shutil.rmtree(cache)
    tokenized(to_share, MIXED, "train", qwen())
    assert files_below(cache) == before, "the same bytes"


def test_the_key_follows_from_all_that_decides_tokens():
    first = ("v", "train", "template", "tokenizer")
    others = [(*first[:at], "another", *first[at + 1 :]) for at in range(len(first))]
    assert len({cache_key(*each) for each in (first, *others)}) == 5


# Packing


def made(counts: dict[str, int], mean: dict[str, int], most: int, seed: int) -> Trainable:
    """Dialogues of random lengths; their ids say nothing."""
    draw = np.random.default_rng(seed)
    families = [family for family, count in counts.items() for _ in range(count)]
    lengths = np.array([np.clip(draw.lognormal(np.log(mean[family]), 0.7), 8, most) for family in families], np.int64)
    told = pl.DataFrame({"dialogue_id": [f"d:{at}" for at in range(len(families))], "family": families})
    ids = np.zeros(lengths.sum(), np.int32)
    return Trainable(told, ids, ids, np.concatenate([[0], lengths.cumsum()]), 0, 0, 0)


def rows_of(found: Trainable, most: int, count: int, seed: int = 0) -> list[list[int]]:
    families = found.dialogues["family"].to_list()
    shuffle = shuffle_by(seed, found.dialogues["dialogue_id"])
    return list(itertools.islice(packed_rows(found.lengths, families, most, shuffle), count))


@given(
    st.fixed_dictionaries({family: st.integers(150, 900) for family in FAMILIES}),
    st.fixed_dictionaries({family: st.integers(60, 400) for family in FAMILIES}),
    st.sampled_from([(1024, 8), (2048, 4), (2048, 16)]),
    st.integers(0, 1000),
)
@tried(12)
def test_families_keep_their_share_over_any_fifty_steps_and_rows_are_full(counts, mean, shape, seed):
    most, batch = shape
    found = made(counts, mean, most, seed)
    rows = rows_of(found, most, 120 * batch, seed)
    lines = family_lines(found, rows, Optimization(batch=batch, max_length=most))
    assert max(line.drift for line in lines) <= 0.03
    used = sum(int(found.lengths[row].sum()) for row in rows)
    assert used / (len(rows) * most) >= 0.97
    assert all(found.lengths[row].sum() <= most for row in rows)


def test_the_drift_that_is_told_is_that_of_the_worst_stretch():
    """Counted here step by step, on rows whose families come one after another."""
    found = made({"conversation": 300, "safety": 300}, {"conversation": 100, "safety": 100}, 512, 1)
    rows = [[at] for at in range(600)]
    share = found.lengths[:300].sum() / found.lengths.sum()
    worst = 0.0
    for start in range(0, 600 - 100 + 1, 2):
        window = range(start, start + 100)
        tokens = found.lengths[list(window)]
        worst = max(worst, abs(tokens[[at < 300 for at in window]].sum() / tokens.sum() - share))
    (line, _) = family_lines(found, rows, Optimization(batch=2, max_length=512))
    assert line.drift == pytest.approx(worst)
    assert line.drift > 0.4


def test_an_epoch_shows_each_dialogue_once_before_any_twice():
    found = made(dict.fromkeys(FAMILIES, 40), dict.fromkeys(FAMILIES, 90), 512, 3)
    families = found.dialogues["family"].to_list()
    seen: dict[str, Counter[int]] = {family: Counter() for family in FAMILIES}
    for place in itertools.chain.from_iterable(rows_of(found, 512, 150)):
        times = seen[families[place]]
        times[place] += 1
        of = [times[at] for at, family in enumerate(families) if family == families[place]]
        assert max(of) - min(of) <= 1
    assert min(min(times.values()) for times in seen.values()) >= 2


def test_the_order_follows_from_seed_and_ids_alone():
    found = made(dict.fromkeys(FAMILIES, 50), dict.fromkeys(FAMILIES, 90), 512, 3)
    assert rows_of(found, 512, 30, 1) == rows_of(found, 512, 30, 1)
    assert rows_of(found, 512, 30, 1) != rows_of(found, 512, 30, 2)


def test_a_row_is_its_dialogues_one_after_another(tokens):
    whole = trainable(tokens, 4096)
    ids, labels, lengths = whole.row([3, 0, 5])
    alone = [whole.row([at]) for at in (3, 0, 5)]
    assert ids.tolist() == [token for part in alone for token in part[0].tolist()]
    assert labels.tolist() == [label for part in alone for label in part[1].tolist()]
    assert lengths == [len(part[0]) for part in alone]
    assert (ids[labels != IGNORED] == labels[labels != IGNORED]).all()


def test_a_family_that_strays_is_told_with_what_helps():
    line = FamilyLine(family="safety", dialogues=1, tokens=1, share=0.1, drift=0.2)
    assert strays([line], 2, 4) == [
        "Over the whole run safety strays 20.0% from its share: 8 rows are few for shares to even out, "
        "more steps come nearer."
    ]
    assert strays([line], 50, 4)[0].startswith("Over 50 steps safety strays 20.0% from its share: the batch is small")
    assert strays([line.model_copy(update={"drift": 0.01})], 2, 4) == []
