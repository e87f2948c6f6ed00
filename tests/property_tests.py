"""How often a property is tried: as often as its test says with `--hypothesis-profile=thorough`, as in `make test`,
and on a few examples in the ordinary loop. Known counterexamples stand in an `@example`, which is always run."""

from typing import Any

from hypothesis import settings

#: Of the examples of a thorough run, the ordinary loop tries this share, and no fewer than `LEAST`.
SHARE, LEAST = 1 / 10, 6

settings.register_profile("thorough", deadline=None)
settings.register_profile("ordinary", max_examples=round(SHARE * 100), deadline=None)


def tried(thorough: int, parent: settings | None = None, **more: Any) -> settings:
    """Settings of a test that a thorough run tries on this many examples."""
    few = max(min(thorough, LEAST), round(thorough * SHARE))
    count = thorough if settings.get_current_profile_name() == "thorough" else few
    return settings(parent, max_examples=count, deadline=None, **more)
