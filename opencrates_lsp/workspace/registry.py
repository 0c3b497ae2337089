"""What the dependencies of a workspace offer, of the versions that it is locked to, from their own sources.

The standard library is not among them: a model knows it, and its sources are seldom there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import ChainMap
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Excerpt
from opencrates_lsp.workspace.layout import Layout, Package
from opencrates_lsp.workspace.lock import LockFile
from opencrates_lsp.workspace.locked import Cargo, Dependencies, Locked, ask_cargo
from opencrates_lsp.workspace.offering import offered
from opencrates_lsp.workspace.paths import Paths
from opencrates_lsp.workspace.reached import Reached
from opencrates_lsp.workspace.sources import CrateSource

log = logging.getLogger(__name__)


class Registry:
    """The locked dependencies of one workspace.

    `cargo_home` is the folder that cargo keeps its sources in, `cache` the folder for what is found in them.
    `programs` are None where no cargo may run: then the lock file and the folders tell.
    What `is_left_out` says of a file of the user's own is as if it were empty.
    """

    def __init__(
        self,
        layout: Layout,
        cargo_home: Path,
        cache: Path,
        programs: Cargo | None,
        is_left_out: Callable[[Path], bool] = lambda path: False,
    ) -> None:
        self._is_left_out = is_left_out
        self._layout = layout
        self._home = cargo_home
        self._cache = cache
        self._programs = programs
        self._stamp: object = None
        self._dependencies: Dependencies | None = None
        self._crates: dict[str, CrateSource] = {}
        self._lock = asyncio.Lock()

    async def excerpts(
        self, source: Source, item: Item, package: Package | None, path: Path, limit_bytes: int
    ) -> tuple[Excerpt, ...]:
        """What the item needs to know of the dependencies, most telling first, in at most `limit_bytes` bytes.

        `source` is the text of the file at `path`, a file of the member `package`.
        What the workspace's index knows (members, path dependencies) is followed, and not shown.
        """
        if package is None:
            return ()
        async with self._lock:
            dependencies = await self._resolved()
            if dependencies is None:
                return ()
            return await asyncio.to_thread(self._found, dependencies, source, item, package, path, limit_bytes)

    async def _resolved(self) -> Dependencies | None:
        """The locked graph; read again when the lock file has changed."""
        root = self._layout.root
        stamp = await asyncio.to_thread(_stamp, root / "Cargo.lock")
        if stamp != self._stamp:
            self._stamp, self._dependencies = stamp, None
            self._crates.clear()
            if stamp is not None and self._programs is not None:
                try:
                    self._dependencies = await ask_cargo(root, self._programs)
                except Missing as error:
                    log.debug("the lock file alone tells the dependencies: %s", error)
            if stamp is not None and self._dependencies is None:
                try:
                    self._dependencies = await asyncio.to_thread(LockFile, root, self._home)
                except (Missing, WrongUsage) as error:
                    log.debug("the dependencies are not known: %s", error)
        return self._dependencies

    def _found(
        self, dependencies: Dependencies, source: Source, item: Item, package: Package, path: Path, limit_bytes: int
    ) -> tuple[Excerpt, ...]:
        member = dependencies.of_member(package.root)
        if member is None:
            return ()
        own = frozenset({*(one.root for one in self._layout.packages), *self._layout.outside})
        texts = _Texts({path: source.text}, self._is_left_out)
        home = CrateSource(_with_itself(member), _target(package, path), texts=texts)
        reached = Reached(self._paths(dependencies, texts), own)
        try:
            return reached.excerpts(home, path, source, item, limit_bytes)
        finally:
            for crate in self._crates.values():
                crate.save()

    async def offered(
        self, module: str, inside: tuple[str, ...], source: Source, package: Package | None, path: Path
    ) -> Excerpt | None:
        """What the module has that is named so in the inline modules `inside` of the file at `path`; None for none.

        The workspace's own modules are told where there is no lock file, too.
        """
        if package is None:
            return None
        async with self._lock:
            dependencies = await self._resolved()
            return await asyncio.to_thread(self._offered, dependencies, module, inside, source, package, path)

    def _offered(
        self,
        dependencies: Dependencies | None,
        module: str,
        inside: tuple[str, ...],
        source: Source,
        package: Package,
        path: Path,
    ) -> Excerpt | None:
        member = dependencies.of_member(package.root) if dependencies is not None else None
        texts = _Texts({path: source.text}, self._is_left_out)
        home = CrateSource(_with_itself(member or _unlocked(package)), _target(package, path), texts=texts)
        return offered(self._paths(dependencies, texts), home, path, inside, module)

    def _paths(self, dependencies: Dependencies | None, texts: Mapping[Path, bytes]) -> Paths:
        """Follows paths into the dependencies, none where they are not known."""
        # The texts of the user's own crates change, so they are read anew for every query.
        fresh: dict[str, CrateSource] = {}

        def crate_of(key: str) -> CrateSource | None:
            known = self._crates.get(key) or fresh.get(key)
            if known is not None:
                return known
            locked = dependencies.get(key) if dependencies is not None else None
            if locked is None or locked.library is None:
                return None
            crate = self._opened(locked, texts)
            (self._crates if self._never_changes(locked) else fresh)[key] = crate
            return crate

        return Paths(crate_of)

    def _opened(self, locked: Locked, texts: Mapping[Path, bytes]) -> CrateSource:
        first = locked.library or locked.root
        if self._never_changes(locked):
            return CrateSource(locked, first, self._cache)
        return CrateSource(locked, first, texts=texts)

    def _never_changes(self, locked: Locked) -> bool:
        return bool(locked.source) and locked.root.is_relative_to(self._home)


class _Texts(ChainMap[Path, bytes]):
    """The open texts, and for each file that no model sees an empty one."""

    def __init__(self, texts: dict[Path, bytes], is_left_out: Callable[[Path], bool]) -> None:
        super().__init__(texts)
        self._is_left_out = is_left_out

    def __contains__(self, path: object) -> bool:
        return super().__contains__(path) or (isinstance(path, Path) and self._is_left_out(path))

    def __missing__(self, path: Path) -> bytes:
        return b""


def _with_itself(member: Locked) -> Locked:
    """The member as its binaries and tests see it: its own library is one of the crates that they may name."""
    others = cast("dict[str, str]", member.dependencies)
    return replace(member, dependencies=ChainMap({member.crate: member.key}, others))


def _unlocked(package: Package) -> Locked:
    """A member as its manifest alone tells it, without what it depends on."""
    library = next((one.path for one in package.targets if {"lib", "proc-macro"} & set(one.kind)), None)
    crate = package.name.replace("-", "_")
    return Locked("", package.name, "", package.root, library, crate, package.edition, None, {}, "")


def _target(package: Package, path: Path) -> Path:
    """The first file of the target that a file belongs to: the nearest one around it, the library before others."""
    places = [target.path for target in package.targets if "custom-build" not in target.kind]
    if path in places:
        return path
    around = [place for place in places if path.is_relative_to(place.parent)]
    return max(around, key=lambda place: (len(place.parent.parts), place.name == "lib.rs"), default=path)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size
