"""Files that more than one member compiles: by `#[path]`, by `include!`, or through a symbolic link.

A member that takes another's source as text (`include_str!`, `include_bytes!`) is one of them: what its macros and
constants make of the text is compiled too.
"""

from __future__ import annotations

import re
from pathlib import Path

from opencrates_lsp.verify.mirror import Mirror
from opencrates_lsp.verify.reach import FROM_MANIFEST, is_reached, named_place
from opencrates_lsp.workspace.layout import Layout, Package

_NAMED = re.compile(rb'(?:\bpath\s*=|\binclude(?P<text>_str|_bytes)?!\s*[({\[])\s*%s"(?P<place>[^"]+)"' % FROM_MANIFEST)


class Sharing:
    """Which files of one workspace name others by their paths; each text is read once."""

    def __init__(self) -> None:
        self._named: dict[str, tuple[str, tuple[tuple[Path, bool], ...]]] = {}

    def members(self, layout: Layout, mirror: Mirror, path: Path) -> tuple[Package, ...]:
        """The members that compile the file, other than the one whose folder it is in."""
        own = layout.package_of(path)
        found: dict[Path, Package] = {}
        for one in layout.packages:
            above = one != own and any(map(path.is_relative_to, one.source_folders))
            if above and is_reached(one, path, mirror.text):
                found[one.root] = one
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
            if (path, True) in places or (
                any(layout.package_of(place) != other for place, as_text in places if not as_text)
                and is_reached(other, path, mirror.text)
            ):
                found[other.root] = other
        return tuple(found.values())

    def _places(self, name: str, digest: str, mirror: Mirror) -> tuple[tuple[Path, bool], ...]:
        """What the file names, and whether it takes it as text; none for what is no Rust."""
        if not name.endswith(".rs"):
            return ()
        known = self._named.get(name)
        if known is None or known[0] != digest:
            file = Path(name)
            found = _NAMED.finditer(mirror.text(file))
            known = (digest, tuple((named_place(one, file, mirror.text), bool(one["text"])) for one in found))
            self._named[name] = known
        return known[1]
