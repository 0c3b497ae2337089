"""workspace/executeCommand: the table of commands, and those that edit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pygls.exceptions import JsonRpcInvalidParams

from opencrates_lsp.errors import OpenCratesError, WrongUsage
from opencrates_lsp.jobs import Priority
from opencrates_lsp.rust.holes import hole_at
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.server import arguments, lists
from opencrates_lsp.server.apply import apply
from opencrates_lsp.server.arguments import Reader
from opencrates_lsp.server.core import Core, Json
from opencrates_lsp.server.documents import Place
from opencrates_lsp.server.face import EditorFace
from opencrates_lsp.server.new_crate import new_crate
from opencrates_lsp.server.offers import applied_or_offered, take
from opencrates_lsp.server.work import Outcome, Work, answered, refused
from opencrates_lsp.values import Change, Span

if TYPE_CHECKING:
    from lsprotocol import types

    from opencrates_lsp.server.session import Session


@dataclass(frozen=True, slots=True)
class Command:
    """What a command takes, and its answer or the work that it means.

    With `whole` the one object is passed on as `given`, for the core to read.
    """

    run: Callable[..., Awaitable[Json | Work]]
    required: Mapping[str, Reader] = field(default_factory=dict)
    optional: Mapping[str, Reader] = field(default_factory=dict)
    whole: bool = False


async def execute(session: Session, params: types.ExecuteCommandParams) -> Json:
    """Run one command; wrong arguments are InvalidParams, everything else is an answer with its state."""
    command = COMMANDS[params.command]
    if command.whole:
        values: dict[str, object] = {"given": arguments.whole(params.command, params.arguments)}
    else:
        values = arguments.read(params.command, params.arguments, command.required, command.optional)
    try:
        result = await command.run(session, **values)
        return await answered(session, result, params.work_done_token) if isinstance(result, Work) else result
    except WrongUsage as error:
        raise JsonRpcInvalidParams(f"Wrong arguments of {params.command}: {error}") from error
    except OpenCratesError as error:
        return refused(session, params.command, error)


async def fill(session: Session, uri: str, position: Place, instruction: str = "") -> Work:
    """`opencrates.fill`."""
    document = await lists.document_of(session, uri)
    offset = document.offset(position)
    request = session.request(document, Span(offset, offset), instruction, exact=True)
    hole = hole_at(request.source, request.span)
    title = f"Fill `{qualified_name(hole.item)}`" if hole is not None else "Fill"

    async def run(core: Core, face: EditorFace) -> Outcome:
        # The core may have been opened for this very command.
        path = request.document.path
        known = replace(request, provider=core.provider_name(path), related=core.related(path))
        result = await core.run("fill", known, face)
        if not isinstance(result, Change):
            return Outcome(result.title, usage=result.usage, notes=(result.markdown,))
        return await applied_or_offered(session, core, result, face)

    return Work(title, run)


async def fill_file(session: Session, uri: str) -> Work:
    """`opencrates.fillFile`."""
    document = await lists.document_of(session, uri)
    snapshot = document.snapshot()

    async def run(core: Core, face: EditorFace) -> Outcome:
        return await applied_or_offered(session, core, await core.fill_file(snapshot, face), face)

    return Work(f"Fill {snapshot.path.name}", run, Priority.BATCH)


async def undo(session: Session, id: str | None = None) -> Work:  # noqa: A002  # The name is the argument's.
    """`opencrates.undo`."""

    async def run(core: Core, face: EditorFace) -> Outcome:
        # Another editor's changes are in the same store, and its texts are not for this one to edit.
        within = (*session.folders, *session.documents.snapshots())
        change, undone = await core.undo(id, face, within)
        done = await apply(session, core, change, face, undone=undone)
        return Outcome(change.title, done.files, change.verdict, change.usage, done.notes, done.change.id)

    return Work("Undo", run)


async def make_crate(session: Session, given: Mapping[str, object]) -> Work:
    """`opencrates.newCrate`."""
    from opencrates_lsp.crates.spec import from_json

    spec = from_json(given, folder=session.folders[0] if session.folders else Path.home())
    return Work(f"New crate `{spec.name}`", partial(new_crate, session, spec))


_URI: Mapping[str, Reader] = {"uri": arguments.text}
_PLACE: Mapping[str, Reader] = {**_URI, "position": arguments.position}
_JOB: Mapping[str, Reader] = {"job": arguments.text}

COMMANDS: Mapping[str, Command] = {
    "opencrates.fill": Command(fill, _PLACE, {"instruction": arguments.words}),
    "opencrates.fillFile": Command(fill_file, _URI),
    "opencrates.newCrate": Command(make_crate, whole=True),
    "opencrates.undo": Command(undo, optional={"id": arguments.text}),
    "opencrates.takeOffer": Command(take, _JOB),
    "opencrates.holes": Command(lists.holes, optional=_URI),
    "opencrates.jobs": Command(lists.jobs, optional=_JOB),
    "opencrates.cancel": Command(lists.cancel, _JOB),
    "opencrates.history": Command(lists.history, optional={"limit": arguments.count}),
    "opencrates.usage": Command(lists.usage),
    "opencrates.providers": Command(lists.providers),
    "opencrates.selectProvider": Command(lists.select_provider, {"name": arguments.text}),
    "opencrates.showPrompt": Command(lists.show_prompt, _PLACE, {"action": arguments.text}),
    "opencrates.showAttempt": Command(lists.show_attempt, _JOB),
}
"""Every command, in the order of `CONTRACT`."""
