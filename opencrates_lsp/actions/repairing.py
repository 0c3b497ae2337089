"""Asking again with the least that helps: the item, the answer, its errors by cause, and what they name.

The context of the first question is not sent again: what an error is about is told exactly instead.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace

from opencrates_lsp.actions.base import Request, Tools
from opencrates_lsp.actions.defining import Definitions
from opencrates_lsp.actions.proving import Failure
from opencrates_lsp.rust.advice import advice
from opencrates_lsp.rust.causes import Signature, causes, signature
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import item_at, named
from opencrates_lsp.rust.outline import shown, whole
from opencrates_lsp.values import Message, Prompt, Span, Task, TestCount

MOST_CODE = 12_000
"""How many characters of a failed answer are shown to its writer."""
_MOST_CAUSES = 6
_MOST_TESTS = 3
_MOST_OF_A_TEST = 1500


def rank(failure: Failure) -> tuple[int, int]:
    """How far the answer is from holding; the nearest one is worth a repair."""
    verdict = failure.refusal.verdict
    if verdict is not None:
        return (1, len(causes(verdict.new_errors))) if verdict.new_errors else (0, 0)
    return (2, 0) if failure.merged is not None else (3, not failure.code)


def signature_of(failure: Failure) -> Signature:
    """What is wrong with the answer, told without places: a repair that leaves it as it was has not helped."""
    verdict = failure.refusal.verdict
    if verdict is not None and verdict.new_errors:
        return signature(verdict.new_errors)
    if verdict is not None and verdict.tests is not None and (failing := failing_tests(verdict.tests)):
        return frozenset(failing)
    return frozenset({("", failure.refusal.message)})


def failing_tests(tests: TestCount) -> list[tuple[str, str]]:
    """The tests that speak against an answer: the name of each, and what it printed."""
    printed = [*tests.printed, *[""] * len(tests.broken)]
    return [*zip(tests.broken, printed, strict=False), *tests.waiting]


def digest(prompt: Prompt) -> bytes:
    """Equal for prompts that say the same."""
    return hashlib.blake2b(json.dumps(asdict(prompt)).encode(), digest_size=16).digest()


async def repair_prompt(first: Prompt, request: Request, task: Task, failure: Failure, tools: Tools) -> Prompt:
    """What is sent after a failed answer.

    Without any code in it there is nothing to repair, so the first question is asked again, with the reason.
    """
    refusal = failure.refusal
    found = causes(refusal.diagnostics)[:_MOST_CAUSES]
    helps = [(advice(cause), cause.error) for cause in found]
    known = Definitions(request, tools, failure.merged, failure.code)
    await known.gather(helps)
    text = refusal.attempt.encode()
    told = tools.explain(refusal.diagnostics, task.path, text, Span(0, len(text))) if refusal.diagnostics else ""
    tests = refusal.verdict.tests if refusal.verdict is not None and not refusal.diagnostics else None
    item = shown(request.source, task.subject.item)
    values: dict[str, object] = {
        "name": task.subject.name,
        "path": task.path.name,
        "item": item,
        "instruction": task.instruction,
        "dependencies": sorted(tools.dependencies or ()),
        # What its doc comment says is said already.
        "answer": failure.code.replace(_lead(item), "", 1)[:MOST_CODE],
        "errors": told,
        "reason": f"{refusal.message} {failure.advice}".rstrip(),
        "hints": list(dict.fromkeys([*known.notes, *(help_.rule for help_, _ in helps if help_.rule)])),
        "definitions": known.found,
        "broke": tests is not None and bool(tests.broken),
        "tests": await _tests(tests, request, task, tools) if tests is not None else [],
    }
    said = await tools.render("prompts/repair.md.j2", values)
    if not failure.code:
        *before, last = first.messages
        # One message and not two, because some models refuse two of one role in a row.
        return replace(first, messages=(*before, Message(last.role, f"{last.content}\n\n{said}")))
    return replace(first, messages=(first.messages[0], Message("user", said)))


def _lead(item: str) -> str:
    """The doc comment at the item's beginning, as it stands there."""
    lines = list(itertools.takewhile(lambda line: line.lstrip().startswith("///"), item.splitlines(keepends=True)))
    return "".join(lines)


async def _tests(tests: TestCount, request: Request, task: Task, tools: Tools) -> Sequence[dict[str, str]]:
    """The tests that fail with the answer: name, source where it is known, and the end of what they printed."""
    told: list[dict[str, str]] = []
    for name, said in failing_tests(tests)[:_MOST_TESTS]:
        source = await _test_source(name.rsplit("::", 1)[-1], request, task, tools)
        told.append(
            {"name": name, "source": source[:_MOST_OF_A_TEST], "printed": _without_backtrace(said)[-_MOST_OF_A_TEST:]}
        )
    return told


def _without_backtrace(said: str) -> str:
    """What a test printed and said in the end; where its panic came through tells a model nothing."""
    return re.sub(r"(?m)^stack backtrace:\n(?:^ .*\n?)*(?:^note: .*\n?)?", "", said).strip()


async def _test_source(name: str, request: Request, task: Task, tools: Tools) -> str:
    here = next((item for item in named(request.source, name) if item.identity.kind == "function"), None)
    if here is not None:
        return whole(request.source, here)
    item = item_at(request.source, task.subject.probe.start)
    if item is None:
        return ""
    owner = self_type(item.identity.header)
    calling = await tools.callers(item.identity.name, owner, task.path)
    return next((text for text in calling if f"fn {name}(" in text), "")
