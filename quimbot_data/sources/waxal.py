"""WaxalNLP: speech in African languages with its transcripts; only the text is read, never the audio.

What: descriptions of pictures, spoken and written down (ASR), and sentences read aloud (TTS), in thirty languages.
Who: Google Research with Makerere University, the University of Ghana, Digital Umuganda and others (arXiv 2602.02734).
Licence: CC-BY-4.0 for the University of Ghana's part, CC-BY-SA-4.0 for the rest; see `CONFIGS`.
Link: https://huggingface.co/datasets/google/WaxalNLP

Files are `data/{ASR,TTS}/<code>/<code>-{train,validation,test,unlabeled}-NNNNN.parquet`. Columns: `transcription` and
`language` (ASR), `text` and `locale` (TTS) or `transcription` and `locale` (early TTS); `unlabeled` files hold no
transcript. One raw row:

    {"id": "lug_1", "speaker_id": "7", "transcription": "Omwana omuto azannya omupiira mu luguudo ne banne.",
     "language": "lug", "gender": "Female", "audio": {"bytes": …, "path": …}}

There is no dialogue in it: turns are made by `quimbot_data.sources.templates` and marked as derived. The language is
the row's own, else the one in the file's name, with three of the corpus's codes put right (`ISO_CODES`).

Rejects: `no-transcript` (null, blank, or an unlabeled file), `too-short` (under six words).
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl

from quimbot_data.hub import HubFiles
from quimbot_data.language import subtag
from quimbot_data.sources.files import raw_files
from quimbot_data.sources.parquet import parquet_batches, parquet_columns
from quimbot_data.sources.source import Corpus, Dossier, Normalized, Options, RawBatch, drafts, rejects
from quimbot_data.sources.templates import LEAST_WORDS, Exchange, exchange, one_line, word_count
from schemas.errors import WrongCorpusError

#: All that is ever read of a file; `audio` holds nearly all of its bytes.
TEXT_COLUMNS: Final = ("id", "transcription", "text", "language", "locale")

DOSSIER: Final = Dossier(
    name="waxal",
    title="WaxalNLP",
    family="multilingual",
    license="CC-BY-SA-4.0",
    terms=("attribution", "share-alike"),
    url="https://huggingface.co/datasets/google/WaxalNLP",
    obtain="Open on the Hub; only the text columns are fetched.",
    language_from="declared",
    hub=HubFiles("google/WaxalNLP", ("data/*/*/*.parquet",), columns=TEXT_COLUMNS),
    attribution="WaxalNLP by Google Research and partner institutions, CC BY-SA 4.0 and CC BY 4.0.",
)

#: Codes that mean another language in ISO 639-3 (Sogdian, Maasai, Bada): Soga and Masaaba come from Makerere, Baoulé
#: from Côte d'Ivoire. Soga is certain; for the other two the card's text names no Maasai or Bada, but users of the
#: data call them Masaaba and Baoulé.
ISO_CODES: Final = {"sog": "xog", "mas": "myx", "bau": "bci"}

#: What a language is called in a prompt, by its shortest subtag.
NAMES: Final = {
    **{"ach": "Acholi", "ak": "Akan", "am": "Amharic", "bci": "Baoulé", "dag": "Dagbani", "dga": "Dagaare"},
    **{"ee": "Ewe", "en": "English", "fat": "Fante", "ff": "Fula", "ha": "Hausa", "ig": "Igbo", "ki": "Kikuyu"},
    **{"kpo": "Ikposo", "lg": "Luganda", "ln": "Lingala", "luo": "Luo", "mg": "Malagasy", "myx": "Masaaba"},
    **{"nyn": "Nyankole", "om": "Oromo", "pcm": "Nigerian Pidgin", "sid": "Sidama", "sn": "Shona", "sw": "Swahili"},
    **{"ti": "Tigrinya", "tw": "Twi", "wal": "Wolaytta", "xog": "Soga", "yo": "Yoruba"},
}


class Terms(NamedTuple):
    """A configuration's licence."""

    license: str
    terms: tuple[str, ...]


_BY: Final = Terms("CC-BY-4.0", ("attribution",))
_BY_SA: Final = Terms("CC-BY-SA-4.0", ("attribution", "share-alike"))

#: The University of Ghana's configurations. Not verified against the card itself: it names both licences, and which
#: configurations are whose was read in a public explorer of the data set. All others fall under the stricter licence.
CONFIGS: Final = {
    **dict.fromkeys(("aka_asr", "dag_asr", "dga_asr", "ewe_asr", "kpo_asr"), _BY),
    **dict.fromkeys(("fat_tts", "twi_tts"), _BY),
}

_PLACE: Final = re.compile(r"(?:^|/)(ASR|TTS)/")
_FILE_CODE: Final = re.compile(r"(?:^|/)([a-z]{3})-(?:train|validation|test|unlabeled)\b[^/]*$")
_FOLDER_CODE: Final = re.compile(r"(?:^|/)(?:ASR|TTS)/([a-z]{3})/")


def recognizes(columns: frozenset[str]) -> bool:
    """A transcript or sentence beside a speaker or recording, or what is left of it once audio was projected away."""
    text = {"transcription", "text"} & columns
    speech = {"audio", "speaker_id", "gender", "file_name"} & columns
    return bool({"language", "locale"} & columns and (text or speech)) or ("audio" in columns and "id" in columns)


def read(paths: Sequence[Path]) -> Iterator[RawBatch]:
    """Text columns of all Parquet files below `paths`; audio stays unread on disk.

    Raises:
        InputError: a file that is not whole Parquet.
        WrongCorpusError: a file without any text column of this corpus.
    """
    for file in raw_files(paths, (".parquet",)):
        if not parquet_columns(file).intersection(TEXT_COLUMNS):
            valid = f"WAXAL files have {', '.join(TEXT_COLUMNS)}."
            raise WrongCorpusError(f"{file.path} has no text column.", valid=valid, next_step="Take it out.")
        for origins, rows in parquet_batches(file, TEXT_COLUMNS):
            yield RawBatch(origins, rows)


def normalize(batch: RawBatch, options: Options) -> Normalized:
    """One dialogue a transcript, by template.

    Returns:
        drafts keyed by `id` (null where blank), language as declared, licence by configuration.
    """
    rows = batch.rows if isinstance(batch.rows, pl.DataFrame) else pl.DataFrame(batch.rows)
    table = rows.select(
        _first_text(rows, "id"), _first_text(rows, "transcription", "text"), _first_text(rows, "language", "locale")
    )
    read_aloud = not {"text", "locale"}.isdisjoint(rows.columns)
    dialogues: list[dict[str, Any]] = []
    refused: list[tuple[int, str, str]] = []
    for part, (key, transcript, declared) in enumerate(table.iter_rows()):
        text = one_line(transcript or "")
        config = _config(batch.origins["raw_file"][part], declared, read_aloud=read_aloud)
        language = _iso(declared or config.code)
        made = exchange(text, key or text, NAMES.get(subtag(language) or ""))
        if made is not None:
            dialogues.append(_draft(part, key, made) | _facts(key, language, made, config, options))
        elif not text:
            refused.append((part, "no-transcript", "the transcript is blank, or the file unlabeled"))
        else:
            refused.append((part, "too-short", f"{word_count(text)} words, under {2 * LEAST_WORDS}"))
    return Normalized(drafts(dialogues), rejects(refused))


def _first_text(rows: pl.DataFrame, *names: str) -> pl.Expr:
    """The first of these columns that holds text, stripped; null where none does or none exists."""
    present = [pl.col(name).cast(pl.String, strict=False).str.strip_chars() for name in names if name in rows.columns]
    held = [pl.when(text != "").then(text) for text in present]
    return pl.coalesce([*held, pl.lit(None, pl.String)]).alias(names[0])


class _Config(NamedTuple):
    code: str | None
    terms: Terms


@cache
def _config(raw_file: str, declared: str | None, *, read_aloud: bool) -> _Config:
    """A file's configuration by its path, else by its rows: code and licence."""
    place = _PLACE.search(raw_file)
    task = place[1].lower() if place else "tts" if read_aloud else "asr"
    found = _FOLDER_CODE.search(raw_file) or _FILE_CODE.search(raw_file)
    code = found[1] if found else None
    return _Config(code, CONFIGS.get(f"{code or declared}_{task}", _BY_SA))


def _iso(declared: str | None) -> str | None:
    """The declared language, its code put right where ISO 639-3 means another by it."""
    code = re.split("[-_]", declared)[0].lower() if declared else ""
    return ISO_CODES.get(code, declared)


def _draft(part: int, key: str | None, made: Exchange) -> dict[str, Any]:
    messages = [{"role": "user", "content": made.user}, {"role": "assistant", "content": made.assistant}]
    return {"key": key, "parts": [part], "messages": messages, "untrained": []}


def _facts(key: str | None, language: str | None, made: Exchange, config: _Config, options: Options) -> dict[str, Any]:
    template = [{"position": 0, "head": made.head, "tail": made.tail}]
    derived = {"by": f"template:{DOSSIER.name}/{made.template}", "template": template}
    return {
        "language_declared": language,
        "license": config.terms.license,
        "terms": list(config.terms.terms),
        "provenance": {"raw_id": key, "revision": options.revision, "lineage": None, "derived": derived},
    }


CORPUS: Final = Corpus(DOSSIER, read, normalize, recognizes)
