"""The one core behind every face: an action runs, a change is settled, recorded and taken back.

This is the only place that builds parts; whoever needs one is given it.
Nothing here writes to the user's files: a face applies what it is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.actions import ALL
from opencrates_lsp.actions.base import Action, Related, Request, nothing_related
from opencrates_lsp.app import changes, lists, record, settling
from opencrates_lsp.app.models import Models
from opencrates_lsp.app.showing import ShownPrompt, shown
from opencrates_lsp.app.tools import JobFace, JobTools
from opencrates_lsp.app.workspaces import Launch, Workspace, Workspaces
from opencrates_lsp.batch import as_one, fill_holes
from opencrates_lsp.errors import Cancelled, OpenCratesError, Refused, WrongUsage
from opencrates_lsp.events import Bus, ChangeApplied, Outcome, UserAction
from opencrates_lsp.face import Face
from opencrates_lsp.home import Home
from opencrates_lsp.jobs import Job, Jobs, Priority
from opencrates_lsp.providers.base import model_of
from opencrates_lsp.redaction.dotenv import gate_of
from opencrates_lsp.rust.holes import Hole
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.settings.models import Settings
from opencrates_lsp.store import Store
from opencrates_lsp.templates import Templates, packaged_folder
from opencrates_lsp.values import Change, Document, Documents, Level, Note, Offer
from opencrates_lsp.verify.verifier import Verifier
from opencrates_lsp.workspace.lints import read_lints

if TYPE_CHECKING:
    from opencrates_lsp.crates.build import StagedCrate
    from opencrates_lsp.crates.spec import CrateSpec

log = logging.getLogger(__name__)

Json = Mapping[str, object]
_KEPT_REFUSALS = 32


class App:
    """The core of one face; `close` it in the end.

    `notify` is told what the user must know and no answer carries: wrong settings, interrupted changes.
    """

    def __init__(self, home: Home, launch: Launch, store: Store, notify: Callable[[str], None]) -> None:
        self.home = home
        self.bus = Bus()
        self.jobs = Jobs()
        self.store = store
        self.workspaces = Workspaces(home, launch, store, notify)
        self.models = Models(home, launch.env, store, self.bus, notify)
        self._notify = notify
        self._verifier: Verifier | None = None
        self._refused: OrderedDict[str, Refused] = OrderedDict()

    @classmethod
    async def open(
        cls, home: Home, launch: Launch, notify: Callable[[str], None], open_texts: Documents | None = None
    ) -> App:
        """Open the store, look at what an earlier run left open, and read the user's settings.

        `open_texts` are the face's unsaved texts: an edit that arrived there may not be on disk yet.
        Raises `Missing` where the store cannot be opened.
        """
        store = await Store.open(home.data / "opencrates.sqlite")
        app = cls(home, launch, store, notify)
        try:
            await record.reconcile(store, notify, open_texts or {})
            await app.workspaces.usual()
        except BaseException:
            await app.close()
            raise
        return app

    def configure(self, *, folders: Sequence[Path], options: Json, workspace: Json, trusted: bool | None) -> None:
        """Take what the face says of its user now; the next job works with it."""
        launch = self.workspaces.launch
        self.workspaces.launch = replace(launch, options=options, workspace=workspace, trusted=trusted)

    async def warm(self, path: Path) -> None:
        """Read the workspace of a file, so that offers know it; asks nobody, and runs no cargo that is not trusted."""
        await self.workspaces.of(path, None)

    async def close(self) -> None:
        """End every job with its children, and close what is open."""
        self.jobs.cancel_all()
        async with contextlib.AsyncExitStack() as closing:
            closing.push_async_callback(self.store.close)
            closing.push_async_callback(self.models.close)
            if self._verifier is not None:
                closing.push_async_callback(self._verifier.close)
            closing.push_async_callback(self.workspaces.close)

    # What faces run.

    async def run(self, action: str, request: Request, face: Face) -> Change | Note:
        """Run an action at a place; raises an `OpenCratesError` that says why nothing came of it."""
        found = _action(action)
        path = request.document.path
        async with self._job(f"{action} {path.name}", action) as job:
            tools = await self._tools(found, path, JobFace(face, job), job)
            try:
                result = await found.run(self._completed(request, tools), tools)
            except Refused as error:
                self._keep_refusal(job.id, error)
                raise
            return _told(result, job, tools) if isinstance(result, Change) else result

    async def fill_file(self, document: Document, face: Face) -> Change:
        """Fill every hole of a file, as one change; what cannot be filled stays and is told in its notes."""
        found = _action("fill")
        source = parse(document.text)
        async with self._job(f"fill {document.path.name}", "fillFile") as job:
            told = JobFace(face, job)
            tools = await self._tools(found, document.path, told, job)

            async def fill(request: Request, overlay: Face) -> Change:
                result = await found.run(request, tools.on(overlay))
                if not isinstance(result, Change):
                    raise Refused("The action edits nothing.")
                return result

            related = self.related(document.path)
            filled = await fill_holes(document, source, told, fill, provider=tools.provider.name, related=related)
            return _told(as_one(document, source, filled, title=f"Fill {document.path.name}"), job, tools)

    async def settle(self, change: Change, face: Face) -> Change:
        """The change on the texts as they are now, judged again where they differ from those it was judged on.

        Raises `Moved` when the items that it is about were edited meanwhile, `Refused` when it no longer holds.
        """
        return await settling.settle(self, change, face)

    async def offer(self, change: Change, face: Face) -> Offer:
        """What the change would be in the items as they are now that the user typed in, judged there: his to take.

        Raises `Moved` where an item is gone, `Refused` where nothing that can be made of the two holds.
        """
        return await settling.offer(self, change, face)

    async def new_crate(self, spec: CrateSpec, face: Face) -> StagedCrate:
        """A new crate in a staging folder, compiled and tested; the face publishes it."""
        from opencrates_lsp.app.generate import generate

        async with self._job(f"new crate {spec.name}", "newCrate") as job:
            return await generate(self, spec, JobFace(face, job), job)

    async def prompt(self, action: str, request: Request, face: Face) -> ShownPrompt:
        """What would be sent to a model first, exactly; nothing is sent.

        Raises `Refused` for a file of which nothing is sent.
        """
        found = _action(action)
        async with self._job(f"prompt of {action}", action) as job:
            tools = await self._tools(found, request.document.path, JobFace(face, job), job, offline=True)
            await tools.may_be_shown()
            asked = await found.asked(self._completed(request, tools), tools)
            return await shown(asked, tools)

    # What faces ask; from memory, without I/O.

    def provider_name(self, path: Path | None) -> str | None:
        """Who would answer, for the offers; None as long as the settings are not read."""
        known = self.workspaces.known(path)
        return self.models.name(known.loaded if known is not None else self.workspaces.loaded)

    def related(self, path: Path) -> Related:
        """The definitions in other files."""
        known = self.workspaces.known(path)
        index = known.index_now() if known is not None else None
        if index is None:
            return nothing_related
        return lambda names: index.related(names, path)

    def updated(self, path: Path, text: bytes | None) -> None:
        """The file has another text now, None for one that is gone: it was saved, or changed on disk."""
        known = self.workspaces.known(path)
        if known is not None:
            known.updated(path, text)

    def answer_within(self) -> float | None:
        """`lsp.answer_within` in seconds where the user has set it."""
        loaded = self.workspaces.loaded
        return loaded.settings.lsp.answer_within if "lsp.answer_within" in loaded.origins else None

    def shows_holes(self) -> bool:
        """`holes.diagnostics`: whether holes are shown as hints."""
        return self.workspaces.loaded.settings.holes.diagnostics == "hint"

    def confirms(self, path: Path) -> bool:
        """`apply.mode`: whether each edit of the file is asked about first."""
        known = self.workspaces.known(path)
        return known is not None and known.settings.apply.mode == "confirm"

    def refusal(self, job: str) -> Refused | None:
        """What a job was refused with: the attempt, and the compiler's words."""
        return self._refused.get(job)

    # The record.

    async def begin(self, change: Change, after: Mapping[Path, bytes | None]) -> None:
        """Commit the intent; only then may the edit be sent."""
        await self.store.history.begin(record.intent_of(change, after))

    async def end(self, change: Change, *, applied: bool, undone: str | None = None) -> None:
        """Close the intent with what became of it; `undone` is the change that this one took back."""
        await self.store.history.settle(change.id, "applied" if applied else "not applied")
        if not applied:
            return
        if undone is not None:
            await self.store.history.settle(undone, "undone")
        files = len({edit.path for edit in change.edits})
        self.bus.publish(ChangeApplied(change.id, change.title, files, undo=undone is not None))

    async def undo(self, change_id: str | None, face: Face, within: Sequence[Path] = ()) -> tuple[Change, str]:
        """The change that takes one back (the last applied one, without an id), and the id of that one.

        The store is shared: `within` are the folders and files of which the last one is meant, none for all.
        Raises `Moved` when the text is no longer what the change wrote.
        """
        history = self.store.history
        found = await history.get(change_id) if change_id else await history.last_applied(within)
        if found is None:
            raise WrongUsage("There is no change to take back.", remedy="`opencrates history` lists the changes.")
        if found.state != "applied":
            raise Refused(f"`{found.title}` is {found.state}: there is nothing to take back.")
        before = {file.path: file.before for file in found.files}
        later = {file.path: file.after for file in found.files}
        back = replace(changes.inverse(found.title, before, later), undoes=found.id)
        return await self.settle(back, face), found.id

    # Lists and switches.

    async def holes(self, documents: Documents) -> Sequence[tuple[Document, Sequence[Hole]]]:
        """The files of the known workspaces that have holes, `documents` instead of the files on disk."""
        return await asyncio.to_thread(lists.holes, self.workspaces.roots(), documents)

    async def history(self, limit: int) -> Json:
        """The newest changes, newest first."""
        return lists.history(await self.store.history.list_recent(limit))

    async def usage(self) -> Json:
        """What the calls of today cost."""
        usual = await self.workspaces.usual()
        return {"spent_usd": await self.store.usage.spent_today(), "daily_budget_usd": usual.settings.ai.day_cap_usd}

    async def providers(self) -> Json:
        """The providers, and which one answers."""
        return lists.providers(self.models, await self.workspaces.usual())

    async def select_provider(self, name: str) -> Json:
        """Take this provider from now on; raises `WrongUsage` where there is none of that name."""
        self.models.select(name)
        return await self.providers()

    # How a job is set up.

    def _keep_refusal(self, job: str, error: Refused) -> None:
        self._refused[job] = error
        while len(self._refused) > _KEPT_REFUSALS:
            self._refused.popitem(last=False)

    @contextlib.asynccontextmanager
    async def _job(self, title: str, action: str) -> AsyncIterator[Job]:
        """A job's slot; how it ended is told to whoever listens."""
        begun = time.monotonic()
        job_id = ""
        outcome: Outcome = "done"
        try:
            async with self.jobs.slot(title, Priority.INTERACTIVE) as job:
                begun, job_id = time.monotonic(), job.id
                yield job
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            self.bus.publish(UserAction(action, job_id, outcome, time.monotonic() - begun))

    async def _tools(self, action: Action, path: Path, face: Face, job: Job, *, offline: bool = False) -> JobTools:
        workspace = await self.workspaces.of(path, face)
        gate = gate_of(workspace.root)
        if offline:
            provider = self.models.offline()
        else:
            provider = await self.models.provider(workspace.root, workspace.loaded, face, gate)
        tools = JobTools(
            face=face,
            job=job.id,
            action=action.id,
            path=path,
            workspace=workspace,
            provider=provider,
            templates=self.templates(workspace),
            verifier=self.verifier(workspace.settings),
            store=self.store,
            bus=self.bus,
            gate=gate,
            lints=await read_lints(workspace.layout, path, face.documents()),
        )
        if provider.converses:
            await tools.may_be_shown()
        return tools

    def _completed(self, request: Request, tools: JobTools) -> Request:
        """The request with what is known by now; the offers were made without it."""
        return replace(request, provider=tools.provider.name, related=self.related(request.document.path))

    def templates(self, workspace: Workspace | None) -> Templates:
        """Where prompts and crates are looked up: the project's own folder (trusted ones alone), the user's, ours."""
        search = [self.home.config / "templates", packaged_folder()]
        if workspace is not None and workspace.toolchain is not None:
            search.insert(0, workspace.root / ".opencrates" / "templates")
        return Templates(search)

    def verifier(self, settings: Settings) -> Verifier:
        """The proof; there is one for all workspaces, because mirrors share the cache's space."""
        if self._verifier is None:
            self._verifier = Verifier(self.home.cache, max_gb=settings.cache.max_gb)
        return self._verifier


def _told(change: Change, job: Job, tools: JobTools) -> Change:
    """The change with its job, and with what the user has to know of a proof that fell short."""
    notes = change.notes
    if change.verdict.level in (Level.OFF, Level.PARSE) and tools.unproved is not None:
        notes = (*notes, str(tools.unproved))
    usage = change.usage
    if usage.cached and not usage.provider:
        # Nobody was asked, and the user is told whose answer it was.
        usage = replace(usage, provider=tools.provider.name, model=model_of(tools.provider))
    return replace(change, job=job.id, notes=notes, usage=usage, beside=dict(tools.beside))


def _outcome(error: BaseException) -> Outcome:
    if isinstance(error, (Cancelled, asyncio.CancelledError)):
        return "cancelled"
    return "refused" if isinstance(error, OpenCratesError) else "failed"


def _action(name: str) -> Action:
    for action in ALL:
        if action.id == name:
            return action
    raise WrongUsage(f"There is no action {name!r}.", remedy=f"There are: {', '.join(action.id for action in ALL)}.")
