"""Slots, turns, deadlines and cancellation, with events and never with sleeps."""

from __future__ import annotations

import asyncio
from contextvars import Context

import pytest

from opencrates_lsp.errors import Busy, Cancelled, Refused
from opencrates_lsp.jobs import PATIENCE, Jobs, Priority


async def test_what_somebody_waits_for_goes_before_batch_work() -> None:
    jobs, order, gate = Jobs(limit=1), list[str](), asyncio.Event()

    async def work(name: str, priority: Priority) -> None:
        async with jobs.slot(name, priority):
            await gate.wait()
            order.append(name)

    tasks = [asyncio.create_task(work("first", Priority.INTERACTIVE))]
    while not jobs.running():
        await asyncio.sleep(0)
    tasks.append(asyncio.create_task(work("batch", Priority.BATCH)))
    while len(jobs.waiting()) < 1:
        await asyncio.sleep(0)
    tasks.append(asyncio.create_task(work("urgent", Priority.INTERACTIVE)))
    while len(jobs.waiting()) < 2:
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    assert order == ["first", "urgent", "batch"]


async def test_a_cancelled_job_ends_as_cancelled_and_frees_its_slot() -> None:
    jobs = Jobs(limit=1)

    async def work() -> None:
        async with jobs.slot("fill"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    while not jobs.running():
        await asyncio.sleep(0)
    assert jobs.cancel(jobs.running()[0].id)
    with pytest.raises(Cancelled, match="fill was cancelled"):
        await task
    async with jobs.slot("next") as job:
        assert job.started is not None
    assert not jobs.cancel(job.id)


async def test_a_slot_freed_while_the_first_in_line_is_cancelled_goes_to_the_second() -> None:
    jobs, done = Jobs(limit=1), list[str]()

    async def work(name: str) -> None:
        async with jobs.slot(name):
            done.append(name)

    async with jobs.slot("holder"):
        # A context of their own, because a job inside a job would need no slot.
        first = asyncio.create_task(work("first"), context=Context())
        second = asyncio.create_task(work("second"), context=Context())
        while len(jobs.waiting()) < 2:
            await asyncio.sleep(0)
        first.cancel()
    await second
    with pytest.raises(asyncio.CancelledError):
        await first
    assert done == ["second"]


async def test_a_deadline_refuses_and_names_the_job() -> None:
    jobs = Jobs()
    with pytest.raises(Refused, match="slow took longer"):
        async with jobs.slot("slow", deadline_seconds=0.01):
            await asyncio.Event().wait()


async def test_a_full_queue_is_busy() -> None:
    jobs = Jobs(limit=1, waiting=0)
    with pytest.raises(Busy, match="waiting already"):
        async with jobs.slot("one"):
            raise AssertionError("It must not have had a turn.")


async def test_a_job_inside_a_job_needs_no_slot_of_its_own() -> None:
    jobs = Jobs(limit=1)
    async with jobs.slot("file") as outer, jobs.slot("hole") as inner:
        assert inner.parent == outer.id


async def test_the_newest_answers_are_kept() -> None:
    jobs = Jobs(kept=2)
    for name in "abc":
        jobs.keep(name, {"state": name})
    assert jobs.answer("a") is None
    assert jobs.answer("c") == {"state": "c"}


async def _until(*tasks: asyncio.Task[None]) -> None:
    """Let the tasks run until all of them wait for something."""
    for _ in range(10):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_batch_work_never_holds_the_last_slot() -> None:
    jobs, gate = Jobs(limit=2), asyncio.Event()

    async def work(priority: Priority) -> None:
        async with jobs.slot("work", priority):
            await gate.wait()

    tasks = [asyncio.create_task(work(Priority.BATCH)) for _ in range(3)]
    await _until(*tasks)
    assert len(jobs.running()) == 1
    async with jobs.slot("urgent") as job:
        assert job in jobs.running()
    gate.set()
    await asyncio.gather(*tasks)


async def test_batch_work_is_not_starved() -> None:
    jobs, order, gate = Jobs(limit=1), list[Priority](), asyncio.Event()

    async def work(priority: Priority) -> None:
        async with jobs.slot("work", priority):
            await gate.wait()
            order.append(priority)

    tasks = [asyncio.create_task(work(Priority.INTERACTIVE))]
    await _until(*tasks)
    tasks.append(asyncio.create_task(work(Priority.BATCH)))
    tasks += [asyncio.create_task(work(Priority.INTERACTIVE)) for _ in range(PATIENCE + 3)]
    await _until(*tasks)
    gate.set()
    await asyncio.gather(*tasks)
    assert order.index(Priority.BATCH) == 1 + PATIENCE


async def test_jobs_of_one_priority_go_in_the_order_in_which_they_asked() -> None:
    jobs, order = Jobs(limit=1), list[int]()

    async def work(number: int) -> None:
        async with jobs.slot("work"):
            await asyncio.sleep(0)
            order.append(number)

    await asyncio.gather(*(work(number) for number in range(6)))
    assert order == list(range(6))


async def test_a_slot_given_in_the_moment_of_the_cancellation_goes_on() -> None:
    jobs = Jobs(limit=1)

    async def work() -> None:
        async with jobs.slot("waits"):
            raise AssertionError("It must not have had a turn.")

    async with jobs.slot("first"):
        waits = asyncio.create_task(work(), context=Context())
        await _until(waits)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    async with asyncio.timeout(10), jobs.slot("next"):
        pass


async def test_a_cancellation_from_outside_stays_one() -> None:
    jobs = Jobs()

    async def work() -> None:
        async with jobs.slot("fill"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await _until(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not jobs.running()


async def test_a_job_that_cancels_itself_ends_inside_its_slot() -> None:
    jobs = Jobs()
    with pytest.raises(Cancelled):
        async with jobs.slot("fill") as job:
            jobs.cancel(job.id)
    await asyncio.sleep(0)
    async with jobs.slot("next"):
        pass


async def test_cancelling_one_of_many_leaves_the_others_alone() -> None:
    jobs, ended = Jobs(), list[str]()

    async def item(name: str) -> None:
        try:
            async with jobs.slot(name, Priority.BATCH):
                if name == "b":
                    await asyncio.Event().wait()
                ended.append(name)
        except Cancelled:
            ended.append(f"{name} cancelled")

    async def file() -> None:
        async with jobs.slot("file"), asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(item(name))

    task = asyncio.create_task(file())
    await _until(task)
    assert jobs.cancel(next(job.id for job in jobs.running() if job.title == "b"))
    await task
    assert sorted(ended) == ["a", "b cancelled", "c"]


async def test_cancelling_the_outer_job_ends_all_within() -> None:
    jobs = Jobs()

    async def work() -> None:
        async with jobs.slot("file"), jobs.slot("hole"):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await _until(task)
    assert jobs.cancel(jobs.running()[0].id)
    with pytest.raises(Cancelled, match="file was cancelled"):
        await task


async def test_after_cancel_all_nothing_runs_and_nothing_starts() -> None:
    jobs = Jobs(limit=1)

    async def work() -> None:
        async with jobs.slot("fill"):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(work()) for _ in range(3)]
    await _until(*tasks)
    assert jobs.cancel_all() == 3
    assert all(isinstance(end, Cancelled) for end in await asyncio.gather(*tasks, return_exceptions=True))
    with pytest.raises(Busy, match="shutting down"):
        async with jobs.slot("late"):
            raise AssertionError("It must not have had a turn.")


async def test_a_timeout_of_the_work_itself_is_not_the_deadline() -> None:
    jobs = Jobs()
    with pytest.raises(TimeoutError, match="the socket"):
        async with jobs.slot("fill", deadline_seconds=60):
            raise TimeoutError("the socket")


async def test_jobs_cancelled_in_the_queue_leave_no_hole() -> None:
    jobs, gate, done = Jobs(limit=1, waiting=3), asyncio.Event(), list[str]()

    async def work(name: str) -> None:
        async with jobs.slot(name):
            await gate.wait()
            done.append(name)

    tasks = [asyncio.create_task(work(name)) for name in "abcd"]
    await _until(*tasks)
    for job in jobs.waiting()[:2]:
        assert jobs.cancel(job.id)
    gate.set()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ended] == [type(None), Cancelled, Cancelled, type(None)]
    assert done == ["a", "d"]
    assert not jobs.waiting()
    async with asyncio.timeout(10), jobs.slot("next"):
        pass
