"""Files that more than one member compiles: by `#[path]`, by `include!`, or through a symbolic link."""

from __future__ import annotations

import os
import re
from pathlib import Path

from opencrates_lsp.verify.mirror import Mirror
from opencrates_lsp.verify.reach import is_reached
from opencrates_lsp.workspace.layout import Layout, Package

_NAMED = re.compile(rb'(?:\bpath\s*=|\binclude!\s*[({\[])\s*"([^"]+)"')


class Sharing:
    """Which files of one workspace name others by their paths; each text is read once."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[str, tuple[Path, ...]]] = {}

    def members(self, layout: Layout, mirror: Mirror, path: Path) -> tuple[Package, ...]:
        """The members that compile the file, other than the one whose folder it is in."""
        own = layout.package_of(path)
        found: dict[Path, Package] = {}
        for name, digest, link in mirror.listed() if len(layout.packages) > 1 else ():
            if link is not None and path.is_relative_to(link):
                other = layout.package_of(Path(name))
                if (
                    other is not None
                    and other != own
                    and is_reached(other, Path(name) / path.relative_to(link), mirror.text)
                ):
                    found[other.root] = other
                continue
            places = self._places(name, digest, mirror)
            if not places:
                continue
            other = layout.package_of(Path(name))
            if other is None or other == own or other.root in found:
                continue
            if any(layout.package_of(place) != other for place in places) and is_reached(other, path, mirror.text):
                found[other.root] = other
        return tuple(found.values())

    def _places(self, name: str, digest: str, mirror: Mirror) -> tuple[Path, ...]:
        """What the file names; none for what is no Rust."""
        if not name.endswith(".rs"):
            return ()
        known = self._named.get(name)
        if known is None or known[0] != digest:
            file = Path(name)
            texts = [text.decode("utf-8", "replace") for text in _NAMED.findall(mirror.text(file))]
            known = (digest, tuple(Path(os.path.normpath(file.parent / text)) for text in texts))
            self._named[name] = known
        return known[1]
