"""A core whose answers the test gives; jobs, rebasing and everything else of the server's side are real."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from opencrates_lsp.actions.base import Related, Request, nothing_related
from opencrates_lsp.app.changes import laid_change, rebased_change
from opencrates_lsp.app.showing import ShownPrompt
from opencrates_lsp.crates.spec import CrateSpec
from opencrates_lsp.errors import Moved, Refused, WrongUsage
from opencrates_lsp.face import Face
from opencrates_lsp.jobs import Jobs
from opencrates_lsp.redaction.gate import LeftOut
from opencrates_lsp.rust.holes import Hole, hole_at, holes, subject
from opencrates_lsp.rust.packing import Piece
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.server.core import Core, Json, Notify, Setup, StagedCrate
from opencrates_lsp.values import (
    Change,
    Document,
    Documents,
    Edit,
    Level,
    Message,
    Note,
    Offer,
    Prompt,
    Replace,
    Usage,
    Verdict,
)

VERDICT = Verdict(Level.CHECK, True, "default features, host", seconds=1.23)
USAGE = Usage("openai", "gpt-5", 10, 5, 0.01)

Run = Callable[[Request, Face], Awaitable[Change | Note]]


def filled(request: Request, body: str, *more: Edit) -> Change:
    """The change that puts `body` for the hole."""
    hole = hole_at(request.source, request.span)
    assert hole is not None
    document = request.document
    edit = Replace(document.path, hole.span, body, document.text[slice(*hole.span)].decode())
    item = subject(request.source, document.path, hole.item)
    title = f"Fill `{item.name}`"
    return Change(uuid4().hex, title, (edit, *more), VERDICT, USAGE, (document,), item)


async def one(request: Request, face: Face) -> Change:
    """The plainest answer."""
    face.progress("model")
    return filled(request, "1")


class ScriptedCore:
    """See `opencrates_lsp.server.core.Core`; `record` is the log of intents, `run` what an action does."""

    def __init__(self, run: Run = one, *, jobs: Jobs | None = None, staged: StagedCrate | None = None) -> None:
        self.jobs = jobs or Jobs()
        self.act = run
        self.staged = staged
        self.setups: list[Setup] = []
        self.warmed: list[Path] = []
        self.texts: dict[Path, bytes | None] = {}
        self.record: list[tuple[str, str]] = []
        self.provider: str | None = "openai"
        self.closed = False
        self.within: float | None = None
        self.news = asyncio.Event()
        self.holes_shown = True
        self.back: Change | None = None
        self.undone: str | None = None
        self.confirming = False

    async def open(self, setup: Setup, notify: Notify) -> Core:
        self.setups.append(setup)
        self.notify = notify
        return self

    def configure(self, *, folders: Sequence[Path], options: Json, workspace: Json, trusted: bool | None) -> None:
        self.setups.append(Setup(tuple(folders), options, workspace, trusted))

    async def warm(self, path: Path) -> None:
        self.warmed.append(path)

    async def close(self) -> None:
        self.closed = True

    def provider_name(self, path: Path | None) -> str | None:
        return self.provider

    def related(self, path: Path) -> Related:
        return nothing_related

    def updated(self, path: Path, text: bytes | None) -> None:
        self.texts[path] = text
        self.news.set()

    def answer_within(self) -> float | None:
        return self.within

    def shows_holes(self) -> bool:
        return self.holes_shown

    def confirms(self, path: Path) -> bool:
        return self.confirming

    async def run(self, action: str, request: Request, face: Face) -> Change | Note:
        async with self.jobs.slot(f"{action} inside"):
            return await self.act(request, face)

    async def fill_file(self, document: Document, face: Face) -> Change:
        source = parse(document.text)
        found = holes(source)
        items = [subject(source, document.path, hole.item) for hole in found]
        edits = tuple(Replace(document.path, hole.span, "1", "todo!()") for hole in found)
        title = f"Fill {document.path.name}"
        return Change(uuid4().hex, title, edits, VERDICT, USAGE, (document,), items[0], tuple(items[1:]))

    async def undo(self, change_id: str | None, face: Face, within: Sequence[Path]) -> tuple[Change, str]:
        if self.back is None:
            raise Refused("There is nothing to take back.", remedy="Change something first.")
        return self.back, "first"

    async def new_crate(self, spec: CrateSpec, face: Face) -> StagedCrate:
        assert self.staged is not None
        return self.staged

    async def settle(self, change: Change, face: Face) -> Change:
        [document] = change.documents
        now = face.documents().get(document.path)
        if now is None or now.text == document.text:
            return change
        return rebased_change(change, {now.path: now})

    async def offer(self, change: Change, face: Face) -> Offer:
        [document] = change.documents
        now = face.documents()[document.path]
        for keeps in (True, False):
            try:
                return laid_change(change, {now.path: now}, keeps=keeps)
            except Moved as error:
                refused = error
        raise refused

    async def begin(self, change: Change, after: Mapping[Path, bytes | None]) -> None:
        self.record.append((change.id, "open"))

    async def end(self, change: Change, *, applied: bool, undone: str | None = None) -> None:
        self.record.append((change.id, "applied" if applied else "not applied"))
        self.undone = undone

    def refusal(self, job: str) -> Refused | None:
        return None

    def states(self) -> list[str]:
        """How the intents ended, in order; "open" for one that did not."""
        return list(dict(self.record).values())

    async def holes(self, documents: Documents) -> Sequence[tuple[Document, Sequence[Hole]]]:
        return [(document, holes(parse(document.text))) for document in documents.values()]

    async def history(self, limit: int) -> Json:
        return {"limit": limit}

    async def usage(self) -> Json:
        return {"today": 0.0}

    async def providers(self) -> Json:
        return {"providers": ["offline"]}

    async def select_provider(self, name: str) -> Json:
        if name != "offline":
            raise WrongUsage(f"name: there is no provider {name!r}.")
        return {"selected": name}

    async def prompt(self, action: str, request: Request, face: Face) -> ShownPrompt:
        prompt = Prompt((Message("user", action),))
        return ShownPrompt(prompt, (Piece("calls it", "src/b.rs", 7, shown=False),), (LeftOut("a key", "MARK"),))
