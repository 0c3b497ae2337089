"""A proved change into the editor's buffers: asked where it must be, sent with versions, and seen to have arrived."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import uuid4

from lsprotocol import types

from opencrates_lsp.errors import Declined, Moved, Refused
from opencrates_lsp.face import Face
from opencrates_lsp.faces.words import proved
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.server.convert import ClientEdit, workspace_edit
from opencrates_lsp.values import Change, Create, Delete, Edit, Question

if TYPE_CHECKING:
    from opencrates_lsp.server.session import Session

logger = logging.getLogger(__name__)

TRIES = 3
ANSWER_SECONDS = 60.0
PREVIEW_SECONDS = 900.0
"""How long an editor may take that asks its user first."""

FOLLOW_SECONDS = 1.0
"""How long the text may take to follow the editor's answer."""

REFUSED_SECONDS = 0.2
"""The same where the answer was no."""

_SHOWN_CHARACTERS = 1000
_LINE = 60
"""How much of a line is shown."""

APPLY, LEAVE = "Apply", "Leave the files as they are"


class Unanswered(Declined):
    """The user was asked whether to apply `change`, and has not said."""

    def __init__(self, change: Change) -> None:
        super().__init__(f"{change.title} was not applied: nobody said so.", place=change.subject.path)
        self.change = change


class Ledger(Protocol):
    """The part of `Core` that is needed here."""

    async def settle(self, change: Change, face: Face) -> Change: ...

    def confirms(self, path: Path) -> bool: ...

    async def begin(self, change: Change, after: Mapping[Path, bytes | None]) -> None: ...

    async def end(self, change: Change, *, applied: bool, undone: str | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Applied:
    """A change as it was applied, the files that it touched, and what the user should know of it."""

    change: Change
    files: tuple[Path, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Fate:
    """What became of one try."""

    how: Literal["applied", "moved", "skipped", "declined", "lost"]
    reason: str = ""
    notes: tuple[str, ...] = ()


async def apply(
    session: Session, ledger: Ledger, change: Change, face: Face, *, ask: bool = False, undone: str | None = None
) -> Applied:
    """Apply the change, at most `TRIES` times while the text moves.

    `ask` says that edits outside of what was asked for need the user's word, `undone` is what the change takes back.
    Raises `Moved` where the item changed, `Declined` where the user said no (`Unanswered` where he said nothing),
    `Refused` where the editor does not follow; the buffers are untouched then, or the message says otherwise.
    """
    face.progress("apply")
    if ask:
        change = await ledger.settle(change, face)
        await _agreed(session, change, face, confirm=ledger.confirms(change.subject.path))
    lost: Change | None = None
    reason = ""
    for _ in range(TRIES):
        async with session.applying:
            change = await ledger.settle(change, face)
            if lost is not None:
                # The items still are what they were, so the edit that was out of sight never came.
                await ledger.end(lost, applied=False)
            fate = await _delivered(session, ledger, change, ask=ask, undone=undone)
        if fate.how == "applied":
            files = dict.fromkeys(edit.path for edit in change.edits)
            return Applied(change, tuple(files), (*change.notes, *fate.notes))
        if fate.how == "declined":
            raise Declined(f"{change.title} was not applied: the editor was told not to.", place=change.subject.path)
        logger.info("%s was not applied: %s, %s", change.title, fate.how, fate.reason)
        reason = fate.reason or reason
        lost = change if fate.how == "lost" else None
        change = replace(change, id=uuid4().hex)
    raise Refused(
        f"{change.title}: the editor did not apply the edit{f' ({reason})' if reason else ''}.",
        remedy="Run the action again.",
        place=change.subject.path,
    )


async def _delivered(session: Session, ledger: Ledger, change: Change, *, ask: bool, undone: str | None) -> _Fate:
    """Deliver; what has been sent cannot be called back, so its fate is recorded whoever waits for it or not."""
    delivery = session.spawn(_deliver(session, ledger, change, ask=ask, undone=undone), f"Applying {change.title}")
    try:
        fate: _Fate = await asyncio.shield(delivery)
    except asyncio.CancelledError:

        def tell(over: asyncio.Task[_Fate]) -> None:
            if not over.cancelled() and over.exception() is None and over.result().how == "applied":
                text = f"{change.title} was in the editor already when it was cancelled; undo takes it back."
                session.protocol.show(types.MessageType.Info, text)

        delivery.add_done_callback(tell)
        raise
    return fate


async def _agreed(session: Session, change: Change, face: Face, *, confirm: bool) -> None:
    """Ask about what is outside of the asked-for items, where the editor itself does not; raises `Declined`.

    With `confirm` everything is asked about, in the same question.
    """
    told = workspace_edit(change, session.documents, session.client.edits)
    asked = bool(told.outside) and not told.asks
    if not asked and not confirm:
        return
    also = f" It also changes what was not asked for: {_listed(told.outside)}." if asked else ""
    question = Question(f"Apply {change.title}: {proved(change.verdict)}?{also}", (APPLY, LEAVE), _texts(change.edits))
    said = await face.ask(question)
    if said is None:
        raise Unanswered(change)
    if said != APPLY:
        raise Declined(f"{change.title} was not applied, as you said.", place=change.subject.path)


def _texts(edits: Iterable[Edit]) -> str:
    """The new texts, as far as a message box takes them."""
    text = "\n".join(edit.text for edit in edits if not isinstance(edit, Delete))
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " …"


def _listed(edits: Iterable[Edit]) -> str:
    """What the edits do, each by the first line that it puts in: "`use std::fmt;` in lib.rs"."""
    return ", ".join(dict.fromkeys(_named(edit) for edit in edits))


def _named(edit: Edit) -> str:
    if isinstance(edit, Create):
        return f"new {edit.path.name}"
    if isinstance(edit, Delete):
        return f"without {edit.path.name}"
    text = edit.text if edit.text.strip() else edit.expect
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    said = first if len(first) <= _LINE else f"{first[:_LINE]}…"
    return f"`{said}` in {edit.path.name}" if said else edit.path.name


async def _deliver(session: Session, ledger: Ledger, change: Change, *, ask: bool, undone: str | None) -> _Fate:
    """Commit the intent, send the edit, see what became of it, and record that.

    What was cancelled or lost out of sight leaves its intent open: the next start compares it with the text.
    """
    after = applied(change.edits, {document.path: document.text for document in change.documents})
    await ledger.begin(change, after)
    try:
        fate = await _send(session, change, after, ask=ask)
    except Moved as error:
        fate = _Fate("moved", error.message)
    except Refused:
        await ledger.end(change, applied=False)
        raise
    if fate.how == "applied":
        await ledger.end(change, applied=True, undone=undone)
    elif fate.how != "lost":
        await ledger.end(change, applied=False)
    return fate


async def _send(session: Session, change: Change, after: Mapping[Path, bytes | None], *, ask: bool) -> _Fate:
    support = session.client.edits if ask else replace(session.client.edits, annotations=False)
    told = workspace_edit(change, session.documents, support)
    await asyncio.to_thread(_make, [edit for edit in told.by_server if isinstance(edit, Create)])
    try:
        # The files took a moment, in which the text may have moved.
        told = workspace_edit(change, session.documents, support)
        fate = await _sent(session, change, told, after)
    except BaseException:
        await asyncio.to_thread(_unmake, told.by_server)
        raise
    if fate.how != "applied":
        await asyncio.to_thread(_unmake, told.by_server)
        return fate
    await asyncio.to_thread(_remove, [edit for edit in told.by_server if isinstance(edit, Delete)])
    if not told.by_server:
        return fate
    return replace(fate, notes=(f"on disk, because this editor does not: {_listed(told.by_server)}",))


async def _sent(session: Session, change: Change, told: ClientEdit, after: Mapping[Path, bytes | None]) -> _Fate:
    if not (told.edit.document_changes or told.edit.changes):
        return _Fate("applied")
    documents = session.documents
    before = {path: bytes(document.text) for path in after if (document := documents.at(path)) is not None}
    expected = [(path, text) for path, text in after.items() if path in before and text is not None]
    patience = PREVIEW_SECONDS if told.asks else ANSWER_SECONDS
    params = types.ApplyWorkspaceEditParams(edit=told.edit, label=change.title)
    # These watch from before the sending: the text may be there before the answer, and moved on by then.
    becoming = asyncio.ensure_future(
        asyncio.gather(*(documents.becomes(path, text, patience + FOLLOW_SECONDS) for path, text in expected))
    )
    answering = asyncio.create_task(session.protocol.ask(types.WORKSPACE_APPLY_EDIT, params, patience))
    try:
        waiting: list[asyncio.Future[Any]] = [answering, becoming] if expected else [answering]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not becoming.done():
            await asyncio.wait({becoming}, timeout=_patience_after(answering))
        if expected and becoming.done() and all(becoming.result()):
            return _Fate("applied")
        if not answering.done():
            await asyncio.wait({answering})
        answer = answering.result()
    finally:
        for task in (becoming, answering):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return _fate(answer, told, _moved(session, before), expected)


def _patience_after(answering: asyncio.Task[object]) -> float:
    """How long the text may still take; who says no, or nothing, has told of earlier changes before."""
    answer = answering.result() if answering.done() else None
    return FOLLOW_SECONDS if isinstance(answer, types.ApplyWorkspaceEditResult) and answer.applied else REFUSED_SECONDS


def _moved(session: Session, before: Mapping[Path, bytes]) -> bool:
    """Whether an open text is another one now, or closed."""
    now = {path: session.documents.at(path) for path in before}
    return any(document is None or document.text != before[path] for path, document in now.items())


def _fate(answer: object, told: ClientEdit, moved: bool, expected: Sequence[object]) -> _Fate:
    """What an answer means where the text has not become what it should."""
    if not isinstance(answer, types.ApplyWorkspaceEditResult):
        return _Fate("lost", "it gave no answer") if moved else _Fate("skipped", "it gave no answer")
    if answer.applied and not expected:
        return _Fate("applied")
    if answer.applied:
        # Neovim says so for an edit that it skipped because of the version, too.
        return _Fate("lost", "the text is another one") if moved else _Fate("skipped", "it says it did")
    if told.asks and not moved:
        return _Fate("declined")
    return _Fate("skipped", answer.failure_reason or "it says it did not")


def _make(creates: Sequence[Create]) -> None:
    """Make the files that the editor cannot; all or none."""
    made: list[Create] = []
    for edit in creates:
        try:
            edit.path.parent.mkdir(parents=True, exist_ok=True)
            with edit.path.open("x", encoding="utf-8", newline="") as file:
                file.write(edit.text)
        except OSError as error:
            _unmake(made)
            raise Refused(
                f"The file cannot be made: {error.strerror}.", remedy="Move what is there away.", place=edit.path
            ) from error
        made.append(edit)


def _unmake(edits: Sequence[Create | Delete]) -> None:
    for edit in edits:
        if isinstance(edit, Create) and edit.path.is_file() and edit.path.read_bytes() == edit.text.encode():
            edit.path.unlink()


def _remove(deletes: Sequence[Delete]) -> None:
    for edit in deletes:
        if edit.path.read_bytes() == edit.expect.encode():
            edit.path.unlink()
