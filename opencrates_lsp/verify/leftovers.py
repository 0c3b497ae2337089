"""What code of a model has left in a folder is found and removed, before anybody follows, reads or runs it.

Such code may plant links that lead out of the folder, pipes that whoever reads them waits at for ever, settings that
cargo obeys, folders without permissions or so deep that no path names them, and give what it changed its old times.
The time of a change of an inode (ctime) cannot be set, so that is what is compared.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from pathlib import Path

Standing = dict[str, tuple[int, int, int]]
"""Inode, mode and time of change (ns) by path; of folders the time is 0, because it tells only of their entries."""


def standing(top: Path) -> Standing:
    """What is below a folder now."""
    found: Standing = {}
    waiting = [str(top)]
    while waiting:
        # What may not be read is not known, and goes.
        with contextlib.suppress(PermissionError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                found[entry.path] = _told(entry)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return found


def sweep(top: Path, before: Standing, grave: Path) -> bool:
    """Remove what was not there `before`, and what was changed since; tells whether there was any.

    `grave` is a folder on the same file system for what is removed, itself removed in the end.
    """
    found = False
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        folder.chmod(folder.lstat().st_mode | 0o700)
        with os.scandir(folder) as entries:
            every = list(entries)
        for entry in every:
            known = before.get(entry.path)
            told = _told(entry)
            if known is not None and stat.S_ISDIR(known[1]) and known[0] == told[0]:
                if told[1] != known[1]:
                    Path(entry.path).chmod(stat.S_IMODE(known[1]))
                waiting.append(Path(entry.path))
            elif known != told:
                found = True
                remove(Path(entry.path), grave)
    return found


def remove(path: Path, grave: Path) -> None:
    """Remove whatever is there, whatever its permissions and however deep: its folders are taken out one by one."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        path.unlink()
        return
    grave.mkdir(exist_ok=True)
    # A process that was killed may have left some.
    waiting = list(grave.iterdir())
    places = (place for number in itertools.count() if not os.path.lexists(place := grave / str(number)))

    def buried(folder: Path) -> Path:
        # Whoever moves a folder writes its parent into it.
        folder.chmod(0o700)
        return folder.rename(next(places))

    waiting.append(buried(path))
    while waiting:
        folder = waiting.pop()
        folder.chmod(0o700)
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(buried(Path(entry.path)))
                else:
                    Path(entry.path).unlink()
        folder.rmdir()
    grave.rmdir()


def _told(entry: os.DirEntry[str]) -> tuple[int, int, int]:
    told = entry.stat(follow_symlinks=False)
    return told.st_ino, told.st_mode, 0 if stat.S_ISDIR(told.st_mode) else told.st_ctime_ns
