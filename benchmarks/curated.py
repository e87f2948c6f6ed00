"""Our side of the curation benchmarks: `ingest` and `build`, the package's own functions, on a recipe of one component.

A contender may leave annotation steps out: then the package's function is replaced, in the contender's process alone,
by one that gives the same columns without looking. So what the rest costs is measured, not computed.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import quimbot_data  # noqa: F401 - before polars: it tells the allocators what the command tells them

# isort: split
import polars as pl

from quimbot_data import language, pii, quality, tokens
from quimbot_data.build import build
from quimbot_data.flat import FlatMessages
from quimbot_data.ingest import ingest
from quimbot_data.sources.lmsys import CORPUS
from quimbot_data.sources.source import Options
from quimbot_data.workspace import Ref, Workspace
from schemas.recipe import Recipe

#: Annotation steps, in the order in which the tables add them.
SIGNALS, PII, TOKENS, LANGUAGE = "further quality signals", "personal data", "tokens", "languages"
ANNOTATION = (SIGNALS, PII, TOKENS, LANGUAGE)
VERSION = "1.0.0"


def two_shares(own: FlatMessages, text: pl.Series) -> pl.Series:
    """The signals that a peer's filter takes too; the others say nothing."""
    shares = pl.DataFrame([quality.symbol_share(text), quality.digit_share(text)]).with_columns(quality.unmeasured())
    return shares.select(pl.col("quality").struct.with_fields(pl.col("symbol_share", "digit_share"))).to_series()


def no_redaction(texts: pl.Series) -> tuple[pl.Series, Mapping[str, Any]]:
    return texts, {}


def no_tokens(texts: pl.Series) -> pl.Series:
    return pl.zeros(len(texts), dtype=pl.UInt32, eager=True).alias(texts.name)


def no_language(texts: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(schema={"language": pl.String, "confidence": pl.Float64}).clear(len(texts))


def leave_out(steps: Collection[str]) -> None:
    """Replace these steps for the rest of this process."""
    if SIGNALS in steps:
        quality.signals = two_shares
    if PII in steps:
        pii.redact_column = no_redaction
    if TOKENS in steps:
        tokens.count_tokens = no_tokens
    if LANGUAGE in steps:
        language.detect = no_language


def ingest_rows(paths: Sequence[Path], out: Path) -> None:
    ingest(Workspace(out), CORPUS, paths, Options(), threads=2)


def build_version(recipe: Recipe, out: Path) -> None:
    build(Workspace(out), recipe, Ref(recipe.name, VERSION), threads=2)


def corpus_files(out: Path) -> list[Path]:
    folder = Workspace(out).corpus(CORPUS.dossier.name)
    return [folder / entry.path for entry in Workspace(out).corpus_manifest(CORPUS.dossier.name).dialogues]
