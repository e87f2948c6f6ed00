"""Frames between a session and its worker: one byte of kind, eight bytes of length, the payload.

A session sends a catalog (`C`) and queries (`Q`), both JSON. The worker answers a query with Arrow IPC bytes (`A`, any
number) and an end (`Z`), or with an error (`E`, JSON).
"""

import struct
from typing import IO, Final

_HEADER: Final = struct.Struct(">cQ")


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
