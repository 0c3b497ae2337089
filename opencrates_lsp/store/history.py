"""The changes: written before the edit is sent, closed by its answer, and what undo works from."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.store.owners import is_gone, this_process
from opencrates_lsp.store.sqlite import Database
from opencrates_lsp.values import Usage

State = Literal["open", "applied", "not applied", "unknown", "undone"]

KEPT = 1000
"""So many settled changes are kept, the newest."""

_NEXT: dict[State, tuple[State, ...]] = {
    "open": ("applied", "not applied", "unknown"),
    "unknown": ("applied", "not applied", "undone"),
    "applied": ("undone",),
}


@dataclass(frozen=True, slots=True)
class IntentFile:
    """The whole text of a file, UTF-8, before and after; None where there was, or is to be, no file."""

    path: Path
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Intent:
    """A change that is about to be applied, or was; `created` is seconds of `time.time()`."""

    id: str
    job: str
    title: str
    action: str
    files: tuple[IntentFile, ...]
    verdict_json: str
    usage: Usage
    state: State
    created: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A change as a list shows it: an `Intent` without the texts."""

    id: str
    job: str
    title: str
    action: str
    paths: tuple[Path, ...]
    verdict_json: str
    usage: Usage
    state: State
    created: float


class History:
    """The intents of one store; each store of each process owns those that it began."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time, *, kept: int = KEPT) -> None:
        self._database = database
        self._clock = clock
        self._kept = kept
        self._owner = this_process()
        self._own = uuid4().hex

    async def begin(self, intent: Intent) -> None:
        """Commit an open intent; when this returns, it survives the end of the process and of the power.

        Raises `WrongUsage` when its state is not "open" or its id is taken.
        """
        if intent.state != "open":
            raise WrongUsage('A change begins in the state "open".', remedy="Settle it afterwards.")

        def work(connection: sqlite3.Connection) -> None:
            if connection.execute("SELECT 1 FROM intents WHERE id = ?", (intent.id,)).fetchone():
                raise WrongUsage(f"The change {intent.id} was begun already.", remedy="Give each change its own id.")
            number = connection.execute(
                "INSERT INTO intents (id, job, title, action, verdict, usage, state, created, owner) "
                "VALUES (?, ?, ?, ?, ?, ?, 'open', ?, ?)",
                (
                    intent.id,
                    intent.job,
                    intent.title,
                    intent.action,
                    intent.verdict_json,
                    json.dumps(asdict(intent.usage)),
                    intent.created,
                    f"{self._own}@{self._owner}",
                ),
            ).lastrowid
            for position, file in enumerate(intent.files):
                before, after = _packed(file.before), _packed(file.after)
                texts = [text for text in (before, after) if text is not None]
                connection.executemany("INSERT OR IGNORE INTO texts (hash, body) VALUES (?, ?)", texts)
                connection.execute(
                    "INSERT INTO intent_files VALUES (?, ?, ?, ?, ?)",
                    (number, position, os.fsencode(file.path), before and before[0], after and after[0]),
                )
            _forget_oldest(connection, self._kept)

        await self._database.write(work)

    async def settle(self, intent_id: str, state: State) -> None:
        """Say what became of an intent; saying the same twice is nothing.

        Raises `WrongUsage` for an id that is not there, and for a way that there is not ("undone" before "applied").
        """

        def work(connection: sqlite3.Connection) -> None:
            row = connection.execute("SELECT state FROM intents WHERE id = ?", (intent_id,)).fetchone()
            if row is None:
                raise _unknown(intent_id)
            if row[0] == state:
                return
            if state not in _NEXT.get(row[0], ()):
                raise WrongUsage(
                    f"The change {intent_id} is {row[0]!r} and cannot become {state!r}.",
                    remedy="`opencrates history` shows how each change ended.",
                )
            connection.execute("UPDATE intents SET state = ?, owner = NULL WHERE id = ?", (state, intent_id))

        await self._database.write(work)

    async def open_intents(self) -> tuple[Intent, ...]:
        """The intents that nobody will settle any more, oldest first: their process, or their store, is gone.

        What a living process has in flight, this one included, is not among them.
        """

        def work(connection: sqlite3.Connection) -> tuple[Intent, ...]:
            rows = connection.execute(
                "SELECT number, owner, created FROM intents WHERE state = 'open' ORDER BY number"
            ).fetchall()
            return tuple(
                _intent(connection, number, self._database.path)
                for number, owner, created in rows
                if is_gone(owner and owner.partition("@")[2], (self._clock() - created) / 3600)
            )

        return await self._database.read(work)

    async def get(self, intent_id: str) -> Intent:
        """One change; raises `WrongUsage` when there is none with this id."""

        def work(connection: sqlite3.Connection) -> Intent:
            row = connection.execute("SELECT number FROM intents WHERE id = ?", (intent_id,)).fetchone()
            if row is None:
                raise _unknown(intent_id)
            return _intent(connection, row[0], self._database.path)

        return await self._database.read(work)

    async def last_applied(self, within: Sequence[Path] = ()) -> Intent | None:
        """The newest change that is applied and not undone, of the folders or files `within` where some are given.

        Changes of the action "undo" do not count: undoing twice takes two changes back.
        """

        def work(connection: sqlite3.Connection) -> Intent | None:
            rows = connection.execute(
                "SELECT number FROM intents WHERE state = 'applied' AND action <> 'undo' ORDER BY number DESC"
            )
            for (number,) in rows:
                paths = _paths(connection, number)
                if not within or all(any(path.is_relative_to(place) for place in within) for path in paths):
                    return _intent(connection, number, self._database.path)
            return None

        return await self._database.read(work)

    async def list_recent(self, limit: int = 50) -> tuple[Entry, ...]:
        """The newest changes, newest first, without their texts."""

        def work(connection: sqlite3.Connection) -> tuple[Entry, ...]:
            numbers = connection.execute("SELECT number FROM intents ORDER BY number DESC LIMIT ?", (limit,)).fetchall()
            return tuple(_entry(connection, number) for (number,) in numbers)

        return await self._database.read(work)

    async def leave(self) -> None:
        """Give up what this store has open; whoever opens the file next finds it in `open_intents`."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE intents SET owner = NULL WHERE owner = ?", (f"{self._own}@{self._owner}",))

        await self._database.write(work)


def _unknown(intent_id: str) -> WrongUsage:
    return WrongUsage(f"There is no change {intent_id}.", remedy="`opencrates history` lists them.")


def _packed(text: bytes | None) -> tuple[str, bytes] | None:
    return None if text is None else (hashlib.sha256(text).hexdigest(), zlib.compress(text, 1))


def _entry(connection: sqlite3.Connection, number: int) -> Entry:
    intent_id, job, title, action, verdict, usage, state, created = connection.execute(
        "SELECT id, job, title, action, verdict, usage, state, created FROM intents WHERE number = ?", (number,)
    ).fetchone()
    paths = _paths(connection, number)
    return Entry(intent_id, job, title, action, paths, verdict, Usage(**json.loads(usage)), state, created)


def _intent(connection: sqlite3.Connection, number: int, store: Path) -> Intent:
    entry = _entry(connection, number)
    files = connection.execute(
        "SELECT path, before_hash, after_hash FROM intent_files WHERE intent = ? ORDER BY position", (number,)
    ).fetchall()
    texts = {name: _text(connection, name, store) for _, *names in files for name in names if name is not None}
    return Intent(
        id=entry.id,
        job=entry.job,
        title=entry.title,
        action=entry.action,
        files=tuple(IntentFile(_path(path), texts.get(before), texts.get(after)) for path, before, after in files),
        verdict_json=entry.verdict_json,
        usage=entry.usage,
        state=entry.state,
        created=entry.created,
    )


def _text(connection: sqlite3.Connection, name: str, store: Path) -> bytes:
    row = connection.execute("SELECT body FROM texts WHERE hash = ?", (name,)).fetchone()
    try:
        text = zlib.decompress(row[0]) if row else b""
    except zlib.error:
        text = b""
    if hashlib.sha256(text).hexdigest() != name:
        # Undo would write it over the user's file.
        raise Missing(
            "A text of the history is damaged.",
            remedy="Move the file away; OpenCrates begins a new one.",
            place=store,
        )
    return text


def _paths(connection: sqlite3.Connection, number: int) -> tuple[Path, ...]:
    rows = connection.execute("SELECT path FROM intent_files WHERE intent = ? ORDER BY position", (number,))
    return tuple(_path(path) for (path,) in rows)


def _path(raw: bytes) -> Path:
    return Path(os.fsdecode(raw))


def _forget_oldest(connection: sqlite3.Connection, kept: int) -> None:
    """Keep the newest settled changes, every open one, and the texts that they need."""
    old: Sequence[tuple[int]] = connection.execute(
        "SELECT number FROM intents WHERE state <> 'open' ORDER BY number DESC LIMIT -1 OFFSET ?", (kept,)
    ).fetchall()
    if not old:
        return
    connection.executemany("DELETE FROM intents WHERE number = ?", old)
    connection.execute(
        "DELETE FROM texts WHERE NOT EXISTS (SELECT 1 FROM intent_files WHERE before_hash = hash) "
        "AND NOT EXISTS (SELECT 1 FROM intent_files WHERE after_hash = hash)"
    )
