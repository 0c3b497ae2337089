"""The files below a mirror's tree as they were written: their texts by digest, and times that cargo believes.

cargo compares times and not texts: whatever is written gets a time later than the last run of cargo, also an original
that is put back. A file's name here is its user's own absolute path; `place` tells where it lies.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.verify.tree import Found

# Larger files are known by their size and time alone.
HASHED_BYTES = 8 << 20
UNKNOWN = -1
# A file that was changed this short a time ago may change again without its time telling.
_SETTLED_NS = 2_000_000_000
_STEPS_NS = (1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)


@dataclass(slots=True)
class Entry:
    """One file of the mirror: the user's size and times when it was last read, what was written, and when.

    `mtime_ns` is `UNKNOWN` where the file is to be read again whatever its times are.
    """

    size: int
    mtime_ns: int
    changed_ns: int
    digest: str
    written_ns: int
    link: str | None = None

    def is_of(self, found: Found) -> bool:
        """Whether the user's file is the one that was read, as far as its size, its times and its link tell."""
        stamp = (self.size, self.mtime_ns, self.changed_ns, self.link)
        return stamp == (found.size, found.mtime_ns, found.changed_ns, found.link)


class Written:
    """What was written below `tree`; `floor` is the time of cargo's last run, in ns.

    The tree has the files at their absolute places, so that whatever is relative stays true.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.entries: dict[str, Entry] = {}
        self.floor = 0

    def place(self, path: Path) -> Path:
        """Where the user's `path` lies in the tree."""
        return self.top(path) / path.relative_to(path.anchor)

    def top(self, path: Path) -> Path:
        """Where the root of the file system of `path` lies in the tree."""
        return self.tree / path.anchor.strip("\\/:").replace(":", "")

    def inspect(self) -> bool:
        """Find what somebody else wrote; it is written again at the next chance. Tells whether there was any."""
        found = False
        for path, entry in self.entries.items():
            try:
                there = self.place(Path(path)).lstat().st_mtime_ns
            except OSError:
                there = UNKNOWN
            if there != entry.written_ns:
                entry.digest, entry.mtime_ns, found = "", UNKNOWN, True
        return found

    def is_same(self, entry: Entry, found: Found) -> bool:
        """Whether the user's file has the text that was written, or leads to the same place."""
        if found.link is not None or entry.link is not None:
            return entry.link == found.link
        if found.text is not None:
            return entry.digest == digest_of(found.text)
        if found.size > HASHED_BYTES:
            return entry.digest == _large(found)
        try:
            return entry.digest == digest_of(Path(found.source).read_bytes())
        except OSError:
            return False

    def take(self, path: str, found: Found, now: int, *, keep_times: bool) -> bool:
        """Bring one file of the user's to the mirror; tells whether its text is another one."""
        entry = self.entries.get(path)
        if entry is not None and entry.is_of(found):
            return False
        if found.link is not None:
            return self._link(path, found)
        settled = found.text is not None or max(found.mtime_ns, found.changed_ns) < now - _SETTLED_NS
        mtime_ns = found.mtime_ns if settled else UNKNOWN
        before = entry.digest if entry is not None and entry.link is None else ""
        try:
            text = found.text
            if text is None and found.size <= HASHED_BYTES:
                text = Path(found.source).read_bytes()
            digest = digest_of(text) if text is not None else _large(found)
            if digest != before:
                self._copy(path, found, text, keep_times=keep_times)
        except OSError:
            # Gone or unreadable since it was listed: then it is not there for the user's build either.
            return self.delete([path]) if entry is not None else False
        written = self.entries[path].written_ns if digest == before else self.place(Path(path)).stat().st_mtime_ns
        self.entries[path] = Entry(found.size, mtime_ns, found.changed_ns, digest, written)
        return digest != before

    def _copy(self, path: str, found: Found, text: bytes | None, *, keep_times: bool) -> None:
        place = self._cleared(path)
        if text is None:
            shutil.copyfile(found.source, place)
        else:
            place.write_bytes(text)
        place.chmod(found.mode | 0o600)
        if keep_times and found.text is None:
            os.utime(place, ns=(found.mtime_ns, found.mtime_ns))
        else:
            self.later(place)

    def _link(self, path: str, found: Found) -> bool:
        place = self._cleared(path)
        target = os.path.relpath(self.place(Path(found.link or "")), place.parent)
        place.symlink_to(target)
        digest = digest_of((found.link or "").encode("utf-8", "surrogateescape"))
        before = self.entries.get(path)
        written = place.lstat().st_mtime_ns
        self.entries[path] = Entry(found.size, found.mtime_ns, found.changed_ns, digest, written, found.link)
        return before is None or before.digest != digest

    def write(self, path: str, text: bytes) -> bool:
        """Write a text over whatever is there; tells whether it is another one."""
        entry = self.entries.get(path)
        digest = digest_of(text)
        if entry is not None and entry.digest == digest:
            return False
        there = self.place(Path(path))
        mode = there.stat().st_mode & 0o777 if there.is_file() else 0o644
        place = self._cleared(path)
        place.write_bytes(text)
        place.chmod(mode | 0o600)
        self.entries[path] = Entry(len(text), UNKNOWN, UNKNOWN, digest, self.later(place))
        return True

    def _cleared(self, path: str) -> Path:
        """The file's place with nothing there and its folder made; a link or a folder in the way is removed."""
        place = self.place(Path(path))
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.is_dir():
            shutil.rmtree(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def missing(self) -> list[str]:
        """The files that are not there any more."""
        return [path for path in self.entries if not os.path.lexists(self.place(Path(path)))]

    def put_back(self, path: str, text: bytes | None) -> None:
        """Write what was written before: `text`, else what the user has; where that is another, it stays away."""
        entry, user = self.entries[path], Path(path)
        with contextlib.suppress(OSError):
            if entry.link is not None:
                place = self._cleared(path)
                place.symlink_to(os.path.relpath(self.place(Path(entry.link)), place.parent))
                entry.written_ns = place.lstat().st_mtime_ns
                return
            if text is None or digest_of(text) != entry.digest:
                text = user.read_bytes() if user.stat().st_size <= HASHED_BYTES else b""
            if digest_of(text) == entry.digest:
                place = self._cleared(path)
                place.write_bytes(text)
                place.chmod((user.stat().st_mode & 0o777 if user.exists() else 0o644) | 0o600)
                entry.written_ns = self.later(place)

    def delete(self, paths: Iterable[str]) -> bool:
        """Delete files, and folders that are empty then; tells whether there was any."""
        deleted = False
        for path in list(paths):
            place = self.place(Path(path))
            with contextlib.suppress(OSError):
                place.unlink()
            deleted = self.entries.pop(path, None) is not None or deleted
            for folder in place.parents:
                if folder == self.tree or not folder.is_dir() or any(folder.iterdir()):
                    break
                folder.rmdir()
        return deleted

    def later(self, place: Path) -> int:
        """Make the file's time later than the last run of cargo, whatever the clock and the file system give."""
        written = place.stat().st_mtime_ns
        for step in _STEPS_NS:
            if written > self.floor:
                break
            os.utime(place, ns=(self.floor + step, self.floor + step))
            written = place.stat().st_mtime_ns
        return written


def _large(found: Found) -> str:
    return f"{found.size} {found.mtime_ns} {found.changed_ns}"


def digest_of(text: bytes) -> str:
    """The digest by which texts are compared."""
    return hashlib.blake2b(text, digest_size=16).hexdigest()
