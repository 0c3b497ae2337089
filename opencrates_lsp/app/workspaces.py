"""A workspace as the core works with it: where its packages are, whether it is trusted, what is set for it."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.app.consent import forget_consent
from opencrates_lsp.errors import Missing, Refused
from opencrates_lsp.face import Face
from opencrates_lsp.home import Home
from opencrates_lsp.settings import Loaded, load
from opencrates_lsp.settings.layers import (
    arguments_layer,
    environment_layer,
    initialization_layer,
    project_layer,
    user_layer,
    workspace_layer,
)
from opencrates_lsp.settings.models import Settings
from opencrates_lsp.store import Store
from opencrates_lsp.values import Level, Question
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain
from opencrates_lsp.verify.trial import Ground
from opencrates_lsp.workspace import manifests
from opencrates_lsp.workspace.configs import configs
from opencrates_lsp.workspace.ignore import FILES, Ignored
from opencrates_lsp.workspace.index import Index
from opencrates_lsp.workspace.layout import Layout, find_manifest, load_layout
from opencrates_lsp.workspace.locked import Cargo, cargo_home
from opencrates_lsp.workspace.reading import read_index
from opencrates_lsp.workspace.registry import Registry

TRUST = "Trust this folder"
NO_TRUST = "Syntax check only"
_TO_TRUST = "To be asked again, run `opencrates fill --trust` in it once, or set `trusted` in initializationOptions."
_INDEX_SECONDS = 3.0
_STAMPED = ("Cargo.toml", "opencrates.toml", "rust-toolchain.toml", "rust-toolchain", ".cargo/config.toml", *FILES)


@dataclass(frozen=True, slots=True)
class Launch:
    """What the face knows of its user.

    `options` are `initializationOptions`, `workspace` is what the editor says to `workspace/configuration`, both
    nested by section; `arguments` are the settings of the command line, each "key=value".
    `trusted` is the face's own word on the folders, None where it has none.
    """

    env: Mapping[str, str]
    options: Mapping[str, object] = field(default_factory=dict)
    workspace: Mapping[str, object] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    trusted: bool | None = None


@dataclass(slots=True, eq=False)
class Workspace:
    """One workspace; made anew when a manifest, a setting or the toolchain changes.

    `toolchain` is None where no cargo may run, or none is there; `unproved` then says which, for the user.
    """

    layout: Layout
    loaded: Loaded
    toolchain: Toolchain | None
    unproved: Missing | None
    ignored: Ignored
    indexing: asyncio.Task[Index]
    registry: Registry
    trusted: bool = True

    @property
    def root(self) -> Path:
        return self.layout.root

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    @property
    def level(self) -> Level:
        """How hard an edit is tried; where no cargo runs, its syntax is all that is looked at."""
        floor = self.settings.verify.floor
        if self.toolchain is None:
            return Level.OFF if floor is Level.OFF else Level.PARSE
        return floor

    @property
    def ground(self) -> Ground | None:
        """What the proof stands on; None where no cargo runs."""
        if self.toolchain is None:
            return None
        return ground_of(self.layout, self.toolchain, self.settings)

    async def index(self) -> Index:
        """The workspace's items; an empty index while the first reading takes longer than a user would wait."""
        done, _ = await asyncio.wait((self.indexing,), timeout=_INDEX_SECONDS)
        return self.indexing.result() if done else Index()

    def index_now(self) -> Index | None:
        """The workspace's items if they are read already; for offers, which never wait."""
        return self.indexing.result() if self.indexing.done() and not self.indexing.cancelled() else None

    def updated(self, path: Path, text: bytes | None) -> None:
        """The file has another text now, None for one that is gone; while the first reading goes on, it is kept."""
        if path.suffix != ".rs" or self.ignored.leaves_out(path):
            return
        index = self.index_now()
        if index is not None:
            index.update(path, text)
        elif not self.indexing.done():
            self.indexing.add_done_callback(lambda task: _updated(task, path, text))

    def may_be_shown(self, path: Path) -> None:
        """Raise `Refused` for a file that is kept from models; reads the ignore files the first time."""
        by = self.ignored.by(path)
        if by is not None:
            raise Refused(
                f"Nothing of the file is sent to a model: {by} names it.",
                remedy="Take the pattern out, or use the offline provider.",
                place=path,
            )

    async def lock_digest(self) -> str:
        """What the locked dependencies are known by."""
        return await asyncio.to_thread(_digest, self.layout.root / "Cargo.lock")


def ground_of(layout: Layout, toolchain: Toolchain, settings: Settings, *, consent: bool = False) -> Ground:
    """What a proof stands on; `consent` says that its code may run where there is no sandbox."""
    return Ground(
        layout,
        toolchain,
        settings.cargo.configuration(),
        settings.verify.sandbox,
        consent,
        test_budget_seconds=settings.verify.test_budget_seconds,
    )


class Workspaces:
    """The workspaces of one face, each read once and again when what it was read from has changed.

    `loaded` are the settings of what is in no workspace, as they were last read.
    """

    def __init__(self, home: Home, launch: Launch, store: Store, notify: Callable[[str], None]) -> None:
        self.launch = launch
        self.loaded = Loaded(Settings(), (), {})
        self._notify = notify
        self._home = home
        self._store = store
        self._known: dict[Path, tuple[object, Workspace]] = {}
        self._roots: dict[Path, Path] = {}
        self._locks: dict[Path, asyncio.Lock] = {}
        self._told: set[str] = set()

    def known(self, path: Path | None) -> Workspace | None:
        """The workspace of a file as it was last read, without any I/O."""
        if path is not None:
            for folder in path.parents:
                if folder in self._roots:
                    return self._known[self._roots[folder]][1] if self._roots[folder] in self._known else None
        return None

    def roots(self) -> tuple[Path, ...]:
        """The roots of the workspaces that were read."""
        return tuple(self._known)

    async def of(self, path: Path, face: Face | None) -> Workspace:
        """The workspace of a file or folder; `Missing` without a Cargo.toml, `WrongUsage` with a broken one.

        The user is asked once whether the folder is trusted, unless there is no face to ask.
        """
        manifest, root = await asyncio.to_thread(_root_of, path)
        self._roots[manifest.parent] = root
        async with self._locks.setdefault(root, asyncio.Lock()):
            trusted = await self._trusted(root, face)
            stamp = (trusted, self.launch, await asyncio.to_thread(_stamps, root, self._home, self._known.get(root)))
            known = self._known.get(root)
            if known is not None and known[0] == stamp and not await asyncio.to_thread(known[1].ignored.have_changed):
                return known[1]
            workspace = await self._read(path, root, trusted=trusted)
            stamp = (trusted, self.launch, await asyncio.to_thread(_stamps, root, self._home, (stamp, workspace)))
            if known is not None and not known[1].indexing.done():
                known[1].indexing.cancel()
            self._known[root] = (stamp, workspace)
            return workspace

    async def _read(self, path: Path, root: Path, *, trusted: bool) -> Workspace:
        loaded = await self.settings(root if trusted else None)
        toolchain: Toolchain | None = None
        unproved: Missing | None = Missing("The folder is not trusted, so no cargo ran.", remedy=_TO_TRUST)
        if trusted:
            try:
                toolchain = await find_toolchain(root, loaded.settings.cargo.configuration(), self.launch.env)
                unproved = None
            except Missing as error:
                unproved = error
        layout = await load_layout(
            path,
            cargo=[str(toolchain.cargo)] if toolchain is not None else [],
            env=toolchain.users_env if toolchain is not None else {},
            trusted=toolchain is not None,
        )
        ignored = Ignored(root, loaded.settings.context.ignore, layout.outside)
        registry = self._registry(layout, loaded, toolchain, ignored)
        indexing = _indexing(root, ignored, self._home.cache)
        return Workspace(layout, loaded, toolchain, unproved, ignored, indexing, registry, trusted)

    async def settings(self, root: Path | None) -> Loaded:
        """The settings for a trusted root; without one, those that no project file has a say in.

        What is wrong in them is told once, and the rest works.
        """
        loaded = await asyncio.to_thread(self._load, root)
        for problem in loaded.problems:
            if str(problem) not in self._told:
                self._told.add(str(problem))
                self._notify(str(problem))
        return loaded

    async def usual(self) -> Loaded:
        """The settings of what is in no workspace, read anew."""
        self.loaded = await self.settings(None)
        return self.loaded

    def _load(self, root: Path | None) -> Loaded:
        launch = self.launch
        layers = [project_layer(root)] if root is not None else []
        layers += [user_layer(self._home), workspace_layer(launch.workspace), environment_layer(launch.env)]
        layers += [initialization_layer(launch.options), arguments_layer(launch.arguments)]
        return load(layers)

    async def _trust(self, root: Path) -> bool | None:
        """What was said of the folder; None when nobody was asked yet."""
        if self.launch.trusted is not None:
            return self.launch.trusted
        said = await self._store.remembered.recall("trust", str(root))
        return None if said is None else said == "yes"

    async def _trusted(self, root: Path, face: Face | None) -> bool:
        said = await self._trust(root)
        if self.launch.trusted is not None:
            # Who says otherwise for one run has thought again: the next one without a word of its own asks.
            otherwise = "no" if self.launch.trusted else "yes"
            if await self._store.remembered.recall("trust", str(root)) == otherwise:
                await self._store.remembered.forget("trust", str(root))
            if not self.launch.trusted:
                await forget_consent(self._store, root)
        if said is not None or face is None:
            return said is True
        answer = await face.ask(
            Question(
                f"Trust {root.name}? To prove an edit, cargo runs the build scripts and macros of this folder.",
                (TRUST, NO_TRUST),
                detail=str(root),
            )
        )
        if answer is not None:
            await self._store.remembered.remember("trust", str(root), "yes" if answer == TRUST else "no")
        return answer == TRUST

    async def staged(self, folder: Path, loaded: Loaded, toolchain: Toolchain) -> Workspace:
        """The workspace of a crate that is being made: nobody is asked whether it is trusted, because it is ours."""
        layout = await load_layout(folder, cargo=[str(toolchain.cargo)], env=toolchain.env, trusted=True)
        ignored = Ignored(folder, loaded.settings.context.ignore)
        registry = self._registry(layout, loaded, toolchain, ignored)
        return Workspace(layout, loaded, toolchain, None, ignored, _indexing(folder, ignored, None), registry)

    def _registry(self, layout: Layout, loaded: Loaded, toolchain: Toolchain | None, ignored: Ignored) -> Registry:
        env = toolchain.env if toolchain is not None else self.launch.env
        programs = None
        if toolchain is not None:
            programs = Cargo(toolchain.cargo, toolchain.rustc, env, loaded.settings.cargo.configuration())
        return Registry(layout, cargo_home(env), self._home.cache / "crates", programs, ignored.leaves_out)

    async def close(self) -> None:
        """End what reads in the background."""
        for _, workspace in self._known.values():
            workspace.indexing.cancel()
        await asyncio.gather(*(one.indexing for _, one in self._known.values()), return_exceptions=True)


def _updated(reading: asyncio.Task[Index], path: Path, text: bytes | None) -> None:
    if not reading.cancelled() and reading.exception() is None:
        reading.result().update(path, text)


def _indexing(root: Path, ignored: Ignored, cache: Path | None) -> asyncio.Task[Index]:
    """Read the items of the workspace in a thread; what no model may see is not among them."""
    unwanted = threading.Event()
    reading = asyncio.create_task(
        asyncio.to_thread(
            read_index,
            root,
            ignored.leaves_out,
            outside=ignored.outside,
            kept=cache / "indexes" if cache is not None else None,
            is_wanted=lambda: not unwanted.is_set(),
        )
    )
    # A thread cannot be cancelled, so it is told that nobody waits for it any more.
    reading.add_done_callback(lambda task: unwanted.set())
    return reading


def _root_of(path: Path) -> tuple[Path, Path]:
    manifest = find_manifest(path)
    return manifest, manifests.workspace_root(manifests.read_manifest(manifest)).root


def _stamps(root: Path, home: Home, known: tuple[object, Workspace] | None) -> tuple[object, ...]:
    """When the files were changed that a workspace is read from."""
    files = [root / name for name in _STAMPED] + [home.config / "config.toml", *configs(root)]
    if known is not None:
        layout = known[1].layout
        files += [package.manifest for package in layout.packages]
        files += [*layout.outside_manifests, *(folder / "Cargo.toml" for folder in layout.outside)]
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        told = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), told.st_mtime_ns, told.st_size


def _digest(file: Path) -> str:
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ""
