"""A run by a model that is killed or interrupted goes on for what it has not paid yet."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from llm_author import author
from llm_runs import Quimbot, arguments, files
from llm_standin import Answer, LlmStandIn, Payload

pytestmark = pytest.mark.usefixtures("key_in_environment")


def started(*arguments: str) -> "subprocess.Popen[str]":
    code = "import sys; sys.argv[0] = 'quimbot'; from quimbot_data.cli import main; main()"
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=-1, stderr=-1, text=True)


def until(holds: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


def killed_at(server: LlmStandIn, told: list[str], paid: int, sign: signal.Signals) -> "subprocess.Popen[str]":
    """Run until so many requests were paid for, then end it."""
    process = started(*told)
    until(lambda: sum(server.paid.values()) >= paid, process)
    os.kill(process.pid, sign)
    return process


def slowly(payload: Payload, again: int) -> Answer:
    answer = author(payload, again)
    return Answer(answer.content, usage=answer.usage, delay=0.02)


@pytest.fixture
def undisturbed(tmp_path: Path, quimbot: Quimbot) -> Callable[[int], dict[str, bytes]]:
    def run(count: int) -> dict[str, bytes]:
        with LlmStandIn(author) as server:
            assert quimbot(*arguments(server.url, tmp_path / "undisturbed", count=count, concurrency=16)).code == 0
        return files(tmp_path / "undisturbed")

    return run


@pytest.mark.slow
def test_killed_five_times_every_request_is_paid_once(
    tmp_path: Path, undisturbed: Callable[[int], dict[str, bytes]]
) -> None:
    with LlmStandIn(slowly) as server:
        told = arguments(server.url, tmp_path, count=500, concurrency=16)
        for paid in (60, 170, 280, 390, 500):
            process = killed_at(server, told, paid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            process.communicate()
            assert not (tmp_path / "made.parquet").exists()
        process = started(*told)
        out, err = process.communicate()
        assert process.returncode == 0, (out, err)
        assert len(server.paid) > 500
        assert set(server.paid.values()) == {1}
        repeated = len(server.seen) - len(server.paid)
        assert repeated <= 5 * 16, "no more came twice than what was under way at the kills"
    assert files(tmp_path) == undisturbed(500)
    assert json.loads((tmp_path / "made.parquet.report.json").read_text())["blind"], "judged blind at the end"
    account = json.loads((tmp_path / "made.parquet.account.json").read_text())
    assert repeated <= account["doubtful"] <= 5 * 16


@pytest.mark.slow
def test_where_keys_are_not_honoured_only_what_was_under_way_is_paid_twice_and_told(tmp_path: Path) -> None:
    with LlmStandIn(slowly, honours_keys=False) as server:
        told = arguments(server.url, tmp_path, count=30, concurrency=8)
        for paid in (15,):
            killed_at(server, told, paid, signal.SIGKILL).communicate()
        process = started(*told)
        process.communicate()
        twice = sum(times - 1 for times in server.paid.values())
    account = json.loads((tmp_path / "made.parquet.account.json").read_text())
    assert twice <= account["doubtful"] <= 8


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_pays_nothing_twice_whatever_the_endpoint(
    tmp_path: Path, undisturbed: Callable[[int], dict[str, bytes]], sign: signal.Signals
) -> None:
    with LlmStandIn(slowly, honours_keys=False) as server:
        told = arguments(server.url, tmp_path, count=24, concurrency=8)
        process = killed_at(server, told, 10, sign)
        _, err = process.communicate()
        assert process.returncode == 130, err
        assert "Interrupted" in err
        assert not (tmp_path / "made.parquet").exists()
        process = started(*told)
        process.communicate()
        assert set(server.paid.values()) == {1}
        assert len(server.seen) == len(server.paid)
    assert files(tmp_path) == undisturbed(24)


def test_as_many_requests_are_under_way_as_asked_for_and_no_more(tmp_path: Path, quimbot: Quimbot) -> None:
    def late(payload: Payload, again: int) -> Answer:
        return replace(author(payload, again), delay=0.3)

    with LlmStandIn(late) as server:
        assert quimbot(*arguments(server.url, tmp_path, count=64, concurrency=32)).code == 0
    assert server.most_at_once == 32
