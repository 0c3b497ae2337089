"""What a module has, of this crate or of a dependency's locked version: for whoever named what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from opencrates_lsp.rust.outline import signed
from opencrates_lsp.rust.surface import slice_of
from opencrates_lsp.values import Excerpt
from opencrates_lsp.workspace.paths import Found, Paths, Place, root_of
from opencrates_lsp.workspace.sources import CrateSource

MOST_ITEMS = 400
_LONGEST_LINE = 160


def offered(paths: Paths, home: CrateSource, path: Path, inside: tuple[str, ...], module: str) -> Excerpt | None:
    """The items of the module, a line each, as the file at `path` of the target `home` would name it.

    `inside` are the inline modules around the item that asks.
    None for what is no module, and for one that is not found.
    """
    root = root_of(home)
    here = paths.module(root, ("crate", *_names(home.first, path), *inside)) or root
    place = paths.module(here, tuple(module.split("::")))
    if place is None:
        return None
    own = place.crate is home
    lines = list(dict.fromkeys(_own(place, here) if own else _foreign(paths, place)))[:MOST_ITEMS]
    origin = place.file.relative_to(home.locked.root).as_posix() if own else place.crate.locked.title
    return Excerpt("\n".join(lines), f"what `{module}` has", origin) if lines else None


def _names(first: Path, path: Path) -> tuple[str, ...]:
    """The modules that a file is, by where it stands below the first one of its crate."""
    if path == first or not path.is_relative_to(first.parent):
        return ()
    names = path.relative_to(first.parent).with_suffix("").parts
    return names[:-1] if names[-1] == "mod" else names


def _own(place: Place, here: Place) -> Iterator[str]:
    """What a module of the crate itself has; what is private only where the asking module stands in it."""
    within = here.names[: len(place.names)] == place.names
    for one in place.module.declared:
        line = _line(Found(place, one))
        if line and (within or line.startswith("pub")):
            yield line
    for imported in place.module.imports:
        if (within or imported.public) and imported.path:
            visible = "pub use" if imported.public else "use"
            name = "" if imported.bound in ("*", imported.path[-1]) else f" as {imported.bound}"
            glob = "::*" if imported.bound == "*" else ""
            yield f"{visible} {'::'.join(imported.path)}{glob}{name};"


def _foreign(paths: Paths, place: Place) -> Iterator[str]:
    return (line for found in paths.visible(place) if (line := _line(found)))


def _line(found: Found) -> str:
    """An item by its signature, in one line; of a long one the beginning."""
    one = found.declared
    cut = slice_of(found.place.crate.text(found.place.file), one.start, one.end)
    if cut is None or one.name.endswith("!"):
        return ""
    source, item = cut
    line = " ".join(signed(source, item).split())
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE].rsplit(" ", 1)[0]
