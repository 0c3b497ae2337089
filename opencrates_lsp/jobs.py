"""Who may work now: slots by priority, deadlines, cancellation by id, and what is running.

A job is one piece of work that the user asked for.
A job inside a job (a file's holes inside "fill the file") has its own id and takes no slot of its own, so that work
made of work cannot wait for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import uuid4

from opencrates_lsp.errors import Busy, Cancelled, Refused
from opencrates_lsp.face import Phase


class Priority(IntEnum):
    """Who goes first: what somebody waits for, then the rest."""

    INTERACTIVE = 0
    BATCH = 1


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work; `started` is None while it waits for a slot.

    Times are seconds of `time.time()`.
    `phase` and `message` are what the job last told of itself, `question` what the user was asked and has not answered.
    """

    id: str
    title: str
    priority: Priority
    asked: float
    started: float | None = None
    phase: Phase = "waiting"
    message: str = ""
    question: str = ""
    parent: str | None = None
    cancelled: bool = False
    task: asyncio.Task[object] | None = field(default=None, repr=False)

    def progress(self, phase: Phase, message: str = "") -> None:
        """Note what the job does now."""
        self.phase, self.message = phase, message


@dataclass(slots=True, eq=False)
class _Turn:
    """A place in the queue; `granted` is done when the slot is given."""

    priority: Priority
    granted: asyncio.Future[None]


PATIENCE = 8
"""After so many interactive jobs in a row one waiting batch job goes first, so that it is never starved."""

_current: ContextVar[Job | None] = ContextVar("opencrates_job", default=None)


class Jobs:
    """At most `limit` jobs at once; `waiting` more may queue, the next is refused with `Busy`.

    Of several slots one is kept for what somebody waits for: batch work never holds the last.
    Finished answers are kept for the newest `kept` jobs.
    """

    def __init__(self, limit: int = 4, *, waiting: int = 256, kept: int = 64) -> None:
        self._waiting = waiting
        self._kept = kept
        self._free = {Priority.INTERACTIVE: limit, Priority.BATCH: max(1, limit - 1)}
        self._queues: dict[Priority, deque[_Turn]] = {priority: deque() for priority in Priority}
        self._jumped = 0
        self._jobs: dict[str, Job] = {}
        self._answers: OrderedDict[str, Mapping[str, object]] = OrderedDict()
        self._closed = False

    @contextlib.asynccontextmanager
    async def slot(
        self,
        title: str,
        priority: Priority = Priority.INTERACTIVE,
        deadline_seconds: float | None = None,
        *,
        job_id: str = "",
    ) -> AsyncIterator[Job]:
        """Wait for a turn and work inside it; the deadline counts from the turn, not from the asking.

        `job_id` is that of an earlier job which goes on with this; while it still runs, `Busy` is raised.

        Raises `Busy` when the queue is full, `Cancelled` when `cancel` was called with the job's id, and `Refused`
        when the deadline passed.
        A cancellation of the surrounding task stays what it is.
        """
        if self._closed:
            raise Busy("OpenCrates is shutting down.", remedy="Try again after the restart.")
        if job_id in self._jobs:
            raise Busy(f"{title} is being done already.")
        parent = _current.get()
        if parent is not None and parent.id not in self._jobs:
            parent = None
        job = Job(job_id or uuid4().hex, title, priority, time.time(), parent=parent.id if parent else None)
        job.task = asyncio.current_task()
        before = job.task.cancelling() if job.task else 0
        self._jobs[job.id] = job
        token = _current.set(job)
        try:
            async with contextlib.AsyncExitStack() as turn:
                if parent is None:
                    await turn.enter_async_context(self._turn(priority))
                job.started = time.time()
                job.phase = "context"
                async with asyncio.timeout(deadline_seconds) as deadline:
                    yield job
                    if job.cancelled:
                        # Cancelled by its own code: the pending cancellation must come out here and not later.
                        await asyncio.sleep(0)
        except asyncio.CancelledError:
            if job.cancelled and job.task is not None and job.task.uncancel() <= before:
                raise Cancelled(f"{title} was cancelled.") from None
            raise
        except TimeoutError:
            if not deadline.expired():
                raise
            raise Refused(
                f"{title} took longer than {deadline_seconds:g} s and was stopped.",
                remedy="Try again, or raise the time limit in the settings.",
            ) from None
        finally:
            _current.reset(token)
            job.task = None
            del self._jobs[job.id]

    @contextlib.asynccontextmanager
    async def _turn(self, priority: Priority) -> AsyncIterator[None]:
        if sum(map(len, self._queues.values())) >= self._waiting:
            raise Busy(f"{self._waiting} jobs are waiting already.", remedy="Wait until some are done, or cancel some.")
        turn = _Turn(priority, asyncio.get_running_loop().create_future())
        self._queues[priority].append(turn)
        self._grant()
        try:
            await turn.granted
        except asyncio.CancelledError:
            if turn.granted.cancelled():
                with contextlib.suppress(ValueError):
                    self._queues[priority].remove(turn)
            else:
                # The slot was given in the moment of the cancellation: it goes to the next.
                self._release(priority)
            raise
        try:
            yield
        finally:
            self._release(priority)

    def _release(self, priority: Priority) -> None:
        self._free[Priority.INTERACTIVE] += 1
        if priority is Priority.BATCH:
            self._free[Priority.BATCH] += 1
        self._grant()

    def _grant(self) -> None:
        """Give the free slots to those whose turn it is."""
        urgent, patient = self._queues[Priority.INTERACTIVE], self._queues[Priority.BATCH]
        while self._free[Priority.INTERACTIVE]:
            for queue in (urgent, patient):
                # Who was cancelled while waiting may not have run since, so its turn may still stand here.
                while queue and queue[0].granted.cancelled():
                    queue.popleft()
            may_batch = bool(patient) and self._free[Priority.BATCH] > 0
            if may_batch and (not urgent or self._jumped >= PATIENCE):
                self._jumped = 0
                self._free[Priority.BATCH] -= 1
                turn = patient.popleft()
            elif urgent:
                self._jumped = self._jumped + 1 if may_batch else 0
                turn = urgent.popleft()
            else:
                return
            self._free[Priority.INTERACTIVE] -= 1
            turn.granted.set_result(None)

    def running(self) -> tuple[Job, ...]:
        """The jobs that have their turn, oldest first."""
        return tuple(job for job in self._jobs.values() if job.started is not None)

    def waiting(self) -> tuple[Job, ...]:
        """The jobs that wait for a turn, in the order in which they asked."""
        return tuple(job for job in self._jobs.values() if job.started is None)

    def get(self, job_id: str) -> Job | None:
        """A running or waiting job."""
        return self._jobs.get(job_id)

    def cancel(self, job_id: str) -> bool:
        """End a running or waiting job with all that it started; False when there is no such job (any more)."""
        job = self._jobs.get(job_id)
        if job is None or job.cancelled or job.task is None:
            return False
        job.cancelled = True
        job.task.cancel()
        return True

    def cancel_all(self) -> int:
        """Cancel every job and take no new one; says how many there were."""
        self._closed = True
        outermost = [job.id for job in self._jobs.values() if job.parent not in self._jobs]
        return sum(self.cancel(job_id) for job_id in outermost)

    def keep(self, job_id: str, answer: Mapping[str, object]) -> None:
        """Remember how a job ended, for those who ask later."""
        self._answers[job_id] = answer
        self._answers.move_to_end(job_id)
        for old in list(itertools.islice(self._answers, max(0, len(self._answers) - self._kept))):
            del self._answers[old]

    def answer(self, job_id: str) -> Mapping[str, object] | None:
        """How the job ended; None while it runs, and when it is forgotten."""
        return self._answers.get(job_id)
