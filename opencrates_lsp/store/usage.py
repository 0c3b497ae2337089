"""What model calls cost: reserved before the call, so that calls at once cannot pass the day's cap together."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from datetime import date
from uuid import uuid4

from opencrates_lsp.errors import Busy
from opencrates_lsp.store.owners import is_gone, this_process
from opencrates_lsp.store.sqlite import Database
from opencrates_lsp.values import Usage

LONGEST_CALL_HOURS = 2.0
"""A reservation older than this is of no call that still runs, whoever made it."""

_ROUNDING_USD = 1e-9


class Calls:
    """The calls of one store, by local days."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._owner = this_process()

    async def reserve(self, provider: str, model: str, cost_usd: float, day_cap_usd: float | None) -> str:
        """Set aside what a call may cost at most; the answer names it for `settle` or `release`.

        The cap holds over all processes that use the store; None is no cap, and what costs nothing always passes.
        Raises `Busy` when the day's calls, with those under way, would cost more than the cap.
        """
        reservation = uuid4().hex

        def work(connection: sqlite3.Connection) -> None:
            now = self._clock()
            _release_left(connection, now)
            spent, reserved = _sums(connection, _day(now))
            if day_cap_usd is not None and cost_usd > 0 and spent + reserved + cost_usd > day_cap_usd + _ROUNDING_USD:
                raise Busy(
                    f"The call may cost {cost_usd:.4f} USD, and of today's {day_cap_usd:.2f} USD {spent:.4f} are spent "
                    f"and {reserved:.4f} set aside for calls under way.",
                    remedy="Raise ai.daily_budget_usd, choose a cheaper model, or wait until tomorrow.",
                )
            connection.execute(
                "INSERT INTO calls (id, day, at, provider, model, cost_usd, owner) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (reservation, _day(now), now, provider, model, cost_usd, self._owner),
            )

        try:
            await self._database.write(work)
        except asyncio.CancelledError:
            # Nobody learns the name of the reservation: it is taken back behind the write that makes it.
            await self.release(reservation)
            raise
        return reservation

    async def settle(self, reservation: str, usage: Usage) -> None:
        """Put what the call did cost in the place of what it might have; the day is that of its end."""

        def work(connection: sqlite3.Connection) -> None:
            now = self._clock()
            # The row may be gone, when this process slept for hours; the money is spent all the same.
            connection.execute(
                "INSERT OR REPLACE INTO calls (id, day, at, provider, model, input_tokens, output_tokens, cost_usd, "
                "cached) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    reservation,
                    _day(now),
                    now,
                    usage.provider,
                    usage.model,
                    usage.input_tokens,
                    usage.output_tokens,
                    usage.cost_usd,
                    usage.cached,
                ),
            )

        await self._database.write(work)

    async def release(self, reservation: str) -> None:
        """Give back what was set aside for a call that never was; a settled call stays."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM calls WHERE id = ? AND owner IS NOT NULL", (reservation,))

        await self._database.write(work)

    async def spent_today(self) -> float:
        """USD of the settled calls since midnight."""

        def work(connection: sqlite3.Connection) -> float:
            return _sums(connection, _day(self._clock()))[0]

        return await self._database.read(work)


def _day(now: float) -> str:
    return date.fromtimestamp(now).isoformat()


def _sums(connection: sqlite3.Connection, day: str) -> tuple[float, float]:
    """USD spent on the day, and USD set aside for calls under way, whenever they began."""
    spent = connection.execute("SELECT total(cost_usd) FROM calls WHERE day = ? AND owner IS NULL", (day,))
    reserved = connection.execute("SELECT total(cost_usd) FROM calls WHERE owner IS NOT NULL")
    return float(spent.fetchone()[0]), float(reserved.fetchone()[0])


def _release_left(connection: sqlite3.Connection, now: float) -> None:
    """Give back what processes that are gone had set aside."""
    rows = connection.execute("SELECT id, owner, at FROM calls WHERE owner IS NOT NULL").fetchall()
    left = [
        (name,) for name, owner, at in rows if now - at > LONGEST_CALL_HOURS * 3600 or is_gone(owner, (now - at) / 3600)
    ]
    connection.executemany("DELETE FROM calls WHERE id = ?", left)
