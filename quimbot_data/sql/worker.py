"""The process that runs queries: lean to start, without a way to write, and killed by the system when time is over.

Started as `python -m quimbot_data.sql.worker` by `query.Session`, which speaks `frames` with it over stdin and stdout.
"""

import base64
import importlib.abc
import io
import json
import os
import resource
import signal
import sys
from typing import IO, Any, Final

import duckdb
import pyarrow as pa

from quimbot_data.sql import guard
from quimbot_data.sql.frames import receive, send

_BATCH_ROWS: Final = 8192
_FRAME_BYTES: Final = 1 << 20
#: More threads answer little sooner, and each takes memory.
_THREADS: Final = 8
Settings = dict[str, str | bool | int | float | list[str]]
#: Address space beyond a query's memory: code, thread stacks, and what Arrow holds while it reads a file.
_ALLOWANCE_BYTES: Final = 2 << 30


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
    sys.setrecursionlimit(10_000)  # DuckDB takes expressions 1,000 deep; their trees are several times deeper
    _load_datasets()  # while the session still reads manifests
    connection: duckdb.DuckDBPyConnection | None = None
    views: list[str] = []
    while True:
        try:
            kind, payload = receive(requests)
        except EOFError:
            return
        request = json.loads(payload)
        if kind == b"C":
            connection, views = connect(request["catalog"], _limits(request)), list(request["catalog"]["views"])
            _confine(request["memory_bytes"])
        elif connection is not None:
            _answer(connection, views, request, answers)


def _private_stdout() -> IO[bytes]:
    """The real stdout for frames alone; whatever else prints goes nowhere."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    return answers


def _load_datasets() -> None:
    sys.meta_path.insert(0, _NoPandas())
    import pyarrow.dataset  # noqa: F401


class _NoPandas(importlib.abc.MetaPathFinder):
    """Hides pandas, which data sets load where it is installed: 0.4 s for nothing that is used here."""

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


def _limits(request: dict[str, Any]) -> Settings:
    return {"memory_limit": f"{request['memory_bytes']}B", "threads": str(min(os.cpu_count() or 1, _THREADS))}


def connect(catalog: dict[str, Any], limits: Settings) -> duckdb.DuckDBPyConnection:
    """DuckDB with the tables and views of a catalog and no other way to the disk.

    Args:
        catalog: as `Catalog.to_json` spells it.
        limits: threads and memory, by the names of DuckDB's settings.
    """
    settings: Settings = {
        **limits,
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
    for name, table in catalog["tables"].items():
        connection.register(name, _open(table))
    for name, select in catalog["views"].items():
        connection.execute(f'CREATE VIEW "{name}" AS {select}')
    connection.execute("SET lock_configuration = true")
    return connection


def _open(table: dict[str, Any]) -> Any:
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(table["schema"])))
    if not table["parts"]:
        return pa.Table.from_pylist(table["rows"], schema=schema)
    import pyarrow.compute as pc
    from pyarrow import dataset, fs

    parquet, disk = dataset.ParquetFileFormat(), fs.LocalFileSystem()
    fragments = [
        parquet.make_fragment(part["path"], disk, partition_expression=_stated(pc, part["constant"]))
        for part in table["parts"]
    ]
    return dataset.FileSystemDataset(fragments, schema, parquet, disk)


def _stated(pc: Any, constant: list[str] | None) -> Any:
    return pc.scalar(True) if constant is None else pc.field(constant[0]) == constant[1]


# Queries


def _answer(
    connection: duckdb.DuckDBPyConnection, views: list[str], request: dict[str, Any], answers: IO[bytes]
) -> None:
    # The system kills the process, whatever it is busy with: some functions heed no interrupt for minutes.
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    try:
        _guard(connection, request["query"], views)
        # The result as it comes: `sql` with parameters would hold all of it first.
        connection.execute(request["query"], request["parameters"])
        reader: Any = connection.to_arrow_reader(_BATCH_ROWS)
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


def _guard(connection: duckdb.DuckDBPyConnection, query: str, views: list[str]) -> None:
    select = guard.selectable(query)
    # fetchall: a result that is not read to its end keeps the connection busy.
    rows = connection.execute("SELECT json_serialize_sql(?)", [select]).fetchall()
    guard.check(json.loads(rows[0][0]), select, views)


def _ipc(sink: Any, schema: pa.Schema) -> Any:
    return pa.ipc.new_stream(sink, schema)


if __name__ == "__main__":
    main()
