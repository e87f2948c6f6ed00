"""The process that runs queries: lean to start, without a way to write, and killed by the system when time is over.

Started as `python -m quimbot_data.sql.worker` by `query.Session`, which speaks frames with it over stdin and stdout:
one byte of kind, eight bytes of length, the payload. It gets a catalog (`C`) and queries (`Q`), and answers a query
with Arrow IPC bytes (`A`, any number) and an end (`Z`), or with an error (`E`).
"""

import base64
import importlib.abc
import io
import json
import os
import resource
import signal
import struct
import sys
from typing import IO, TYPE_CHECKING, Any, Final

from quimbot_data.sql import guard

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_HEADER: Final = struct.Struct(">cQ")
_BATCH_ROWS: Final = 8192
_FRAME_BYTES: Final = 1 << 20
#: More threads answer little sooner, and each takes memory.
_THREADS: Final = 8
#: Address space beyond a query's memory: code, thread stacks, and what Arrow holds while it reads a file.
_ALLOWANCE_BYTES: Final = 2 << 30


# Frames


def send(stream: IO[bytes], kind: bytes, payload: bytes = b"") -> None:
    """Write one frame."""
    stream.write(_HEADER.pack(kind, len(payload)) + payload)
    stream.flush()


def receive(stream: IO[bytes]) -> tuple[bytes, bytes]:
    """Read one frame: kind and payload.

    Raises:
        EOFError: the other side has ended, perhaps within a frame.
    """
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError
    kind, length = _HEADER.unpack(header)
    payload = stream.read(length)
    if len(payload) < length:
        raise EOFError
    return kind, payload


class _ArrowFrames(io.RawIOBase):
    """A file to write Arrow IPC into; every write leaves as a frame."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        send(self._stream, b"A", bytes(data))
        return len(data)


# The process


def main() -> None:
    """Serve queries until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the session's to handle
    requests, answers = sys.stdin.buffer, _private_stdout()
    sys.meta_path.insert(0, _NoPandas())
    connection: duckdb.DuckDBPyConnection | None = None
    views: list[str] = []
    while True:
        try:
            kind, payload = receive(requests)
        except EOFError:
            return
        request = json.loads(payload)
        if kind == b"C":
            connection, views = _connect(request), list(request["catalog"]["views"])
            _confine(request["memory_bytes"])
        elif connection is not None:
            _answer(connection, views, request, answers)


def _private_stdout() -> IO[bytes]:
    """The real stdout for frames alone; whatever else prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


class _NoPandas(importlib.abc.MetaPathFinder):
    """Hides pandas, which pyarrow loads where it is installed: 0.4 s for nothing that is used here."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def _confine(memory_bytes: int) -> None:
    # No byte into any file, whoever asks: a limit that the kernel keeps. Pipes are no files.
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    # memory_limit does not hold everywhere: repeat() took 5.9 GB under a limit of 500 MB.
    _limit(resource.RLIMIT_DATA, memory_bytes + _ALLOWANCE_BYTES)


def _limit(kind: int, value: int) -> None:
    ceiling = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if ceiling == resource.RLIM_INFINITY else min(value, ceiling),) * 2)


def _connect(request: dict[str, Any]) -> "duckdb.DuckDBPyConnection":
    import duckdb

    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{request['memory_bytes']}B",
        "threads": str(min(os.cpu_count() or 1, _THREADS)),
        "temp_directory": "",
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_persistent_secrets": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    # Set now, not above: given at connect, DuckDB 2.0 makes an exception for the database's own path, so that
    # `COPY … TO ':memory:'` would write a file of that name.
    connection.execute("SET enable_external_access = false")
    for name, table in request["catalog"]["tables"].items():
        connection.register(name, _open(table))
    for name, select in request["catalog"]["views"].items():
        connection.execute(f'CREATE VIEW "{name}" AS {select}')
    connection.execute("SET lock_configuration = true")
    return connection


def _open(table: dict[str, Any]) -> Any:
    import pyarrow as pa

    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(table["schema"])))
    if not table["parts"]:
        return pa.Table.from_pylist(table["rows"], schema=schema)
    import pyarrow.compute as pc
    from pyarrow import dataset, fs

    parquet, disk = dataset.ParquetFileFormat(), fs.LocalFileSystem()
    fragments = [
        parquet.make_fragment(part["path"], disk, partition_expression=_constants(pc, part["constants"]))
        for part in table["parts"]
    ]
    return dataset.FileSystemDataset(fragments, schema, parquet, disk)


def _constants(pc: Any, constants: dict[str, str]) -> Any:
    expression = pc.scalar(True)
    for column, value in constants.items():
        expression = pc.field(column) == value
    return expression


# Queries


def _answer(
    connection: "duckdb.DuckDBPyConnection", views: list[str], request: dict[str, Any], answers: IO[bytes]
) -> None:
    import duckdb
    import pyarrow as pa

    # The system kills the process, whatever it is busy with: some functions heed no interrupt for minutes.
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    try:
        _guard(connection, request["query"], views)
        relation = connection.sql(request["query"])
        reader = relation.to_arrow_reader(_BATCH_ROWS)
        with io.BufferedWriter(_ArrowFrames(answers), _FRAME_BYTES) as sink, _ipc(sink, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
        error = None
    except guard.RefusedError as refused:
        error = refused
    except MemoryError:
        error = guard.RefusedError("Out of Memory Error")
    except (duckdb.Error, pa.ArrowException, OSError, RuntimeError, ValueError) as wrong:
        error = guard.RefusedError(str(wrong))
    signal.setitimer(signal.ITIMER_REAL, 0)
    send(answers, b"E", error.to_json().encode()) if error else send(answers, b"Z")


def _guard(connection: "duckdb.DuckDBPyConnection", query: str, views: list[str]) -> None:
    select = guard.selectable(query)
    # fetchall: a result that is not read to its end keeps the connection busy.
    rows = connection.execute("SELECT json_serialize_sql(?)", [select]).fetchall()
    guard.check(json.loads(rows[0][0]), select, views)


def _ipc(sink: Any, schema: "pa.Schema") -> Any:
    import pyarrow as pa

    return pa.ipc.new_stream(sink, schema)


if __name__ == "__main__":
    main()
