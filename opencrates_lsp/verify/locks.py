"""Locks on files, between processes; the system frees them when their holder dies."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes], *, shared: bool) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes], *, shared: bool) -> None:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock that this process holds."""

    file: IO[bytes]

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """The lock on the file, which is made; None when another process has it."""
        return cls._taken(path.open("ab"), shared=False)

    @classmethod
    def share(cls, path: Path) -> Lock | None:
        """A lock that only keeps writers out, on a file that is there and not touched; None when one is at work."""
        try:
            file = path.open("rb")
        except OSError:
            return None
        return cls._taken(file, shared=True)

    @classmethod
    def _taken(cls, file: IO[bytes], *, shared: bool) -> Lock | None:
        try:
            _lock(file, shared=shared)
        except OSError:
            file.close()
            return None
        return cls(file)

    def release(self) -> None:
        with contextlib.suppress(OSError):
            self.file.close()
