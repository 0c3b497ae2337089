"""The file itself: migrations, other processes, and files that cannot be used."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from opencrates_lsp.errors import Busy, Missing
from opencrates_lsp.store import Store
from opencrates_lsp.store.sqlite import MIGRATIONS, Database, load_migrations, migrate, to_wal, transaction


def schema(path: Path) -> set[str]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'").fetchall()
    connection.close()
    return {name for (name,) in rows}


async def opened_once(path: Path) -> None:
    await (await Store.open(path)).close()


async def test_a_new_file_is_made_for_the_user_alone_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "data" / "store.sqlite"
    for _ in range(2):
        store = await Store.open(path)
        await store.remembered.remember("trust", "/x", "yes")
        assert {stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()} == {0o600}
        await store.close()
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT version, name FROM migrations").fetchall() == [(1, "first")]
    connection.close()


def test_every_migration_goes_down_again(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    migrations = load_migrations(MIGRATIONS)
    migrate(connection, path, migrations)
    assert {"intents", "calls", "remembered"} < schema(path)
    migrate(connection, path, migrations, upto=0)
    assert schema(path) == {"migrations"}
    migrate(connection, path, migrations)
    assert {"intents", "calls", "remembered"} < schema(path)
    connection.close()


async def test_a_migration_that_fails_leaves_nothing_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / "0001_a.up.sql").write_text("CREATE TABLE a (x);\n-- ; in a comment\nINSERT INTO a VALUES ('; x');\n")
    (folder / "0001_a.down.sql").write_text("DROP TABLE a;\n")
    path = tmp_path / "store.sqlite"
    first = Database(path, folder)
    await first.open()
    assert await first.read(lambda connection: connection.execute("SELECT x FROM a").fetchall()) == [("; x",)]
    await first.close()
    (folder / "0002_b.up.sql").write_text("CREATE TABLE b (x);\nINSERT INTO none VALUES (1);\n")
    (folder / "0002_b.down.sql").write_text("DROP TABLE b;\n")
    with pytest.raises(Missing, match="no such table: none"):
        await Database(path, folder).open()
    assert schema(path) == {"migrations", "a"}
    # A build that changed what it had shipped is not mixed with the one before.
    (folder / "0002_b.up.sql").unlink()
    (folder / "0001_a.up.sql").write_text("CREATE TABLE a (y);\n")
    with pytest.raises(Missing, match="migration 1 differs"):
        await Database(path, folder).open()


OPEN = """
import asyncio, sys
from pathlib import Path
from opencrates_lsp.store import Store

async def main():
    sys.stdin.readline()
    store = await Store.open(Path(sys.argv[1]))
    await store.remembered.remember("trust", sys.argv[2], "yes")
    await store.close()

asyncio.run(main())
"""


def test_processes_that_open_at_once_migrate_once(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(path), str(number)], stdin=subprocess.PIPE)
        for number in range(4)
    ]
    for process in processes:
        # All have imported by the time that they read; the line lets them go together.
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT version FROM migrations").fetchall() == [(1,)]
    assert connection.execute("SELECT count(*) FROM remembered").fetchone() == (4,)
    connection.close()


def newer(path: Path) -> None:
    asyncio.run(opened_once(path))
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO migrations VALUES (99, 'later', '', 0)")
    connection.commit()
    connection.close()


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()


def no_database(path: Path) -> None:
    path.write_text("not a database, but something that somebody may need" * 100)


def torn(path: Path) -> None:
    asyncio.run(opened_once(path))
    raw = bytearray(path.read_bytes())
    raw[100:4096] = b"\x07" * 3996
    path.write_bytes(raw)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (newer, "newer OpenCrates .its schema is 99, this one knows 1"),
        (foreign, "belongs to another program"),
        (no_database, "damaged: file is not a database"),
        (torn, "damaged: database disk image is malformed"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_kept(make: Callable[[Path], None], said: str, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    make(path)
    before = path.read_bytes()
    with pytest.raises(Missing, match=said) as caught:
        asyncio.run(Store.open(path))
    assert caught.value.place == path
    assert caught.value.remedy
    assert path.read_bytes() == before


async def test_a_place_that_can_be_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "store.sqlite", tmp_path / "folder"):
        with pytest.raises(Missing, match="cannot be written") as caught:
            await Store.open(path)
        assert "OPENCRATES_HOME" in caught.value.remedy


READ_ONLY = """
import asyncio, os, sys
from pathlib import Path
from opencrates_lsp.errors import Missing
from opencrates_lsp.store import Store
if os.geteuid() == 0:
    os.setegid(65534)
    os.seteuid(65534)

async def main():
    for path in ("new/store.sqlite", "store.sqlite"):
        try:
            await Store.open(Path(path))
        except Missing as error:
            print(error.message)

asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="the rights of files are those of POSIX here")
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    asyncio.run(opened_once(tmp_path / "store.sqlite"))
    (tmp_path / "store.sqlite").chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        ended = subprocess.run([sys.executable, "-c", READ_ONLY], cwd=tmp_path, capture_output=True, text=True)
    finally:
        tmp_path.chmod(0o755)
    assert ended.stdout.splitlines() == ["The store cannot be written: Permission denied."] * 2, ended.stderr


async def test_a_lock_that_stays_is_busy_and_nothing_is_half_done(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    await opened_once(path)
    other = sqlite3.connect(path, isolation_level=None)
    database = Database(path, wait_seconds=0.05)
    await database.open()
    with transaction(other), pytest.raises(Busy, match="locked"):
        await database.write(lambda connection: connection.execute("DELETE FROM remembered"))
    assert await database.write(lambda connection: connection.total_changes) == 0
    await database.close()
    other.close()


def test_the_change_to_wal_waits_for_readers(tmp_path: Path) -> None:
    reader = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    reader.execute("CREATE TABLE t (x)")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM t")
    mine = sqlite3.connect(tmp_path / "store.sqlite", timeout=0, check_same_thread=False)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        to_wal(mine, time.monotonic())
    tries: list[str] = []
    twice = threading.Event()

    def tried(said: str) -> None:
        tries.append(said)
        if len(tries) > 1:
            twice.set()

    mine.set_trace_callback(tried)
    waiting = threading.Thread(target=to_wal, args=(mine, time.monotonic() + 60))
    waiting.start()
    assert twice.wait(60)
    reader.execute("COMMIT")
    waiting.join(60)
    assert mine.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    mine.close()
    reader.close()


async def test_a_commit_waits_for_the_disk_unless_it_may_get_lost(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.sqlite")
    await database.open()

    def level(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA synchronous").fetchone()[0])

    full, normal = 2, 1
    found = [await database.write(level, durable=durable) for durable in (True, False, True)]
    assert found == [full, normal, full]
    await database.close()


async def test_work_that_fails_is_undone_and_the_next_goes_on(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    database = store._database

    def half(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO remembered VALUES ('trust', 'a', 'yes', 1, 1)")
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(half)
    assert await store.remembered.recall("trust", "a") is None
    await store.remembered.remember("trust", "a", "no")
    assert await store.remembered.recall("trust", "a") == "no"
    await store.close()


async def test_a_write_is_done_though_its_caller_is_cancelled(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def block(_: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(60)

    blocking = asyncio.create_task(store._database.read(block))
    await started.wait()
    waiting = asyncio.create_task(store.remembered.remember("consent", "k", "yes"))
    await asyncio.sleep(0)
    for task in (waiting, blocking):
        task.cancel()
    assert [type(one) for one in await asyncio.gather(waiting, blocking, return_exceptions=True)] == [
        asyncio.CancelledError
    ] * 2
    go_on.set()
    assert await store.remembered.recall("consent", "k") == "yes"
    await store.close()


async def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    await store.close()
    await store.close()
    with pytest.raises(Missing, match="closed"):
        await store.remembered.recall("trust", "a")
