"""Raw corpora from the Hub."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HubFiles:
    """Which files of a Hub dataset a corpus needs."""

    repo: str
    patterns: tuple[str, ...]
    columns: tuple[str, ...] | None = None
    gated: bool = False
