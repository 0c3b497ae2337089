"""Which tests can see an edit, as far as the texts tell: those that name what was edited, or what names it in turn.

Names decide, not types: what is not sure is taken to reach the edit, so that tests may be too many and never too few.
A method counts as named where its name stands in a file that also names its type, or what hands out such a type.
What is called without being named (an operator, `Display`, `Iterator`) is reached by whoever names the type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Identity, Item, items, items_around
from opencrates_lsp.rust.skimming import Names, Part, Skim, documented, is_blanket, skim, trait_of
from opencrates_lsp.rust.syntax import Source

DEPTH = 4
"""How many calls may lie between a test and the edit."""

_TYPES = ("struct", "enum", "union", "trait", "type")
_AROUND = ("impl", "mod", "extern", "use")
_KIN_DEPTH = 2
# What a test says that runs the package's programs.
_RUNS = re.compile(rb"CARGO_BIN_EXE_|cargo_bin|assert_cmd|escargot|trycmd|snapbox|assert_cli|Command::new")

_TRAIT = re.compile(rb"\btrait\s+(\w+)")

Condition = Names | None


@dataclass(frozen=True, slots=True)
class Found:
    """Tests of one file: `by` is a part of their names, "" for all of them.

    `kind` is "doc" for those in documentation, "main" where the whole program is one.
    """

    path: Path
    by: str
    kind: str = "test"


@dataclass(frozen=True, slots=True)
class Reached:
    """What reaches an edit; `everything` where the texts do not tell."""

    found: frozenset[Found] = frozenset()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """An edited item and those around it, outermost first."""

    path: Path
    around: tuple[Item, ...]


def edited_at(source: Source, path: Path, offset: int) -> Edited:
    """The item at the byte."""
    return Edited(path, items_around(source, offset))


def edited_items(before: Source, after: Source, path: Path) -> tuple[Edited, ...]:
    """The items of `before` that are others in `after`, or gone; what is only new is seen through who uses it.

    The members of impls, modules and traits count, not these themselves.
    """
    new: dict[Identity, list[bytes]] = {}
    for item in items(after):
        new.setdefault(item.identity, []).append(after.text[slice(*item.span)])
    found: list[Edited] = []
    for item in items(before):
        text = before.text[slice(*item.span)]
        if item.identity.kind not in _AROUND and text not in new.get(item.identity, ()):
            found.append(edited_at(before, path, item.name_span.start))
    return tuple(found)


def written_tests(before: bytes, after: bytes) -> frozenset[str]:
    """By what the tests are found that an edit wrote or rewrote: the ends of their names."""
    old = {(part.tests, before[slice(*part.item.span)]) for part in skim(before).parts}
    found = (part for part in skim(after).parts if (part.tests, after[slice(*part.item.span)]) not in old)
    return frozenset(test for part in found if part.item.identity.kind == "function" for test in part.tests)


def reaching(
    texts: Mapping[Path, bytes],
    edited: Iterable[Edited],
    skimmed: Callable[[Path], Skim],
    documents: Mapping[str, bytes],
) -> Reached:
    """The tests among the `texts` that may see the edit.

    `skimmed` gives what the file of a path says, `documents` are Markdown texts by the ends of their paths.
    """
    return _Search(texts, skimmed, documents).run(tuple(edited))


class _Search:
    def __init__(
        self, texts: Mapping[Path, bytes], skimmed: Callable[[Path], Skim], documents: Mapping[str, bytes]
    ) -> None:
        self.texts = texts
        self.skimmed = skimmed
        self.documents = documents
        self.names: dict[bytes, Condition] = {}
        self.found: set[Found] = set()
        self._kin: dict[bytes, Names] = {}
        self._traits = {name for text in texts.values() for name in _TRAIT.findall(text)}

    def run(self, edited: Sequence[Edited]) -> Reached:
        fresh: dict[bytes, Condition] = {}
        everything = False
        for one in edited:
            names = list(self._started(one))
            everything = everything or not names
            self._merge(fresh, [*names, *self._own(one)])
        joined: set[tuple[Path, int]] = set()
        for _ in range(DEPTH):
            fresh = self._news(fresh)
            if not fresh:
                break
            fresh = self._hop(fresh, joined)
        self._news(fresh)
        self._documentation()
        return Reached(frozenset(self.found), everything)

    def _started(self, edited: Edited) -> Iterator[tuple[bytes, Condition]]:
        """The names of the edited item, and of the functions that it is local to; none where nothing names it."""
        for item in edited.around:
            innermost = item is edited.around[-1]
            if innermost or item.identity.kind in ("function", "const", "static"):
                yield from self._names_of(item)

    def _own(self, edited: Edited) -> Iterator[tuple[bytes, Condition]]:
        """An edited test is its own, and so is the documentation of an item; gives the further names of the item."""
        around = {item.identity for item in edited.around}
        for part in self.skimmed(edited.path).parts if edited.path in self.texts else ():
            if part.item.identity in around:
                self.found |= {Found(edited.path, test) for test in part.tests}
                if part.item.identity == edited.around[-1].identity:
                    yield from ((one, None) for one in part.makes)
                    if part.snippets:
                        self.found.add(Found(edited.path, _shown(part), "doc"))

    def _names_of(self, item: Item) -> Iterator[tuple[bytes, Condition]]:
        """The names by which an item is reached, each with what must be named beside it (None for nothing)."""
        identity = item.identity
        name = identity.name.removeprefix("r#").encode()
        owner, trait = self_type(identity.header).encode(), trait_of(identity.header).encode()
        if identity.kind in ("use", "extern", "mod") or name.endswith(b"!") or not name:
            return
        if identity.kind == "impl":
            yield from ((one, None) for one in (owner, trait) if one)
        elif not owner:
            yield name, None
        elif identity.header.startswith("trait ") or is_blanket(identity.header):
            yield name, None
            yield trait or owner, None
        elif trait:
            # Who calls it has a value of the type; with a trait of the workspace, of any type that has the trait.
            yield owner, None
            if trait in self._traits:
                yield name, self.kin(trait)
        else:
            yield name, self.kin(owner)

    def kin(self, owner: bytes) -> Names:
        """The names that hand out a type: itself, functions whose signature has it, types that it is part of."""
        known = self._kin.get(owner)
        if known is None:
            names = fresh = {owner}
            for _ in range(_KIN_DEPTH):
                fresh = {name for path in self._naming(fresh) for name in _handing(self.skimmed(path), fresh)} - names
                names = names | fresh
            known = self._kin[owner] = frozenset(names)
        return known

    def _naming(self, names: Iterable[bytes]) -> list[Path]:
        wanted = tuple(names)
        return [path for path, text in self.texts.items() if any(name in text for name in wanted)]

    def _merge(self, into: dict[bytes, Condition], names: Iterable[tuple[bytes, Condition]]) -> None:
        for name, kin in names:
            known = into.get(name, frozenset())
            into[name] = None if known is None or kin is None else known | kin

    def _news(self, fresh: dict[bytes, Condition]) -> dict[bytes, Condition]:
        """Those of the names that say more than what is known already; they are known from now on."""
        new: dict[bytes, Condition] = {}
        for name, kin in fresh.items():
            if name in self.names:
                known = self.names[name]
                if known is None or (kin is not None and kin <= known):
                    continue
            new[name] = kin
        self._merge(self.names, new.items())
        return new

    def _hop(self, names: Mapping[bytes, Condition], joined: set[tuple[Path, int]]) -> dict[bytes, Condition]:
        """What names one of these, by the names that it has itself."""
        further: dict[bytes, Condition] = {}
        keys = names.keys()
        for path in self._naming(names):
            file = self.skimmed(path)
            for at, part in enumerate(file.parts):
                if (path, at) in joined or not any(_named(names[one], file.words) for one in part.words & keys):
                    continue
                joined.add((path, at))
                self.found |= {Found(path, test) for test in part.tests}
                if part.name == b"main" and not part.owner:
                    self._main(path)
                if part.item.identity.kind not in _AROUND and not (part.tests and not part.makes):
                    self._merge(further, self._names_of(part.item))
                self._merge(further, ((one, None) for one in part.makes))
        return further

    def _main(self, path: Path) -> None:
        """A program is reached: it may be a test itself, and tests may run it."""
        self.found.add(Found(path, "", "main"))
        self.found |= {Found(one, "") for one, text in self.texts.items() if b"test" in text and _RUNS.search(text)}

    def _documentation(self) -> None:
        """The pieces of code in documentation that name something of what was found."""
        for path in self._naming(self.names):
            file = self.skimmed(path)
            for part in file.parts:
                if any(self._says(snippet) for snippet in part.snippets):
                    self.found.add(Found(path, _shown(part), "doc"))
            if any(map(self._says, file.inner)):
                self.found.add(Found(path, "", "doc"))
        for path, text in self.texts.items():
            for name in self.skimmed(path).included if b"include_str!" in text else ():
                document = next((one for end, one in self.documents.items() if name.endswith(end)), None)
                if document is None or any(map(self._says, documented(document))):
                    self.found.add(Found(path, "", "doc"))

    def _says(self, words: Names) -> bool:
        return any(_named(self.names[one], words) for one in words & self.names.keys())


def _named(kin: Condition, words: Names) -> bool:
    return kin is None or not kin.isdisjoint(words)


def _handing(file: Skim, names: set[bytes]) -> Iterator[bytes]:
    for part in file.parts:
        kind = part.item.identity.kind
        if kind == "function" and part.signature & names and not part.tests:
            yield part.owner or part.name
        elif (kind in _TYPES and part.words & names) or (kind == "use" and part.makes and part.words & names):
            yield part.name if kind != "use" else next(iter(part.makes))
        elif kind in ("const", "static") and part.signature & names:
            yield part.owner or part.name


def _shown(part: Part) -> str:
    """By what rustdoc's name of the item's tests is found; "" where the whole file must do."""
    plain = part.item.identity.kind not in ("impl", "use", "extern") and not part.name.endswith(b"!")
    return part.name.decode("utf-8", "replace") if plain else ""
