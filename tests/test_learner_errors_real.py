"""Learner corpora that nobody here wrote, read as they are; skipped where they do not lie beside the project."""

from collections import Counter
from pathlib import Path

import pytest

from quimbot_data.licenses import Rights
from synth.learner_errors import m2, pairs
from synth.learner_errors.detect import corrected_by_rule
from synth.learner_errors.errant_edits import Pair, edits_of, parser
from synth.learner_errors.extract import seeds_from
from synth.learner_errors.paths import lines_of
from synth.learner_errors.tokens import joined

REAL = Path(__file__).parents[1] / ".." / "shared" / "real"
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no real rows beside the project (../shared/real)")
RIGHTS = Rights("CC-BY-NC-SA-4.0", ["attribution", "non-commercial", "share-alike"])
LENGTHS = {"spans-outside", "too-long", "too-short"}
JFLEG = REAL / "jfleg" / "dev"


def test_m2_of_conversations_gives_seeds_of_many_families() -> None:
    skipped: Counter[str] = Counter()
    seeds = list(seeds_from("eracond", m2.read(REAL / "eracond" / "data", "en", RIGHTS), skipped))
    families = Counter(seed.family for seed in seeds)
    assert len(families) >= 12
    assert len({seed.seed_id for seed in seeds}) == len(seeds)
    assert len(seeds) > 900  # and half as many errors that are a matter of case
    assert not [seed.sentence for seed in seeds if "  " in seed.corrected_sentence]
    assert set(skipped) <= {
        "case-only",
        "final-mark",
        "no-error",
        "no-family",
        "overlapping-edits",
        "repeated",
        "rewritten",
        *LENGTHS,
    }


@pytest.mark.slow
def test_parallel_files_give_seeds_whose_correction_a_corrector_wrote(tmp_path: Path) -> None:
    sides = ["dev.src", *(f"dev.ref{number}" for number in range(4))]
    for side in sides:
        (tmp_path / side).write_text("\n".join(lines_of(JFLEG / side)[:120]) + "\n")
    skipped: Counter[str] = Counter()
    seeds = list(seeds_from("jfleg", pairs.read(tmp_path, "en", RIGHTS), skipped))
    written = {joined(line.split()).text for side in sides[1:] for line in lines_of(tmp_path / side)}
    assert len(seeds) > 60
    assert {seed.corrected_sentence for seed in seeds} <= written


@pytest.mark.slow
def test_what_rules_find_a_corrector_changed_too() -> None:
    """Precision over 400 sentences, by place: an edit of a rule overlaps one that a corrector made."""
    lines = [lines_of(JFLEG / name)[:400] for name in ("dev.src", "dev.ref0", "dev.ref1", "dev.ref2", "dev.ref3")]
    found = right = 0
    for original, *corrections in zip(*lines, strict=True):
        text = joined(original.split()).text
        mended = corrected_by_rule(parser()(text))
        if mended == text:
            continue
        (_, mine), *others = edits_of([Pair(text, mended), *(Pair(text, joined(c.split()).text) for c in corrections)])
        theirs = [edit for _, edits in others for edit in edits]
        found += len(mine)
        right += sum(any(one.start <= other.end and other.start <= one.end for other in theirs) for one in mine)
    assert found >= 40
    assert right / found >= 0.95
