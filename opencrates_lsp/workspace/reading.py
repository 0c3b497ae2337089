"""Reading the index of a workspace: what an earlier session found is taken where the file is still the same."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from opencrates_lsp.workspace import kept_index
from opencrates_lsp.workspace.index import MOST_BYTES, Index
from opencrates_lsp.workspace.kept_index import UNKNOWN, Skimmed, Stamp, skimmed

log = logging.getLogger(__name__)

MOST_FILES = 5_000
MOST_FOLDERS = 20_000
# Two changes of a file within the clock's tick cannot be told apart by its time.
_SETTLED_NS = 2_000_000_000
# So many files may be found changed before the index is kept anew: writing it costs more than reading them again.
_MOST_STALE = 20


def read_index(
    root: Path,
    is_left_out: Callable[[Path], bool] = lambda path: False,
    *,
    outside: Sequence[Path] = (),
    kept: Path | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
    most_files: int = MOST_FILES,
) -> Index:
    """The index of the .rs files below `root` and the folders `outside`; for a thread, because it may read them all.

    Left out are, beside what `is_left_out` says, hidden folders, caches (those with a CACHEDIR.TAG, as cargo's
    target), files over `MOST_BYTES`, what cannot be read, and all beyond `most_files` files.
    `kept` is the folder where indexes are kept between sessions, None to keep none.
    Once it is not wanted any more, it ends with what it has, and keeps nothing.
    """
    place = kept_index.place_of(kept, root) if kept is not None else None
    known = kept_index.load(place) if place is not None else {}
    files: dict[Path, Skimmed] = {}
    stale = 0
    for path, stamp in _files_below([root, *outside]):
        if not is_wanted():
            return Index(files)
        if path in files or is_left_out(path):
            continue
        if len(files) >= most_files:
            log.debug("%s: all beyond %d files is left out of the index", root, most_files)
            break
        old = known.pop(path, None)
        if old is not None and old.stamp == stamp:
            files[path] = old
            continue
        stale += 1
        with contextlib.suppress(OSError):
            now = time.time_ns()
            settled = stamp if stamp[0] < now - _SETTLED_NS else UNKNOWN
            files[path] = skimmed(path.read_bytes(), settled)
        # Whoever waits for the interpreter gets it between two files.
        time.sleep(0)
    # What is left of the known ones is gone, or may not be shown any more, and must not stay on disk.
    if place is not None and (known or stale > _MOST_STALE):
        kept_index.save(place, files)
    return Index(files)


def _files_below(folders: Sequence[Path]) -> Iterator[tuple[Path, Stamp]]:
    """The files nearest to the folders first, in a settled order; links to folders are not followed."""
    waiting = list(folders)
    for count, folder in enumerate(waiting):
        if count >= MOST_FOLDERS:
            log.debug("all beyond %d folders is left out of the index", MOST_FOLDERS)
            return
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        if folder not in folders and any(entry.name == "CACHEDIR.TAG" for entry in listed):
            continue
        for entry in listed:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    waiting += [Path(entry.path)] if not entry.name.startswith(".") else []
                elif entry.name.endswith(".rs") and entry.is_file():
                    told = entry.stat()
                    if told.st_size <= MOST_BYTES:
                        yield Path(entry.path), (told.st_mtime_ns, told.st_size)
                    else:
                        log.debug("%s is too large for the index", entry.path)
