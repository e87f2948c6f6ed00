"""A hard limit on what requests may cost: each is reserved for at the most that it can cost before it leaves.

So the limit is passed only where an endpoint bills more than a request allows (it ignores `max_tokens`, say), and then
by no more than the requests under way.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from schemas.errors import BudgetError
from synth.llm.prices import shown

#: Picodollars; more than anybody has.
UNLIMITED: Final = 10**30


@dataclass
class Budget:
    """Picodollars that may be spent, are spent, may have been spent, and are held back for requests under way."""

    limit: int = UNLIMITED
    spent: int = 0
    doubtful: int = 0
    reserved: int = 0
    under_way: int = 0
    exhausted: bool = False
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self.limit < UNLIMITED

    @property
    def left(self) -> int:
        """What no request has used or holds."""
        return self.limit - self.spent - self.doubtful - self.reserved

    async def reserve(self, most: int) -> None:
        """Hold back what a request can cost; waits for requests under way while too little is left.

        Raises:
            BudgetError: too little is left, and nothing is under way that could give some back.
        """
        async with self._changed:
            while not self.exhausted and most > self.left:
                if not self.under_way:
                    self.exhausted = True
                    self._changed.notify_all()
                else:
                    await self._changed.wait()
            if self.exhausted:
                raise self._reached()
            self.reserved += most
            self.under_way += 1

    async def settle(self, most: int, *, cost: int = 0, doubtful: int = 0) -> None:
        """Give back what a request held, and take what it cost, or may have cost."""
        async with self._changed:
            self.reserved -= most
            self.under_way -= 1
            self.spent += cost
            self.doubtful += doubtful
            self._changed.notify_all()

    def _reached(self) -> BudgetError:
        doubt = f" and up to {shown(self.doubtful)} on requests that brought no reply" if self.doubtful else ""
        return BudgetError(
            f"The budget of {shown(self.limit)} does not cover another request: {shown(self.spent)} went on replies"
            f"{doubt}.",
            next_step="Run again with a larger --budget to go on: what was paid for is kept and costs nothing.",
        )
