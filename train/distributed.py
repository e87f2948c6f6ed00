"""Processes that `accelerate launch` or torchrun start: the first one writes, the others wait for it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Processes:
    """The processes of a run: how many, which of them this is, and whether they meet on CPUs."""

    count: int
    rank: int
    cpu: bool = True

    @classmethod
    def of_environment(cls, device: str = "auto") -> "Processes":
        """As the launcher set them up; one where there is none.

        Args:
            device: that the recipe asks for.
        """
        count, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
        if count == 1:
            return cls(count, rank)
        import torch

        return cls(count, rank, device == "cpu" or not torch.cuda.is_available())

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

        with PartialState(cpu=self.cpu).main_process_first():
            yield

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            from accelerate import PartialState

            PartialState(cpu=self.cpu).wait_for_everyone()
