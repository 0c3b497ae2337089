"""What the dependencies of a workspace offer, of the versions that it is locked to, from their own sources."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.rust.uses import uses_in
from opencrates_lsp.values import Excerpt
from opencrates_lsp.workspace.index import Index, read_index
from opencrates_lsp.workspace.layout import Layout, Package
from opencrates_lsp.workspace.lock import LockFile
from opencrates_lsp.workspace.locked import Cargo, Dependencies, ask_cargo

log = logging.getLogger(__name__)


class Registry:
    """The locked dependencies of one workspace.

    `cargo_home` is the folder that cargo keeps its sources in, `cache` the folder for what is found in them.
    `programs` are None where no cargo may run: then the lock file and the folders tell.
    """

    def __init__(self, layout: Layout, cargo_home: Path, cache: Path, programs: Cargo | None) -> None:
        self._layout = layout
        self._home = cargo_home
        self._cache = cache
        self._programs = programs
        self._stamp: object = None
        self._dependencies: Dependencies | None = None
        self._indexes: dict[str, Index] = {}
        self._lock = asyncio.Lock()

    async def excerpts(
        self, source: Source, item: Item, package: Package | None, path: Path, limit_bytes: int
    ) -> tuple[Excerpt, ...]:
        """What the item needs to know of the dependencies, most telling first, in at most `limit_bytes` bytes."""
        if package is None:
            return ()
        async with self._lock:
            dependencies = await self._resolved()
            if dependencies is None:
                return ()
            return await asyncio.to_thread(self._found, dependencies, source, package, limit_bytes)

    async def _resolved(self) -> Dependencies | None:
        """The locked graph; read again when the lock file has changed."""
        root = self._layout.root
        stamp = await asyncio.to_thread(_stamp, root / "Cargo.lock")
        if stamp != self._stamp:
            self._stamp, self._dependencies = stamp, None
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
        self, dependencies: Dependencies, source: Source, package: Package, limit_bytes: int
    ) -> tuple[Excerpt, ...]:
        found: list[Excerpt] = []
        for excerpt in self._imported(dependencies, source, package):
            if len(excerpt.text.encode()) <= limit_bytes:
                limit_bytes -= len(excerpt.text.encode())
                found.append(excerpt)
        return tuple(found)

    def _imported(self, dependencies: Dependencies, source: Source, package: Package) -> Iterator[Excerpt]:
        member = dependencies.of_member(package.root)
        for use in uses_in(source, source.tree.root_node):
            for leaf in use.leaves:
                key = member.dependencies.get(leaf.path[0]) if member is not None else None
                locked = dependencies.get(key) if key is not None else None
                if locked is None or leaf.glob:
                    continue
                if locked.key not in self._indexes:
                    self._indexes[locked.key] = read_index(locked.root)
                related = self._indexes[locked.key].related([leaf.path[-1]], Path())
                for text in related.get(leaf.path[-1], ()):
                    yield Excerpt(text, "imported", locked.title)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_mtime_ns, told.st_size
