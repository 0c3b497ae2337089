"""Slots, turns, deadlines and cancellation, with events and never with sleeps."""

from __future__ import annotations

import asyncio
from contextvars import Context

import pytest

from opencrates_lsp.errors import Busy, Cancelled, Refused
from opencrates_lsp.jobs import Jobs, Priority


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
