"""Which tests judge an edit, as runs of cargo: the programs of tests that can see it, and what to look for in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.rust.reaching import Edited, Found, Reached, reaching
from opencrates_lsp.rust.skimming import Skim, skim
from opencrates_lsp.terms import Configuration
from opencrates_lsp.verify.cargo import Scope
from opencrates_lsp.verify.conditions import features_of
from opencrates_lsp.verify.mirror import Mirror
from opencrates_lsp.verify.reach import Standing, files_of, with_packages
from opencrates_lsp.workspace.layout import Layout, Package, Target
from opencrates_lsp.workspace.manifests import read_manifest

FEW_TESTS = 40
FEW_PROGRAMS = 4
FEW_DOCUMENTED = 4
"""A package with no more tests, programs of tests and pieces of code in its documentation has few: all are run."""

_MOST_FILTERS = 60
_MOST_BYTES = 30_000_000
_KEPT = 1024
_LIBRARY = frozenset({"lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro"})
_TEST = re.compile(rb"#\[\s*(?:\w+\s*::\s*)*\w*(?:test|case)\w*\s*[\](]")
_FENCE = re.compile(rb"^[ \t]*//[/!].*(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """One run of `cargo test`; `filters` are parts of the names of the tests that are wanted, none for all."""

    scope: Scope
    filters: tuple[str, ...] = ()

    def describe(self) -> str:
        """What cargo is told to run, for people: "a --lib --test t"."""
        names = " ".join(package.partition("@")[0] for package in self.scope.packages)
        return " ".join([names, *self.scope.targets])


@dataclass(frozen=True, slots=True)
class Pick:
    """The runs that judge an edit, the likeliest first; none where no test reaches it."""

    runs: tuple[Run, ...] = ()


@dataclass(frozen=True, slots=True)
class _Program:
    """A target that tests are run of.

    `arguments` choose it, none where only its documentation is tested; `has_harness` tells that it takes libtest's.
    """

    target: Target
    arguments: tuple[str, ...]
    has_harness: bool = True
    is_documented: bool = False


@dataclass
class Skims:
    """What files say, kept by their texts."""

    _known: dict[Path, tuple[str, Skim]] = field(default_factory=dict)

    def of(self, path: Path, digest: str, text: bytes) -> Skim:
        known = self._known.get(path)
        if known is None or known[0] != digest:
            if len(self._known) >= _KEPT:
                self._known.clear()
            known = self._known[path] = (digest, skim(text))
        return known[1]


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is picked from: the texts as they are in the mirror, and where the item was reached."""

    layout: Layout
    mirror: Mirror
    skims: Skims
    scope: Scope
    place: Standing
    own: Configuration


def pick(grounds: Grounds, edited: Iterable[Edited], *, in_full: bool) -> Pick:
    """The runs for an edit of these items.

    `in_full` also runs the tests of a package that has few where none of them names the item, and compiles all that
    `cargo test` compiles.
    """
    place = grounds.place
    digests = {Path(path): digest for path, digest, _ in grounds.mirror.listed()}
    members = place.seen_by(grounds.layout)
    roots = {package.root for package in members}
    texts: dict[Path, bytes] = {}
    for path in digests:
        owner = grounds.layout.package_of(path) if path.suffix == ".rs" else None
        if path.suffix == ".rs" and (owner is None or owner.root in roots):
            texts[path] = grounds.mirror.text(path)
    documents = {path.name: grounds.mirror.text(path) for path in digests if path.suffix == ".md"}
    if any(route.target.kind[0] == "custom-build" for route in place.routes) or _size(texts) > _MOST_BYTES:
        reached = Reached(everything=True)
    else:
        reached = reaching(
            texts, edited, lambda path: grounds.skims.of(path, digests.get(path, ""), texts[path]), documents
        )
    runs: list[Run] = []
    for package in members:
        is_own = package in (place.package, *place.sharing)
        picked = _Picked(grounds, package, texts, reached)
        runs += picked.all_of_it(in_full=in_full) if is_own else picked.chosen()
    # Documentation takes the longest to build, and tells the least.
    return Pick(tuple(sorted(dict.fromkeys(runs), key=lambda run: "--doc" in run.scope.targets)))


class _Picked:
    """The runs of one package."""

    def __init__(self, grounds: Grounds, package: Package, texts: Mapping[Path, bytes], reached: Reached) -> None:
        self.grounds = grounds
        self.package = package
        self.texts = texts
        self.reached = reached
        self.programs = tuple(_programs(package, features_of(package, self._scope().configuration)))
        self.files = {one: self._files(one.target) for one in self.programs}

    def _files(self, target: Target) -> frozenset[Path]:
        return frozenset(path for path, _ in files_of(target, lambda path: self.texts.get(path, b"")))

    def _scope(self) -> Scope:
        grounds = self.grounds
        scope = with_packages(grounds.scope, (self.package,))
        chosen = replace(scope.configuration, all_targets=False)
        if self.package != grounds.place.package:
            # Features that are asked for the item's package are none of others.
            names = [name for name in grounds.own.features if name in self.package.features]
            chosen = replace(chosen, features=tuple(names), no_default_features=grounds.own.no_default_features)
        return replace(scope, configuration=chosen, targets=())

    def all_of_it(self, *, in_full: bool) -> list[Run]:
        """The runs of the package that the item is in: all tests where they are few, or the texts do not tell."""
        chosen = self.chosen()
        few = self._has_few()
        if self.reached.everything or (few and (chosen or in_full)):
            return [Run(self._scope())] if in_full else list(self._every())
        if in_full and chosen and all(one.has_harness for one in self.programs):
            # All of it is compiled, so that what an edit breaks in another program comes to light.
            filters = [run.filters for run in chosen]
            return [Run(self._scope(), tuple(dict.fromkeys(sum(filters, ()))) if all(filters) else ())]
        return chosen

    def chosen(self) -> list[Run]:
        """The runs of what reaches the edit."""
        by: dict[_Program, set[str]] = {}
        documented: set[str] = set()
        for found in self.reached.found:
            if found.kind == "doc":
                documented |= self._documented(found)
                continue
            for one in self._having(found):
                by.setdefault(one, set()).add(found.by if one.has_harness else "")
        if not by and not documented:
            return []
        return [*self._together(by), *self._apart(by), *self._documentation(documented)]

    def _together(self, by: Mapping[_Program, set[str]]) -> Iterator[Run]:
        named = {one: names for one, names in by.items() if one.has_harness}
        for whole in (False, True):
            some = [one for one, names in named.items() if ("" in names or len(names) > _MOST_FILTERS) is whole]
            filters = () if whole else tuple(sorted({name for one in some for name in named[one]}))
            if some:
                targets = tuple(word for one in self.programs if one in some for word in one.arguments)
                yield Run(replace(self._scope(), targets=targets), filters)

    def _apart(self, by: Iterable[_Program]) -> Iterator[Run]:
        """What does not take libtest's arguments runs alone."""
        for one in self.programs:
            if one in by and not one.has_harness:
                yield Run(replace(self._scope(), targets=one.arguments))

    def _documentation(self, names: set[str]) -> Iterator[Run]:
        if names:
            # rustdoc takes its filters apart at spaces.
            plain = "" not in names and len(names) <= _MOST_FILTERS and not any(" " in name for name in names)
            yield Run(replace(self._scope(), targets=("--doc",)), tuple(sorted(names)) if plain else ())

    def _every(self) -> Iterator[Run]:
        tested = [one for one in self.programs if one.arguments]
        by = {one: {""} for one in tested if one.target.kind[0] == "test" or self._counted(one)}
        yield from self._together(by)
        yield from self._apart(by)
        yield from self._documentation({""} if any(map(self._fences, self.programs)) else set())

    def _documented(self, found: Found) -> set[str]:
        """By what the tests in a file's documentation are found, where the package's library has the file."""
        if not any(one.is_documented and found.path in self.files[one] for one in self.programs):
            return set()
        return {found.by or found.path.name}

    def _having(self, found: Found) -> list[_Program]:
        """The programs that the tests of a file are in; for a file that no `mod` leads to, all of its package's."""
        having = [one for one in self.programs if one.arguments and found.path in self.files[one]]
        if found.kind == "main":
            return [one for one in having if not one.has_harness]
        if having or found.path not in self.texts or self.grounds.layout.package_of(found.path) != self.package:
            return having
        others = [one for one in self.package.targets if one.kind[0] in ("example", "bench", "custom-build")]
        if any(found.path in self._files(one) for one in others):
            return []
        return [one for one in self.programs if one.arguments and one.target.kind[0] != "example"]

    def _has_few(self) -> bool:
        counts = [self._counted(one) for one in self.programs]
        programs = sum(
            count > 0 or one.target.kind[0] == "test" for one, count in zip(self.programs, counts, strict=True)
        )
        fences = sum(map(self._fences, self.programs))
        return sum(counts) <= FEW_TESTS and programs <= FEW_PROGRAMS and fences <= 2 * FEW_DOCUMENTED

    def _counted(self, program: _Program) -> int:
        return sum(len(_TEST.findall(self.texts.get(path, b""))) for path in self.files[program])

    def _fences(self, program: _Program) -> int:
        if not program.is_documented:
            return 0
        return sum(len(_FENCE.findall(self.texts.get(path, b""))) for path in self.files[program])


def _programs(package: Package, features: frozenset[str]) -> Iterator[_Program]:
    """The targets whose tests a plain `cargo test` runs; those whose features are off are not there."""
    try:
        table = read_manifest(package.manifest).table
    except (Missing, WrongUsage):
        table = {}
    for target in package.targets:
        kind = "lib" if target.kind[0] in _LIBRARY else target.kind[0]
        if kind not in ("lib", "bin", "test", "example"):
            continue
        said = table.get("lib", {}) if kind == "lib" else _entry(table.get(kind), target.name)
        if not isinstance(said, Mapping) or not all(f'feature="{name}"' in features for name in target.required):
            continue
        tested, documented = said.get("test", kind != "example"), kind == "lib" and said.get("doctest", True)
        arguments = ("--lib",) if kind == "lib" else (f"--{kind}", target.name)
        if tested or documented:
            yield _Program(target, arguments if tested else (), bool(said.get("harness", True)), bool(documented))


def _entry(listed: object, name: str) -> Mapping[str, object]:
    entries = listed if isinstance(listed, list) else []
    return next((one for one in entries if isinstance(one, Mapping) and one.get("name") == name), {})


def _size(texts: Mapping[Path, bytes]) -> int:
    return sum(map(len, texts.values()))
