"""The commands that list or switch something, and answer at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.faces.answers import diagnostic_json, verdict_json
from opencrates_lsp.faces.uris import path_of, uri_of
from opencrates_lsp.jobs import Job
from opencrates_lsp.rust.holes import Hole
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.server import offers
from opencrates_lsp.server.core import Json
from opencrates_lsp.server.documents import OpenDocument, Place
from opencrates_lsp.server.face import EditorFace
from opencrates_lsp.server.work import Outcome, answer_of
from opencrates_lsp.values import Document, Span

if TYPE_CHECKING:
    from opencrates_lsp.server.session import Session


async def document_of(session: Session, uri: str) -> OpenDocument:
    """The open text of a URI, else the file on disk as one.

    Raises `WrongUsage` where the URI names no file, `Missing` where it cannot be read.
    """
    document = session.documents.get(uri)
    if document is not None:
        return document
    path = path_of(uri)
    if path is None:
        raise WrongUsage(f"uri: {uri} is not open, and is no file.")
    try:
        text = await asyncio.to_thread(path.read_bytes)
        return _on_disk(session, Document(path, text))
    except OSError as error:
        raise Missing(f"The file cannot be read: {error.strerror}.", remedy="Open or save it.", place=path) from error
    except UnicodeDecodeError as error:
        remedy = "Save it as UTF-8; rustc reads nothing else."
        raise Missing("The file is not UTF-8.", remedy=remedy, place=path) from error


def _on_disk(session: Session, document: Document) -> OpenDocument:
    return OpenDocument(uri_of(document.path), document.text.decode(), 0, encoding=session.documents.encoding)


async def holes(session: Session, uri: str | None = None) -> Json:
    """`opencrates.holes`: of one file, or of the workspace."""
    core = await session.opened()
    wanted = None if uri is None else (await document_of(session, uri)).path
    found = await core.holes(session.documents.snapshots())
    told = []
    for document, its in found:
        if wanted in (None, document.path):
            text = session.documents.at(document.path) or _on_disk(session, document)
            told += [_hole(text, hole) for hole in its]
    return {"holes": told}


def _hole(document: OpenDocument, hole: Hole) -> Json:
    start, end = document.places(hole.span)
    return {
        "uri": document.uri,
        "range": {"start": start._asdict(), "end": end._asdict()},
        "item": qualified_name(hole.item),
        "macro": hole.macro,
        "message": hole.message,
    }


async def jobs(session: Session, job: str | None = None) -> Json:
    """`opencrates.jobs`: what runs and waits, or how one job stands or ended."""
    core = await session.opened()
    if job is None:
        return {"jobs": [_job(one) for one in (*core.jobs.running(), *core.jobs.waiting())]}
    found = core.jobs.get(job)
    if found is not None:
        state = "offered" if found.question else "running"
        told = answer_of(state, job, Outcome(found.title), reason=found.question or None)
        return {**told, **_job(found), "state": state}
    answer = core.jobs.answer(job)
    if answer is None:
        raise WrongUsage(f"job: there is no job {job!r}, or it is forgotten.")
    return answer


def _job(job: Job) -> Json:
    return {
        "job": job.id,
        "title": job.title,
        "state": "waiting" if job.started is None else "running",
        "phase": job.phase,
        "message": job.message,
        "parent": job.parent,
        "seconds": round(time.time() - job.asked, 3),
    }


async def cancel(session: Session, job: str) -> Json:
    """`opencrates.cancel`."""
    core = await session.opened()
    return {"cancelled": core.jobs.cancel(job) or offers.leave(session, core, job)}


async def history(session: Session, limit: int = 50) -> Json:
    """`opencrates.history`."""
    return await (await session.opened()).history(limit)


async def usage(session: Session) -> Json:
    """`opencrates.usage`."""
    return await (await session.opened()).usage()


async def providers(session: Session) -> Json:
    """`opencrates.providers`."""
    return await (await session.opened()).providers()


async def select_provider(session: Session, name: str) -> Json:
    """`opencrates.selectProvider`."""
    return await (await session.opened()).select_provider(name)


async def show_prompt(session: Session, uri: str, position: Place, action: str = "fill") -> Json:
    """`opencrates.showPrompt`: what would be sent, exactly, and why; what had no room; which secrets are not in it."""
    core = await session.opened()
    document = await document_of(session, uri)
    offset = document.offset(position)
    request = session.request(document, Span(offset, offset), exact=True)
    shown = await core.prompt(action, request, EditorFace(session.protocol, lambda phase, message: None))
    return {
        "messages": [{"role": message.role, "content": message.content} for message in shown.prompt.messages],
        "pieces": [asdict(piece) for piece in shown.pieces],
        "left_out": [asdict(secret) for secret in shown.left_out],
    }


async def show_attempt(session: Session, job: str) -> Json:
    """`opencrates.showAttempt`: what was refused or is offered, and the compiler's words."""
    core = await session.opened()
    refusal = session.attempts.get(job) or core.refusal(job)
    if refusal is None:
        raise WrongUsage(f"job: nothing that was refused is known of {job!r}.")
    return {
        "job": job,
        "reason": str(refusal),
        "text": refusal.attempt,
        "diff": refusal.diff,
        "errors": [diagnostic_json(error) for error in refusal.diagnostics],
        "verdict": None if refusal.verdict is None else verdict_json(refusal.verdict),
    }
