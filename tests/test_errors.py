"""The tree of errors: as drawn, and usable by whoever knows the standard library only."""

import inspect
import pickle
import re

import pytest

from schemas import errors
from schemas.errors import GatedError, LockedError, MissingError, MixError, QuimbotError

TREE = {name: kind for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, QuimbotError)}
DRAWN = re.findall(r"^([ │├└─]*)(\w+Error)(?: \((\w+)\))?", inspect.getdoc(errors) or "", re.MULTILINE)


def test_the_drawn_tree_is_the_real_one() -> None:
    assert {name for _, name, _ in DRAWN} == set(TREE)
    above: list[tuple[int, str]] = []
    for indent, name, standard in DRAWN:
        while above and above[-1][0] >= len(indent):
            above.pop()
        bases = [base.__name__ for base in TREE[name].__bases__]
        assert bases == [*([above[-1][1]] if above else ["Exception"]), *([standard] if standard else [])]
        above.append((len(indent), name))


@pytest.mark.parametrize("kind", TREE.values(), ids=list(TREE))
def test_every_error_reads_as_one_message(kind: type[QuimbotError]) -> None:
    error = kind("Found x. ", valid="Valid is y.", next_step="Do z.")
    assert str(error) == "Found x. Valid is y. Do z."
    assert (error.found, error.valid, error.next_step) == ("Found x. ", "Valid is y.", "Do z.")
    assert str(kind("Only found.")) == "Only found."


@pytest.mark.parametrize("kind", TREE.values(), ids=list(TREE))
def test_every_error_survives_a_process_boundary(kind: type[QuimbotError]) -> None:
    error = kind("Found x.", valid="Valid is y.", next_step="Do z.")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert (str(again), again.found, again.next_step) == (str(error), error.found, error.next_step)


@pytest.mark.parametrize(
    ("kind", "standard"),
    [(MissingError, LookupError), (LockedError, OSError), (MixError, ValueError), (GatedError, PermissionError)],
)
def test_callers_may_catch_the_standard_error(kind: type[QuimbotError], standard: type[Exception]) -> None:
    with pytest.raises(standard, match="gone"):
        raise kind("It is gone.")
