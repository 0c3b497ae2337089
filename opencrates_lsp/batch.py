"""Many items through one action: in order, each on what the ones before it left, as one change in the end.

What is refused is left as it is and told; a cancellation ends the whole, and nothing of it is applied.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from opencrates_lsp.actions.base import Related, Request
from opencrates_lsp.errors import Cancelled, Refused
from opencrates_lsp.face import Face, Phase
from opencrates_lsp.rust.edits import applied, composed
from opencrates_lsp.rust.holes import Hole, holes, subject
from opencrates_lsp.rust.items import Identity, qualified_name
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Change, Document, Documents, Question, Replace, Subject, Usage, Verdict

Run = Callable[[Request, Face], Awaitable[Change]]
"""One item's work: the action with the tools of its face."""


@dataclass
class Overlay:
    """A face whose buffers hold what the batch has done so far; questions and progress go through to the real one."""

    face: Face
    texts: dict[Document, bytes] = field(default_factory=dict)
    done: str = ""

    def documents(self) -> Documents:
        told = dict(self.face.documents())
        for document, text in self.texts.items():
            told[document.path] = replace(document, text=text)
        return told

    def progress(self, phase: Phase, message: str = "") -> None:
        self.face.progress(phase, f"{self.done}{message}")

    async def ask(self, question: Question) -> str | None:
        return await self.face.ask(question)


@dataclass(frozen=True, slots=True)
class Filled:
    """What became of a file: its text, the items that were filled, what was left and why, and what helps the first."""

    text: bytes
    changes: tuple[Change, ...]
    left: tuple[str, ...]
    remedy: str = ""


async def fill_holes(
    document: Document, source: Source, face: Face, run: Run, *, provider: str | None, related: Related
) -> Filled:
    """Fill hole after hole; each passed proof is the baseline of the next, so the last one stands for the whole."""
    overlay = Overlay(face)
    refused: dict[Identity, str] = {}
    remedy = ""
    changes: list[Change] = []
    text = document.text
    total = len({hole.item.identity for hole in holes(source)})
    while (hole := next(_left(source, refused), None)) is not None:
        overlay.done = f"{len(changes) + len(refused) + 1}/{total} `{qualified_name(hole.item)}` "
        now = replace(document, text=text)
        overlay.texts[document] = text
        request = Request(now, source, hole.span, provider=provider, related=related)
        try:
            change = await run(request, overlay)
        except Cancelled:
            raise
        except Refused as error:
            refused[hole.item.identity] = f"`{qualified_name(hole.item)}`: {error.message}"
            remedy = remedy or error.remedy
            continue
        after = applied(change.edits, {document.path: text}).get(document.path)
        if after is None or after == text:
            refused[hole.item.identity] = f"`{qualified_name(hole.item)}`: the answer left the file as it was"
            continue
        changes.append(change)
        text = after
        source = parse(text)
    return Filled(text, tuple(changes), tuple(refused.values()), remedy)


def _left(source: Source, refused: dict[Identity, str]) -> Iterator[Hole]:
    return (hole for hole in holes(source) if hole.item.identity not in refused)


def as_one(document: Document, source: Source, filled: Filled, *, title: str) -> Change:
    """The file's changes as one; raises `Refused` when nothing could be filled."""
    if not filled.changes:
        first = filled.left[0] if filled.left else "there is no hole in it"
        raise Refused(
            f"Nothing was filled in {document.path.name}: {first}.".replace("..", "."),
            remedy=filled.remedy if filled.left else "Put a todo!() where code is wanted.",
            place=document.path,
        )
    subjects = _subjects(document, source, filled.changes)
    return Change(
        id=uuid4().hex,
        title=title,
        edits=composed(document.path, document.text, [_replaced(change) for change in filled.changes]),
        verdict=_verdict([change.verdict for change in filled.changes]),
        usage=total_usage([change.usage for change in filled.changes]),
        documents=(document,),
        subject=subjects[0],
        others=subjects[1:],
        # What helps is told once, behind all that was left.
        notes=(*(f"left: {reason}" for reason in filled.left), *filter(None, [filled.remedy])),
    )


def _replaced(change: Change) -> list[Replace]:
    return [edit for edit in change.edits if isinstance(edit, Replace)]


def _subjects(document: Document, source: Source, changes: Sequence[Change]) -> tuple[Subject, ...]:
    """The filled items where they stood in the first text, in its order."""
    names = {change.subject.name for change in changes}
    found: dict[Identity, Subject] = {}
    for hole in holes(source):
        if qualified_name(hole.item) in names:
            found.setdefault(hole.item.identity, subject(source, document.path, hole.item))
    return tuple(found.values())


def _verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """The last verdict judged the whole text; what it took to come there is added up."""
    last = verdicts[-1]
    return replace(
        last,
        reached=all(verdict.reached for verdict in verdicts),
        level=min((verdict.level for verdict in verdicts), key=list(type(last.level)).index),
        baseline_errors=verdicts[0].baseline_errors,
        attempts=sum(verdict.attempts for verdict in verdicts),
        seconds=sum(verdict.seconds for verdict in verdicts),
        steps=tuple(step for verdict in verdicts for step in verdict.steps),
    )


def total_usage(usages: Sequence[Usage]) -> Usage:
    """The sum, under the name of the last provider that was asked."""
    last = usages[-1]
    return Usage(
        last.provider,
        last.model,
        sum(usage.input_tokens for usage in usages),
        sum(usage.output_tokens for usage in usages),
        sum(usage.cost_usd for usage in usages),
        all(usage.cached for usage in usages),
        any(usage.estimated for usage in usages),
    )
