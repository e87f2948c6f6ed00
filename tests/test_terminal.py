"""What a long command says of its progress where there is no terminal."""

import json

import pytest

from quimbot_data import terminal


@pytest.fixture
def noted(monkeypatch):
    lines: list[str] = []
    monkeypatch.setattr(terminal, "note", lines.append)
    monkeypatch.setattr(terminal.err, "_force_terminal", False)
    return lines


def test_a_step_that_was_told_of_is_told_to_its_end(noted, monkeypatch):
    with terminal.progress("score", unit="dialogues") as tell:
        tell("load", 0)
        tell("score", 0)
        tell("score", 256, 300)
        tell("score", 300, 300)
        tell("quick", 5)
    assert noted == ["score: load", "score: score", "score: score, 300 of 300 dialogues"]
    noted.clear()
    monkeypatch.setattr(terminal, "_LOG_EVERY", 0.0)
    with terminal.progress("build") as tell:
        for rows in (1, 2, 3):
            tell("read", rows)
    assert noted == ["build: read, 2 rows", "build: read, 3 rows"]


def test_machines_get_every_step_and_its_end(noted):
    with terminal.progress("score", log_json=True) as tell:
        tell("read", 1)
        tell("read", 7)
        tell("write", 2, 9)
    events = [{key: json.loads(line).get(key) for key in ("step", "rows", "of")} for line in noted]
    assert events == [
        {"step": "read", "rows": 1, "of": None},
        {"step": "read", "rows": 7, "of": None},
        {"step": "write", "rows": 2, "of": 9},
    ]
