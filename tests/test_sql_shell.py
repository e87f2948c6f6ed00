"""The SQL shell: scripts, errors and interrupts, from a pipe and on a terminal."""

import io
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from sql_workspace import write_workspace

from quimbot_data.sql import shell as sql_shell
from schemas.errors import MissingError, QueryError


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("SELECT 1; SELECT 2;", ["SELECT 1;", "SELECT 2;"]),
        ("SELECT ';' ; SELECT \";\"", ["SELECT ';' ;", 'SELECT ";"']),
        ("SELECT $$;$$, $a$;$$;$a$; 2", ["SELECT $$;$$, $a$;$$;$a$;", "2"]),
        ("SELECT 1 -- ;\n; /* ; */ SELECT 2", ["SELECT 1 -- ;\n;", "/* ; */ SELECT 2"]),
        (r"SELECT e'\';' ; 2", [r"SELECT e'\';' ;", "2"]),
        (".tables\nSELECT 1;\n.quit", [".tables", "SELECT 1;", ".quit"]),
        ("@lengths\n@sources limit=2; SELECT 1;\n.quit", ["@lengths", "@sources limit=2;", "SELECT 1;", ".quit"]),
        (" ;; \n", []),
    ],
)
def test_scripts_are_split_at_semicolons_outside_quotes(script, parts):
    assert list(sql_shell.statements(script)) == parts


def test_enter_runs_only_what_is_complete():
    assert all(map(sql_shell.is_complete, ["SELECT 1;", ".tables", "@lengths", "", "SELECT 1; -- done", "SELECT ';';"]))
    assert not any(map(sql_shell.is_complete, ["SELECT 1", "SELECT ';", "SELECT 1 -- ;", "SELECT 1;\nSELECT", "/* ;"]))


@pytest.fixture
def state(by_hand):
    state = sql_shell.Shell(by_hand, form="csv", output=io.StringIO())
    yield state
    state.close()


def shown(state):
    return state._output.getvalue()


def test_a_script_runs_up_to_quit(state):
    assert not sql_shell.run_script(state, ".tables\n.schema ledger\nSELECT 1 AS a; SELECT 2 AS b\n;.quit\nSELECT 3;")
    assert "dialogues      One row per dialogue" in shown(state)
    assert "  rows_in   BIGINT" in shown(state)
    assert shown(state).endswith("a\n1\nb\n2\n")


def test_a_wrong_statement_or_command_ends_a_script(state):
    for script, said in ((".schema nope", "no view"), (".dump", "no command"), ("SELECT x;", "x")):
        with pytest.raises((QueryError, MissingError), match=said):
            sql_shell.run_script(state, script + "\nSELECT 1;")
    assert shown(state) == ""


def test_the_prompt_survives_errors_and_interrupts(state):
    replies = iter(["SELEC;", KeyboardInterrupt(), "SELECT 1 AS a;", EOFError()])

    class Prompt:
        def prompt(self, _):
            reply = next(replies)
            if isinstance(reply, BaseException):
                raise reply
            return reply

    sql_shell.interact(state, Prompt(), state._output)
    assert "syntax error" in shown(state)
    assert shown(state).endswith("Cancelled.\na\n1\n")


SHELL = """
import sys
from pathlib import Path
from quimbot_data.sql.shell import shell
from quimbot_data.workspace import Workspace
shell(Workspace(Path(sys.argv[1])))
"""


def start_shell(root, **pipes):
    return subprocess.Popen([sys.executable, "-c", SHELL, str(root)], **pipes)


def test_statements_are_read_from_a_pipe(by_hand):
    process = start_shell(by_hand.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate("SELECT count(*) AS n\nFROM dialogues;\n.quit\n", timeout=20)
    assert process.returncode == 0
    assert "(1 row)" in output


def read_until(terminal, mark, seconds=15):
    seen, end = "", time.monotonic() + seconds
    while not re.search(mark, seen, re.DOTALL) and select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
        seen += os.read(terminal, 65536).decode(errors="replace")
        if "\x1b[6n" in seen:  # prompt_toolkit asks where the cursor is
            os.write(terminal, b"\x1b[1;1R")
            seen = seen.replace("\x1b[6n", "")
    assert re.search(mark, seen, re.DOTALL), seen
    return seen


@pytest.mark.slow
def test_on_a_terminal_ctrl_c_stops_a_query_and_ctrl_d_leaves(tmp_path):
    workspace = write_workspace(tmp_path)
    terminal, side = pty.openpty()
    process = start_shell(tmp_path, stdin=side, stdout=side, stderr=side, start_new_session=True)
    read_until(terminal, "sql>")
    os.write(terminal, b"SELECT count(*)\rFROM range(100000000000) a, range(1000) b;\r")
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    read_until(terminal, r"Cancelled\..*sql>")
    os.write(terminal, b"SELECT count(*) AS still_here FROM dialogues;\r")
    read_until(terminal, r"\(1 row\).*sql>")
    os.write(terminal, b"SELECT 1\r")  # begun and not ended
    os.write(terminal, b"\x04")
    assert process.wait(timeout=10) == 0
    os.close(terminal)
    os.close(side)
    assert "still_here" in (workspace.root / ".sql_history").read_text()
