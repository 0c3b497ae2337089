"""Making a crate: the tools that `crates.build` is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.actions import fill
from opencrates_lsp.app.tools import JobTools
from opencrates_lsp.app.workspaces import Workspace, ground_of
from opencrates_lsp.batch import fill_holes, total_usage
from opencrates_lsp.crates.build import StagedCrate, build
from opencrates_lsp.crates.spec import CrateSpec
from opencrates_lsp.errors import Missing
from opencrates_lsp.face import Face
from opencrates_lsp.jobs import Job
from opencrates_lsp.providers.base import Provider
from opencrates_lsp.redaction.dotenv import gate_of
from opencrates_lsp.redaction.gate import Gate
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.settings import Loaded
from opencrates_lsp.templates import Templates
from opencrates_lsp.terms import Limits
from opencrates_lsp.values import Change, Chunk, Document, Level, Prompt, Task, Usage, Verdict
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain
from opencrates_lsp.workspace.files import rust_files
from opencrates_lsp.workspace.layout import find_manifest, load_layout
from opencrates_lsp.workspace.lints import read_lints

if TYPE_CHECKING:
    from opencrates_lsp.actions.base import Request
    from opencrates_lsp.app import App


async def generate(app: App, spec: CrateSpec, face: Face, job: Job) -> StagedCrate:
    """The crate in its staging folder, compiled and tested.

    Raises `Missing` where no cargo may run: what cannot be proved does not land.
    """
    outer = await _around(app, spec, face)
    loaded = outer.loaded if outer is not None else await app.workspaces.settings(None)
    if outer is not None and outer.unproved is not None:
        raise Missing(
            f"A crate is compiled before it lands. {outer.unproved.message}",
            remedy=outer.unproved.remedy,
            place=outer.root,
        )
    toolchain = outer.toolchain if outer is not None else None
    if toolchain is None:
        folder = await asyncio.to_thread(_existing, spec.path)
        toolchain = await find_toolchain(folder, loaded.settings.cargo.configuration(), app.workspaces.launch.env)
    root = outer.root if outer else spec.path
    gate = gate_of(root)
    provider = await app.models.provider(root, loaded, face, gate)
    tools = Making(app, spec, face, job, loaded, toolchain, provider, gate, app.templates(outer))
    staged = await build(spec, tools)
    if tools.used:
        staged.usage = total_usage([staged.usage, *tools.used])
    return staged


async def _around(app: App, spec: CrateSpec, face: Face) -> Workspace | None:
    """The workspace that the crate is made in, if there is one."""
    try:
        await asyncio.to_thread(find_manifest, spec.path)
    except Missing:
        return None
    return await app.workspaces.of(spec.path, face)


def _existing(folder: Path) -> Path:
    """The nearest folder at or above that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), folder)


@dataclass
class Making:
    """See `crates.build.CrateTools`."""

    app: App
    spec: CrateSpec
    face: Face
    job: Job
    loaded: Loaded
    toolchain: Toolchain
    provider: Provider
    gate: Gate
    looked_up: Templates

    def __post_init__(self) -> None:
        self.used: list[Usage] = []

    @property
    def limits(self) -> Limits:
        return self.loaded.settings.limits()

    @property
    def converses(self) -> bool:
        return self.provider.converses

    @property
    def templates(self) -> Sequence[Path]:
        return self.looked_up.search

    @property
    def cargo(self) -> Sequence[str]:
        return [str(self.toolchain.cargo)]

    @property
    def env(self) -> Mapping[str, str]:
        return self.toolchain.env

    @property
    def rust_version(self) -> str | None:
        words = self.toolchain.version.split()
        return words[1] if len(words) > 1 else None

    async def render(self, name: str, values: Mapping[str, object]) -> str:
        return await self.looked_up.render(name, values)

    def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        return self.provider.stream(prompt, task)

    async def fill_all(self, folder: Path) -> tuple[str, ...]:
        """Each file's holes, written back into the staging folder, which nobody sees yet."""
        workspace = await self.app.workspaces.staged(folder, self.loaded, self.toolchain)
        notes: list[str] = []
        try:
            for path in await asyncio.to_thread(lambda: list(rust_files(folder / "src"))):
                notes += await self._fill(path, workspace)
        finally:
            workspace.indexing.cancel()
        return tuple(notes)

    async def _fill(self, path: Path, workspace: Workspace) -> tuple[str, ...]:
        document = Document(path, await asyncio.to_thread(path.read_bytes))
        tools = JobTools(
            face=self.face,
            job=self.job.id,
            action=fill.ACTION.id,
            path=path,
            workspace=workspace,
            provider=self.provider,
            templates=self.looked_up,
            verifier=self.app.verifier(workspace.settings),
            store=self.app.store,
            bus=self.app.bus,
            gate=self.gate,
            lints=await read_lints(workspace.layout, path, self.face.documents()),
        )
        index = await workspace.index()

        async def run(request: Request, face: Face) -> Change:
            return await fill.ACTION.run(request, tools.on(face))

        filled = await fill_holes(
            document,
            parse(document.text),
            self.face,
            run,
            provider=self.provider.name,
            related=lambda names: index.related(names, path),
        )
        if filled.changes:
            self.used += [change.usage for change in filled.changes]
            await asyncio.to_thread(path.write_bytes, filled.text)
        return filled.left

    async def prove(self, folder: Path, level: Level) -> Verdict:
        settings = self.loaded.settings
        # What a template gives is ours or the user's own; what a model wrote, and what strangers did, runs in the
        # sandbox or not at all.
        planned = self.converses and bool(self.spec.description.strip())
        consent = not planned and not self.spec.dependencies
        layout = await load_layout(folder, cargo=self.cargo, env=self.env, trusted=True)
        ground = ground_of(layout, self.toolchain, settings, consent=consent)
        return await self.app.verifier(settings).prove_folder(folder, level, ground, self.face.progress)
