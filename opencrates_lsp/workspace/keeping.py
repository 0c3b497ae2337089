"""What is kept in the cache folder between sessions: whole files or none, and no more than there is room for."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import time
from pathlib import Path

log = logging.getLogger(__name__)

_ABANDONED_SECONDS = 3600


def keep(path: Path, data: bytes, *, most_files: int, most_bytes: int) -> None:
    """Put the file there at once, so that nobody ever reads half of one; those that were not used longest go.

    Only the user may read it. Of two processes that keep the same file the later one wins.
    A folder that cannot be written to keeps nothing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
        _make_room(path.parent, most_files, most_bytes)
    except OSError as error:
        log.debug("%s is not kept: %s", path, error)


def kept(path: Path, most_bytes: int) -> bytes | None:
    """What was kept, which counts as a use; None where nothing was, or more than so many bytes."""
    try:
        if path.stat().st_size > most_bytes:
            return None
        data = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return data


def _make_room(folder: Path, most_files: int, most_bytes: int) -> None:
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            told = path.stat()
            if not path.name.startswith("."):
                found.append((told.st_mtime_ns, told.st_size, path))
            elif told.st_mtime < time.time() - _ABANDONED_SECONDS:
                path.unlink(missing_ok=True)
    total = 0
    for count, (_, size, path) in enumerate(sorted(found, reverse=True)):
        total += size
        if count >= most_files or (total > most_bytes and count):
            path.unlink(missing_ok=True)
