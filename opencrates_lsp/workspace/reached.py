"""Which items of other crates an item reaches, most telling first, and how they are told to a model.

In order: the types of its signature, those in the fields of what it belongs to, what its body names already, what these
give back, what the module imports, and what its globs bring in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from opencrates_lsp.rust import surface
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, defined
from opencrates_lsp.rust.mentions import block_of, imported_in, mentioned, methods_in, parameters
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Excerpt, Span
from opencrates_lsp.workspace.paths import Found, Paths, Place
from opencrates_lsp.workspace.sources import CrateSource

_TYPES = ("struct", "enum", "union", "type", "trait")
_LONGEST = 5_000
_LONGEST_FURTHER = 2_000
_ENDING = 40
_SHARE_OF_IMPORTS = 0.3
_MOST_ITEMS = 40
# With less room than a short definition takes, nothing more is looked for.
_LEAST = 80
_MOST_FURTHER = 12
_MOST_IMPORTED = 24
_MOST_IMPLS = 24
_DEEPEST_OWN = 2
_NO_ITEMS = ("mod", "crate")
# What is true of nearly every type tells nothing.
_USUAL_WORDS = frozenset(
    (
        "and",
        "async",
        "for",
        "impl",
        "into",
        "mut",
        "option",
        "pub",
        "ref",
        "result",
        "self",
        "str",
        "string",
        "the",
        "todo",
    )
)
_USUAL = re.compile(r" (?:\w+::)*(?:Send|Sync|Unpin|Drop|Debug|UnwindSafe|RefUnwindSafe|Sealed)(?:<[^>]*>)? for ")


@dataclass(slots=True)
class Reached:
    """One query; `own` are the folders of the crates that the workspace's index knows."""

    paths: Paths
    own: frozenset[Path]
    _shown: set[tuple[Path, int, str]] = field(default_factory=set)
    _expanded: set[tuple[Path, int, str]] = field(default_factory=set)
    _further: list[tuple[Place, tuple[str, ...], str]] = field(default_factory=list)
    _wanted: frozenset[str] = frozenset()
    _called: tuple[str, ...] = ()

    def excerpts(
        self, home: CrateSource, path: Path, source: Source, item: Item, limit_bytes: int
    ) -> tuple[Excerpt, ...]:
        """The excerpts for an item of the file at `path`, which belongs to the target `home`."""
        self._wanted = _words(source, item)
        self._called = methods_in(source, item.body) if item.body is not None else ()
        place = _place_of(home, path, item)
        found = self._within(self._needed(place, source, item), limit_bytes)
        left = limit_bytes - sum(len(excerpt.text.encode()) for excerpt in found)
        return (*found, *self._within(self._imported(place), min(left, int(limit_bytes * _SHARE_OF_IMPORTS))))

    def _within(self, excerpts: Iterator[Excerpt], limit_bytes: int) -> tuple[Excerpt, ...]:
        """The excerpts that fit, in their order."""
        found: list[Excerpt] = []
        while limit_bytes >= _LEAST and len(found) < _MOST_ITEMS and (excerpt := next(excerpts, None)) is not None:
            size = len(excerpt.text.encode())
            if size <= limit_bytes:
                limit_bytes -= size
                found.append(excerpt)
        return tuple(found)

    def _needed(self, place: Place, source: Source, item: Item) -> Iterator[Excerpt]:
        local = imported_in(source, item.body) if item.body is not None else {}
        block = block_of(source, item)
        heads = [item.signature, *([block.signature] if block is not None else [])]
        unnamed = parameters(source, heads) | {"Self"}
        rings = [(Span(item.span.start, item.signature.end), "a type in the signature")]
        if block is not None:
            rings.append((block.signature, "a type in the header of its impl"))
            owners = defined(source, self_type(block.identity.header))
            rings += [(owner.span, f"a type in `{owner.identity.name}`") for owner in owners]
        if item.body is not None:
            rings.append((item.body, "named in the body"))
        for span, reason in rings:
            for path in mentioned(source, span):
                if path[0] not in unnamed:
                    yield from self._told(place, local.get(path[0], path[:1]) + path[1:], reason)
        yield from self._given_back()

    def _told(self, place: Place, path: tuple[str, ...], reason: str, *, depth: int = 0) -> Iterator[Excerpt]:
        """What the path names, or, where that is the user's own, what its definition names in its turn."""
        for found in self.paths.follow(place, path):
            if self._is_own(found):
                if depth < _DEEPEST_OWN and found.key not in self._expanded:
                    self._expanded.add(found.key)
                    yield from self._inside(found, depth)
            elif found.key not in self._shown and found.declared.kind not in _NO_ITEMS:
                self._shown.add(found.key)
                alias = path[-1] if path[-1] != found.declared.name and len(path) == 1 else ""
                yield from self._item(found, reason + (f", here called `{alias}`" if alias else ""))

    def _is_own(self, found: Found) -> bool:
        return found.place.crate.locked.root in self.own

    def _inside(self, found: Found, depth: int) -> Iterator[Excerpt]:
        if found.declared.kind not in _TYPES:
            return
        sliced = self._slice(found.place, found.declared.start, found.declared.end)
        if sliced is None:
            return
        source, item = sliced
        unnamed = parameters(source, [item.signature])
        for path in mentioned(source, item.span):
            if path[0] not in unnamed:
                yield from self._told(found.place, path, f"a type in `{found.declared.name}`", depth=depth + 1)

    def _slice(self, place: Place, start: int, end: int) -> tuple[Source, Item] | None:
        return surface.slice_of(place.crate.text(place.file), start, end)

    def _item(self, found: Found, reason: str, limit: int = _LONGEST) -> Iterator[Excerpt]:
        """The definition, then the methods and impls, each an excerpt of its own, none longer than `limit` bytes.

        A type that says nothing of itself (all its fields are private, and nothing is implemented) is left out.
        """
        place, declared = found.place, found.declared
        origin = place.crate.locked.title
        sliced = self._slice(place, declared.start, declared.end)
        if sliced is None:
            return
        source, item = sliced
        text = self._marked(place, declared.cfgs, declared.macros) + surface.definition(source, item)
        if declared.kind == "trait":
            text = _fitting(text, self._compiled(place, surface.public_members(source, item)), limit, self._wanted)
            self._remember(place, item, source, "trait", declared.name)
        methods = traits = ""
        if declared.kind in ("struct", "enum", "union"):
            methods, traits = self._impls(found, limit)
            if surface.is_opaque(text) and not (methods or traits):
                return
        if len(text) <= limit:
            yield Excerpt(text, reason, origin)
        if methods:
            yield Excerpt(methods, f"methods of `{declared.name}`: {reason}", origin)
        if traits:
            yield Excerpt(traits, f"what `{declared.name}` implements: {reason}", origin)
        if declared.kind == "type":
            for path in mentioned(source, item.node_span):
                yield from self._told(place, path, f"what `{declared.name}` stands for")

    def _impls(self, found: Found, limit: int) -> tuple[str, str]:
        """The outlines of the inherent impls, and the headers of the impls of traits."""
        blocks: list[tuple[str, tuple[surface.Member, ...]]] = []
        traits: list[str] = []
        crate = found.place.crate
        for file in crate.implementing(found.declared.name):
            for place in self._places_in(crate, file):
                if not self.paths.is_compiled(place):
                    continue
                for block in place.module.blocks:
                    if block.name != found.declared.name or self.paths.holds(place, block.cfgs, block.macros) is False:
                        continue
                    sliced = self._slice(place, block.start, block.end)
                    if sliced is None or not self.paths.is_for(place, block, found):
                        continue
                    source, item = sliced
                    if _USUAL.search(block.header):
                        continue
                    if " for " in block.header:
                        traits.append(self._marked(place, block.cfgs, block.macros) + surface.implemented(source, item))
                    else:
                        opening = self._marked(place, block.cfgs, block.macros) + block.header
                        blocks.append((opening, self._compiled(place, surface.public_members(source, item))))
                        self._remember(place, item, source, "impl", found.declared.name)
        return _outlines(blocks, self._wanted, limit), _lines(traits[:_MOST_IMPLS], limit)

    def _places_in(self, crate: CrateSource, file: Path) -> Iterator[Place]:
        """The modules of a file; where the file stands is told by its path, as far as that goes."""
        outer = _place_in(crate, file)
        for inside in crate.modules(file):
            yield Place(crate, (*outer.names, *inside), file, inside, outer.folder.joinpath(*inside))

    def _compiled(self, place: Place, members: tuple[surface.Member, ...]) -> tuple[surface.Member, ...]:
        """The members that may be compiled, under the conditions that are not known to hold."""
        return tuple(
            replace(one, signature=self._marked(place, one.cfgs, ()) + one.signature)
            for one in members
            if self.paths.holds(place, one.cfgs, ()) is not False
        )

    def _marked(self, place: Place, cfgs: tuple[str, ...], macros: tuple[str, ...]) -> str:
        """The conditions of what may not be compiled, because its features are not known."""
        unknown = [one for one in cfgs if "feature" in one and self.paths.holds(place, (one,), ()) is None]
        return "".join(f"#[cfg({one})]\n" for one in unknown)

    def _remember(self, place: Place, block: Item, source: Source, kind: str, name: str) -> None:
        """What the members give back is told later, after what was asked for."""
        for member in surface.public_members(source, block):
            gives = member.signature.partition("->")[2].partition("where")[0]
            for word in dict.fromkeys(re.findall(r"\b[A-Z]\w*(?:::[A-Z]?\w+)*", gives)):
                self._further.append((place, tuple(word.split("::")), f"what `{name}::{member.name}` gives"))

    def _given_back(self) -> Iterator[Excerpt]:
        further, self._further = self._further, []
        count = 0
        for place, path, reason in sorted(further, key=lambda one: -self._telling(one[2])):
            if count >= _MOST_FURTHER:
                return
            for excerpt in self._told(place, path, reason):
                if len(excerpt.text) <= _LONGEST_FURTHER:
                    count += 1
                    yield excerpt
        self._further.clear()

    def _telling(self, reason: str) -> int:
        return len(_parts(reason.partition("::")[2]) & self._wanted)

    def _imported(self, place: Place) -> Iterator[Excerpt]:
        """What the module imports: what shares words with the item first, the rest in reading order."""
        named: list[tuple[Found, str]] = []
        for imported in place.module.imports:
            if imported.bound != "*":
                named += [(found, "imported in the file") for found in self.paths.follow(place, imported.path)]
                continue
            module = self.paths.module(place, imported.path)
            if module is not None and module.crate.locked.root not in self.own:
                reason = f"brought in by `use {'::'.join(imported.path)}::*`"
                named += [(found, reason) for found in self.paths.visible(module) if found.declared.kind == "trait"]
        named.sort(key=lambda one: -self._shared(one[0]))
        for found, reason in named[:_MOST_IMPORTED]:
            if not self._is_own(found) and found.key not in self._shown and found.declared.kind not in _NO_ITEMS:
                self._shown.add(found.key)
                yield from self._item(found, reason, _LONGEST_FURTHER)

    def _shared(self, found: Found) -> int:
        """How many words the item shares with this one; a method that it calls counts most."""
        own = len(_parts(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", found.declared.name)) & self._wanted)
        if found.declared.kind != "trait" or not self._called:
            return own
        text = found.place.crate.text(found.place.file)[found.declared.start : found.declared.end]
        return own + 10 * any(re.search(rf"\bfn\s+{name}\b".encode(), text) for name in self._called)


def _place_of(home: CrateSource, path: Path, item: Item) -> Place:
    """The module that the item stands in; what is local to a function stands in the function's module."""
    outer = _place_in(home, path)
    inside = tuple(name for name in item.identity.module if " " not in name)
    return Place(home, (*outer.names, *inside), path, inside, outer.folder.joinpath(*inside))


def _place_in(crate: CrateSource, file: Path) -> Place:
    """The module that a file is, by where it stands below the crate's first file."""
    if file == crate.first or not file.is_relative_to(crate.first.parent):
        return Place(crate, (), file, (), file.parent)
    names = file.relative_to(crate.first.parent).with_suffix("").parts
    if names[-1] == "mod":
        return Place(crate, names[:-1], file, (), file.parent)
    return Place(crate, names, file, (), file.with_suffix(""))


def _words(source: Source, item: Item) -> frozenset[str]:
    """The words of the item's name, docs and body: they tell which of many methods are likely wanted."""
    return _parts(source.text[slice(*item.span)].decode("utf-8", "replace"))


def _parts(text: str) -> frozenset[str]:
    """The words in names and prose that tell one thing from another."""
    return frozenset(part for part in re.split(r"[^a-z]+", text.lower()) if len(part) > 2) - _USUAL_WORDS


def _lines(lines: list[str], limit: int) -> str:
    """The first lines that fit."""
    kept: list[str] = []
    for line in lines:
        limit -= len(line) + 1
        if limit < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def _outlines(blocks: list[tuple[str, tuple[surface.Member, ...]]], wanted: frozenset[str], limit: int) -> str:
    """The blocks with docs where they fit, else without, else with the members that the item seems to be about."""
    shown = [(opening, members) for opening, members in blocks if members]
    for docs in ("paragraph", "sentence", "none"):
        text = "\n\n".join(surface.outline(opening, members, docs=docs) for opening, members in shown)
        if len(text) <= limit:
            return text
    share = limit // len(shown)
    return "\n\n".join(_fitting(opening, members, share, wanted) for opening, members in shown)


def _fitting(opening: str, members: tuple[surface.Member, ...], limit: int, wanted: frozenset[str]) -> str:
    """One block within so many bytes; members that share words with the item stay the longest."""
    for docs in ("paragraph", "sentence", "none"):
        text = surface.outline(opening, members, docs=docs)
        if len(text) <= limit:
            return text
    ranked = sorted(range(len(members)), key=lambda at: (-len(_parts(members[at].name) & wanted), at))
    kept: list[int] = []
    room = limit - len(opening) - _ENDING
    for at in ranked:
        room -= len(surface.outline("", [members[at]], docs="none"))
        if room < 0:
            break
        kept.append(at)
    chosen = [members[at] for at in sorted(kept)]
    return surface.outline(opening, chosen, docs="none", left_out=len(members) - len(chosen))
