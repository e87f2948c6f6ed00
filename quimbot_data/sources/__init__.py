"""The corpora that can be read. Adding one is a module, a line here, a fixture pair and a card of facts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from quimbot_data.sources import lmsys, magpie, messages, openhermes, prosocial, synthetic, toefl11, waxal
from quimbot_data.sources.files import raw_files, sniff
from quimbot_data.sources.parquet import parquet_columns
from quimbot_data.sources.records import record_keys
from quimbot_data.sources.source import Corpus
from schemas.errors import MissingError, WrongCorpusError

SOURCES: Final[dict[str, Corpus]] = {
    corpus.dossier.name: corpus
    for corpus in (
        lmsys.CORPUS,
        magpie.CORPUS,
        openhermes.CORPUS,
        waxal.CORPUS,
        toefl11.CORPUS,
        synthetic.CORPUS,
        prosocial.CORPUS,
    )
}

#: Index files and essays: their reader knows them, and an essay may begin like JSON.
_PLAIN_TEXT: Final = (".txt", ".csv", ".tsv", ".md")


def corpus_named(name: str) -> Corpus:
    """The corpus of this name.

    Raises:
        MissingError: none has it.
    """
    if name not in SOURCES:
        raise MissingError(
            f"There is no corpus {name!r}.",
            valid=f"Known: {', '.join(SOURCES)}, and messages for files of your own.",
            next_step="See `quimbot sources`.",
        )
    return SOURCES[name]


def refuse_other_corpora(corpus: Corpus, paths: Sequence[Path]) -> None:
    """Hold that every columnar or JSON file is of this corpus, by its column names or its first records' keys.

    Raises:
        InputError: a file that cannot be read, or no file at all.
        WrongCorpusError: a file of another corpus, or of none that is known.
    """
    for file in raw_files(paths):
        if file.name.lower().endswith(_PLAIN_TEXT):
            continue
        kind = sniff(file)
        if kind == "text":
            continue
        keys = parquet_columns(file) if kind == "parquet" else record_keys(file, rows=100)
        if corpus.recognizes(keys):
            continue
        others = [name for name, other in SOURCES.items() if other is not corpus and keys and other.recognizes(keys)]
        found = f"the columns {', '.join(sorted(keys))}" if keys else "no list of objects"
        hint = f"If it is {' or '.join(others)}, use that name." if others else ""
        known = SOURCES.get(corpus.dossier.name) is corpus
        raise WrongCorpusError(
            f"{file.path} is not {corpus.dossier.title}: it holds {found}."
            if known
            else f"{file.path} has none of the layouts that can be read: it holds {found}.",
            valid="" if known else f"Valid: {'; '.join(messages.LAYOUTS)}.",
            next_step=hint or ("See `quimbot sources`." if known else "Rename its columns."),
        )
