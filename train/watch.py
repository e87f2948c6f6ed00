"""What is shown of a run on its way: its steps, tokens a second, time left."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json import dumps
from typing import TYPE_CHECKING, Any, Final

from quimbot_data.terminal import err, note

if TYPE_CHECKING:
    from train.plan import Prepared
    from train.run import Listener

#: Seconds between lines where there is no terminal.
_EVERY: Final = 10.0


@contextmanager
def progress_line(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """Show how far a run is: one line that changes on a terminal, a line now and then elsewhere."""
    from rich.live import Live
    from rich.text import Text

    if quiet:
        yield lambda text: None
    elif err.is_terminal:
        with Live(console=err, transient=True, auto_refresh=False) as live:
            yield lambda text: live.update(Text(text), refresh=True)
    else:
        shown = -_EVERY

        def tell(text: str) -> None:
            nonlocal shown
            if time.monotonic() - shown > _EVERY:
                shown = time.monotonic()
                note(text)

        yield tell


def log_step(prepared: "Prepared", line: dict[str, Any]) -> None:
    """Tell of a step as a JSON line."""
    note(dumps({"run": prepared.plan.run, "steps": prepared.plan.steps, **line}))


def steps_shown(show: Callable[[str], None]) -> "Listener":
    """Tell of steps: loss, tokens a second, time left."""
    begun, done, tokens = 0.0, 0, 0

    def listen(prepared: "Prepared", line: dict[str, Any]) -> None:
        nonlocal begun, done, tokens
        if not done:  # what came before the first step is start-up
            begun = time.monotonic() - line["seconds"]
        done, tokens = done + 1, tokens + line["tokens"]
        seconds, left = max(time.monotonic() - begun, 1e-3), prepared.plan.steps - line["step"]
        show(
            f"{prepared.plan.run}: step {line['step']:,} of {prepared.plan.steps:,}, loss {line['loss']:.3f}, "
            f"{tokens / seconds:,.0f} tokens/s, {_time(seconds / done * left)} left"
        )

    return listen


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
