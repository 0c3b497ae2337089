"""Files that programs of the user write while he works (a log, a database) and that no build reads.

A change of theirs makes no other state of the workspace: what cargo said before holds still. They are mirrored as all
others are. cargo would not compile anything anew for them either: what it does that for is named in rustc's dep-info.
What reads files without cargo being told, it may be a build script or a macro, is not guessed at: see `may_be`.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from opencrates_lsp.workspace.layout import Layout

_LOGS = r"[^/\\\s]+\.(?:log|tmp|sw[op])"
_DATABASES = r"[^/\\\s]+\.(?:sqlite3?|db3?)(?:-(?:wal|shm|journal))?"
_INDEX = "/.git/index"


class Unread:
    """What of one mirror counts for no state; `named` are the names that dep-info below `target` has."""

    def __init__(self, target: Path) -> None:
        self.named: set[str] = set()
        self._target = target
        self._form: re.Pattern[str] | None = None
        self._asked: set[bytes] = set()
        self._seen: dict[Path, int] = {}

    def may_be(self, layout: Layout, lock: bytes) -> None:
        """Take up what kinds of files nobody reads unseen: none where a build script or a macro of the user's runs.

        `lock` is the text of Cargo.lock: sqlx compiles against a database.
        """
        runs = any({"custom-build", "proc-macro"} & {*target.kind} for one in layout.packages for target in one.targets)
        if runs or layout.outside:
            self._form = None
        else:
            self._form = re.compile(_LOGS if b"sqlx" in lock else f"{_LOGS}|{_DATABASES}")

    def has(self, path: str, *, every: bool = False) -> bool:
        """Whether the file counts for no state; git's index never does, because looking at it changes it.

        `every` is for states that tests run in: they read what they like.
        """
        if path.endswith(_INDEX):
            return True
        name = path.rpartition(os.sep)[2]
        return not every and self._form is not None and bool(self._form.fullmatch(name)) and name not in self.named

    def look(self, paths: Iterable[str]) -> None:
        """Read the dep-info that is new: which of these files it names."""
        names = {path.rpartition(os.sep)[2].encode("utf-8", "surrogateescape") for path in paths if self.has(path)}
        names.discard(b"index")
        if names - self._asked:
            self._asked, self._seen = names, {}
        for place in self._infos() if names else ():
            with contextlib.suppress(OSError):
                time_ns = place.stat().st_mtime_ns
                if self._seen.get(place) != time_ns:
                    text = place.read_bytes()
                    self._seen[place] = time_ns
                    self.named.update(os.fsdecode(name) for name in names if name in text)

    def _infos(self) -> Iterator[Path]:
        for above, folders, names in os.walk(self._target):
            folders[:] = [name for name in folders if name != "incremental"]
            yield from (Path(above) / name for name in names if name.endswith(".d"))
