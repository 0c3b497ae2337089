"""Which files are kept from models: `.gitignore`, `.aiignore`, `.aiexclude` and the `context.ignore` setting.

The patterns are gitignore's, matched by pathspec, which is imported when the first file is asked about.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILES = (".gitignore", ".aiignore", ".aiexclude")


@dataclass(slots=True)
class Ignored:
    """What is kept from models below `root` and below the folders `outside` of it that it is built from.

    `patterns` are those of the settings, relative to the root.
    Ignore files above these folders count too, up to the top of their git repository.
    They are read once; make a new object when they have changed.
    """

    root: Path
    patterns: Sequence[str] = ()
    outside: Sequence[Path] = ()
    _stamps: dict[Path, tuple[int, int] | None] = field(default_factory=dict)
    _real: dict[Path, Path] = field(default_factory=dict)
    _specs: dict[Path, tuple[tuple[str, str, GitIgnoreSpec], ...]] = field(default_factory=dict)

    def by(self, path: Path) -> str | None:
        """The file (or setting) whose pattern keeps this one from models, None when none does.

        A pattern that takes an earlier one of its own file back counts; no file takes another's back, so that an
        `.aiignore` can only add.
        A link is what it leads to as well.
        """
        return self._named(path) or self._named(self._led_to(path))

    def leaves_out(self, path: Path) -> bool:
        """Whether the file is no part of what a model is shown of a workspace: it is kept, or a link out of it."""
        if self.by(path) is not None:
            return True
        folders = (self.root, *self.outside)
        inside = any(path.is_relative_to(folder) for folder in folders)
        return inside and not any(self._led_to(path).is_relative_to(folder) for folder in folders)

    def have_changed(self) -> bool:
        """Whether an ignore file that was looked for is another one now; for a thread."""
        return any(_stamp(path) != stamp for path, stamp in list(self._stamps.items()))

    def _led_to(self, path: Path) -> Path:
        """The file that the path leads to in the end, seen from the folder that it stands in if it is there."""
        folder = path.parent
        if folder not in self._real:
            self._real[folder] = Path(os.path.realpath(folder))
        real = self._real[folder] / path.name
        if real.is_symlink():
            real = Path(os.path.realpath(real))
        for around in (self.root, *self.outside):
            if around not in self._real:
                self._real[around] = Path(os.path.realpath(around))
            if real.is_relative_to(self._real[around]):
                return around / real.relative_to(self._real[around])
        return real

    def _named(self, path: Path) -> str | None:
        around = next((root for root in (self.root, *self.outside) if path.is_relative_to(root)), None)
        if around is None:
            return None
        text = path.as_posix()
        for place, name, spec in self._above(path.parent, around):
            if spec.match_file(text[len(place) :]):
                return name
        return None

    def _above(self, folder: Path, around: Path) -> tuple[tuple[str, str, GitIgnoreSpec], ...]:
        """The patterns of the folder and of those above it, outermost first, each with its folder and a slash."""
        if folder not in self._specs:
            if folder == around:
                top = _top(around)
                above = tuple(one for place in reversed(_up_to(around, top)) for one in self._of(place))
            else:
                above = self._above(folder.parent, around) + self._of(folder)
            self._specs[folder] = above
        return self._specs[folder]

    def _of(self, folder: Path) -> tuple[tuple[str, str, GitIgnoreSpec], ...]:
        from pathspec import GitIgnoreSpec

        for name in FILES:
            self._stamps[folder / name] = _stamp(folder / name)
        found = [(name, _lines(folder / name)) for name in FILES]
        if folder == self.root:
            found.append(("context.ignore", list(self.patterns)))
        place = folder.as_posix().rstrip("/") + "/"
        return tuple((place, name, GitIgnoreSpec.from_lines(lines)) for name, lines in found if lines)


def _top(folder: Path) -> Path:
    """The top of the git repository that the folder is in; itself where it is in none."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _up_to(folder: Path, top: Path) -> list[Path]:
    places = [folder, *folder.parents]
    return places[: places.index(top) + 1]


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
