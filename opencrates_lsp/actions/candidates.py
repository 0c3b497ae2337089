"""Several answers at once: looked through as they come, checked one by one, and the rest ended at the first that holds.

An answer that cannot be laid in, or that the policy refuses, costs no cargo run, and two that come to the same text
are one.
Where tests were run all are judged, and the best is taken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from opencrates_lsp.actions.base import Tools
from opencrates_lsp.actions.proving import Answer, Candidate, Failure, Held, Repeated, Trial
from opencrates_lsp.errors import Declined
from opencrates_lsp.values import Prompt, Task


@dataclass
class Round:
    """What came of one question: the answer that holds, or what is wrong with each of the others.

    `tried` counts the distinct answers, `repeated` those that had been tried before.
    """

    held: Held | None = None
    failures: list[Failure] = field(default_factory=list)
    tried: int = 0
    repeated: int = 0


async def remembered(prompt: Prompt, tools: Tools) -> Sequence[Answer]:
    """The answers to this very prompt that passed before."""
    kept = [await tools.recall(prompt, number) for number in range(max(1, prompt.candidates))]
    return [Answer(text, number, cached=True) for number, text in enumerate(kept) if text is not None]


async def answers(prompt: Prompt, task: Task, tools: Tools) -> AsyncGenerator[Answer, None]:
    """The provider's answers, each as soon as it is whole."""
    texts: dict[int, list[str]] = {}
    async with contextlib.aclosing(tools.stream(prompt, task)) as stream:
        async for chunk in stream:
            texts.setdefault(chunk.candidate, []).append(chunk.text)
            if chunk.finish is not None:
                yield Answer("".join(texts.pop(chunk.candidate)), chunk.candidate)
    for number, pieces in texts.items():
        if any(pieces):
            yield Answer("".join(pieces), number)


async def recalled(kept: Sequence[Answer]) -> AsyncGenerator[Answer, None]:
    """Answers that are there already, as if they came from a provider."""
    for answer in kept:
        yield answer


async def first_to_hold(coming: AsyncGenerator[Answer, None], trial: Trial) -> Round:
    """Try the answers that come; what is still being written when one holds is ended.

    Raises what the provider raises, once every answer that came before is judged, and `Declined` when the user refused
    what a candidate needs and no other one holds.
    """
    queue = _Queue()
    reading = asyncio.create_task(_screen(coming, trial, queue))
    reading.add_done_callback(lambda _: queue.changed.set())
    round_ = queue.round
    passed: list[Held] = []
    try:
        while (candidate := await queue.next(reading, trial)) is not None:
            queue.judging = True
            judged = await trial.judged(candidate)
            queue.judging = False
            if isinstance(judged, Failure):
                round_.failures.append(judged)
                continue
            passed.append(judged)
            if judged.verdict.tests is None or judged.answer.cached:
                break
        # The best was proved by tests; without any, it is the only one.
        round_.held = min(passed, key=_worth, default=None)
        if round_.held is None:
            if reading.done():
                reading.result()
            declined = next((one.refusal for one in round_.failures if isinstance(one.refusal, Declined)), None)
            if declined is not None:
                raise declined
        return round_
    finally:
        reading.cancel()
        # What it ends with was raised above, or nobody waits for it any more.
        await asyncio.gather(reading, return_exceptions=True)


def _worth(held: Held) -> tuple[int, int]:
    """Most tests passed first, then the smallest change; of equals the one that came first stays."""
    tests = held.verdict.tests
    return (-tests.passed if tests is not None else 0, held.changed_bytes)


@dataclass
class _Queue:
    """Candidates that wait for their check."""

    round: Round = field(default_factory=Round)
    waiting: list[Candidate] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    judging: bool = False

    async def next(self, reading: asyncio.Task[None], trial: Trial) -> Candidate | None:
        """The next to be checked, None when all have been; the plainest of those that are there by the baseline.

        What tree-sitter could not follow goes behind what it could, and the user is asked about a candidate only when
        no other one is left, or still being written.
        """
        while True:
            self.changed.clear()
            clear = [one for one in self.waiting if not one.doubts]
            chosen = clear or (self.waiting if reading.done() else [])
            if chosen and not trial.proving.done():
                await asyncio.wait([trial.proving])
            elif chosen:
                best = min(chosen, key=lambda one: (len(one.doubts), one.merged.suspect))
                self.waiting.remove(best)
                return best
            elif reading.done():
                return None
            else:
                await self.changed.wait()


async def _screen(coming: AsyncGenerator[Answer, None], trial: Trial, queue: _Queue) -> None:
    async with contextlib.aclosing(coming) as stream:
        async for answer in stream:
            if not queue.judging:
                trial.tools.face.progress("merge")
            found = await trial.screened(answer)
            if isinstance(found, Repeated):
                queue.round.repeated += 1
                continue
            queue.round.tried += 1
            if isinstance(found, Failure):
                queue.round.failures.append(found)
            else:
                queue.waiting.append(found)
            queue.changed.set()
