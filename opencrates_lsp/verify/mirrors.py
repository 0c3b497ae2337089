"""The folder of all mirrors: who takes which, and which go when there are too many."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from opencrates_lsp.errors import Busy
from opencrates_lsp.verify.leftovers import remove
from opencrates_lsp.verify.locks import Lock
from opencrates_lsp.verify.mirror import Mirror

SIBLINGS = 8


def open_mirror(cache_folder: Path, root: Path) -> Mirror:
    """The mirror of this root that no other process holds; raises `Busy` when all its siblings are taken."""
    name = hashlib.blake2b(str(root).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()
    mirrors = cache_folder / "mirrors"
    mirrors.mkdir(parents=True, exist_ok=True)
    tag = mirrors / "CACHEDIR.TAG"
    if not tag.exists():
        tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n# Mirrors of workspaces, made by OpenCrates.\n")
    for number in range(SIBLINGS):
        folder = mirrors / (f"{name}-{number}" if number else name)
        folder.mkdir(exist_ok=True)
        lock = Lock.take(folder / "lock")
        if lock is not None:
            mirror = Mirror(folder, root, lock)
            mirror.load()
            return mirror
    raise Busy(
        f"{SIBLINGS} processes prove edits of {root} already.", remedy="Close an editor and try again.", place=root
    )


def evict(folders: Iterable[Path], limit_bytes: int) -> None:
    """Delete the least recently used of these folders until they fit; one that a process holds is left.

    Of a folder's use `checked` tells, stamped by every run of cargo.
    """
    known = [(_used(folder), _size(folder), folder) for folder in folders]
    total = sum(size for _, size, _ in known)
    for _, size, folder in sorted(known):
        if total <= limit_bytes:
            return
        lock = Lock.take(folder / "lock")
        if lock is None:
            continue
        try:
            # The state goes first: a mirror that is only half there is made anew.
            (folder / "state.json").unlink(missing_ok=True)
            grave = folder / "grave"
            for inner in [one for one in folder.iterdir() if one.is_dir() and not one.is_symlink() and one != grave]:
                # What code of a model made may be locked, or too deep for a path.
                with contextlib.suppress(OSError):
                    remove(inner, grave)
            total -= size
        finally:
            lock.release()


def _used(folder: Path) -> int:
    try:
        return (folder / "checked").stat().st_mtime_ns
    except OSError:
        return 0


def _size(folder: Path) -> int:
    total = 0
    for above, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(above) / name).lstat().st_size
    return total
