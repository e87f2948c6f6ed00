"""Run a query in a process of its own, within its limits of memory and time."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from quimbot_data.sql.catalog import VIEWS, Catalog, workspace_catalog
from quimbot_data.sql.frames import receive, send
from quimbot_data.sql.named import Value
from quimbot_data.workspace import Ref, Workspace
from schemas.errors import QueryError

if TYPE_CHECKING:
    import pyarrow as pa  # loaded after the worker has been started

_UNITS: Final = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
#: All that the worker sees of the environment: what Python needs to start, and no tokens.
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Limits:
    """What one query may take: `memory` like `4GB`, for it and for its result, and wall-clock seconds."""

    memory: str = "4GB"
    seconds: float = 60.0

    def memory_bytes(self) -> int:
        """The memory limit in bytes.

        Raises:
            QueryError: it is written in another way.
        """
        match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]B)", self.memory.strip().upper())
        if not match:
            raise QueryError(f"{self.memory!r} is no amount of memory.", valid="Write it like 500MB or 4GB.")
        return int(float(match[1]) * _UNITS[match[2]])


DEFAULT_LIMITS: Final = Limits()


def run_query(
    workspace: Workspace,
    query: str,
    *,
    version: Ref | None = None,
    show_raw: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    parameters: Mapping[str, Value] | None = None,
) -> "pa.Table":
    """Run one SELECT over a workspace's corpora, or over one version.

    Args:
        workspace: may be empty.
        query: one statement; see `guard` for what it may consist of.
        version: shows this version instead of the corpora.
        show_raw: gives `rejected` its column `raw`.
        limits: past these the query is stopped.
        parameters: a value for each `$name` in the query.

    Returns:
        The result; columns of equal names get `_1`, `_2`, ….

    Raises:
        QueryError: the query is refused, wrong, or over a limit.
        MissingError: no such version.
        IntegrityError: a manifest is not valid.
    """
    with Session(limits) as session:
        return session.query(workspace_catalog(workspace, version, show_raw=show_raw), query, parameters)


def view_columns(version: Ref | None = None, workspace: Workspace | None = None) -> dict[str, list[tuple[str, str]]]:
    """Columns of each view with their SQL types, as a workspace (by default an empty one) shows them."""
    catalog = workspace_catalog(workspace or Workspace(Path(os.devnull)), version)
    with Session() as session:
        return {view: described(session.query(catalog, f"DESCRIBE {view}")) for view in VIEWS}


def described(table: "pa.Table") -> list[tuple[str, str]]:
    """Name and type of each column, out of what DESCRIBE returned."""
    return list(zip(table["column_name"].to_pylist(), table["column_type"].to_pylist(), strict=True))


class Session:
    """A worker process, kept for several queries; a catalog that changed, or a query that had to be killed, renews it.

    The process starts with the session, so that it loads while the caller still reads manifests.
    """

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._memory_bytes = limits.memory_bytes()
        self._catalog: Catalog | None = None
        self._process = _start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.communicate()

    def query(self, catalog: Catalog, query: str, parameters: Mapping[str, Value] | None = None) -> "pa.Table":
        """Run one statement, with a value for each `$name` in it.

        Raises:
            QueryError: it is refused, wrong, or over a limit.
            KeyboardInterrupt: passed on, after the query was killed.
        """
        # polars' and prompt_toolkit's handlers let SIGINT restart system calls: Ctrl-C would not end the wait.
        signal.siginterrupt(signal.SIGINT, True)
        try:
            self._show(catalog)
            self._send(b"Q", {"query": query, "parameters": dict(parameters or {}), "seconds": self._limits.seconds})
            return _unique_names(self._result())
        except (EOFError, BrokenPipeError) as ended:
            raise self._fallen() from ended
        except KeyboardInterrupt:
            self._restart()
            raise

    def _show(self, catalog: Catalog) -> None:
        if self._catalog == catalog and self._process.poll() is None:
            return
        if self._catalog is not None:
            self._restart()
        self._send(b"C", {"catalog": json.loads(catalog.to_json()), "memory_bytes": self._memory_bytes})
        self._catalog = catalog

    def _send(self, kind: bytes, message: dict[str, Any]) -> None:
        if self._process.stdin is not None:
            send(self._process.stdin, kind, json.dumps(message).encode())

    def _result(self) -> "pa.Table":
        import pyarrow as pa

        chunks: list[bytes] = []
        size = 0
        while self._process.stdout is not None:
            kind, payload = receive(self._process.stdout)
            if kind == b"Z":
                break
            if kind == b"E":
                raise _query_error(json.loads(payload), self._limits)
            chunks.append(payload)
            size += len(payload)
            if size > self._memory_bytes:
                self._restart()
                raise QueryError(
                    f"The result is larger than {self._limits.memory}.",
                    next_step="Select fewer columns or rows, or aggregate.",
                )
        return pa.ipc.open_stream(pa.py_buffer(b"".join(chunks))).read_all()

    def _fallen(self) -> QueryError:
        _, complaint = self._process.communicate()
        code = self._process.returncode
        self._restart()
        if code == -signal.SIGALRM:
            return QueryError(
                f"The query was stopped after {self._limits.seconds:g} seconds.",
                next_step="Narrow it with WHERE, or aggregate before joining.",
            )
        last = b"".join(complaint.splitlines()[-1:]).decode(errors="replace")
        cause = f"exit code {code}: {last}" if last else f"exit code {code}"
        return QueryError(
            f"The query brought its process down ({cause}).",
            next_step="Select fewer columns or rows: memory may be short.",
        )

    def _restart(self) -> None:
        self.close()
        self._catalog = None
        self._process = _start()


def _start() -> "subprocess.Popen[bytes]":
    # -P: a file named like a module in the working folder must not be imported.
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= {"TZ": "UTC", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    return subprocess.Popen(  # our own interpreter and module
        [sys.executable, "-P", "-m", "quimbot_data.sql.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,  # Ctrl-C reaches this process alone, which then kills that one
    )


def _query_error(parts: dict[str, str], limits: Limits) -> QueryError:
    found, valid, next_step = parts["found"], parts["valid"], parts["next_step"]
    if "out of memory" in found.lower() or "malloc" in found.lower():
        return QueryError(
            f"The query needs more than {limits.memory} of memory.",
            next_step="Select fewer columns or rows, or aggregate before sorting.",
        )
    if lacking := re.search(r"Values were not provided for the following parameters: ([^\W\d]\w*)", found):
        return QueryError(
            f"The query needs a value for ${lacking[1]}.", next_step=f"Give it: --param {lacking[1]}=VALUE."
        )
    if "argument count mismatch" in found:
        return QueryError("The query does not name every parameter that was given.", valid="It names them as $NAME.")
    # DuckDB's message ends at the first blank line; behind it stands the query's line with a caret.
    message, _, rest = found.partition("\n\n")
    caret = "\n" + rest if rest.startswith("LINE ") and len(rest) < 400 else ""
    return QueryError("\n".join(message.splitlines()[:4])[:1000] + caret, valid=valid, next_step=next_step)


def _unique_names(table: "pa.Table") -> "pa.Table":
    names: list[str] = []
    for name in table.column_names:
        taken, number = name, 0
        while taken in names:
            number += 1
            taken = f"{name}_{number}"
        names.append(taken)
    return table.rename_columns(names)
