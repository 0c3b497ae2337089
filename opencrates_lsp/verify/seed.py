"""The mirror's first target directory, copied from the user's.

Copied is what cargo needs to take a finished build for finished: `deps` without the linked programs, `.fingerprint`
and `build`, with their times, of the packages that Cargo.lock names: a target directory may be one for all projects of
its user. Of the workspace's own packages that have build scripts the results of these are left
out, so that they run in the mirror and name its paths; and so is what was compiled of files beyond a package's folder,
which cargo knows by the user's own paths, so that it would never notice what changes in the mirror.
The copies share blocks with the originals where the file system can (`copy_file_range`), but no file is linked.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from opencrates_lsp.terms import Configuration
from opencrates_lsp.verify.locks import Lock

RESERVE_BYTES = 1 << 30
_LIBRARIES = frozenset({".rmeta", ".rlib", ".d", ".so", ".dylib", ".dll"})
_PATIENCE_SECONDS = 20.0
# In the lists of sources that cargo keeps every path comes after its length; those within the package are relative.
_ABSOLUTE = re.compile(rb"\x00(?:/|\\\\|[A-Za-z]:[\\/])")
_NAME = re.compile(r'^name = "([^"]+)"', re.MULTILINE)


def seed(
    user_target: Path, target: Path, configuration: Configuration, own: Iterable[str], locked: frozenset[str]
) -> bool:
    """Copy what is needed of the user's target; `own` are the names of the packages that lie in the mirror.

    `locked` are the names of all packages that are built; none where that is not known.
    False when there is nothing to copy, no room for it, or a build of the user's that does not end.
    """
    profile = configuration.profile or "dev"
    name = {"dev": "debug", "test": "debug", "bench": "release"}.get(profile, profile)
    # What is built for a target that is named, here or in cargo's settings, has a folder of its own.
    places = [user_target / name, *(Path(entry.path) / name for entry in _scan(user_target) if entry.is_dir())]
    places = [place for place in places if (place / ".fingerprint").is_dir()]
    copied = False
    for place in places:
        lock = _wait(place / ".cargo-lock")
        if lock is None:
            return copied
        try:
            copied |= _copy(place, target / place.relative_to(user_target), frozenset(own), locked)
        finally:
            lock.release()
    info = user_target / ".rustc_info.json"
    if copied and info.is_file():
        shutil.copyfile(info, target / info.name)
    return copied


def locked_names(lock: Path) -> frozenset[str]:
    """The names of the packages in a Cargo.lock; none where there is no such file."""
    with contextlib.suppress(OSError):
        return frozenset(_NAME.findall(lock.read_text("utf-8", "replace")))
    return frozenset()


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _wait(path: Path) -> Lock | None:
    """Keep the user's builds from writing while we read; None when one is at work for long."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while (lock := Lock.share(path)) is None and path.exists() and time.monotonic() < until:
        time.sleep(0.1)
    return lock


def _copy(place: Path, into: Path, own: frozenset[str], locked: frozenset[str]) -> bool:
    files = list(_needed(place, own, locked))
    into.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(into).free < sum(size for _, size in files) + RESERVE_BYTES:
        return False
    made: set[Path] = set()
    for path, _ in files:
        copy = into / path.relative_to(place)
        if copy.parent not in made:
            copy.parent.mkdir(parents=True, exist_ok=True)
            made.add(copy.parent)
        with contextlib.suppress(FileNotFoundError):
            _clone(path, copy)
    return True


def _needed(place: Path, own: frozenset[str], locked: frozenset[str]) -> Iterator[tuple[Path, int]]:
    """The files to copy and their sizes."""
    hashes: set[str] = set()
    for folder in (".fingerprint", "build"):
        for entry in _scan(place / folder):
            name, _, mark = entry.name.rpartition("-")
            if locked and name not in locked:
                continue
            if name in own and _reads_beyond(Path(entry.path)):
                continue
            hashes.add(mark)
            if not (name in own and _ran(Path(entry.path))):
                yield from _all(Path(entry.path))
    for entry in _scan(place / "deps"):
        mark = entry.name.partition(".")[0].rpartition("-")[2]
        if Path(entry.name).suffix in _LIBRARIES and entry.is_file() and mark in hashes:
            yield Path(entry.path), entry.stat().st_size


def _ran(folder: Path) -> bool:
    """Whether the folder holds the result of a build script's run."""
    return (folder / "root-output").exists() or any(entry.name.startswith("run-build-") for entry in _scan(folder))


def _reads_beyond(folder: Path) -> bool:
    """Whether a list of sources in the folder names any by its absolute path."""
    lists = (Path(entry.path) for entry in _scan(folder) if entry.name.startswith("dep-") and entry.is_file())
    return any(_ABSOLUTE.search(one.read_bytes()) for one in lists)


def _all(folder: Path) -> Iterator[tuple[Path, int]]:
    for above, _, names in os.walk(folder):
        for name in names:
            path = Path(above) / name
            if not path.is_symlink() and path.is_file():
                yield path, path.stat().st_size


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _clone(source: Path, copy: Path) -> None:
    """A copy with its times and mode; the blocks are shared where the file system can."""
    with source.open("rb") as reading, copy.open("wb") as writing:
        stat = os.fstat(reading.fileno())
        left = stat.st_size
        try:
            while left and (done := os.copy_file_range(reading.fileno(), writing.fileno(), left)):
                left -= done
        except (OSError, AttributeError):
            reading.seek(0)
            writing.seek(0)
            writing.truncate()
            shutil.copyfileobj(reading, writing, 1 << 20)
    copy.chmod(stat.st_mode & 0o777 | 0o200)
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))
