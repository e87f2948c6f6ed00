"""The one tree of errors that the package raises on purpose.

    QuimbotError
    ├── InputError (ValueError)           raw input that cannot be read as what it was said to be
    │   └── WrongCorpusError              it is readable, but it is another corpus
    ├── RecipeError (ValueError)          a recipe that is not valid
    │   └── MixError                      a valid recipe that the corpora cannot fill
    ├── WorkspaceError (OSError)          the workspace cannot be used as asked
    │   ├── MissingError (LookupError)    a source, version or dialogue that is not there
    │   │   └── WithdrawnError            a version whose data a takedown erased
    │   ├── LockedError                   another process writes there now
    │   ├── ExistsError                   a version or export exists and is not what would be written
    │   ├── VersionNumberError (ValueError)  a version number that does not say what changed
    │   └── IntegrityError                files differ from what their manifest states
    ├── ModelError (ValueError)           a base model, tokenizer, adapter or run that cannot be used as asked
    ├── QueryError (ValueError)           SQL that is refused, wrong, or over its limits
    ├── TermsError (PermissionError)      licence terms, or a takedown, forbid it
    ├── PushError (ConnectionError)       the Hub did not take what was sent
    ├── EndpointError (ConnectionError)   a model's endpoint cannot be used as asked, or stopped answering
    ├── BudgetError (RuntimeError)        what may be spent on requests is spent
    └── FetchError (ConnectionError)      the Hub did not give what was asked
        └── GatedError (PermissionError)  its terms must be accepted, or a token is missing

Every member is a standard-library error too, so callers may catch either.
A message says what was found and where, what is valid, and what to do next.
"""


class QuimbotError(Exception):
    """Base of all errors raised on purpose; the command line prints them without a traceback and exits 1.

    Args:
        found: what was found, and where.
        valid: what would have been valid.
        next_step: what the reader can do now.
    """

    def __init__(self, found: str, *, valid: str = "", next_step: str = "") -> None:
        self.found, self.valid, self.next_step = found, valid, next_step
        super().__init__(" ".join(part.rstrip() for part in (found, valid, next_step) if part))

    def __str__(self) -> str:
        return str(self.args[0])


class InputError(QuimbotError, ValueError):
    """Raw input that cannot be read as what it was said to be."""


class WrongCorpusError(InputError):
    """Readable input with the columns of another corpus."""


class RecipeError(QuimbotError, ValueError):
    """A recipe with an unknown key, a value out of range, or weights that do not sum to 1."""


class MixError(RecipeError):
    """A valid recipe that the corpora cannot fill; names the binding component and the ways out."""


class WorkspaceError(QuimbotError, OSError):
    """The workspace cannot be used as asked."""


class MissingError(WorkspaceError, LookupError):
    """A source, version or dialogue that the workspace does not hold."""


class WithdrawnError(MissingError):
    """A version of which a takedown left no more than its tombstone."""


class LockedError(WorkspaceError):
    """Another process writes to the same source or version."""


class ExistsError(WorkspaceError):
    """A version exists already with another id, and versions are immutable; or an export with other content."""


class VersionNumberError(WorkspaceError, ValueError):
    """A number that says less, or more, than what changed since the version below it."""


class IntegrityError(WorkspaceError):
    """Files on disk differ from what their manifest states."""


class ModelError(QuimbotError, ValueError):
    """A base model, tokenizer, adapter or training run that cannot be used as asked."""


class QueryError(QuimbotError, ValueError):
    """SQL that is refused, wrong, or over its memory or time limit."""


class TermsError(QuimbotError, PermissionError):
    """Licence terms of rows, or a takedown, forbid what was asked."""


class PushError(QuimbotError, ConnectionError):
    """The Hub did not take what was sent."""


class EndpointError(QuimbotError, ConnectionError):
    """A model's endpoint that cannot be used as asked, refuses all requests, or stopped answering."""


class BudgetError(QuimbotError, RuntimeError):
    """What may be spent on requests to a model is spent; what was paid for is kept."""


class FetchError(QuimbotError, ConnectionError):
    """The Hub did not give what was asked."""


class GatedError(FetchError, PermissionError):
    """The Hub wants accepted terms or a token."""
