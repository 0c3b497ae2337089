"""One SQLite file, one thread that talks to it, and the migrations that shape it.

Everything goes through the one thread, in order, so that a read sees every write that was asked for before it.
A commit is on the disk before it is reported (WAL, synchronous FULL); only writes that may get lost are asked for
with `durable=False`.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from opencrates_lsp.errors import Busy, Missing, OpenCratesError

T = TypeVar("T")

MIGRATIONS = Path(__file__).parent / "migrations" / "sqlite"
WAIT_SECONDS = 10.0
"""How long another process's write is waited for."""

_NAME = re.compile(r"(?P<version>\d{4})_(?P<name>\w+)\.up\.sql")
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_WAITING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH})


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the schema; `checksum` is the SHA-256 of `up`."""

    version: int
    name: str
    up: str
    down: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.up.encode()).hexdigest()


class Database:
    """The connection, used in its own thread only; opened by `open`, closed once."""

    def __init__(self, path: Path, migrations: Path = MIGRATIONS, wait_seconds: float = WAIT_SECONDS) -> None:
        self.path = path
        self._migrations = migrations
        self._wait_seconds = wait_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="opencrates-store")
        self._connection: sqlite3.Connection | None = None
        self._durable = True

    async def open(self) -> None:
        """Make the file where there is none and bring its schema up to date.

        Raises `Missing` when the file cannot be read or written, is damaged, or was written by a newer OpenCrates,
        and `Busy` when another process keeps it locked. The file is never deleted.
        """
        try:
            await self._submit(self._open)
        except BaseException:
            await self.close()
            raise

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` finds; it must not write."""
        return await self._submit(lambda: self._translated(work))

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = True) -> T:
        """Do `work` in one transaction, wholly or not at all; done even when the caller is cancelled meanwhile."""
        return await self._submit(lambda: self._translated(lambda connection: self._written(connection, work, durable)))

    async def close(self) -> None:
        """Finish what was asked for and close; a second call does nothing."""
        with contextlib.suppress(RuntimeError):
            self._thread.submit(self._close)
        await asyncio.shield(asyncio.to_thread(self._thread.shutdown))

    async def _submit(self, work: Callable[[], T]) -> T:
        try:
            future: Future[T] = self._thread.submit(work)
        except RuntimeError:
            raise Missing("The store is closed.", remedy="Start OpenCrates again.", place=self.path) from None
        # A cancelled caller must not take a write back that may have been promised to somebody already.
        return await asyncio.shield(asyncio.wrap_future(future))

    def _open(self) -> None:
        with self._understood():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The texts of the user's files go in: nobody else may read them.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                self.path, timeout=self._wait_seconds, isolation_level=None, check_same_thread=False
            )
            migrations = load_migrations(self._migrations)
            # Before anything is changed: the file may be another program's, or a newer build's.
            schema_version(self._connection, self.path, migrations)
            to_wal(self._connection, time.monotonic() + self._wait_seconds)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            migrate(self._connection, self.path, migrations)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _translated(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            raise Missing("The store is not open.", remedy="Start OpenCrates again.", place=self.path)
        with self._understood():
            return work(self._connection)

    def _written(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T], durable: bool) -> T:
        if durable != self._durable:
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        with transaction(connection):
            return work(connection)

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """Errors of the file and of SQLite as those for the user."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._explained(error) from error
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def _explained(self, error: sqlite3.Error) -> OpenCratesError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _WAITING:
            return Busy("Another OpenCrates keeps the store locked.", remedy="Try again in a moment.", place=self.path)
        if code in _UNWRITABLE:
            return self._unwritable(str(error))
        if code in _DAMAGED:
            return Missing(
                f"The store is damaged: {error}.",
                remedy="Move the file away; OpenCrates begins a new one, and the history stays in the old.",
                place=self.path,
            )
        if code == sqlite3.SQLITE_FULL:
            return Missing("The disk is full.", remedy="Make room and try again.", place=self.path)
        return Missing(
            f"The store does not work: {error}.", remedy="See whether the disk is in order.", place=self.path
        )

    def _unwritable(self, why: str) -> Missing:
        return Missing(
            f"The store cannot be written: {why}.",
            remedy="Make its folder writable, or let OPENCRATES_HOME name one that is.",
            place=self.path,
        )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Begin as a writer at once, so that nothing that was read can be outdated when it is written back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # After some errors SQLite has rolled back by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def to_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Switch to the journal that readers need not wait for, until `deadline` (of `time.monotonic()`).

    SQLite itself does not wait for others in this one statement, so this does.
    """
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _WAITING or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def load_migrations(folder: Path) -> tuple[Migration, ...]:
    """The migrations of a folder, in their order."""
    found = []
    for path in sorted(folder.iterdir()):
        if match := _NAME.fullmatch(path.name):
            down = path.with_name(path.name.removesuffix(".up.sql") + ".down.sql")
            texts = path.read_text(encoding="utf-8"), down.read_text(encoding="utf-8")
            found.append(Migration(int(match["version"]), match["name"], *texts))
    return tuple(found)


def migrate(
    connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...], upto: int | None = None
) -> None:
    """Bring the schema to version `upto` (the newest), up or down, in one transaction.

    Raises `Missing` when the file's schema is newer than the migrations, or was made by others of the same number.
    """
    wanted = max((one.version for one in migrations), default=0) if upto is None else upto
    if schema_version(connection, path, migrations) == wanted:
        return
    with transaction(connection):
        # Another process may have been faster between the look above and the lock.
        now = schema_version(connection, path, migrations)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
            "checksum TEXT NOT NULL, applied REAL NOT NULL)"
        )
        for one in migrations:
            if now < one.version <= wanted:
                _run(connection, one.up)
                row = (one.version, one.name, one.checksum, time.time())
                connection.execute("INSERT INTO migrations VALUES (?, ?, ?, ?)", row)
        for one in reversed(migrations):
            if wanted < one.version <= now:
                _run(connection, one.down)
                connection.execute("DELETE FROM migrations WHERE version = ?", (one.version,))


def schema_version(connection: sqlite3.Connection, path: Path, migrations: tuple[Migration, ...]) -> int:
    """The version of the file's schema, 0 for an empty file; raises `Missing` when it is none of ours."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    known = {one.version: one.checksum for one in migrations}
    newest = max(known, default=0)
    if "migrations" not in tables:
        if tables:
            raise Missing(
                "The store's file belongs to another program.",
                remedy="Move it away, or let OPENCRATES_HOME name another folder.",
                place=path,
            )
        return 0
    applied = connection.execute("SELECT version, checksum FROM migrations ORDER BY version").fetchall()
    version = int(applied[-1][0]) if applied else 0
    if version > newest:
        raise Missing(
            f"The store was written by a newer OpenCrates (its schema is {version}, this one knows {newest}).",
            remedy="Update opencrates-lsp, or let OPENCRATES_HOME name another folder.",
            place=path,
        )
    for number, checksum in applied:
        if known.get(number) != checksum:
            raise Missing(
                f"The store was made by another build of OpenCrates (its migration {number} differs).",
                remedy="Install the build that made it, or move the file away.",
                place=path,
            )
    return version


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Execute statement by statement: `executescript` would commit the transaction around it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""
