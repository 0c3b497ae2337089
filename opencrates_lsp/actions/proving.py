"""One item under trial: an answer is laid in, held against the policy, and judged; mends cost no question.

What is wrong with an answer is a value here, for the next answer may learn from it; what ends the job is raised.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace

from opencrates_lsp.actions.base import Proof, Request, Tools
from opencrates_lsp.errors import Declined, Refused
from opencrates_lsp.rust.answer import snippets
from opencrates_lsp.rust.edits import replacements
from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import find, items_around
from opencrates_lsp.rust.merge import Merged, merge
from opencrates_lsp.rust.outline import shown
from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.policy.edit import Violation
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Diagnostic, Level, Question, Replace, Task, Verdict

_MENDS = 2
"""How often what rustc itself suggests is taken, before the model is asked: one mend may uncover the next error."""

_PANICKED = re.compile(r"panicked at [^\n]*:\n(?P<words>[^\n]+)")

AGAIN = "Try again, say in the hole's message what is wanted, or choose another model."

APPLY_UNPROVED = "Apply after a syntax check only"
APPLY_UNMET = "Apply it all the same"


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer of the provider; `candidate` is its number among those that were asked for at once."""

    text: str
    candidate: int = 0
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that could be laid in, and that no other one equals; `doubts` are for the user to allow."""

    answer: Answer
    merged: Merged
    doubts: tuple[Violation, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate that passed, perhaps after a mend."""

    answer: Answer
    merged: Merged
    verdict: Verdict

    @property
    def changed_bytes(self) -> int:
        """How much of the file it takes away and puts in."""
        edits = [edit for edit in self.merged.edits if isinstance(edit, Replace)]
        return sum(len(edit.text.encode()) + edit.span.end - edit.span.start for edit in edits)


@dataclass(frozen=True, slots=True)
class Failure:
    """What is wrong with an answer.

    `code` is the Rust of it, as far as it was understood: what was laid in, else what stood in its fences.
    `advice` says what to do about it, to whoever wrote it; `merged` is None where it could not be laid in.
    """

    refusal: Refused
    code: str = ""
    advice: str = ""
    merged: Merged | None = None


@dataclass(frozen=True, slots=True)
class Repeated:
    """The answer was tried before: what was wrong with it is wrong with it still."""

    answer: Answer


@dataclass
class Trial:
    """One item under trial.

    `proving` is the baseline and the canary, which run while the provider thinks.
    `said` is what the user answered about a violation, so that nobody is asked the same for every candidate.
    """

    request: Request
    task: Task
    tools: Tools
    proving: asyncio.Task[Proof]
    seen: set[bytes] = field(default_factory=set)
    said: dict[str, bool] = field(default_factory=dict)
    unproved: Proof | None = None

    async def screened(self, answer: Answer) -> Candidate | Failure | Repeated:
        """The answer laid in and formatted, held against the policy and, where in doubt, shown to rustc's parser.

        No cargo runs for it.
        """
        request, tools = self.request, self.tools
        try:
            given_back = tools.restored(answer.text, request.document.text)
            merged = merge(request.document.path, request.source, self.task.subject, given_back)
        except Refused as refusal:
            advice, refusal.remedy = refusal.remedy, AGAIN
            return Failure(refusal, _code(answer.text), advice)
        merged = await _formatted(request, tools, merged)
        if merged.text in self.seen:
            return Repeated(answer)
        self.seen.add(merged.text)
        doubts = []
        for violation in self._violations(merged):
            rule = getattr(tools.policy, violation.rule)
            if rule != "confirm" or self.said.get(violation.message) is False:
                remedy = f"policy.{violation.rule} decides this."
                return self._failed(merged, violation.message, remedy)
            doubts.append(violation)
        if merged.suspect:
            rejection = await tools.rejected(merged.text.decode())
            if rejection is not None:
                return self._failed(merged, f"The answer does not parse: {rejection}", AGAIN)
        return Candidate(answer, merged, tuple(doubts))

    async def judged(self, candidate: Candidate) -> Held | Failure:
        """The proof's word on the candidate; where rustc itself knows the mend, that is taken and checked.

        Raises `Declined` when the user does not want an item changed that rustc does not look at, and `Refused` when
        no other answer could help.
        """
        for violation in candidate.doubts:
            if not await self._allows(violation):
                return self._failed(candidate.merged, violation.message, "", kind=Declined)
        proof = await self._proof()
        path, tools, merged = self.request.document.path, self.tools, candidate.merged
        if tools.level not in (Level.OFF, Level.PARSE):
            tools.face.progress("check")
        verdict = await proof.judge({path: merged.text}, whole_workspace=not merged.body_only)
        tried, found = merged, verdict
        for _ in range(_MENDS):
            if found.passed or found.beyond_answer:
                break
            mended = tools.suggested(tried.text, path, found.new_errors, tried.subject.item)
            if mended is None or mended in self.seen:
                break
            self.seen.add(mended)
            tried = relaid(self.request, tried, mended)
            if any(self.said.get(one.message) is not True for one in self._violations(tried)):
                break
            found = await proof.judge({path: mended}, whole_workspace=not tried.body_only)
        if found.passed:
            return Held(candidate.answer, tried, found)
        refusal = _refusal(self.task, merged, verdict)
        if found.beyond_answer:
            raise _refusal(self.task, tried, found)
        return Failure(refusal, given(merged), merged=merged)

    def _violations(self, merged: Merged) -> list[Violation]:
        tools, before = self.tools, self.request.source
        after, subject = parse(merged.text), self.task.subject
        return list(violations(before, after, subject, tools.policy, tools.dependencies, tools.lints))

    async def _allows(self, violation: Violation) -> bool:
        """What the user says to it; asked once a job."""
        if violation.message not in self.said:
            question = Question(f"{violation.message} Allow it this once?", ("Allow", "Refuse"))
            self.said[violation.message] = await self.tools.face.ask(question) == "Allow"
        return self.said[violation.message]

    def _failed(self, merged: Merged, message: str, remedy: str, kind: type[Refused] = Refused) -> Failure:
        refusal = kind(message, remedy=remedy, place=self.task.path, attempt=merged.text.decode())
        return Failure(refusal, given(merged), merged=merged)

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


def unmet(task: Task, held: Held) -> Failure | None:
    """What is wrong with an answer that holds and yet fails tests which had waited for the hole to be filled."""
    tests = held.verdict.tests
    if tests is None or not tests.waiting:
        return None
    name, printed = tests.waiting[0]
    said = _PANICKED.search(printed)
    words = f": {said['words'].strip().rstrip('.')}" if said is not None else ""
    message = f"`{name}`, which waited for `{task.subject.name}`, fails with it{words}"
    attempt = held.merged.text.decode()
    refusal = Refused(
        f"{message}.",
        remedy=f"{AGAIN} With verify.level = check no test is asked.",
        place=task.path,
        verdict=held.verdict,
        attempt=attempt,
    )
    return Failure(refusal, given(held.merged), merged=held.merged)


async def takes_unmet(held: Held, failure: Failure, tools: Tools) -> bool:
    """Whether the user takes an answer all the same; the edit broke nothing, and the test may be wrong."""
    waiting = held.verdict.tests.waiting if held.verdict.tests is not None else ()
    more = f" So do {len(waiting) - 1} more." if len(waiting) > 1 else ""
    text = f"{failure.refusal.message}{more} It compiles, and nothing fails that passed before. Apply it all the same?"
    question = Question(text, (APPLY_UNMET, "Leave the file as it is"), given(held.merged))
    return await tools.face.ask(question) == APPLY_UNMET


def given(merged: Merged) -> str:
    """What the answer comes to in the file: the item, and what it adds elsewhere."""
    start, end = merged.subject.item
    before: list[bytes] = []
    after: list[bytes] = []
    grown = 0
    for edit in sorted((edit for edit in merged.edits if isinstance(edit, Replace)), key=lambda edit: edit.span):
        new = edit.text.encode()
        # Where the new text stands in the merged file; one edit may hold the item and what is beside it.
        at = edit.span.start + grown
        grown += len(new) - (edit.span.end - edit.span.start)
        before.append(merged.text[at : min(at + len(new), start)])
        after.append(merged.text[max(at, end) : max(at + len(new), end)])
    item = shown(parse(merged.text), merged.subject.item)
    parts = [part.decode("utf-8", "replace").strip() for part in (*before, item.encode(), *after)]
    return "\n\n".join(part for part in parts if part)


def _code(answer: str) -> str:
    """The Rust in an answer that could not be laid in; nothing where there is none."""
    try:
        return "\n\n".join(snippet.text.strip() for snippet in snippets(answer))
    except Refused:
        return ""


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
