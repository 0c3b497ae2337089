"""Intents: durable before the edit, settled by its answer, found again after the worst."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.store import Store
from opencrates_lsp.store import history as module
from opencrates_lsp.store.history import Intent, IntentFile, State
from opencrates_lsp.values import Usage

USAGE = Usage("openai", "m", 10, 20, 0.25, True)
ODD = Path(os.fsdecode(b"/w/src/\xff\xc3\xa4.rs"))


def intent(name: str, *files: IntentFile, action: str = "fill") -> Intent:
    files = files or (IntentFile(Path("/w/src/lib.rs"), b"before", b"after"),)
    return Intent(name, "job", f"Fill `{name}`", action, files, '{"level": "check"}', USAGE, "open", 1000.0)


async def test_a_change_comes_back_byte_for_byte(tmp_path: Path) -> None:
    whole = intent(
        "a",
        IntentFile(ODD, b"\xef\xbb\xbf\r\n\x00\xff", b""),
        IntentFile(Path("/w/new.rs"), None, "ü".encode() * 50_000),
        IntentFile(Path("/w/old.rs"), b"", None),
    )
    store = await Store.open(tmp_path / "store.sqlite")
    await store.history.begin(whole)
    assert await store.history.get("a") == whole
    await store.history.settle("a", "applied")
    await store.close()
    store = await Store.open(tmp_path / "store.sqlite")
    assert await store.history.last_applied() == replace(whole, state="applied")
    (entry,) = await store.history.list_recent()
    assert (entry.paths, entry.usage, entry.state) == (tuple(file.path for file in whole.files), USAGE, "applied")
    await store.close()


@pytest.mark.parametrize(
    ("states", "allowed"),
    [
        (("applied", "undone"), True),
        (("applied", "applied"), True),
        (("unknown", "applied"), True),
        (("unknown", "not applied"), True),
        (("undone",), False),
        (("applied", "not applied"), False),
        (("not applied", "applied"), False),
        (("applied", "undone", "applied"), False),
        (("applied", "open"), False),
    ],
)
async def test_the_ways_from_state_to_state(states: tuple[State, ...], allowed: bool, tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    await store.history.begin(intent("a"))
    for state in states[:-1]:
        await store.history.settle("a", state)
    if allowed:
        await store.history.settle("a", states[-1])
        assert (await store.history.get("a")).state == states[-1]
    else:
        with pytest.raises(WrongUsage, match="cannot become"):
            await store.history.settle("a", states[-1])
        assert (await store.history.get("a")).state == (states[-2] if states[:-1] else "open")
    await store.close()


async def test_wrong_names_are_told(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    await store.history.begin(intent("a"))
    with pytest.raises(WrongUsage, match="begun already"):
        await store.history.begin(intent("a"))
    with pytest.raises(WrongUsage, match="begins in the state"):
        await store.history.begin(replace(intent("b"), state="applied"))
    for wrong in (store.history.get("none"), store.history.settle("none", "applied")):
        with pytest.raises(WrongUsage, match="There is no change none"):
            await wrong
    await store.close()


async def test_the_last_applied_is_of_the_asked_folder_and_no_undo(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    history = store.history
    elsewhere = IntentFile(Path("/w2/src/lib.rs"), b"", b"x")
    changes = [intent("a"), intent("b"), intent("c", elsewhere), intent("d", action="undo"), intent("e")]
    for one in changes:
        await history.begin(one)
    for name in "abcd":
        await history.settle(name, "applied")

    async def last(*places: str) -> str | None:
        found = await history.last_applied([Path(place) for place in places])
        return found.id if found else None

    assert [await last(), await last("/w"), await last("/w2"), await last("/")] == ["c", "b", "c", "c"]
    assert [await last("/w", "/w2"), await last("/w2/src/lib.rs", "/w3"), await last("/w3")] == ["c", "c", None]
    await history.settle("b", "undone")
    assert [await last(root) for root in ("/w", "/w/src", "/none")] == ["a", "a", None]
    assert [entry.id for entry in await history.list_recent(2)] == ["e", "d"]
    await store.close()


async def test_only_what_nobody_will_settle_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    mine, theirs = await Store.open(path), await Store.open(path)
    await mine.history.begin(intent("a"))
    await theirs.history.begin(intent("b"))
    assert await mine.history.open_intents() == ()
    await theirs.close()
    assert [one.id for one in await mine.history.open_intents()] == ["b"]
    await mine.history.settle("b", "unknown")
    assert await mine.history.open_intents() == ()
    await mine.close()


KILLED = """
import asyncio, sys, time
from pathlib import Path
from opencrates_lsp.store import Store
from opencrates_lsp.store.history import Intent, IntentFile
from opencrates_lsp.values import Usage

async def main():
    store = await Store.open(Path(sys.argv[1]))
    files = (IntentFile(Path("/w/src/lib.rs"), b"before", b"after"),)
    await store.history.begin(Intent("killed", "job", "t", "fill", files, "{}", Usage("p", "m"), "open", time.time()))
    await store.usage.reserve("p", "m", 1.0, 1.0)
    print("begun", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


async def test_what_a_killed_process_began_is_found_with_both_texts(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", KILLED, str(path), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    store = await Store.open(path)
    # It lives: what it has under way is its own.
    assert await store.history.open_intents() == ()
    process.send_signal(signal.SIGKILL)
    await process.wait()
    (found,) = await store.history.open_intents()
    assert (found.id, found.files) == ("killed", (IntentFile(Path("/w/src/lib.rs"), b"before", b"after"),))
    # What it had set aside is free again: the whole cap can be reserved.
    await store.usage.reserve("p", "m", 1.0, 1.0)
    await store.close()


async def test_a_damaged_text_is_never_given_to_undo(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    await store.history.begin(intent("a"))

    def damage(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE texts SET body = (SELECT body FROM texts ORDER BY hash LIMIT 1)")

    await store._database.write(damage)
    with pytest.raises(Missing, match="damaged"):
        await store.history.get("a")
    await store.close()


async def test_the_oldest_go_with_the_texts_that_nobody_needs(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    history = module.History(store._database, kept=2)
    texts = [str(number).encode() for number in range(6)]
    for number in range(5):
        await history.begin(intent(str(number), IntentFile(Path("/w/a"), texts[number], texts[number + 1])))
        if number != 1:
            await history.settle(str(number), "applied")
    await history.begin(intent("last", IntentFile(Path("/w/a"), texts[0], None)))
    assert [entry.id for entry in await history.list_recent()] == ["last", "4", "3", "1"]
    assert (await history.get("1")).files[0].after == texts[2]

    def count(connection: sqlite3.Connection) -> int:
        return int(connection.execute("SELECT count(*) FROM texts").fetchone()[0])

    # Of 0 to 5 all are needed: 0 by the last, 1 and 2 by the open one, 3 to 5 by the newest.
    assert await store._database.read(count) == 6
    await history.settle("1", "not applied")
    await history.begin(intent("more", IntentFile(Path("/w/a"), None, None)))
    assert await store._database.read(count) == 4
    await store.close()
