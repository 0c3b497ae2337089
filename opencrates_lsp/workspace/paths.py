"""Following a path of Rust to the thing that it names: through modules, imports, globs and re-exports of other crates.

Rules of rustc's name resolution as far as texts tell: macros are not expanded, but what stands in a macro's braces
counts, and the `#[cfg]` that the macro puts on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.rust.conditions import all_hold
from opencrates_lsp.rust.declared import Block, Declared, Import, Module
from opencrates_lsp.rust.headers import normalised
from opencrates_lsp.workspace.sources import CrateSource

_MOST_STEPS = 4_000
_CFG = re.compile(rb"#\[\s*cfg\s*\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)\s*\]")
_NO_CRATES = frozenset({"std", "core", "alloc", "proc_macro"})
_ON_THE_WAY = ("mod", "enum", "struct", "union", "trait", "type")


@dataclass(frozen=True, slots=True)
class Place:
    """A module of a crate: the names from the crate's root, the file, the inline modules in it, and the folder in which
    the files of its own modules are."""

    crate: CrateSource = field(compare=False)
    names: tuple[str, ...]
    file: Path
    inside: tuple[str, ...]
    folder: Path

    @property
    def module(self) -> Module:
        return self.crate.modules(self.file).get(self.inside) or Module()


@dataclass(frozen=True, slots=True)
class Found:
    """What a path names; `place` is the module that it is declared in."""

    place: Place
    declared: Declared

    @property
    def key(self) -> tuple[Path, int, str]:
        return self.place.file, self.declared.start, self.declared.name


def root_of(crate: CrateSource) -> Place:
    """The outermost module of a crate."""
    return Place(crate, (), crate.first, (), crate.first.parent)


class Paths:
    """Follows paths; `crate_of` gives the source of a dependency by the key of its package, None for none.

    One object answers for one query: what it found is kept, and it gives up after so many steps.
    """

    def __init__(self, crate_of: Callable[[str], CrateSource | None]) -> None:
        self._crate_of = crate_of
        self._named: dict[tuple[Path, tuple[str, ...], str], tuple[Found, ...]] = {}
        self._looking: set[tuple[Path, tuple[str, ...], str]] = set()
        self._conditions: dict[tuple[Path, str], tuple[str, ...]] = {}
        self._steps = _MOST_STEPS

    def follow(self, place: Place, path: tuple[str, ...]) -> tuple[Found, ...]:
        """What the path names in the module: a type and a function may share one name; () for what is not found.

        A path to a variant or an associated item names its type.
        """
        starts, rest = self._start(place, path)
        if starts is None:
            return ()
        if isinstance(starts, Place):
            if not rest:
                return ()
            found = self.named(starts, rest[0])
            rest = rest[1:]
        else:
            found = starts
        while rest and found:
            found = self._inside(found, rest[0])
            rest = rest[1:]
        return found

    def module(self, place: Place, path: tuple[str, ...]) -> Place | None:
        """The module that the path names."""
        starts, rest = self._start(place, path)
        here = starts if isinstance(starts, Place) else self._module_of(starts or ())
        for name in rest:
            here = self._module_of(self.named(here, name)) if here is not None else None
        return here

    def child(self, place: Place, declared: Declared) -> Place | None:
        """The module that a `mod` declares; None for a file that is not there."""
        names = (*place.names, declared.name)
        if declared.inline:
            return Place(place.crate, names, place.file, (*place.inside, declared.name), place.folder / declared.name)
        if declared.file:
            file = (place.folder if place.inside else place.file.parent) / declared.file
            return Place(place.crate, names, file, (), file.parent) if place.crate.exists(file) else None
        name = declared.name.removeprefix("r#")
        for file in (place.folder / f"{name}.rs", place.folder / name / "mod.rs"):
            if place.crate.exists(file):
                return Place(place.crate, names, file, (), place.folder / name)
        return None

    def named(self, place: Place, name: str) -> tuple[Found, ...]:
        """What the name stands for in the module itself, imports and globs included."""
        key = (place.file, place.inside, name)
        if key in self._named:
            return self._named[key]
        # Whoever comes here again on the way goes in a circle, and what is found on it is not the whole.
        if key in self._looking or self._steps <= 0:
            return ()
        self._steps -= 1
        self._looking.add(key)
        found = self._look_up(place, name)
        self._looking.remove(key)
        if found or not self._looking:
            self._named[key] = found
        return found

    def holds(self, place: Place, cfgs: tuple[str, ...], macros: tuple[str, ...]) -> bool | None:
        """Whether something is compiled, as its own `#[cfg]`s and those of the macros around it tell."""
        own = cfgs + tuple(one for macro in macros for one in self._of_macro(place, macro))
        return all_hold(own, place.crate.locked.features)

    def is_compiled(self, place: Place) -> bool:
        """Whether no `mod` on the way to the module is known to be switched off."""
        here: Place | None = root_of(place.crate)
        for name in place.names:
            declared = [one for one in here.module.declared if (one.kind, one.name) == ("mod", name)] if here else []
            if not declared or here is None:
                return True
            on = [one for one in declared if self.holds(here, one.cfgs, one.macros) is not False]
            if not on:
                return False
            here = self.child(here, on[0])
        return True

    def visible(self, place: Place) -> Iterator[Found]:
        """What a module offers to others, in reading order: its own public items, then what it re-exports by name."""
        for here in self._parts(place):
            for one in here.module.declared:
                if one.public and not one.name.endswith("!") and self.holds(here, one.cfgs, one.macros) is not False:
                    yield Found(here, one)
            for imported in here.module.imports:
                if imported.public and self.holds(here, imported.cfgs, imported.macros) is not False:
                    yield from self._re_exported(place, imported)

    def _re_exported(self, place: Place, imported: Import) -> Iterator[Found]:
        if imported.bound != "*":
            yield from self.follow(place, imported.path)
        elif (other := self.module(place, imported.path)) is not None and other != place and self._steps > 0:
            self._steps -= 100
            yield from self.visible(other)

    def is_for(self, place: Place, block: Block, found: Found) -> bool:
        """Whether the impl in this module is one of the type: its name there leads to it, or to nothing known."""
        path = path_of_type(block.header)
        reached = self.follow(place, path) if path else ()
        types = [one for one in reached if one.declared.kind in _ON_THE_WAY[1:]]
        return any(one.key == found.key for one in types) or (not types and place.file == found.place.file)

    def _start(self, place: Place, path: tuple[str, ...]) -> tuple[Place | tuple[Found, ...] | None, tuple[str, ...]]:
        """Where a path begins, and what is left of it."""
        head, rest = path[0], path[1:]
        if head in ("crate", "$crate"):
            return root_of(place.crate), rest
        if head in ("self", "super"):
            while head in ("self", "super"):
                outer = self._outer(place) if head == "super" else place
                if outer is None:
                    return None, ()
                place = outer
                if not rest or rest[0] != "super":
                    break
                head, rest = rest[0], rest[1:]
            return place, rest
        if head == "":
            return (self._crate(place, rest[0]) if rest else None), rest[1:]
        found = self.named(place, head)
        if found and not (rest and self._module_of(found) is None and not _has_members(found)):
            return found, rest
        crate = self._crate(place, head)
        if crate is None and place.crate.locked.edition == "2015":
            return root_of(place.crate), path
        return crate, rest

    def _outer(self, place: Place) -> Place | None:
        here: Place | None = root_of(place.crate)
        if not place.names:
            return None
        for name in place.names[:-1]:
            here = self._module_of(self.named(here, name)) if here is not None else None
        return here

    def _crate(self, place: Place, name: str) -> Place | None:
        if name in _NO_CRATES:
            return None
        key = place.crate.locked.dependencies.get(name.removeprefix("r#"))
        crate = self._crate_of(key) if key is not None else None
        return root_of(crate) if crate is not None else None

    def _inside(self, found: tuple[Found, ...], name: str) -> tuple[Found, ...]:
        """What `name` is after `found::`."""
        module = self._module_of(found)
        if module is not None:
            return self.named(module, name)
        return tuple(one for one in found if one.declared.kind in _ON_THE_WAY)

    def _module_of(self, found: tuple[Found, ...]) -> Place | None:
        for one in found:
            if one.declared.kind == "crate":
                return one.place
            if one.declared.kind == "mod" and (child := self.child(one.place, one.declared)) is not None:
                return child
        return None

    def _look_up(self, place: Place, name: str) -> tuple[Found, ...]:
        found: dict[tuple[Path, int, str], Found] = {}
        globs: list[Import] = []
        for here in self._parts(place):
            for one in here.module.declared:
                if one.name == name and self.holds(here, one.cfgs, one.macros) is not False:
                    found.setdefault((here.file, one.start, name), Found(here, one))
            for imported in here.module.imports:
                if imported.bound in (name, "*") and self.holds(here, imported.cfgs, imported.macros) is not False:
                    globs += [imported] if imported.bound == "*" else []
                    reached = self._imported(place, imported) if imported.bound == name else ()
                    found.update({one.key: one for one in reached if one.key not in found})
        if not found and not place.names:
            found.update({one.key: one for one in self._exported_rules(place.crate, name)})
        if not found:
            for imported in globs:
                found.update({one.key: one for one in self._through(place, imported, name) if one.key not in found})
        return tuple(found.values())

    def _parts(self, place: Place) -> Iterator[Place]:
        """The module itself, and what the macros without arguments become that are called in it."""
        yield place
        for call in place.module.declared:
            if not (call.kind == "macro" and call.inline and call.name.endswith("!")):
                continue
            for file in place.crate.defining_rules(call.name[:-1]) if self.holds(place, call.cfgs, ()) else ():
                for inside in place.crate.modules(file):
                    if inside[-1:] == (call.name,):
                        yield Place(place.crate, place.names, file, inside, place.folder)

    def _imported(self, place: Place, imported: Import) -> tuple[Found, ...]:
        path = imported.path
        if path[-1] == "self":
            path = path[:-1]
        if path in ((imported.bound,), ("", imported.bound)) or len(path) == 1 or (len(path) == 2 and not path[0]):
            # `use serde;` and `extern crate serde as s;` name the crate itself.
            crate = self._crate(place, path[-1])
            if crate is not None:
                return (Found(crate, Declared(imported.bound, "crate", 0, 0, public=True)),)
        return self.follow(place, path)

    def _through(self, place: Place, imported: Import, name: str) -> tuple[Found, ...]:
        """What a glob import brings in under the name: variants of an enum too."""
        module = self.module(place, imported.path)
        if module is None or (module.file, module.inside) == (place.file, place.inside):
            return ()
        return self.named(module, name)

    def _exported_rules(self, crate: CrateSource, name: str) -> Iterator[Found]:
        """A `macro_rules!` that is exported stands in the crate's root, wherever it is written."""
        for file in crate.defining_rules(name):
            for inside, module in crate.modules(file).items():
                for one in module.declared:
                    text = crate.text(file)[one.start : one.end] if (one.kind, one.name) == ("macro", name) else b""
                    if b"macro_export" in text:
                        yield Found(Place(crate, (), file, inside, file.parent), one)

    def _of_macro(self, place: Place, macro: str) -> tuple[str, ...]:
        """The `#[cfg]`s that a macro of the crate puts on the items that it is given."""
        key = (place.crate.first, macro)
        if key not in self._conditions:
            self._conditions[key] = ()
            for file in place.crate.defining_rules(macro)[:1]:
                for module in place.crate.modules(file).values():
                    for one in module.declared:
                        if (one.kind, one.name) == ("macro", macro):
                            rules = place.crate.text(file)[one.start : one.end].partition(b"=>")[2]
                            told = [normalised(match.decode("utf-8", "replace")) for match in _CFG.findall(rules)]
                            self._conditions[key] = tuple(told[:1])
        return self._conditions[key]


def path_of_type(header: str) -> tuple[str, ...]:
    """The path of the type that an impl is for; () where it has none."""
    words = re.sub(r"^impl\s*", "", header.partition(" where ")[0])
    words = _without_angles(words)
    subject = words.rpartition(" for ")[2] or words
    match = re.search(r"(?:(?:r#)?[A-Za-z_]\w*|\$crate|::)(?:\s*::\s*(?:r#)?\w+)*\s*$", subject.strip())
    return tuple(part.strip() for part in match[0].split("::")) if match is not None else ()


def _without_angles(text: str) -> str:
    kept, depth = [], 0
    for at, mark in enumerate(text):
        if mark == "<":
            depth += 1
        elif mark == ">" and text[at - 1 : at] not in ("-", "="):
            depth -= 1
        elif not depth:
            kept.append(mark)
    return "".join(kept)


def _has_members(found: tuple[Found, ...]) -> bool:
    return any(one.declared.kind in _ON_THE_WAY for one in found)
