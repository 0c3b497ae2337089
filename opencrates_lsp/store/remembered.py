"""What the user answered (trust, consent), and answers of models that passed their proof."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Literal

from opencrates_lsp.store.sqlite import Database

Kind = Literal["trust", "consent", "answer"]

MOST: Mapping[Kind, tuple[int, int]] = {"answer": (5000, 64 * 1024 * 1024)}
"""The kinds that may be forgotten: how many are kept, and how many bytes; the least recently used go first."""


class Remembered:
    """Texts by kind and key.

    The keys: a folder for "trust", workspace and endpoint for "consent", a digest of prompt, toolchain and lock file
    for "answer".
    """

    def __init__(self, database: Database, most: Mapping[Kind, tuple[int, int]] = MOST) -> None:
        self._database = database
        self._most = most

    async def recall(self, kind: Kind, key: str) -> str | None:
        """The text, None when there is none; of a kind that may be forgotten it counts as used now."""

        def find(connection: sqlite3.Connection) -> tuple[str, bool] | None:
            row = connection.execute("SELECT value, used FROM remembered WHERE kind = ? AND key = ?", (kind, key))
            found = row.fetchone()
            return found and (found[0], found[1] == _newest(connection, kind))

        def touch(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE remembered SET used = ? WHERE kind = ? AND key = ?", (_newest(connection, kind) + 1, kind, key)
            )

        found = await self._database.read(find)
        if found is None:
            return None
        value, newest = found
        if kind in self._most and not newest:
            await self._database.write(touch, durable=False)
        return value

    async def remember(self, kind: Kind, key: str, value: str) -> None:
        """Keep a text, in the place of an earlier one; one larger than all of its kind may be is not kept."""
        size = len(value.encode()) + len(key.encode())
        count, total = self._most.get(kind, (0, 0))
        if kind in self._most and size > total:
            await self.forget(kind, key)
            return

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO remembered (kind, key, value, bytes, used) VALUES (?, ?, ?, ?, ?)",
                (kind, key, value, size, _newest(connection, kind) + 1),
            )
            if kind in self._most:
                _trim(connection, kind, count, total)

        # An answer can be asked for again; what the user said must not be asked twice.
        await self._database.write(work, durable=kind not in self._most)

    async def forget(self, kind: Kind, key: str | None = None) -> None:
        """Forget one text, or all of a kind."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM remembered WHERE kind = ? AND key = coalesce(?, key)", (kind, key))

        await self._database.write(work)


def _newest(connection: sqlite3.Connection, kind: str) -> int:
    return int(
        connection.execute("SELECT coalesce(max(used), 0) FROM remembered WHERE kind = ?", (kind,)).fetchone()[0]
    )


def _trim(connection: sqlite3.Connection, kind: str, count: int, total: int) -> None:
    connection.execute(
        "DELETE FROM remembered WHERE kind = :kind AND used <= (SELECT max(used) FROM (SELECT used, "
        "row_number() OVER newest AS place, sum(bytes) OVER newest AS together FROM remembered WHERE kind = :kind "
        "WINDOW newest AS (ORDER BY used DESC)) WHERE place > :count OR together > :total)",
        {"kind": kind, "count": count, "total": total},
    )
