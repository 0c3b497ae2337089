"""What is remembered, for good or until there is no room."""

from __future__ import annotations

import os
from pathlib import Path

from opencrates_lsp.store import Store
from opencrates_lsp.store.owners import is_gone, this_process
from opencrates_lsp.store.remembered import Remembered


async def test_kinds_are_apart_and_outlive_the_process(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    await store.remembered.remember("trust", "/w", "yes")
    await store.remembered.remember("trust", "/w", "no")
    await store.remembered.remember("trust", "/w2", "yes")
    await store.remembered.remember("consent", "/w", "ja, ü")
    await store.close()
    store = await Store.open(tmp_path / "store.sqlite")
    remembered = store.remembered
    assert await remembered.recall("trust", "/w") == "no"
    assert await remembered.recall("consent", "/w") == "ja, ü"
    assert await remembered.recall("answer", "/w") is None
    await remembered.forget("trust", "/w")
    assert [await remembered.recall("trust", key) for key in ("/w", "/w2")] == [None, "yes"]
    await remembered.forget("trust")
    assert await remembered.recall("trust", "/w2") is None
    assert await remembered.recall("consent", "/w") == "ja, ü"
    await store.close()


async def test_the_least_recently_used_answers_go_and_nothing_else(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    remembered = Remembered(store._database, {"answer": (3, 100)})
    for number in range(10):
        await remembered.remember("trust", str(number), "x" * 100)

    async def kept() -> str:
        found = [key for key in "abcdefg" if await store.remembered.recall("answer", key)]
        return "".join(found)

    for key in "abc":
        await remembered.remember("answer", key, key)
    await remembered.recall("answer", "a")
    await remembered.remember("answer", "d", "d")
    assert await kept() == "acd"
    # Seen in the order a, c, d: by bytes the first two must go.
    await remembered.remember("answer", "e", "ü" * 48)
    assert await kept() == "de"
    await remembered.remember("answer", "e", "too large" * 20)
    assert await kept() == "d"
    assert [await remembered.recall("trust", str(number)) for number in range(10)] == ["x" * 100] * 10
    await store.close()


def test_owners_are_told_from_later_ones_with_their_number() -> None:
    machine, number, started = this_process().rsplit(":", 2)
    assert not is_gone(this_process(), 1000)
    assert is_gone(None, 0)
    assert is_gone(f"{machine}:{2**22 + 1}:{started}", 0)
    if started:
        assert is_gone(f"{machine}:{os.getpid()}:{int(started) - 1}", 0)
    assert not is_gone(f"other:{number}:{started}", 1)
    assert is_gone(f"other:{number}:{started}", 25)
