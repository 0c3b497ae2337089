"""A persistent copy of a workspace, in which candidates are compiled without the user's files being touched.

`<cache>/mirrors/<hash of the root>/` has
- `tree/`: the files at their absolute places, so that whatever is relative stays true (path dependencies outside of
  the root, the settings of cargo in folders above it);
- `target/`: a target directory of its own, because two trees in one accept each other's results;
- `exposed/`: another one, for what runs code of a model; what it wrote there is never run or read outside of a sandbox;
- `running`: there while such code runs, which may write into the tree too. What it changed there is undone, and the
  tree that it was killed in is made anew;
- `state.json`: what was written, to be held against what lies there at the next start;
- `checked`: stamped after every run of cargo;
- `lock`: held for as long as a process uses the mirror. A second process takes a sibling (`<hash>-1`), so that two
  editors on one workspace do not wait for each other.

What is written is later than the last run of cargo (see `written`). Files are copies, never links into the user's tree,
because build scripts write through links.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from opencrates_lsp.errors import Busy, Missing
from opencrates_lsp.values import Documents
from opencrates_lsp.verify.leftovers import Standing, remove, standing, sweep
from opencrates_lsp.verify.locks import Lock
from opencrates_lsp.verify.tree import Extent, Found, walk
from opencrates_lsp.verify.unread import Unread
from opencrates_lsp.verify.written import UNKNOWN, Entry, Written, digest_of


class Mirror:
    """One mirror, held by this process; every method blocks, and one runs at a time.

    Paths are the user's own everywhere; `inside` and `back` translate.
    """

    def __init__(self, folder: Path, root: Path, lock: Lock) -> None:
        self.folder = folder
        self.user_root = root
        self.tree = folder / "tree"
        self.target = folder / "target"
        self.exposed = folder / "exposed"
        self.warmed: set[str] = set()
        self.more: set[str] = set()
        self.unread = Unread(self.target)
        self._lock = lock
        self._written = Written(self.tree)
        self._laid: dict[str, bytes | None] = {}
        self._buffers: frozenset[str] = frozenset()
        self._extent: Extent | None = None
        self._digest: str | None = None
        self._fresh = True
        self._standing: Standing = {}
        self._texts: dict[str, bytes] = {}

    @property
    def root(self) -> Path:
        """The root of the workspace in the mirror: where cargo runs."""
        return self.inside(self.user_root)

    @property
    def writable(self) -> tuple[Path, ...]:
        """What code that a model wrote may write to."""
        return (self.tree, self.exposed)

    @property
    def is_empty(self) -> bool:
        return self._fresh

    @property
    def is_gone(self) -> bool:
        """Whether it has to be opened again: its folder was deleted behind its back, or not to be cleaned."""
        return not (self.tree.is_dir() and (self.folder / "lock").exists()) or self._marker.exists()

    def inside(self, path: Path) -> Path:
        return self._written.place(path)

    def back(self, path: Path) -> Path:
        normal = Path(os.path.normpath(path))
        if not normal.is_relative_to(self.tree):
            return normal
        return Path(self.user_root.anchor) / normal.relative_to(self._written.top(self.user_root))

    def renamed(self, text: str) -> str:
        # The tree lies at the anchor's place, so without its prefix a path is the user's own.
        return text.replace(str(self._written.top(self.user_root)) + os.sep, self.user_root.anchor)

    def load(self) -> None:
        """Take up what an earlier process left; whatever is not as it was written is written again."""
        if self._marker.exists():
            remove(self.tree, self.folder / "grave")
            (self.folder / "state.json").unlink(missing_ok=True)
            self._marker.unlink()
        with contextlib.suppress(OSError):
            self._written.floor = (self.folder / "checked").stat().st_mtime_ns
        try:
            state = json.loads((self.folder / "state.json").read_text("utf-8"))
            entries = {path: Entry(**entry) for path, entry in state["entries"].items()}
            self.warmed, self.more = set(state["warmed"]), set(state["more"])
        except (OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(self.tree, ignore_errors=True)
            return
        self._fresh = False
        self._written.entries = entries
        self.inspect()

    def inspect(self) -> bool:
        """Find what somebody else wrote into the tree; the next sync writes it again. Tells whether there was any."""
        found = self._written.inspect()
        if found:
            self._digest = None
        return found

    def save(self) -> None:
        entries = {path: asdict(entry) for path, entry in self._written.entries.items()}
        state = {
            "root": str(self.user_root),
            "warmed": sorted(self.warmed),
            "more": sorted(self.more),
            "entries": entries,
        }
        new = self.folder / "state.json.new"
        new.write_text(json.dumps(state), "utf-8")
        new.replace(self.folder / "state.json")

    def close(self) -> None:
        self._lock.release()

    def expose(self) -> None:
        """Take down what is in the tree, before code of a model runs in it."""
        self._marker.touch()
        self._standing = standing(self.tree)

    def clean(self) -> None:
        """Remove from the tree what such code has made, and put back what it changed or deleted."""
        try:
            sweep(self.tree, self._standing, self.folder / "grave")
            for path in self._written.missing():
                self._written.put_back(path, self._texts.get(path))
            self._marker.unlink(missing_ok=True)
        except OSError as error:
            raise Missing(
                f"What ran in the mirror of {self.user_root} cannot be removed: {error.strerror or error}.",
                remedy="Delete the folder.",
                place=self.folder,
            ) from error

    @property
    def _marker(self) -> Path:
        return self.folder / "running"

    def sync(self, wanted: Extent, documents: Documents, *, keep_times: bool = False) -> None:
        """Make the tree what the user has, the open buffers instead of their files.

        `keep_times` gives files that are written the times of the user's own: only for an empty mirror whose target
        was seeded from the user's, because his build saw the same texts at the same times.
        """
        self._extent = wanted
        self._laid.clear()
        now = _now_ns(self.folder)
        found = walk(wanted)
        texts = {self._path_of(path, found): document.text for path, document in documents.items()}
        texts = {path: text for path, text in texts.items() if wanted.holds(path)}
        self._buffers = frozenset(texts)
        changed = self._written.delete(path for path in self._written.entries.keys() - found.keys() - texts.keys())
        for path, one in found.items():
            if path not in texts:
                changed |= self._written.take(path, one, now, keep_times=keep_times)
        for path, text in texts.items():
            self._texts[path] = text
            if self._written.write(path, text):
                changed = True
            # The file is read again when the buffer is closed.
            self._written.entries[path].mtime_ns = UNKNOWN
        self._fresh = False
        if changed:
            self._digest = None
            self.save()

    def lay(self, after: Mapping[Path, bytes | None]) -> bool:
        """Put a candidate over the state of the last sync; an earlier one is taken off.

        Tells whether anything was written. None deletes a file.
        """
        wanted = {self._real(path): text for path, text in after.items()}
        outside = [path for path in wanted if self._extent is not None and not self._extent.holds(path)]
        if outside:
            raise Busy(f"{outside[0]} is no part of the workspace {self.user_root}.", place=Path(outside[0]))
        if wanted.keys() - self._written.entries.keys():
            # Known before it is there, so that the next start deletes it even if this process dies.
            for path in wanted.keys() - self._written.entries.keys():
                self._written.entries[path] = Entry(UNKNOWN, UNKNOWN, UNKNOWN, "", 0)
                self._laid.setdefault(path, None)
            self.save()
        wanted = {**{path: text for path, text in self._laid.items() if path not in wanted}, **wanted}
        changed = False
        for path, text in wanted.items():
            if path not in self._laid:
                self._laid[path] = self.inside(Path(path)).read_bytes()
            if text is None:
                changed |= self._written.delete([path])
            else:
                self._texts[path] = text
                changed |= self._written.write(path, text)
        self._digest = None if changed else self._digest
        return changed

    def is_behind(self, but: Iterable[Path], *, every: bool = False) -> bool:
        """Whether the user's files are others than at the last sync; open buffers, and those of `but`, do not count.

        What no build reads counts for `every`. May run beside cargo, and beside `lay` of nothing but these files.
        """
        if self._extent is None:
            return True
        found = walk(self._extent)
        own = self._laid.keys() | self._buffers | {self._real(path) for path in but}
        for path, one in found.items():
            entry = self._written.entries.get(path)
            if path in own or self.unread.has(path, every=every):
                continue
            # Times change without the text, when a backup links a file or its permissions are set.
            if entry is None or not (entry.is_of(one) or self._written.is_same(entry, one)):
                return True
        return not all(self.unread.has(path, every=every) for path in self._written.entries.keys() - found.keys() - own)

    def touch(self, *paths: Path) -> None:
        """Give files a fresh time, so that cargo compiles them again."""
        for path in paths:
            name = self._real(path)
            if name in self._written.entries:
                place = self.inside(Path(name))
                os.utime(place)
                self._written.entries[name].written_ns = self._written.later(place)

    def stamp(self) -> None:
        """Note that cargo has run: what is written from now on must be later."""
        marker = self.folder / "checked"
        marker.touch()
        self._written.floor = max(self._written.floor, marker.stat().st_mtime_ns)

    def look(self) -> None:
        """Take up what rustc read: it counts for the state from now on, whatever it is called."""
        self.unread.look(self._written.entries)
        self._digest = None

    def text(self, path: Path) -> bytes:
        """The text in the mirror, b"" where there is none."""
        try:
            return self.inside(path).read_bytes()
        except OSError:
            return b""

    def listed(self) -> list[tuple[str, str, str | None]]:
        """Each file's path, the digest of its text, and where it leads if it is a link."""
        return [(path, entry.digest, entry.link) for path, entry in self._written.entries.items()]

    def base(self, path: Path) -> bytes:
        """The text of the last sync, whatever lies over it; b"" where there was none."""
        laid = self._laid.get(self._real(path), b"")
        return laid or b"" if self._real(path) in self._laid else self.text(path)

    def digest(self) -> str:
        """What the tree is for a build, in one word."""
        if self._digest is None:
            self._digest = self.digest_without(None, b"")
        return self._digest

    def digest_without(self, path: Path | None, instead: bytes, *, every: bool = False) -> str:
        """The digest of the tree with another text at `path`; `every` counts what no build reads too."""
        replaced = self._real(path) if path is not None else None
        total = hashlib.blake2b(digest_size=16)
        for name in sorted(self._written.entries):
            if self.unread.has(name, every=every):
                continue
            digest = digest_of(instead) if name == replaced else self._written.entries[name].digest
            total.update(f"{name}\0{digest}\n".encode("utf-8", "surrogateescape"))
        return total.hexdigest()

    def _path_of(self, path: Path, found: Mapping[str, Found]) -> str:
        return self._led(path, lambda name: one.link if (one := found.get(name)) is not None else None)

    def _real(self, path: Path) -> str:
        entries = self._written.entries
        return self._led(path, lambda name: one.link if (one := entries.get(name)) is not None else None)

    def _led(self, path: Path, link_of: Callable[[str], str | None]) -> str:
        """Where a file really lies: the links of the tree on its way are followed."""
        for place in (path, *path.parents):
            link = link_of(str(place))
            if link is not None:
                return str(Path(link) / path.relative_to(place))
        if self._extent is not None and not self._extent.holds(str(path)):
            return os.path.realpath(path)
        return str(path)


def _now_ns(folder: Path) -> int:
    """The file system's own time."""
    probe = folder / "now"
    probe.touch()
    return probe.stat().st_mtime_ns
