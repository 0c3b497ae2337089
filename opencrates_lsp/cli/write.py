"""A proved change into the files: recorded first, all files or none, each replaced whole."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Missing, Moved
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.values import Change, Create, Delete

if TYPE_CHECKING:
    from opencrates_lsp.app import App


async def apply(app: App, change: Change, *, undone: str | None = None) -> list[Path]:
    """Write a change to disk; `undone` is the change that it takes back.

    Raises `Moved` where a file is no longer the one that was judged, `Missing` where one cannot be written; nothing
    is written then.
    """
    before: dict[Path, bytes | None] = {document.path: document.text for document in change.documents}
    before |= {edit.path: edit.expect.encode() for edit in change.edits if isinstance(edit, Delete)}
    after = applied(change.edits, {path: text for path, text in before.items() if text is not None})
    for path in after:
        writable(path)
    await app.begin(change, after)
    written = False
    try:
        _unchanged(change, before)
        _write_all(after, before)
        written = True
    finally:
        await app.end(change, applied=written, undone=undone)
    return sorted(after)


def writable(path: Path) -> None:
    """Raise `Missing` where the file says that nobody should write it: replacing it needs no permission of its own."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not mode & stat.S_IWUSR or not os.access(path, os.W_OK):
        raise Missing("The file is read-only.", remedy="Make it writable, or use --dry-run for a patch.", place=path)


def _unchanged(change: Change, before: Mapping[Path, bytes | None]) -> None:
    for path, text in before.items():
        try:
            now = path.read_bytes()
        except FileNotFoundError:
            raise Moved("The file is gone.", remedy="Run it again.", place=path) from None
        if now != text:
            raise Moved("The file changed under the work.", remedy="Run it again.", place=path)
    for edit in change.edits:
        if isinstance(edit, Create) and edit.path.exists():
            raise Moved("There is a file of this name now.", remedy="Move it away and run it again.", place=edit.path)


def _write_all(after: Mapping[Path, bytes | None], before: Mapping[Path, bytes | None]) -> None:
    done: list[Path] = []
    try:
        for path, text in after.items():
            done.append(path)
            _put(path, text)
    except OSError as error:
        for path in done:
            with contextlib.suppress(OSError):
                _put(path, before.get(path))
        raise Missing(f"The file cannot be written: {error.strerror}.", place=done[-1]) from error


def _put(path: Path, text: bytes | None) -> None:
    """Replace a file as one: whoever reads it sees the old text or the new one, never a part; None removes it."""
    if text is None:
        path.unlink(missing_ok=True)
        return
    # A symbolic link stays one: what it points to is replaced.
    real = path.resolve()
    real.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
        Path(name).chmod(stat.S_IMODE(real.stat().st_mode) if real.exists() else 0o666 & ~_umask())
        Path(name).replace(real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    # The only way to read it is to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
