"""The one pipeline of every action that edits: ask, lay in, allow, format, prove, repair.

While the provider thinks, the mirror is synced and the baseline and the canary are run, so that beyond the answer
the user waits for one check.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from opencrates_lsp.actions.base import Asked, Proof, Request, Tools
from opencrates_lsp.actions.candidates import Round, answers, first_to_hold, recalled, remembered
from opencrates_lsp.actions.proving import Failure, Held, Trial, takes_unmet, unmet
from opencrates_lsp.actions.repairing import digest, rank, repair_prompt, signature_of
from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.causes import Signature
from opencrates_lsp.values import Change, Message, Prompt, Usage

log = logging.getLogger(__name__)


@dataclass
class Tally:
    """What the job has tried so far; `before` is how many calls of the provider were made before it."""

    before: int
    attempts: int = 0
    sent: set[bytes] = field(default_factory=set)
    wrong: set[Signature] = field(default_factory=set)

    def usage(self, tools: Tools, *, cached: bool) -> Usage:
        """What the calls of this job used, those included that were broken off."""
        calls = tools.calls[self.before :]
        last = calls[-1] if calls else Usage("", "")
        return Usage(
            last.provider,
            last.model,
            sum(call.input_tokens for call in calls),
            sum(call.output_tokens for call in calls),
            sum(call.cost_usd for call in calls),
            cached,
            any(call.estimated for call in calls),
        )


async def propose(request: Request, asked: Asked, tools: Tools) -> Change:
    """The first answer that holds, as a change of `request.document`.

    Raises `Refused` with the last reason when no answer held after `limits.max_repairs` repairs, or as soon as
    another one could not help.
    """
    proving = asyncio.create_task(tools.prepare(asked.task.subject, tools.level))
    rounds = asyncio.create_task(_rounds(request, asked, tools, proving))
    try:
        await asyncio.wait((rounds, proving), return_when=asyncio.FIRST_COMPLETED)
        if not rounds.done() and not proving.cancelled() and (error := proving.exception()) is not None:
            # Without a baseline nothing can be proved, so the model's answer is not waited for (nor paid).
            raise error
        return await rounds
    finally:
        # A refusal may come before the baseline is done; nothing may run on behind it.
        for running in (rounds, proving):
            running.cancel()
        await asyncio.wait((rounds, proving))
        if not proving.cancelled() and (error := proving.exception()) is not None:
            log.debug("The baseline of `%s` failed: %s", asked.task.subject.name, error)


async def first_prompt(asked: Asked, tools: Tools) -> Prompt:
    """What is sent first, exactly."""
    return Prompt(
        messages=(
            Message("system", await tools.render("prompts/system.md.j2", {})),
            Message("user", await tools.render(f"prompts/{asked.task.action}.md.j2", asked.values)),
        ),
        max_output_tokens=tools.limits.max_output_tokens,
        candidates=tools.limits.candidates,
    )


async def _rounds(request: Request, wanted: Asked, tools: Tools, proving: asyncio.Task[Proof]) -> Change:
    """Ask, try every candidate of the answer, and ask again with what was wrong with the best of them."""
    tools.face.progress("context")
    first = await first_prompt(wanted, tools)
    tally = Tally(len(tools.calls), sent={digest(first)})
    trial = Trial(request, wanted.task, tools, proving)
    kept = await first_to_hold(recalled(await remembered(first, tools)), trial)
    tally.attempts += kept.tried
    best: Held | None = None
    if kept.held is not None:
        late = unmet(wanted.task, kept.held)
        if late is None:
            return _change(request, wanted, kept.held, tally, tools)
        best = kept.held
        kept.failures.append(late)
    asked, before = first, kept.failures
    failure = Failure(Refused("The provider gave no answer.", remedy="Try again, or choose another provider."))
    repairs = tools.limits.max_repairs if tools.converses else 0
    for repair in range(repairs + 1):
        tools.face.progress("model")
        done = await first_to_hold(answers(asked, wanted.task, tools), trial)
        tally.attempts += done.tried
        # What held once and holds no more is worth a repair like any other answer to the same question.
        done.failures += before
        before = []
        if done.held is not None:
            late = unmet(wanted.task, done.held)
            if late is None:
                await tools.keep(first, done.held.answer.text, done.held.answer.candidate)
                return _change(request, wanted, done.held, tally, tools)
            # It may be applied, and yet what its author expects of it is written down: worth another answer.
            best = min((one for one in (best, done.held) if one is not None), key=_waiting)
            done.failures.append(late)
        failure = min(done.failures, key=rank, default=failure)
        stop = _hopeless(done, failure, tally)
        if stop or repair == repairs:
            break
        asked = await repair_prompt(first, request, wanted.task, failure, tools)
        if digest(asked) in tally.sent:
            stop = "the same question would be asked again"
            break
        tally.sent.add(digest(asked))
    if best is not None and (late := unmet(wanted.task, best)) is not None:
        if await takes_unmet(best, late, tools):
            return _change(request, wanted, best, tally, tools)
        failure = late
    raise _refused(failure.refusal, wanted.task.subject.path, tally.attempts, stop)


def _waiting(held: Held) -> int:
    """How many tests still wait for a right answer."""
    return len(held.verdict.tests.waiting) if held.verdict.tests is not None else 0


def _hopeless(done: Round, failure: Failure, tally: Tally) -> str:
    """Why it is of no use to ask again; "" where it may be."""
    if not done.failures:
        return "the same answer came again" if done.repeated else "no further answer came"
    wrong = signature_of(failure)
    if wrong in tally.wrong:
        return "what was wrong with it stayed as it was"
    tally.wrong.add(wrong)
    return ""


def _refused(refusal: Refused, place: Path, attempts: int, stop: str) -> Refused:
    """The refusal with the file that it is about, and how much was tried for it."""
    refusal.place = refusal.place or place
    if refusal.verdict is not None:
        refusal.verdict = replace(refusal.verdict, attempts=attempts)
    if attempts > 1 or (attempts and stop):
        answers = "1 answer was tried" if attempts == 1 else f"{attempts} answers were tried"
        said = "; ".join(filter(None, [answers, stop]))
        refusal.message = f"{refusal.message.rstrip('.')} ({said})."
        refusal.args = (refusal.message,)
    return refusal


def _change(request: Request, wanted: Asked, held: Held, tally: Tally, tools: Tools) -> Change:
    return Change(
        id=uuid4().hex,
        title=wanted.title,
        edits=held.merged.edits,
        verdict=replace(held.verdict, attempts=tally.attempts),
        usage=tally.usage(tools, cached=held.answer.cached),
        documents=(request.document,),
        subject=wanted.task.subject,
    )
