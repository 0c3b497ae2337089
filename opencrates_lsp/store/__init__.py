"""What must not be lost: changes, what they cost, and what the user answered; in one SQLite file."""

from __future__ import annotations

import contextlib
from pathlib import Path

from opencrates_lsp.errors import OpenCratesError
from opencrates_lsp.store.history import History
from opencrates_lsp.store.remembered import Remembered
from opencrates_lsp.store.sqlite import Database
from opencrates_lsp.store.usage import Calls


class Store:
    """The parts of one open file; several processes may have it open at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.history = History(database)
        self.usage = Calls(database)
        self.remembered = Remembered(database)

    @classmethod
    async def open(cls, path: Path) -> Store:
        """The store in the file `path`, made where there is none.

        Raises `Missing` when it cannot be written, is damaged, or was written by a newer OpenCrates, and `Busy` when
        another process keeps it locked; the file stays as it is.
        """
        database = Database(path)
        await database.open()
        return cls(database)

    @property
    def path(self) -> Path:
        return self._database.path

    async def close(self) -> None:
        """Finish the writes that were asked for and close the file.

        Changes of this store that are still open are left to whoever opens the file next.
        """
        try:
            # Where that fails, the end of this process says the same.
            with contextlib.suppress(OpenCratesError):
                await self.history.leave()
        finally:
            await self._database.close()
