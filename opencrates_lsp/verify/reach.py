"""Which configurations to look for an item in, and why none of them has it.

Everything here is a guess from the source, made to choose what to try and what to say; whether an item is reached is
told by the canary alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from opencrates_lsp.rust.items import Item, items, items_around
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Subject
from opencrates_lsp.verify.cargo import Scope
from opencrates_lsp.verify.conditions import Conditions, features_in, fitting
from opencrates_lsp.verify.messages import Report
from opencrates_lsp.workspace.layout import Layout, Package, Target

Read = Callable[[Path], bytes]

_TEST = re.compile(r"\btest\b")
_PATH = re.compile(rb'#\[\s*path\s*=\s*"([^"]+)"\s*\]')
_DECLARES = re.compile(rb"\bmod\s+[\w#]+\s*[;{]")
# Before a path that counts from the package's folder and not from the file's.
FROM_MANIFEST = rb'(?P<own>concat!\s*\(\s*env!\s*\(\s*"CARGO_MANIFEST_DIR"\s*\)\s*,\s*)?'
_INCLUDES = re.compile(rb'\binclude!\s*[({\[]\s*%s"(?P<place>[^"]+)"' % FROM_MANIFEST)
# Errors with a code at which rustc stops, an overflow among the traits.
_FATAL = ("E0275",)
# How many ways to a file, and how many sets of features for each, are tried.
_ROUTES = 2
_FITS = 2
_SELECTED = {"test": "--test", "example": "--example", "bench": "--bench"}
# What these compile to is seen by their callers beyond their signatures; a macro may stand for `impl Trait`.
_LEAKS = re.compile(r"\b(?:const|static|async)\b|->.*(?:\bimpl\b|\w\s*!)", re.DOTALL)
_CONSTANT = re.compile(r"\bconst\s+(?:unsafe\s+|extern\s+|\"[^\"]*\"\s+)*fn\b")


@dataclass(frozen=True, slots=True)
class Route:
    """A way from a target's root to a file; `cfgs` are the conditions on the `mod` lines between, and on the target."""

    target: Target
    cfgs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the source tells of an item: its package, the ways to its file, and the conditions on and around it.

    `sharing` are other members that compile the file too; `is_run` says that others run it while they are compiled.
    `is_hidden` says that a hole stands where its code may vanish, though the code around it is compiled, `is_doubled`
    that its file uses names that mean something else in builds of tests.
    """

    path: Path
    package: Package
    item: Item | None
    routes: tuple[Route, ...]
    signature: str = ""
    sharing: tuple[Package, ...] = ()
    is_run: bool = False
    is_hidden: bool = False
    is_doubled: bool = False

    @property
    def cfgs(self) -> tuple[str, ...]:
        around = tuple(cfg for route in self.routes[:1] for cfg in route.cfgs)
        return around + (self.item.cfgs if self.item is not None else ())

    @property
    def is_tested(self) -> bool:
        """Whether only builds of tests have it."""
        return (self.item is not None and self.item.is_test) or any(_TEST.search(cfg) for cfg in self.cfgs)

    @property
    def leaks(self) -> bool:
        """Whether an edit of the body alone can be seen by other packages."""
        if self.is_run or self.item is None or self.item.identity.kind != "function" or self.item.body is None:
            return True
        return _LEAKS.search(self.signature) is not None

    @property
    def is_macro(self) -> bool:
        """Whether its tokens may mean anything elsewhere."""
        return self.item is None or self.item.identity.kind not in ("function", "const", "static")

    @property
    def is_constant(self) -> bool:
        """Whether its value or its tokens can decide if tests and examples compile."""
        if self.item is None or self.item.identity.kind in ("const", "static", "macro"):
            return True
        return _CONSTANT.search(self.signature) is not None

    def seen_by(self, layout: Layout) -> tuple[Package, ...]:
        """The packages that compile the item, and the members that are built from them."""
        own = (self.package, *self.sharing)
        return tuple(dict.fromkeys((*own, *(other for one in own for other in layout.dependants(one)))))


def standing(
    package: Package, subject: Subject, read: Read, *, sharing: tuple[Package, ...] = (), is_run: bool = False
) -> Standing:
    """What the source tells; `read` gives the texts that are compiled."""
    source = parse(read(subject.path))
    around = items_around(source, subject.probe.start)
    item = around[-1] if around else None
    signature = "" if item is None else source.text[slice(*item.signature)].decode("utf-8", "replace")
    routes = tuple(route for one in (package, *sharing) for route in _routes(one, subject.path, read))
    return Standing(subject.path, package, item, routes, signature, sharing, is_run)


def first_scope(place: Standing, configuration: Configuration, packages: Sequence[Package]) -> Scope:
    """The user's configuration, and the targets that the item can be in.

    Of one package alone are compiled the features that it has where all members are built together.
    """
    names = tuple(_spec(package) for package in packages)
    if len(packages) == 1 and configuration == replace(configuration, features=(), all_features=False):
        unified = () if configuration.no_default_features else packages[0].unified
        configuration = replace(configuration, features=tuple(f"{packages[0].name}/{name}" for name in unified))
    apart = [route.target for route in place.routes if route.target.kind[0] in _SELECTED]
    if apart and len(apart) == len(place.routes) and not configuration.all_targets:
        targets = dict.fromkeys((_SELECTED[target.kind[0]], target.name) for target in apart)
        return Scope(names, configuration, tuple(word for target in targets for word in target))
    if apart or place.is_tested or place.is_constant or place.is_run or place.is_doubled:
        configuration = replace(configuration, all_targets=True)
    return Scope(names, configuration)


def plain_scope(place: Standing, configuration: Configuration, layout: Layout) -> Scope | None:
    """What a plain `cargo check` in the root builds, where it has the item's package with other features than alone."""
    if not place.package.is_apart or configuration.all_features or configuration.no_default_features:
        return None
    packages = [package for package in layout.packages if package.root in layout.default_members]
    # Features of the user's setting may be those of other members.
    return Scope(tuple(map(_spec, packages)), configuration) if not configuration.features else None


def other_scopes(place: Standing, first: Scope, base: Configuration) -> Iterator[Scope]:
    """The configurations to try when the item is not in the first; `base` is the user's own."""
    own = tuple(map(_spec, (place.package, *place.sharing)))
    chosen = [replace(first, configuration=base)]
    item = place.item.cfgs if place.item is not None else ()
    for route in place.routes[:_ROUTES]:
        for fit in islice(fitting((*route.cfgs, *item), place.package, base), _FITS):
            # Who depends on it would turn its default features on again.
            packages = own if fit.no_default_features and not base.no_default_features else first.packages
            fit = replace(fit, all_targets=first.configuration.all_targets)
            chosen.append(replace(first, packages=packages, configuration=fit))
    plain = chosen[1].configuration if len(chosen) > 1 else base
    chosen.append(replace(first, configuration=replace(plain, all_targets=True)))
    if place.package.features:
        chosen.append(replace(first, configuration=replace(base, all_features=True, features=(), all_targets=True)))
    seen = [first]
    for scope in chosen:
        if scope not in seen:
            seen.append(scope)
            yield scope


def is_reached(package: Package, path: Path, read: Read) -> bool:
    """Whether a target of the package, or a `mod` line below it, has the file."""
    return any(_routes(package, path, read))


def with_packages(scope: Scope, packages: Sequence[Package]) -> Scope:
    """The same configuration over these packages."""
    names = tuple(_spec(package) for package in packages)
    return scope if names == scope.packages else replace(scope, packages=names, targets=())


def is_hopeless(place: Standing, report: Report, layout: Layout, active: Conditions) -> bool:
    """Whether no other features or targets can make rustc look at the item."""
    if not place.routes or any(map(active.excludes, place.cfgs)):
        return True
    if place.is_tested or features_in(place.cfgs):
        return False
    return stopped_by(place.package, report, layout) is not None


def why_not(place: Standing, report: Report, layout: Layout, active: Conditions) -> str:
    """Why rustc does not look at the item, in one clause; `active` are the conditions that hold for the target."""
    if not place.routes:
        return f"no `mod` reaches {_relative(place.path, layout)}"
    off = next(filter(active.excludes, place.cfgs), None)
    if off is not None:
        return f"it is behind #[cfg({off})]"
    blocked = stopped_by(place.package, report, layout)
    if blocked is not None:
        return blocked
    if place.item is not None and place.item.identity.kind == "macro":
        name = place.item.identity.name
        if not name.endswith("!"):
            return f"nothing that is compiled uses the macro `{name}!`"
        return f"only the macro `{name}` knows what its tokens mean"
    if place.is_hidden:
        return "nothing is compiled of the hole itself, though the code around it is"
    return "not compiled in this configuration"


def stopped_by(package: Package, report: Report, layout: Layout) -> str | None:
    """The error that keeps rustc from the package's types: in itself, in what it is built from, or cargo's own."""
    own = [one for one in report.errors if one.package == package.root and one.diagnostic.code in (None, *_FATAL)]
    for one in own:
        if one.diagnostic.path is not None:
            return f"rustc stops at an error in {_place(one.diagnostic.rendered, one.diagnostic.path, layout)}"
    if any(one.package == package.root for one in report.errors):
        return None
    names = {other.root: other.name for other in layout.packages}
    for one in report.errors:
        if one.package is not None and one.diagnostic.path is not None and package.root not in report.compiled:
            name = names.get(one.package, one.package.name)
            where = _place(one.diagnostic.rendered, one.diagnostic.path, layout)
            return f"`{name}`, which it is built from, does not compile: {where}"
    cargo = next((one for one in report.errors if one.package is None), None)
    return f"cargo stops before it: {cargo.diagnostic.message}" if cargo is not None else None


def _place(rendered: str, path: Path, layout: Layout) -> str:
    line = re.search(r"-->\s+\S.*?:(\d+):\d+", rendered)
    return f"{_relative(path, layout)}:{line[1]}" if line else _relative(path, layout)


def _relative(path: Path, layout: Layout) -> str:
    return path.relative_to(layout.root).as_posix() if path.is_relative_to(layout.root) else str(path)


def _spec(package: Package) -> str:
    """`name@version`, because a registry's package may have the same name."""
    version = package.id.rpartition("#")[2].rpartition("@")[2]
    return f"{package.name}@{version}" if re.match(r"\d", version) else package.name


def _routes(package: Package, wanted: Path, read: Read) -> Iterator[Route]:
    """The first way from each target to the file; libraries come first."""
    order = {"lib": 0, "proc-macro": 0, "bin": 1}
    for target in sorted(package.targets, key=lambda target: order.get(target.kind[0], 2)):
        way = next((cfgs for file, cfgs in files_of(target, read) if file == wanted), None)
        if way is not None:
            yield Route(target, (*(f'feature = "{name}"' for name in target.required), *way))


def files_of(target: Target, read: Read) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """The files that a target is compiled from, along the `mod` lines and `include!`s, and the conditions on these."""
    seen: set[Path] = set()
    waiting: list[tuple[Path, Path, tuple[str, ...]]] = [(target.path, target.path.parent, ())]
    while waiting:
        file, folder, cfgs = waiting.pop()
        yield file, cfgs
        text = b"" if file in seen else read(file)
        seen.add(file)
        for named in _INCLUDES.finditer(text):
            place = named_place(named, file, read)
            waiting.append((place, place.parent, cfgs))
        # Most files declare no module, and parsing them all would take longer than the check.
        if not _DECLARES.search(text):
            continue
        source = parse(text)
        for item in items(source):
            waiting += [(*place, cfgs + item.cfgs) for place in _file(item, source, file, folder, read)]


def named_place(named: re.Match[bytes], file: Path, read: Read) -> Path:
    """The file that a text names by a path (`place`), which may count from its package's folder (`own`)."""
    place = named["place"].decode("utf-8", "replace")
    if named["own"] is None:
        return Path(os.path.normpath(file.parent / place))
    folder = next((folder for folder in file.parents if read(folder / "Cargo.toml")), file.parent)
    return Path(os.path.normpath(folder / place.lstrip("/\\")))


def _file(item: Item, source: Source, file: Path, folder: Path, read: Read) -> Iterator[tuple[Path, Path]]:
    """The file of a `mod name;` and the folder that its own modules are in."""
    if item.identity.kind != "mod" or item.body is not None:
        return
    name = item.identity.name.removeprefix("r#")
    inner = folder.joinpath(*item.identity.module)
    named = _PATH.search(source.text, item.span.start, item.node_span.start)
    if named is not None:
        base = inner if item.identity.module else file.parent
        place = base / named[1].decode("utf-8", "replace")
        yield place.resolve() if ".." in place.parts else place, place.parent
        return
    for place in (inner / f"{name}.rs", inner / name / "mod.rs"):
        if read(place):
            yield place, inner / name
