"""The one pipeline of every action that edits: ask, lay in, allow, format, prove, repair.

While the provider thinks, the mirror is synced and the baseline and the canary are run, so that beyond the answer
the user waits for one check.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from uuid import uuid4

from opencrates_lsp.actions.base import Asked, Proof, Request, Tools
from opencrates_lsp.errors import Declined, Refused
from opencrates_lsp.rust.edits import replacements
from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import find, items_around
from opencrates_lsp.rust.merge import Merged, merge
from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import (
    Change,
    Diagnostic,
    Level,
    Message,
    Prompt,
    Question,
    Span,
    Task,
    Usage,
    Verdict,
)

log = logging.getLogger(__name__)

_MENDS = 2
"""How often what rustc itself suggests is taken, before the model is asked: one mend may uncover the next error."""

AGAIN = "Try again, say in the hole's message what is wanted, or choose another model."

APPLY_UNPROVED = "Apply after a syntax check only"


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer of the provider."""

    text: str
    usage: Usage | None
    cached: bool = False


@dataclass
class Tally:
    """What the job has used up so far."""

    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    provider: str = ""
    model: str = ""
    cached: bool = False
    estimated: bool = False

    def add(self, answer: Answer) -> None:
        self.attempts += 1
        self.cached = answer.cached
        if answer.usage is not None:
            self.input_tokens += answer.usage.input_tokens
            self.output_tokens += answer.usage.output_tokens
            self.cost_usd += answer.usage.cost_usd
            self.estimated = self.estimated or answer.usage.estimated
            self.provider, self.model = answer.usage.provider, answer.usage.model

    def usage(self) -> Usage:
        return Usage(
            self.provider,
            self.model,
            self.input_tokens,
            self.output_tokens,
            self.cost_usd,
            self.cached,
            self.estimated,
        )


async def propose(request: Request, asked: Asked, tools: Tools) -> Change:
    """The first answer that holds, as a change of `request.document`.

    Raises `Refused` with the last reason when no answer held after `limits.max_repairs` repairs.
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
    """Ask, try every candidate of the answer, and ask again with what was wrong."""
    tools.face.progress("context")
    task = wanted.task
    prompt = await first_prompt(wanted, tools)
    tally = Tally()
    trial = Trial(request, task, tools, proving)
    asked = prompt
    failed = Refused("The provider gave no answer.", remedy="Try again, or choose another provider.")
    for _ in range(1 + (tools.limits.max_repairs if tools.converses else 0)):
        tools.face.progress("model")
        last = ""
        async with contextlib.aclosing(_answers(prompt, asked, task, tools)) as answers:
            async for answer in answers:
                tally.add(answer)
                last = answer.text
                try:
                    merged, verdict = await trial.judged(answer.text)
                except Declined:
                    raise
                except _Again:
                    # What was wrong with it the first time is wrong with it still.
                    continue
                except Refused as error:
                    failed = error
                    continue
                if not answer.cached:
                    await tools.keep(prompt, answer.text)
                return Change(
                    id=uuid4().hex,
                    title=wanted.title,
                    edits=merged.edits,
                    verdict=replace(verdict, attempts=tally.attempts),
                    usage=tally.usage(),
                    documents=(request.document,),
                    subject=task.subject,
                )
        if not last:
            break
        asked = await _again(asked, last, failed, trial.advice, task, tools)
    raise failed


async def _answers(first: Prompt, asked: Prompt, task: Task, tools: Tools) -> AsyncGenerator[Answer, None]:
    """The candidates of one round, each whole; a remembered answer is tried before the provider is asked."""
    if asked is first:
        remembered = await tools.recall(first)
        if remembered is not None:
            yield Answer(remembered, None, cached=True)
    text: list[str] = []
    usage: Usage | None = None
    async with contextlib.aclosing(tools.stream(asked, task)) as stream:
        async for chunk in stream:
            text.append(chunk.text)
            usage = chunk.usage or usage
            if chunk.finish is not None:
                # Candidates are asked for one by one: this one is tried before the next is paid for.
                yield Answer("".join(text), usage)
                text, usage = [], None
    if text:
        yield Answer("".join(text), usage)


async def _again(asked: Prompt, answer: str, refusal: Refused, advice: str, task: Task, tools: Tools) -> Prompt:
    """The conversation so far, the answer that failed, what the compiler said of it, or what to do about it."""
    errors = ""
    if refusal.diagnostics:
        text = refusal.attempt.encode()
        errors = tools.explain(refusal.diagnostics, task.path, text, Span(0, len(text)))
    reason = f"{refusal.message} {advice}".rstrip()
    said = await tools.render("prompts/repair.md.j2", {"errors": errors, "reason": reason})
    return replace(asked, messages=(*asked.messages, Message("assistant", answer), Message("user", said)))


class _Again(Refused):
    """The answer was tried before."""


@dataclass
class Trial:
    """One item under trial: candidates come in, the first that holds comes out.

    `proving` is the baseline and the canary, which run while the provider thinks.
    `advice` says what to do about the last answer, to whoever wrote it.
    """

    request: Request
    task: Task
    tools: Tools
    proving: asyncio.Task[Proof]
    seen: set[bytes] = field(default_factory=set)
    unproved: Proof | None = None
    advice: str = ""

    async def judged(self, answer: str) -> tuple[Merged, Verdict]:
        """Lay the answer in and prove it; raises `Refused` with what was wrong."""
        request, tools = self.request, self.tools
        tools.face.progress("merge")
        self.advice = ""
        try:
            merged = merge(request.document.path, request.source, self.task.subject, answer)
        except Refused as refusal:
            self.advice, refusal.remedy = refusal.remedy, AGAIN
            raise
        merged = await _formatted(request, tools, merged)
        if merged.text in self.seen:
            raise _Again("The provider gave the same answer again.", remedy=AGAIN)
        self.seen.add(merged.text)
        await _allowed(request.source, self.task, tools, merged)
        if merged.suspect:
            rejection = await tools.rejected(merged.text.decode())
            if rejection is not None:
                raise Refused(f"The answer does not parse: {rejection}", remedy=AGAIN, attempt=merged.text.decode())
        return await self._proved(merged, await self._proof())

    async def _proof(self) -> Proof:
        """The state before the edit; where rustc does not look at the item, the user decides, once."""
        if self.unproved is not None:
            return self.unproved
        # Shielded, because another candidate may need it after this one was cancelled.
        proof = await asyncio.shield(self.proving)
        if proof.reached or self.tools.level in (Level.OFF, Level.PARSE):
            return proof
        self.unproved = await _unreached(self.task, self.tools, proof)
        return self.unproved

    async def _proved(self, merged: Merged, proof: Proof) -> tuple[Merged, Verdict]:
        """Check the candidate; where rustc itself knows the mend, take it and check again."""
        path, tools = self.request.document.path, self.tools
        if tools.level not in (Level.OFF, Level.PARSE):
            tools.face.progress("check")
        verdict = await proof.judge({path: merged.text}, whole_workspace=not merged.body_only)
        tried, found = merged, verdict
        for _ in range(_MENDS):
            if found.passed:
                break
            mended = tools.suggested(tried.text, path, found.new_errors, tried.subject.item)
            if mended is None or mended in self.seen:
                break
            self.seen.add(mended)
            tried = relaid(self.request, tried, mended)
            await _allowed(self.request.source, self.task, tools, tried)
            found = await proof.judge({path: mended}, whole_workspace=not tried.body_only)
        if found.passed:
            return tried, found
        raise _refusal(self.task, merged, verdict)


def _refusal(task: Task, merged: Merged, verdict: Verdict) -> Refused:
    if verdict.new_errors:
        first: Diagnostic = verdict.new_errors[0]
        code = f"[{first.code}] " if first.code else ""
        message = f"`{task.subject.name}` was not changed: rustc finds a new error, {code}{first.message}."
    elif verdict.tests is not None and verdict.tests.broken:
        message = f"`{task.subject.name}` was not changed: `{verdict.tests.broken[0]}` passed before and fails now."
    else:
        message = f"`{task.subject.name}` was not changed: {verdict.reason or 'it could not be proved'}."
    return Refused(
        message,
        remedy=AGAIN,
        place=task.path,
        verdict=verdict,
        diagnostics=verdict.new_errors,
        attempt=merged.text.decode(),
    )


async def _unreached(task: Task, tools: Tools, proof: Proof) -> Proof:
    """Silence is no proof: the user may take the syntax check alone, or nothing."""
    reason = proof.reason or "it is not compiled in this configuration"
    question = Question(
        f"rustc does not look at `{task.subject.name}`: {reason}. Apply the edit unproved?",
        (APPLY_UNPROVED, "Leave the file as it is"),
    )
    if await tools.face.ask(question) != APPLY_UNPROVED:
        raise Declined(
            f"`{task.subject.name}` was not changed: {reason}.",
            remedy="Mend what is named, or choose features or a target under [cargo] that compile it.",
            place=task.path,
        )
    return await tools.prepare(task.subject, Level.PARSE)


async def _allowed(before: Source, task: Task, tools: Tools, merged: Merged) -> None:
    """Hold the candidate against the policy; what may be confirmed is asked."""
    after = parse(merged.text)
    for violation in violations(before, after, task.subject, tools.policy, tools.dependencies, tools.lints):
        rule = getattr(tools.policy, violation.rule)
        if rule == "confirm":
            question = Question(f"{violation.message} Allow it this once?", ("Allow", "Refuse"))
            if await tools.face.ask(question) == "Allow":
                continue
            raise Declined(violation.message, place=task.path, attempt=merged.text.decode())
        raise Refused(
            violation.message,
            remedy=f"policy.{violation.rule} decides this.",
            place=task.path,
            attempt=merged.text.decode(),
        )


async def _formatted(request: Request, tools: Tools, merged: Merged) -> Merged:
    """The new item as rustfmt lays it out; nothing else is formatted."""
    start, end = merged.subject.item
    line_start = merged.text.rfind(b"\n", 0, start) + 1
    indent = merged.text[line_start:start].decode()
    if indent.strip():
        return merged
    item = merged.text[start:end].decode()
    formatted = await tools.format(item, indent, "\r\n" if b"\r\n" in request.document.text else "\n")
    if formatted == item:
        return merged
    return relaid(request, merged, merged.text[:start] + formatted.encode() + merged.text[end:])


def relaid(request: Request, merged: Merged, text: bytes) -> Merged:
    """`merged` with another text: the edits that make it, and the subject where it stands there.

    `text` differs from `merged.text` within the subject, or by lines added elsewhere.
    """
    old, new = parse(merged.text), parse(text)
    item = next((one for one in items_around(old, merged.subject.item.start) if one.span == merged.subject.item), None)
    now = find(new, item.identity, near=item.span.start) if item is not None else None
    edits = replacements(request.document.path, request.document.text, text)
    where = merged.subject if now is None else subject(new, merged.subject.path, now)
    within = text[: merged.subject.item.start] == merged.text[: merged.subject.item.start]
    return replace(merged, text=text, edits=edits, subject=where, body_only=merged.body_only and within)
