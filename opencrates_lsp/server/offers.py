"""Changes that wait for the user's word: he is asked beside all work, shown the difference, and takes or leaves them.

An offer never expires by itself: an editor that cannot ask, and a user who does not answer, leave it as it is, and
`opencrates.takeOffer` takes it; whatever it is taken with is settled and judged anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from opencrates_lsp.errors import Declined, Moved, Refused, WrongUsage
from opencrates_lsp.face import Phase
from opencrates_lsp.faces.differences import patch_of
from opencrates_lsp.faces.uris import uri_of
from opencrates_lsp.faces.words import proved
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.server.apply import Unanswered, apply
from opencrates_lsp.server.core import Core
from opencrates_lsp.server.face import EditorFace
from opencrates_lsp.server.work import Outcome, Work, answered, failed
from opencrates_lsp.values import Change, Offer, Question

if TYPE_CHECKING:
    from opencrates_lsp.server.session import Session

TAKE = "Apply it to the item as it is now"
SHOW = "Show the difference"
LEAVE = "Leave the item as it is"

SHOW_SECONDS = 10.0
_KEPT = 32
_SHOWN_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """An offer; `made` is the change as it was made first, `asking` the question that stands."""

    offer: Offer
    made: Change
    asking: asyncio.Task[None] | None


async def applied_or_offered(
    session: Session, core: Core, change: Change, face: EditorFace, *, made: Change | None = None
) -> Outcome:
    """Apply a change that was just made; what the user typed in meanwhile, or has not answered, is offered.

    With `made`, of which `change` is the offer, the user has said yes, and is asked again only where he typed on.
    Raises `Moved` or `Refused` where nothing can be offered.
    """
    try:
        done = await apply(session, core, change, face, ask=made is None)
    except Unanswered as unanswered:
        offer = Offer(unanswered.change)
    except Moved:
        offer = await core.offer(made or change, face)
    else:
        change = done.change
        return Outcome(change.title, done.files, change.verdict, change.usage, done.notes, change.id)
    patch = patch_of(offer.change, _start(session, offer.change)).decode(errors="replace")
    return Outcome(
        offer.change.title,
        tuple(dict.fromkeys(edit.path for edit in offer.change.edits)),
        offer.change.verdict,
        offer.change.usage,
        offer.change.notes,
        state="offered",
        reason=_reason(offer),
        diff=patch,
        after=partial(_keep, session, core, offer, made or change, patch),
    )


async def take(session: Session, job: str) -> Work:
    """`opencrates.takeOffer`: the yes of a user who was not asked, or has not answered."""
    await session.opened()
    kept = _removed(session, job)
    if kept is None:
        raise WrongUsage(f"job: nothing is offered by {job!r}.")
    return _taking(session, job, kept)


def leave(session: Session, core: Core, job: str) -> bool:
    """Drop an offer; False where there is none."""
    kept = _removed(session, job)
    if kept is None:
        return False
    _declined(session, core, job, kept.offer)
    return True


def _taking(session: Session, job: str, kept: Kept) -> Work:
    async def run(core: Core, face: EditorFace) -> Outcome:
        return await applied_or_offered(session, core, kept.offer.change, face, made=kept.made)

    return Work(kept.offer.change.title, run, job=job)


def _removed(session: Session, job: str) -> Kept | None:
    kept = session.offers.pop(job, None)
    if kept is not None and kept.asking is not None:
        kept.asking.cancel()
    return kept


def _keep(session: Session, core: Core, offer: Offer, made: Change, patch: str, job: str) -> None:
    """Keep the offer of a job that is answered, and ask about it where the user was not asked yet."""
    change = offer.change
    after = applied(change.edits, {document.path: document.text for document in change.documents})
    text = (after.get(change.subject.path) or b"").decode(errors="replace")
    session.keep_attempt(job, Refused(_reason(offer), verdict=change.verdict, attempt=text, diff=patch))
    asking = None
    if offer.typed:
        asking = session.spawn(_asked(session, core, offer, patch, job), f"Asking about {change.title}")
    session.offers[job] = Kept(offer, made, asking)
    while len(session.offers) > _KEPT:
        _removed(session, next(iter(session.offers)))


async def _asked(session: Session, core: Core, offer: Offer, patch: str, job: str) -> None:
    """Ask until the user has taken or left the offer; it stays where he says nothing."""
    shows = session.client.show_document
    shown = "" if shows else _shortened(patch)
    question = Question(_question(offer), (TAKE, SHOW, LEAVE) if shows else (TAKE, LEAVE), shown)
    face = EditorFace(session.protocol, _untold)
    said = await face.ask(question)
    while said == SHOW:
        await _show(session, job, patch)
        said = await face.ask(question)
    if said is None:
        text = f"{_reason(offer)} It stays offered: opencrates.takeOffer takes it, opencrates.showAttempt shows it."
        session.protocol.show(types.MessageType.Info, text)
        return
    kept = session.offers.pop(job, None)
    if kept is None:
        return
    if said == LEAVE:
        _declined(session, core, job, offer)
    else:
        await answered(session, _taking(session, job, kept), None)


def _declined(session: Session, core: Core, job: str, offer: Offer) -> None:
    title = offer.change.title
    error = Declined(f"{title} was not applied, as you said.", place=offer.change.subject.path)
    core.jobs.keep(job, failed(session, job, title, error))


def _untold(phase: Phase, message: str) -> None:
    """The question of an offer is no work, so nobody is told of its progress."""


async def _show(session: Session, job: str, patch: str) -> None:
    """Bring the difference to the front, as a file in a folder of this session's own."""
    path = await asyncio.to_thread(_written, session.scratch() / f"{job}.diff", patch)
    params = types.ShowDocumentParams(uri=uri_of(path), take_focus=True)
    await session.protocol.ask(types.WINDOW_SHOW_DOCUMENT, params, SHOW_SECONDS)


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8", newline="")
    return path


def _start(session: Session, change: Change) -> Path:
    """The folder that the diff's paths begin in."""
    path = change.subject.path
    return next((folder for folder in session.folders if path.is_relative_to(folder)), path.parent)


def _reason(offer: Offer) -> str:
    title = offer.change.title
    if not offer.typed:
        return f"{title}: you were asked whether to apply it, and have not answered."
    where = "beside what you typed" if offer.keeps else "in the place of what you typed in it"
    names = " and ".join(f"`{name}`" for name in offer.typed)
    return f"{title} was not applied: {names} was edited meanwhile, so the edit is offered {where}."


def _question(offer: Offer) -> str:
    names = " and ".join(f"`{name}`" for name in offer.typed)
    what = "Lay the edit in beside what you typed" if offer.keeps else "Replace what you typed in it"
    proof = proved(offer.change.verdict)
    return f"{offer.change.title}: {names} was edited meanwhile. {what}{f' ({proof})' if proof else ''}?"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + " …"
