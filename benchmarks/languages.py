"""Language identification against langdetect: speed on one core, and accuracy, on the same paragraphs.

    .venv/bin/python benchmarks/languages.py [--repeat 3]

Both read the same paragraphs of the Universal Declaration (`udhr.py` says which). A guess is right when it and the
page's language come down to the same subtag (`quimbot_data.language.subtag`), a variety counting as the language that
ISO 639-3 counts it to (`UMBRELLAS`). Accuracy is the mean over languages of the share of right paragraphs: a language
with many pages weighs no more than another. Scores of 35 and of 26 languages are told apart, and beside them those of
all languages that they were taken from.
"""

import argparse
import shutil
import statistics
import sys
from pathlib import Path

import measured
import polars as pl
from language_contenders import OURS, PEER
from measured import Measured
from rounds import DATA, Runs, cleared, environment, markdown, middle_and_range, pin, ratio, take_turns
from udhr import LEAST_CHARS, PACKAGE, VERSION, paragraphs

from quimbot_data.language import UMBRELLAS, subtag_column

SCRATCH = DATA / "scratch-languages"

#: 35 languages with more than ten million native speakers, of those that langdetect has a profile for: it is at its
#: best here.
WIDELY_USED = (
    *("ar", "bn", "cs", "de", "el", "en", "es", "fa", "fr", "gu", "hi", "hu", "id", "it", "ja", "kn", "ko", "ml"),
    *("mr", "ne", "nl", "pa", "pl", "pt", "ro", "ru", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "zh"),
)
#: The other languages outside Africa that langdetect has a profile for, and UDHR a page.
OTHER_PROFILES = ("bg", "ca", "cy", "da", "et", "fi", "he", "hr", "lt", "lv", "mk", "no", "sk", "sl", "sq", "sv")
#: The 26 African languages that CLD2 lists as detected (`pycld2.DETECTED_LANGUAGES`), UDHR has a page in, and
#: langdetect has no profile for: what the policy takes CLD2 in for. Chosen by these lists, not by the outcome.
AFRICAN = (
    *("aa", "ak", "am", "ha", "ig", "lg", "ln", "mg", "nr", "nso", "ny", "om", "rn", "rw", "sg", "sn", "ss", "st"),
    *("ti", "tn", "ts", "ve", "wo", "xh", "yo", "zu"),
)
#: Languages of WAXAL with a page in UDHR. No detector of the three knows Baoulé, Dagbani, Dagaare, Ewe, Nyankole,
#: Nigerian Pidgin and Sidama.
WAXAL = (
    *("ak", "am", "bci", "dag", "dga", "ee", "ha", "ig", "lg", "ln", "mg", "nyn", "om", "pcm", "sid", "sn", "sw"),
    *("ti", "yo"),
)
#: Rows of the accuracy table: languages, and the least accuracy that is to be reached.
SETS: dict[str, tuple[tuple[str, ...], float | None]] = {
    "35 widely used": (WIDELY_USED, 0.955),
    "these and the 16 others that langdetect knows": (WIDELY_USED + OTHER_PROFILES, None),
    "26 African": (AFRICAN, 0.86),
    "19 of WAXAL, seven of which no detector knows": (WAXAL, None),
}
#: Rows of the speed table: our third detector, the slow one, is asked on the first part only.
PARTS = {"35 widely used": WIDELY_USED, "26 African": AFRICAN}
LEAST_RATIO = 10.0


def section(repeat: int = 3) -> list[str]:
    """Markdown: speed of both on the paragraphs of the 35 and the 26 languages, and accuracy by set."""
    found = sample()
    file = cleared(SCRATCH) / "paragraphs.parquet"
    found.write_parquet(file)
    runs = take_turns([OURS, PEER], lambda name, watch: once(name, file, watch=watch), lambda name: None, repeat)
    guesses = {name: pl.read_parquet(answers(name)) for name in runs}
    shutil.rmtree(SCRATCH)
    return [*heading(found, repeat), *speed_table(runs, found), *accuracy_table(guesses)]


def sample() -> pl.DataFrame:
    """Every paragraph of every language of any set, and the part of the speed table that it is in."""
    wanted = {language for languages, _ in SETS.values() for language in languages}
    language = pl.col("language")
    part = pl.coalesce(pl.when(language.is_in(languages)).then(pl.lit(name)) for name, languages in PARTS.items())
    found = paragraphs(DATA).filter(language.is_in(wanted)).with_columns(part=part.fill_null("others"))
    if missing := wanted - set(found["language"]):
        raise ValueError(f"{PACKAGE} {VERSION} has no page in {', '.join(sorted(missing))}")
    return found


def answers(name: str) -> Path:
    return SCRATCH / f"{'ours' if name == OURS else 'peer'}.parquet"


def once(name: str, file: Path, *, watch: bool = False) -> Measured:
    script = Path(__file__).with_name("language_contenders.py")
    return measured.run(script, name, str(file), str(answers(name)), environment=environment(cores=1), watch=watch)


def accuracy(guesses: pl.DataFrame, languages: tuple[str, ...]) -> float:
    """Mean over languages of the share of their paragraphs whose guess agrees; no guess is a wrong one."""
    right = (pl.col("guess").replace(UMBRELLAS) == pl.col("language").replace(UMBRELLAS)).fill_null(value=False)
    rows = guesses.with_columns(subtag_column(guesses["guess"])).filter(pl.col("language").is_in(languages))
    return float(rows.group_by("language").agg(right.mean().alias("share"))["share"].mean())


def heading(found: pl.DataFrame, repeat: int) -> list[str]:
    return [
        "## Languages, against langdetect",
        "",
        f"{found.height:,} paragraphs of at least {LEAST_CHARS} characters from Articles 1 to 30 of the Universal"
        f" Declaration (npm package {PACKAGE} {VERSION}) in {found['language'].n_unique()} languages, one core, medians"
        f" of {repeat} rounds after a warm-up; imports and the loading of models are left out.",
        "",
    ]


def speed_table(runs: Runs, found: pl.DataFrame) -> list[str]:
    cells, reached = [], []
    for part in PARTS:
        rows = found.filter(pl.col("part") == part).height
        taken = {name: [run.printed["parts"][part] for run in done] for name, done in runs.items()}
        for name, times in taken.items():
            cells.append([f"{part}: {name}", f"{rows / statistics.median(times):,.0f}", middle_and_range(times)])
        times_as_fast = ratio(taken, OURS, PEER)
        reached.append(f"- {part}: {times_as_fast:.1f} times as fast as langdetect (to reach: {LEAST_RATIO:.0f})")
    return [*markdown(["", "paragraphs/s", "seconds"], cells), "", *reached, ""]


def accuracy_table(guesses: dict[str, pl.DataFrame]) -> list[str]:
    cells = []
    for name, (languages, least) in SETS.items():
        rows = guesses[OURS].filter(pl.col("language").is_in(languages)).height
        scores = [f"{accuracy(guesses[contender], languages):.3f}" for contender in (OURS, PEER)]
        cells.append([name, f"{rows:,}", *scores, "" if least is None else f"{least:.3f}"])
    return [*markdown(["languages", "paragraphs", "detect", "langdetect", "to reach"], cells), ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3, help="counted rounds")
    arguments = parser.parse_args()
    pin()
    sys.stdout.write("\n".join(section(arguments.repeat)) + "\n")


if __name__ == "__main__":
    main()
