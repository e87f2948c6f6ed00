"""The shell of `quimbot sql`: statements end with `;`, dot commands describe the views.

On a terminal it has a history in the workspace, and Ctrl-C drops the line or stops the query; statements piped in run
one after the other, up to the first that fails.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from quimbot_data.sql.catalog import VIEWS, column_meanings, view_grain, view_sql, workspace_catalog
from quimbot_data.sql.named import Value, named_queries, parameters, resolved
from quimbot_data.sql.query import DEFAULT_LIMITS, Limits, Session, described
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import QueryError, QuimbotError

if TYPE_CHECKING:
    import pyarrow as pa
    from prompt_toolkit import PromptSession
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

    from quimbot_data.sql.output import Format  # loads Arrow, which no prompt waits for

HELP: Final = (
    "End a statement with ;  ·  .tables  ·  .schema VIEW  ·  .queries, run by @NAME  ·  .quit (or Ctrl-D)"
    "  ·  Ctrl-C drops what is typed"
)
HISTORY: Final = ".sql_history"
#: What may hold a semicolon that ends nothing, and the semicolon itself.
_TOKEN: Final = re.compile(
    r"""(?<![\w$])[eE]'(?:\\.|''|[^'\\])*(?:'|\Z) | '[^']*(?:'|\Z) | "[^"]*(?:"|\Z)
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z) | --[^\n]* | /\*.*?(?:\*/|\Z) | (?P<end>;)""",
    re.DOTALL | re.VERBOSE,
)

_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


class Shell:
    """One shell's state: where it reads, what it shows, and the session that it keeps.

    Args:
        workspace: what to query.
        version: shows this version instead of the corpora.
        show_raw: gives `rejected` its column `raw`.
        form: how results are written.
        limits: for each query.
        output: where results go.
    """

    def __init__(
        self,
        workspace: Workspace,
        version: Ref | None = None,
        *,
        show_raw: bool = False,
        form: "Format" = "table",
        limits: Limits = DEFAULT_LIMITS,
        output: IO[str] | None = None,
    ) -> None:
        self._workspace, self._version, self._show_raw = workspace, version, show_raw
        self._form, self._output = form, output or sys.stdout
        self._session = Session(limits)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def run(self, text: str) -> bool:
        """Run a dot command or a statement; False where it asks to leave.

        Raises:
            QueryError: the statement or command is wrong or refused.
            MissingError: no such view or version.
        """
        command = text.strip()
        if command.startswith("."):
            return self._command(*command.rstrip("; ").split(maxsplit=1))
        if statement := command.removesuffix(";").strip():
            from quimbot_data.sql.output import write_result

            write_result(self._asked(statement), self._form, self._output)
        return True

    def _asked(self, statement: str) -> "pa.Table":
        """The answer to a statement, or to `@name parameter=value …`."""
        if not statement.startswith("@"):
            return self._query(statement)
        try:
            name, *pairs = shlex.split(statement)
        except ValueError as error:
            raise QueryError(f"{statement!r} cannot be read: {error}.") from error
        return self._query(*resolved(name, parameters(pairs)))

    def _command(self, name: str, argument: str = "") -> bool:
        if name == ".tables":
            self._say("\n".join(f"{view:14} {view_grain(view)}" for view in VIEWS))
        elif name == ".schema":
            self._say("\n\n".join(self._schema(view) for view in argument.split() or VIEWS))
        elif name == ".queries":
            self._say("\n".join(f"@{query.name:16} {query.grain}" for query in named_queries()))
        elif name == ".help":
            self._say(HELP)
        elif name not in {".quit", ".exit"}:
            raise QueryError(
                f"There is no command {name}.", valid="Commands: .tables, .schema VIEW, .queries, .help, .quit."
            )
        return name not in {".quit", ".exit"}

    def _schema(self, view: str) -> str:
        if view not in VIEWS:
            view_sql(view)  # raises, naming the views
        columns, meanings = described(self._query(f"DESCRIBE {view}")), column_meanings(view)
        width = max(len(name) for name, _ in columns)
        told = (f"  {name:{width}}  {kind}\n  {'':{width}}    {meanings[name]}" for name, kind in columns)
        return "\n".join([f"{view}: {view_grain(view)}", *told])

    def _query(self, statement: str, given: Mapping[str, Value] | None = None) -> "pa.Table":
        catalog = workspace_catalog(self._workspace, self._version, show_raw=self._show_raw)
        return self._session.query(catalog, statement, given)

    def _say(self, text: str) -> None:
        self._output.write(text + "\n")


def shell(
    workspace: Workspace,
    version: Ref | None = None,
    *,
    show_raw: bool = False,
    form: "Format" = "table",
    limits: Limits = DEFAULT_LIMITS,
) -> None:
    """Read statements until `.quit` or the end of input: from the terminal, or piped in.

    Raises:
        QueryError: a piped statement is wrong or refused; on a terminal errors are shown and the shell goes on.
        MissingError: no such version.
    """
    if version is not None:
        workspace.version_manifest(version)
    state = Shell(workspace, version, show_raw=show_raw, form=form, limits=limits)
    try:
        if sys.stdin.isatty():
            interact(state, _prompt(workspace), sys.stdout)
        else:
            run_script(state, sys.stdin.read())
    finally:
        state.close()


def run_script(state: Shell, text: str) -> bool:
    """Run a script's statements and dot commands, up to `.quit` (then False) or the first error.

    Raises:
        QueryError: one is wrong or refused.
        MissingError: a dot command names no view.
    """
    return all(state.run(statement) for statement in statements(text))


def interact(state: Shell, prompt: "PromptSession[str]", output: IO[str]) -> None:
    """Prompt, run and show, until `.quit` or Ctrl-D."""
    output.write(HELP + "\n")
    while True:
        try:
            if not run_script(state, prompt.prompt("sql> ")):
                return
        except KeyboardInterrupt:
            output.write("Cancelled.\n")
        except EOFError:
            return
        except QuimbotError as error:
            output.write(f"{error}\n")


def statements(text: str) -> Iterator[str]:
    """Split a script at the semicolons outside of quotes and comments; a dot command takes the rest of its line, and a
    named query ends with its line, too."""
    while text := text.lstrip():
        if text.startswith("."):
            line, _, text = text.partition("\n")
            yield line
            continue
        end = _end(text.partition("\n")[0] if text.startswith("@") else text)
        if text[:end].strip(" ;\n\t"):
            yield text[:end]
        text = text[end:]


def is_complete(text: str) -> bool:
    """Whether Enter runs the text: it is blank, a dot command or a named query, or a semicolon ends its statement."""
    stripped = text.strip()
    if not stripped or stripped.startswith((".", "@")):
        return True
    ends = [match.end() for match in _TOKEN.finditer(stripped) if match["end"]]
    return bool(ends) and not _COMMENT.sub("", stripped[ends[-1] :]).strip()


def _end(text: str) -> int:
    return next((match.end() for match in _TOKEN.finditer(text) if match["end"]), len(text))


def _prompt(workspace: Workspace) -> "PromptSession[str]":
    from prompt_toolkit import PromptSession
    from prompt_toolkit.history import FileHistory, History, InMemoryHistory

    # A workspace that does not exist is not made for the sake of a history.
    path = workspace.root / HISTORY
    history: History = FileHistory(str(path)) if _writable(path) else InMemoryHistory()
    return PromptSession(history=history, multiline=True, key_bindings=_keys(), prompt_continuation="...> ")


def _writable(path: Path) -> bool:
    return path.parent.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)


def _keys() -> "KeyBindings":
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: "KeyPressEvent") -> None:
        buffer: Buffer = event.current_buffer
        if is_complete(buffer.text):
            buffer.validate_and_handle()
        else:
            buffer.insert_text("\n")

    @keys.add("c-d")
    def _(event: "KeyPressEvent") -> None:
        if event.current_buffer.document.current_line.strip():
            event.current_buffer.delete()
        else:  # also below a statement that was begun
            event.app.exit(exception=EOFError)

    return keys
