"""What a long run does: rows, seconds, throughput and memory of each step, told as they come, kept for the record."""

import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

#: Called with a step's name and the rows it has done so far.
Progress = Callable[[str, int], None]


class Counted(Protocol):
    """Likewise called, and with how many there are of them, where that is known; 0 done says that a step begins."""

    def __call__(self, step: str, done: int, of: int | None = None, /) -> None:
        """Tell how far a step is."""


_STATM: Final = Path("/proc/self/statm")
_PAGE: Final = resource.getpagesize()


def silent(step: str, rows: int, of: int | None = None) -> None:
    """A listener that hears nothing."""


def resident_mb() -> float:
    """Memory that this process holds now, in MB (where the system tells only the most it ever held: that)."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * _PAGE / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


@dataclass
class Steps:
    """The steps of a run, one after another: a step ends where the next begins. Threads may count rows at once."""

    tell: Progress = silent
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begun: float = field(default_factory=time.monotonic)
    _done: dict[str, dict[str, Any]] = field(default_factory=dict)
    _current: str | None = None

    def rows(self, step: str, rows: int) -> None:
        """Count rows that a step has done."""
        with self._lock:
            if step != self._current:
                self._close()
                self._current = step
                self._done.setdefault(step, {"step": step, "rows": 0, "seconds": 0.0, "peak_mb": 0.0})
            counted = self._done[step]
            counted["rows"] += rows
            counted["peak_mb"] = max(counted["peak_mb"], resident_mb())
            self.tell(step, counted["rows"])

    def record(self) -> list[dict[str, Any]]:
        """One entry a step, in order: rows, seconds, rows_per_second, and the most memory that was seen in it."""
        with self._lock:
            self._close()
            return [
                {
                    "step": step,
                    "rows": counted["rows"],
                    "seconds": round(counted["seconds"], 3),
                    "rows_per_second": round(counted["rows"] / counted["seconds"]) if counted["seconds"] else None,
                    "peak_mb": round(counted["peak_mb"]),
                }
                for step, counted in self._done.items()
            ]

    def _close(self) -> None:
        now = time.monotonic()
        if self._current is not None:
            self._done[self._current]["seconds"] += now - self._begun
            self._begun = now
