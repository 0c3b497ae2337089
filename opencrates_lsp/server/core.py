"""What the server asks of the core, exactly; `opencrates_lsp.app` has it, and is imported when it is first needed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opencrates_lsp.actions.base import Related, Request
    from opencrates_lsp.app.showing import ShownPrompt
    from opencrates_lsp.crates.spec import CrateSpec
    from opencrates_lsp.errors import Refused
    from opencrates_lsp.face import Face
    from opencrates_lsp.jobs import Jobs
    from opencrates_lsp.rust.holes import Hole
    from opencrates_lsp.values import Change, Document, Documents, Note, Offer, Replace, Usage, Verdict

Json = Mapping[str, object]
"""A JSON object, ready to be sent."""

Notify = Callable[[str], None]
"""Tells the user what no answer carries."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the editor says of its workspace.

    `options` are `initializationOptions`, `workspace` is what `workspace/configuration` says under "opencrates",
    both nested by section; `trusted` is the editor's own word on the folders, None where it has none.
    """

    folders: tuple[Path, ...] = ()
    options: Json = field(default_factory=dict)
    workspace: Json = field(default_factory=dict)
    trusted: bool | None = None
    documents: Documents = field(default_factory=dict)


class StagedCrate(Protocol):
    """A crate that is proved, in a folder beside its target."""

    @property
    def target(self) -> Path: ...

    @property
    def verdict(self) -> Verdict: ...

    @property
    def usage(self) -> Usage: ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def manifest(self) -> Replace | None:
        """What makes it a member of the workspace around it."""
        ...

    def publish(self) -> None:
        """Move it to its target in one step; raises `OpenCratesError` when something stands there by now."""
        ...

    def discard(self) -> None:
        """Remove the staging folder."""
        ...


class Core(Protocol):
    """One connection's core.

    Everything that takes a face may be called inside a slot of `jobs`, whose job is then the one that the user sees;
    a slot that the core takes for itself is a job of that one.
    """

    @property
    def jobs(self) -> Jobs: ...

    def configure(self, *, folders: Sequence[Path], options: Json, workspace: Json, trusted: bool | None) -> None:
        """Take what the editor says now, see `Setup`; the next job works with it."""
        ...

    async def warm(self, path: Path) -> None:
        """Read the workspace of a file, so that offers know it; asks nobody, and runs no cargo that is not trusted."""
        ...

    async def close(self) -> None:
        """Cancel everything, leave no child process, close the store."""
        ...

    # Offers: from memory, without I/O.

    def provider_name(self, path: Path | None) -> str | None:
        """The provider that would answer for this file; None where it is not known yet."""
        ...

    def related(self, path: Path) -> Related:
        """What the file's workspace defines elsewhere."""
        ...

    def updated(self, path: Path, text: bytes | None) -> None:
        """The file has another text now, None for one that is gone: it was saved, or changed on disk."""
        ...

    def answer_within(self) -> float | None:
        """`lsp.answer_within` in seconds where the user has set it."""
        ...

    def shows_holes(self) -> bool:
        """`holes.diagnostics`: whether holes are shown as hints."""
        ...

    def confirms(self, path: Path) -> bool:
        """`apply.mode`: whether each edit of the file is asked about first."""
        ...

    # Work.

    async def run(self, action: str, request: Request, face: Face) -> Change | Note: ...

    async def fill_file(self, document: Document, face: Face) -> Change: ...

    async def undo(self, change_id: str | None, face: Face, within: Sequence[Path]) -> tuple[Change, str]:
        """The change that takes this one (or the last of these folders and files) back, and the id of that one."""
        ...

    async def new_crate(self, spec: CrateSpec, face: Face) -> StagedCrate: ...

    async def settle(self, change: Change, face: Face) -> Change:
        """The change as one of the texts as they are now; raises `Moved` where it no longer can be."""
        ...

    async def offer(self, change: Change, face: Face) -> Offer:
        """The change on its items as they are now, which the user typed in; raises `Refused` where it cannot be."""
        ...

    async def begin(self, change: Change, after: Mapping[Path, bytes | None]) -> None:
        """Commit what is about to be sent; `after` are the texts that it makes."""
        ...

    async def end(self, change: Change, *, applied: bool, undone: str | None = None) -> None:
        """What became of it; `undone` is the change that this one took back.

        An intent that is not ended is looked at when the store is opened again.
        """
        ...

    def refusal(self, job: str) -> Refused | None:
        """What a job of the core was refused with."""
        ...

    # Lists and switches; the mappings are answered as they are.

    async def holes(self, documents: Documents) -> Sequence[tuple[Document, Sequence[Hole]]]:
        """The workspace's files that have holes, in order, `documents` instead of the files on disk."""
        ...

    async def history(self, limit: int) -> Json: ...

    async def usage(self) -> Json: ...

    async def providers(self) -> Json: ...

    async def select_provider(self, name: str) -> Json:
        """Take this provider from now on; raises `WrongUsage` where there is none of that name."""
        ...

    async def prompt(self, action: str, request: Request, face: Face) -> ShownPrompt:
        """What would be sent first, exactly; nothing is sent."""
        ...


OpenCore = Callable[[Setup, Notify], Awaitable[Core]]


async def open_app(setup: Setup, notify: Notify) -> Core:
    """The real core; its imports take longer than all the rest of the start, so they run in a thread."""
    await asyncio.to_thread(import_module, "opencrates_lsp.app")
    from opencrates_lsp.app import App
    from opencrates_lsp.app.workspaces import Launch
    from opencrates_lsp.home import find_home

    launch = Launch(env=dict(os.environ), options=setup.options, workspace=setup.workspace, trusted=setup.trusted)
    return await App.open(find_home(os.environ), launch, notify, setup.documents)
