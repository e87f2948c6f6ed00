"""Replies that were paid for, and requests that were sent: one SQLite file, `synth/replies.sqlite` of a workspace.

What is promised. A reply is written before anything uses it, under the hash of its payload, so no later run asks for it
again. Before a request leaves, the intent is written, too: when a process dies, the requests that were under way are
known, and count as *doubtful* (perhaps paid) at the most that they can cost. Each goes out again under the same
`Idempotency-Key`, the payload's hash: an endpoint that honours the header is paid once; one that does not may be paid
twice for what was under way at the kill, never for more. No file on this side could do better: between the
endpoint's charge and our write there is always a moment. What a process wrote survives its death at once, and a power
cut once it is synced, which happens every few seconds: a sync for each request would cost a tenth of the throughput.

Replies echo what was sent: the file is as private as the seeds are. Payloads and keys are not in it. It may be removed
when no run is to be resumed.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

from quimbot_data.workspace import Workspace, writing
from schemas.errors import WorkspaceError
from synth.llm.replies import Reply

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS replies (
    key TEXT PRIMARY KEY,      -- sha256 of the payload
    job TEXT NOT NULL,         -- of the run that paid for it
    reply TEXT NOT NULL,       -- JSON
    cost INTEGER NOT NULL,     -- picodollars, at the price of that run
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intents (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    job TEXT NOT NULL,
    most INTEGER NOT NULL,     -- picodollars that the request can cost
    outcome TEXT               -- answered, unpaid or doubtful; null while it is under way
);
CREATE INDEX IF NOT EXISTS intents_by_job ON intents (job, outcome);
"""

#: Seconds after which what was written is synced to disk.
SYNC_EVERY: Final = 3.0

Outcome = Literal["unpaid", "doubtful"]
_Statement = tuple[str, tuple[object, ...]]


class Totals(NamedTuple):
    """What a job has taken so far, in all its runs."""

    replies: int
    prompt_tokens: int
    completion_tokens: int
    cost: int
    """Picodollars that were paid for replies."""
    doubtful: int
    """Requests that may have been paid for, and brought no reply."""
    doubtful_cost: int
    """The most that those can have cost, in picodollars."""


@contextmanager
def open_cache(workspace: Workspace, job: str) -> Iterator["ReplyCache"]:
    """The workspace's cache, for one job, which no other process may work on meanwhile.

    Args:
        workspace: made if it is not there.
        job: what all runs have in common that are to share an account: 64 hex digits.

    Raises:
        LockedError: another process works on this job.
        WorkspaceError: the file cannot be written or is none.
    """
    path = workspace.root / "synth" / "replies.sqlite"
    with workspace.lock("synth", job[:16]), writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        cache = ReplyCache(path, job)
        try:
            yield cache
        finally:
            cache.close()


class ReplyCache:
    """Replies by payload hash. Every write is a transaction of its own, a tenth of a millisecond long."""

    def __init__(self, path: Path, job: str) -> None:
        self.path, self.job = path, job
        self._synced = time.monotonic()
        with self._explained():
            self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")  # no sync at commits; see `_write`
            self._database.executescript(_SCHEMA)
        # Nobody else works on this job, so whatever is under way belongs to a process that died.
        self._write(("UPDATE intents SET outcome = 'doubtful' WHERE job = ? AND outcome IS NULL", (job,)))

    def close(self) -> None:
        """Close the file, which syncs what is in it."""
        self._database.close()

    def find(self, key: str) -> Reply | None:
        """The reply to a payload, if one was paid for, in whichever job."""
        with self._explained():
            found = self._database.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return Reply.model_validate_json(found[0]) if found else None

    def totals(self) -> Totals:
        """What the job has taken so far."""
        paid = "SELECT count(*), total(prompt_tokens), total(completion_tokens), sum(cost) FROM replies WHERE job = ?"
        doubt = "SELECT count(*), sum(most) FROM intents WHERE job = ? AND outcome = 'doubtful'"
        with self._explained():
            replies, prompt, completion, cost = self._database.execute(paid, (self.job,)).fetchone()
            doubtful, doubtful_cost = self._database.execute(doubt, (self.job,)).fetchone()
        return Totals(replies, int(prompt), int(completion), cost or 0, doubtful, doubtful_cost or 0)

    def intend(self, key: str, most: int) -> int:
        """Write down that a request is about to leave; returns the intent's number."""
        return self._write(("INSERT INTO intents (key, job, most) VALUES (?, ?, ?)", (key, self.job, most)))

    def keep(self, intent: int, key: str, reply: Reply, cost: int) -> None:
        """Keep the reply to an intent."""
        values = (key, self.job, reply.model_dump_json(), cost, reply.prompt_tokens, reply.completion_tokens)
        self._write(
            ("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)", values),
            ("UPDATE intents SET outcome = 'answered' WHERE id = ?", (intent,)),
        )

    def settle(self, intent: int, outcome: Outcome) -> None:
        """Write down what became of an intent that brought no reply."""
        self._write(("UPDATE intents SET outcome = ? WHERE id = ?", (outcome, intent)))

    def _write(self, *statements: _Statement) -> int:
        """Commit some statements together; returns the number of the last row that was put in."""
        with self._explained():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                numbers = [self._database.execute(sql, values).lastrowid for sql, values in statements]
                self._database.execute("COMMIT")
            except sqlite3.Error:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise
            if time.monotonic() - self._synced > SYNC_EVERY:
                self._database.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._synced = time.monotonic()
        return numbers[-1] or 0

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error


def _unusable(path: Path, error: sqlite3.Error) -> WorkspaceError:
    return WorkspaceError(
        f"{path} cannot be used as the cache of replies: {error}.",
        next_step="Free some space or mend the file's permissions, then run again; or move the file away, which loses "
        "the replies in it.",
    )
