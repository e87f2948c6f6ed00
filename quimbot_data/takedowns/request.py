"""Taking rows down: a request is checked, resolved and noted in the ledger; from then on no build holds its rows."""

import getpass
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from quimbot_data.takedowns import ledger
from quimbot_data.takedowns.marks import without_epoch
from quimbot_data.takedowns.resolve import Found, Refused, Request, neighbour, resolve, text_hash
from quimbot_data.takedowns.shared import sharing
from quimbot_data.takedowns.texts import plain
from quimbot_data.workspace import Workspace
from schemas.errors import InputError, MissingError
from schemas.fields import SOURCE_PATTERN
from schemas.takedown import Takedown, TakenRows

_EXAMPLES: Final = "`quimbot sql 'SELECT dialogue_id FROM dialogues LIMIT 5'` shows what ids look like."


class Added(NamedTuple):
    """The entry that a request gave, whether it is new, the refused raw rows it takes, and whether it was written."""

    entry: Takedown
    new: bool
    refused: list[Refused]
    written: bool = False

    @property
    def rows(self) -> int:
        """How many rows it takes."""
        return len(self.entry.rows.dialogues) + len(self.entry.rows.learner_texts) + len(self.refused)


def add(
    workspace: Workspace,
    request: Request,
    reason: str,
    by: str | None = None,
    *,
    dry_run: bool = False,
    at_most: int | None = None,
) -> Added:
    """Take rows down: find them, and note them in the ledger.

    Asking again for what the ledger holds already changes nothing; where the same request finds new rows, it gives
    another entry.

    Args:
        workspace: whose rows.
        request: what is asked for.
        reason: why; goes into the ledger as it is.
        by: who decided it; the login name where not given.
        dry_run: write nothing.
        at_most: write nothing, either, where it takes more rows than that.

    Raises:
        InputError: nothing is asked for, or what is asked for is blank or no text.
        MissingError: something that is asked for matches nothing.
        LockedError: a build, or another takedown, is under way.
    """
    _check(request)
    request = request._replace(ids=[without_epoch(name) for name in request.ids])
    reason, by = plain(reason, "The reason").strip(), plain(_login() if by is None else by, "The name").strip()
    if not workspace.root.is_dir():
        raise MissingError(f"{workspace.root} does not exist.", next_step="Name a workspace with --workspace.")
    if dry_run:
        return _added(workspace, request, reason, by)
    with workspace.lock(ledger.LOCK):
        added = _added(workspace, request, reason, by)
        if not added.new or (at_most is not None and added.rows > at_most):
            return added
        ledger.write(workspace, added.entry)
        return added._replace(written=True)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # the system knows no such user, as in some containers
        return "unknown"


def _check(request: Request) -> None:
    if not any(request):
        raise InputError(
            "Nothing is asked for.",
            valid="Valid: one ID or more, --match TEXT, --raw-id SOURCE:RAWID.",
            next_step=_EXAMPLES,
        )
    for kind, texts in (("An id", request.ids), ("The text to match", request.matches), ("A raw id", request.raw_ids)):
        for text in texts:
            plain(text, kind)
    for text in (*request.ids, *request.raw_ids):
        source, _, key = text.partition(":")
        if not re.fullmatch(SOURCE_PATTERN, source) or not key:
            raise MissingError(f"{text!r} is no row's id.", valid="An id is SOURCE:KEY.", next_step=_EXAMPLES)


def _added(workspace: Workspace, request: Request, reason: str, by: str) -> Added:
    known, asked, found = ledger.entries(workspace), request.asked(), resolve(workspace, request)
    _refuse_unknown(workspace, request, found, known)
    rows = found.rows(request.raw_ids)
    same = [entry for entry in known if entry.asked == asked and _keys(rows) <= _keys(entry.rows)]
    if not found.matched:  # purged: the ledger alone knows of them
        same += [entry for entry in known if _holds_any(entry, request)]
    if same:
        return Added(same[0], False, found.refused)
    name = ledger.entry_id(asked, rows)
    entry = Takedown(
        id=name,
        reason=reason,
        by=by,
        when=ledger.now(),
        asked=asked,
        rows=rows,
        purged=None,
        shared=sharing(workspace, rows.dialogues),
    )
    return Added(entry, True, found.refused)


def _refuse_unknown(workspace: Workspace, request: Request, found: Found, known: Sequence[Takedown]) -> None:
    """Hold that each thing that is asked for matches a row, or did before its row was purged."""
    held = {key for entry in known for key in _known_by(entry)}
    for wanted in (*request.ids, *request.raw_ids):
        if wanted not in found.matched and wanted not in held:
            near = neighbour(workspace, wanted)
            raise MissingError(
                f"Nothing in {workspace.root} is called {wanted!r}: no dialogue, learner text or refused raw row, "
                "in no corpus and no version." + (f" Did you mean {near}?" if near else ""),
                next_step=_EXAMPLES,
            )
    for text in request.matches:
        if text not in found.matched and text_hash(text) not in held:
            raise MissingError(
                f"Nothing in {workspace.root} holds that text of {len(text):,} characters: no message, learner text or "
                "refused raw row.",
                valid="Case counts, blanks do not; in the corpora, personal data was replaced by placeholders.",
                next_step="Try a shorter part of it.",
            )


def _known_by(entry: Takedown) -> set[str]:
    rows = entry.rows
    return {*rows.dialogues, *rows.learner_texts, *rows.raw_ids, *(ask.value for ask in entry.asked)}


def _holds_any(entry: Takedown, request: Request) -> bool:
    return not _known_by(entry).isdisjoint(ask.value for ask in request.asked())


def _keys(rows: TakenRows) -> set[tuple[str, str]]:
    """Everything that an entry takes, by kind."""
    kinds = {
        "dialogue": rows.dialogues,
        "learner text": rows.learner_texts,
        "raw id": rows.raw_ids,
        "refused": [f"{row.source}:{row.sha256}" for row in rows.refused],
        "content": [content.content_hash for content in rows.contents],
    }
    return {(kind, key) for kind, keys in kinds.items() for key in keys}
