"""Plain files of a base that a package ships as GGUF, so that it is taken apart once only.

transformers reads a GGUF file's header anew for config, tokenizer and weights, and maps the name of every tensor: of
SmolLM2-135M ten seconds a run, most of what a warm start takes. What came of it is kept beside what the Hub's client
keeps (`$HF_HOME/quimbot/`), by the file's hash; deleted, it is made again.
"""

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Protocol


class Savable(Protocol):
    """A config, a tokenizer, a model."""

    def save_pretrained(self, save_directory: str, /) -> object:
        """Write it into a folder."""


def plain_files(digest: str) -> Path:
    """Where those of a base are kept, or will be."""
    from huggingface_hub.constants import HF_HOME

    return Path(HF_HOME) / "quimbot" / digest[:32]


def keep_plain(found: Savable, folder: Path) -> bool:
    """Keep what was read, whole or not at all. Returns whether it is there: where there is no room, it is not."""
    aside = folder.with_name(f".writing-{os.getpid()}-{folder.name}")
    with suppress(OSError):  # likewise where another process was first
        aside.mkdir(parents=True)
        found.save_pretrained(str(aside))
        aside.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
    return folder.is_dir()
