"""The folder in which a new crate is prepared: beside its target, so that landing is one rename.

The folder says whose it is, so that what a killed process left behind is cleaned by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import ParamSpec, TypeVar

from opencrates_lsp.errors import Missing
from opencrates_lsp.store.owners import is_gone, this_process

OWNER = ".opencrates-staging"
# cargo counts a package to the workspace around it, unless it is a root itself; the line goes before the crate lands.
_MARK = "[workspace] # Only while the crate is proved beside its workspace."

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def to_the_end(call: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Make a blocking call in a thread; who is cancelled goes on only when it is over.

    A thread cannot be cancelled: one that still writes would bring back the folder that its caller has removed.
    """
    work = asyncio.ensure_future(asyncio.to_thread(call, *arguments, **named))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        while not work.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        raise


def staging_name(name: str) -> str:
    """A fresh name for the staging folder of the crate `name`."""
    return f".{name}.opencrates-{secrets.token_hex(6)}"


def make(folder: Path) -> None:
    """Make the staging folder, and remove those beside it whose process is dead.

    Raises `Missing` when it cannot be made.
    """
    for left in folder.parent.glob(".*.opencrates-*"):
        if _is_left_behind(left):
            shutil.rmtree(left, ignore_errors=True)
    try:
        folder.mkdir()
        (folder / OWNER).write_text(this_process(), encoding="utf-8")
    except OSError as error:
        raise Missing(
            f"The crate cannot be prepared in {folder.parent}: {error.strerror}.",
            remedy="Choose a folder that may be written, with space left.",
            place=folder.parent,
        ) from error


def clear(folder: Path, keep: Collection[str]) -> None:
    """Remove what was laid into the folder, but for the names in `keep`."""
    for path in folder.iterdir():
        if path.name == OWNER or path.name in keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def enclose(folder: Path) -> None:
    """Make the crate a workspace of its own while it is proved."""
    manifest = folder / "Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(f"{text.rstrip()}\n\n{_MARK}\n", encoding="utf-8", newline="\n")


def finish(folder: Path, *, member: bool) -> None:
    """Take away what only the proof needed: the mark, the build, and a member's lock file, which its root has."""
    manifest = folder / "Cargo.toml"
    text = manifest.read_text(encoding="utf-8")
    unmarked = re.sub(rf"\n*{re.escape(_MARK)}\n*", "\n\n", text).strip("\n") + "\n"
    if unmarked != text:
        manifest.write_text(unmarked, encoding="utf-8", newline="\n")
    shutil.rmtree(folder / "target", ignore_errors=True)
    if member:
        (folder / "Cargo.lock").unlink(missing_ok=True)


def _is_left_behind(folder: Path) -> bool:
    """Whether the process that made the folder is gone; one of another machine counts as gone after a day."""
    try:
        mark = folder / OWNER
        return is_gone(mark.read_text(encoding="utf-8"), (time.time() - mark.stat().st_mtime) / 3600)
    except (OSError, ValueError):
        return False
