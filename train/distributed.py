"""Processes that `accelerate launch` or torchrun start: the first one writes, the others wait for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Processes:
    """The processes of a run: how many, and which of them this is."""

    count: int
    rank: int

    @classmethod
    def of_environment(cls) -> "Processes":
        """As the launcher set them up; one where there is none."""
        return cls(int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0")))

    @property
    def first(self) -> bool:
        """Whether this one writes."""
        return self.rank == 0

    @contextmanager
    def first_before_others(self) -> Iterator[None]:
        """The first process does it, then the others, who find its work done."""
        if self.count == 1:
            yield
            return
        from accelerate import PartialState

        with PartialState().main_process_first():
            yield

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState().wait_for_everyone()
