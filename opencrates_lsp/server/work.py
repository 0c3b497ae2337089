"""A command that works: a job with its progress and its answer, which goes on when the editor would wait too long."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lsprotocol import types

from opencrates_lsp.errors import Cancelled, OpenCratesError, Refused
from opencrates_lsp.face import Phase
from opencrates_lsp.faces import words
from opencrates_lsp.faces.answers import answer_json
from opencrates_lsp.jobs import Job, Priority
from opencrates_lsp.server import messages
from opencrates_lsp.server.core import Core, Json
from opencrates_lsp.server.face import EditorFace
from opencrates_lsp.server.progress import Progress
from opencrates_lsp.values import Usage, Verdict

if TYPE_CHECKING:
    from opencrates_lsp.server.session import Session

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the work came to; `change` is what `opencrates.undo` takes.

    `diff` is what is offered; `after` is called with the job once its answer is kept.
    """

    title: str
    files: tuple[Path, ...] = ()
    verdict: Verdict | None = None
    usage: Usage | None = None
    notes: tuple[str, ...] = ()
    change: str | None = None
    state: Literal["applied", "offered"] = "applied"
    reason: str | None = None
    diff: str | None = None
    after: Callable[[str], None] | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What a command does; `title` is for the progress and the list of jobs ("Fill `f`").

    `job` is the earlier job that goes on with it.
    """

    title: str
    run: Callable[[Core, EditorFace], Awaitable[Outcome]]
    priority: Priority = Priority.INTERACTIVE
    job: str = ""


async def answered(session: Session, work: Work, token: types.ProgressToken | None) -> Json:
    """Do the work and answer; "running" where it takes longer than the editor shall wait.

    "offered" is what it is while the user was asked and has not answered.

    A cancellation of the request cancels the job.
    """
    core = await session.opened()
    job_of_task = _Handle(core)
    task = session.spawn(_worked(session, core, work, token, job_of_task), work.title)
    job_of_task.task = task
    try:
        await asyncio.wait({task}, timeout=session.client.answer_within(core.answer_within()))
    except asyncio.CancelledError:
        job_of_task.cancel()
        raise
    if task.done():
        answer: Json = task.result()
        return answer
    job = job_of_task.job
    if job is None:
        return answer_of("running", "", Outcome(work.title))
    state = "offered" if job.question else "running"
    return answer_of(state, job.id, Outcome(work.title), reason=job.question or None)


def refused(session: Session, title: str, error: OpenCratesError) -> Json:
    """The answer of a command that came to no job."""
    return failed(session, "", title, error)


class _Handle:
    """The job of a task, which has one as soon as it asks for its turn."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.task: asyncio.Task[Json] | None = None

    @property
    def job(self) -> Job | None:
        jobs = self._core.jobs
        own = (job for job in (*jobs.running(), *jobs.waiting()) if job.task is self.task and job.parent is None)
        return next(own, None)

    def cancel(self) -> None:
        job = self.job
        if job is not None:
            self._core.jobs.cancel(job.id)


async def _worked(session: Session, core: Core, work: Work, token: types.ProgressToken | None, handle: _Handle) -> Json:
    """The final answer; never raises but for a cancellation, and for what is a mistake of ours."""
    progress = Progress(session.protocol, work.title, handle.cancel, token=token, can=session.client.progress)
    name = ""
    outcome: Outcome | None = None

    def told(phase: Phase, message: str) -> None:
        progress.report(phase, message)
        job.progress(phase, message)

    def asking(question: str) -> None:
        job.question = question

    try:
        progress.report("waiting", "other jobs")
        async with core.jobs.slot(work.title, work.priority, job_id=work.job) as job:
            name = job.id
            outcome = await work.run(core, EditorFace(session.protocol, told, asking))
        answer = answer_of(outcome.state, name, outcome, reason=outcome.reason)
        if outcome.state == "applied":
            text = words.done(outcome.title, outcome.verdict, outcome.usage)
            session.protocol.show(types.MessageType.Info, "\n".join((text, *outcome.notes)))
    except OpenCratesError as error:
        answer = failed(session, name, work.title, error)
    except asyncio.CancelledError:
        answer = failed(session, name, work.title, Cancelled(f"{work.title} was cancelled."))
        core.jobs.keep(name, answer)
        raise
    except Exception as error:
        logger.exception("%s failed", work.title)
        what = f"{work.title} failed: {type(error).__name__}: {error}"
        answer = failed(session, name, work.title, OpenCratesError(what, remedy="This is a bug of OpenCrates."))
    finally:
        progress.end()
    if name:
        core.jobs.keep(name, answer)
    if outcome is not None and outcome.after is not None:
        outcome.after(name)
    return answer


def failed(session: Session, job: str, title: str, error: OpenCratesError) -> Json:
    """The answer for an error, which the user is shown, too: editors drop the answers of commands."""
    verdict = None
    if isinstance(error, Refused):
        verdict = error.verdict
        if job and (error.attempt or error.diagnostics):
            session.keep_attempt(job, error)
    text = messages.shown(error, title, session.folders)
    session.protocol.show(types.MessageType(messages.weight_of(error)), text)
    return answer_of(words.state_of(error), job, Outcome(title, verdict=verdict), reason=text)


def answer_of(state: str, job: str, outcome: Outcome, *, reason: str | None = None) -> Json:
    """The JSON that every working command answers (CONTRACT, "Commands")."""
    return answer_json(
        state,
        outcome.title,
        job=job,
        files=outcome.files,
        verdict=outcome.verdict,
        usage=outcome.usage,
        reason=reason,
        notes=outcome.notes,
        change=outcome.change,
        diff=outcome.diff,
    )
