"""Replies that were paid for, and requests that were sent: one SQLite file, `synth/replies.sqlite` of a workspace.

What is promised. A reply is on disk before anything uses it, under the hash of its payload, so no later run asks for it
again. Before a request leaves, the intent is on disk, too: when a process dies, the requests that were under way are
known, and count as *doubtful* (perhaps paid) at the most that they can cost. Each goes out again under the same
`Idempotency-Key`, the payload's hash: an endpoint that honours the header is paid once; one that does not may be paid
twice for what was under way at the kill, never for more. No file on this side could do better: between the
endpoint's charge and our write there is always a moment.

Replies echo what was sent: the file is as private as the seeds are. Payloads and keys are not in it. It may be removed
when no run is to be resumed.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
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


@dataclass
class ReplyCache:
    """Replies by payload hash. Writes are committed together in a thread, and awaited; reads are immediate."""

    path: Path
    job: str
    _waiting: list[tuple[Sequence[_Statement], "asyncio.Future[int]"]] = field(default_factory=list)
    _committing: "asyncio.Task[None] | None" = None

    def __post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replies")
        try:
            self._writer, self._reader = self._connect(), self._connect()
            # Nobody else works on this job, so whatever is under way belongs to a process that died.
            self._writer.execute(
                "UPDATE intents SET outcome = 'doubtful' WHERE job = ? AND outcome IS NULL", (self.job,)
            )
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from error

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        return connection

    def close(self) -> None:
        """Close the file once all writes are done."""
        self._thread.shutdown()
        self._reader.close()
        self._writer.close()

    def find(self, key: str) -> Reply | None:
        """The reply to a payload, if one was paid for, in whichever job."""
        found = self._reader.execute("SELECT reply FROM replies WHERE key = ?", (key,)).fetchone()
        return Reply.model_validate_json(found[0]) if found else None

    def totals(self) -> Totals:
        """What the job has taken so far."""
        paid = "SELECT count(*), total(prompt_tokens), total(completion_tokens), sum(cost) FROM replies WHERE job = ?"
        doubt = "SELECT count(*), sum(most) FROM intents WHERE job = ? AND outcome = 'doubtful'"
        replies, prompt, completion, cost = self._reader.execute(paid, (self.job,)).fetchone()
        doubtful, doubtful_cost = self._reader.execute(doubt, (self.job,)).fetchone()
        return Totals(replies, int(prompt), int(completion), cost or 0, doubtful, doubtful_cost or 0)

    async def intend(self, key: str, most: int) -> int:
        """Write down that a request is about to leave; returns the intent's number."""
        return await self._write(("INSERT INTO intents (key, job, most) VALUES (?, ?, ?)", (key, self.job, most)))

    async def keep(self, intent: int, key: str, reply: Reply, cost: int) -> None:
        """Keep the reply to an intent."""
        values = (key, self.job, reply.model_dump_json(), cost, reply.prompt_tokens, reply.completion_tokens)
        await self._write(
            ("INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)", values),
            ("UPDATE intents SET outcome = 'answered' WHERE id = ?", (intent,)),
        )

    async def settle(self, intent: int, outcome: Outcome) -> None:
        """Write down what became of an intent that brought no reply."""
        await self._write(("UPDATE intents SET outcome = ? WHERE id = ?", (outcome, intent)))

    async def _write(self, *statements: _Statement) -> int:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((statements, done))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_waiting())
        return await asyncio.shield(done)

    async def _commit_waiting(self) -> None:
        """Commit what waits, then what came meanwhile: one sync to disk serves many requests."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                numbers = await loop.run_in_executor(self._thread, self._commit, [each for each, _ in batch])
            except sqlite3.Error as error:
                for _, done in batch:
                    done.set_exception(_unusable(self.path, error))
                continue
            for (_, done), number in zip(batch, numbers, strict=True):
                if not done.done():
                    done.set_result(number)
        self._committing = None

    def _commit(self, batch: list[Sequence[_Statement]]) -> list[int]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            numbers = [self._run(statements) for statements in batch]
            self._writer.execute("COMMIT")
        except sqlite3.Error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise
        return numbers

    def _run(self, statements: Sequence[_Statement]) -> int:
        cursors = [self._writer.execute(sql, values) for sql, values in statements]
        return int(cursors[-1].lastrowid or 0)


def _unusable(path: Path, error: sqlite3.Error) -> WorkspaceError:
    return WorkspaceError(
        f"{path} cannot be used as the cache of replies: {error}.",
        next_step="Free some space or mend the file's permissions, then run again; or move the file away, which loses "
        "the replies in it.",
    )
