"""Which files are kept from models: `.gitignore`, `.aiignore`, `.aiexclude` and the `context.ignore` setting.

The patterns are gitignore's, matched by pathspec, which is imported when the first file is asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

FILES = (".gitignore", ".aiignore", ".aiexclude")


@dataclass(slots=True)
class Ignored:
    """What is kept from models below `root`; `patterns` are those of the settings, relative to it.

    Ignore files are read once; make a new object to see their changes.
    """

    root: Path
    patterns: Sequence[str] = ()
    _specs: dict[Path, tuple[tuple[str, GitIgnoreSpec], ...]] = field(default_factory=dict)

    def by(self, path: Path) -> str | None:
        """The file (or setting) whose pattern keeps this one from models, None when none does.

        A pattern that takes an earlier one of its own file back counts; no file takes another's back, so that an
        `.aiignore` can only add.
        """
        if not path.is_relative_to(self.root):
            return None
        for folder in (self.root, *reversed(path.relative_to(self.root).parents[:-1])):
            place = self.root / folder
            for name, spec in self._of(place):
                if spec.match_file(path.relative_to(place).as_posix()):
                    return name
        return None

    def _of(self, folder: Path) -> tuple[tuple[str, GitIgnoreSpec], ...]:
        if folder not in self._specs:
            from pathspec import GitIgnoreSpec

            found = [(name, _lines(folder / name)) for name in FILES]
            if folder == self.root:
                found.append(("context.ignore", list(self.patterns)))
            self._specs[folder] = tuple((name, GitIgnoreSpec.from_lines(lines)) for name, lines in found if lines)
        return self._specs[folder]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
