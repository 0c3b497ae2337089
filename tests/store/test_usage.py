"""The day's cap, over calls at once and over processes."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from datetime import datetime
from pathlib import Path

import pytest

from opencrates_lsp.errors import Busy
from opencrates_lsp.store import Store
from opencrates_lsp.store.usage import LONGEST_CALL_HOURS, Calls
from opencrates_lsp.values import Usage

NOON = datetime(2024, 5, 17, 12).timestamp()


class Clock:
    """The time that a test sets, in hours after noon."""

    def __init__(self) -> None:
        self.hours = 0.0

    def __call__(self) -> float:
        return NOON + self.hours * 3600


def cost(usd: float) -> Usage:
    return Usage("openai", "m", 1, 2, usd)


async def test_calls_at_once_cannot_pass_the_cap_together(tmp_path: Path) -> None:
    stores = [await Store.open(tmp_path / "store.sqlite") for _ in range(2)]
    asked = [stores[number % 2].usage.reserve("openai", "m", 0.3, 1.0) for number in range(8)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 3
    assert sum(isinstance(answer, Busy) for answer in answers) == 5
    for store in stores:
        await store.close()


async def test_what_a_call_did_cost_takes_the_place_of_what_it_might(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    usage = store.usage
    first = await usage.reserve("openai", "m", 0.9, 1.0)
    assert await usage.spent_today() == 0.0
    with pytest.raises(Busy, match=r"0\.2000 USD, and of today's 1\.00 USD 0\.0000 are spent and 0\.9000 set aside"):
        await usage.reserve("openai", "m", 0.2, 1.0)
    await usage.settle(first, cost(0.1))
    await usage.settle(first, cost(0.1))
    assert await usage.spent_today() == pytest.approx(0.1)
    second = await usage.reserve("openai", "m", 0.9, 1.0)
    await usage.release(second)
    await usage.release(first)
    assert await usage.spent_today() == pytest.approx(0.1)
    assert await usage.reserve("openai", "m", 0.9, 1.0)
    await store.close()


@pytest.mark.parametrize(
    ("spent", "usd", "cap", "passes"),
    [
        (0.0, 0.0, 0.0, True),
        (0.0, 0.01, 0.0, False),
        (5.0, 0.0, 1.0, True),
        (5.0, 9.0, None, True),
        (0.7, 0.1 + 0.2, 1.0, True),
    ],
)
async def test_what_the_cap_lets_pass(
    spent: float, usd: float, cap: float | None, passes: bool, tmp_path: Path
) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    await store.usage.settle("earlier", cost(spent))
    try:
        await store.usage.reserve("openai", "m", usd, cap)
        passed = True
    except Busy:
        passed = False
    assert passed is passes
    await store.close()


async def test_a_day_ends_at_midnight_and_a_call_under_way_does_not(tmp_path: Path) -> None:
    store, clock = await Store.open(tmp_path / "store.sqlite"), Clock()
    calls = Calls(store._database, clock)
    await calls.settle(await calls.reserve("openai", "m", 1.0, 1.0), cost(1.0))
    clock.hours = 11.9
    under_way = await calls.reserve("openai", "m", 0.5, 2.0)
    clock.hours = 12.1
    assert await calls.spent_today() == 0.0
    with pytest.raises(Busy):
        await calls.reserve("openai", "m", 0.6, 1.0)
    await calls.settle(under_way, cost(0.25))
    assert await calls.spent_today() == 0.25
    await store.close()


async def test_a_reservation_that_nobody_settles_ends_and_its_late_cost_still_counts(tmp_path: Path) -> None:
    store, clock = await Store.open(tmp_path / "store.sqlite"), Clock()
    calls = Calls(store._database, clock)
    late = await calls.reserve("openai", "m", 1.0, 1.0)
    clock.hours = LONGEST_CALL_HOURS + 0.1
    await calls.reserve("openai", "m", 1.0, 1.0)
    await calls.settle(late, cost(0.75))
    assert await calls.spent_today() == 0.75
    await store.close()


async def test_a_cancelled_reservation_holds_nothing_back(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "store.sqlite")
    started, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def block(_: sqlite3.Connection) -> None:
        loop.call_soon_threadsafe(started.set)
        go_on.wait(60)

    blocking = asyncio.create_task(store._database.read(block))
    await started.wait()
    reserving = asyncio.create_task(store.usage.reserve("openai", "m", 1.0, 1.0))
    await asyncio.sleep(0)
    reserving.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await reserving
    await blocking
    await store.usage.reserve("openai", "m", 1.0, 1.0)
    await store.close()
