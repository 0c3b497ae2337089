"""`check` runs an action on a text with a cursor and scripted replies; nothing but the syntax is judged.

Texts of several files are divided by lines `//- /src/lib.rs`; the cursor is `$0`.
The script fails the test on a call too many, and on a reply that was never asked for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.actions.base import Action, Request
from opencrates_lsp.face import Phase
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.templates import Templates, packaged_folder
from opencrates_lsp.terms import Limits, Lints, Policy
from opencrates_lsp.values import (
    Change,
    Chunk,
    Diagnostic,
    Document,
    Documents,
    Excerpt,
    Level,
    Prompt,
    Question,
    Span,
    Subject,
    Task,
    Usage,
    Verdict,
)

CURSOR = "$0"


@dataclass
class ScriptedFace:
    """Says `answers` to the questions, in order."""

    answers: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    texts: dict[Path, Document] = field(default_factory=dict)

    def documents(self) -> Documents:
        return self.texts

    def progress(self, phase: Phase, message: str = "") -> None:
        self.phases.append(phase)

    async def ask(self, question: Question) -> str | None:
        self.asked.append(question.text)
        return self.answers.pop(0) if self.answers else None


@dataclass
class ScriptedProof:
    """Judges by `verdicts`, one a candidate; without any, everything that parses holds."""

    level: Level
    verdicts: list[Verdict]
    reached: bool = True
    reason: str | None = None
    judged: list[bytes] = field(default_factory=list)

    async def judge(self, after: Mapping[Path, bytes | None], *, whole_workspace: bool) -> Verdict:
        self.judged += [text for text in after.values() if text is not None]
        if self.verdicts:
            return self.verdicts.pop(0)
        return Verdict(self.level, self.reached, "scripted")


@dataclass
class ScriptedTools:
    """Tools without cargo: prompts are the shipped ones, replies and verdicts those of the script.

    A reply of several texts is as many candidates, an error among them ends the stream.
    The baseline waits for `based` where there is one.
    """

    replies: Sequence[str | Sequence[str | Exception]]
    face: ScriptedFace = field(default_factory=ScriptedFace)
    verdicts: list[Verdict] = field(default_factory=list)
    level: Level = Level.PARSE
    policy: Policy = field(default_factory=Policy)
    limits: Limits = field(default_factory=Limits)
    dependencies: frozenset[str] | None = frozenset()
    lints: Lints = field(default_factory=Lints)
    reached: bool = True
    unreached_reason: str | None = None
    converses: bool = True
    prompts: list[Prompt] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    remembered: str | None = None
    failing: Exception | None = None
    mended: bytes | None = None
    excerpts: Sequence[Excerpt] = ()
    based: asyncio.Event | None = None

    def __post_init__(self) -> None:
        self.templates = Templates([packaged_folder()])
        self.proofs: list[ScriptedProof] = []
        self.closed = 0
        self.calls: list[Usage] = []

    async def callers(self, name: str, owner: str, path: Path) -> Sequence[str]:
        return ()

    async def calling(self, name: str, owner: str, path: Path) -> Sequence[Excerpt]:
        return ()

    async def defining(self, names: Sequence[str], path: Path) -> Mapping[str, Sequence[Excerpt]]:
        return {}

    async def locked(self, source: Source, item: Item) -> Sequence[Excerpt]:
        return self.excerpts

    async def offered(self, module: str, inside: tuple[str, ...], source: Source) -> Excerpt | None:
        return None

    async def render(self, template: str, values: Mapping[str, object]) -> str:
        return await self.templates.render(template, values)

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        self.prompts.append(prompt)
        assert self.replies, "the action asked once too often"
        try:
            reply, *self.replies = self.replies
            for number, one in enumerate([reply] if isinstance(reply, str) else reply):
                if isinstance(one, Exception):
                    raise one
                for at in range(0, len(one), 7):
                    # A model answers in pieces, and others may run in between.
                    await asyncio.sleep(0)
                    yield Chunk(one[at : at + 7], number)
                yield Chunk("", number, Usage("scripted", "m", 10, 20, 0.5), finish="stop")
        finally:
            self.closed += 1
            self.calls.append(Usage("scripted", "m", 10, 20, 0.5))

    def restored(self, answer: str, text: bytes) -> str:
        return answer

    async def recall(self, prompt: Prompt, candidate: int = 0) -> str | None:
        return self.remembered if candidate == 0 else None

    async def keep(self, prompt: Prompt, answer: str, candidate: int = 0) -> None:
        self.kept[prompt.messages[-1].content] = answer

    async def prepare(self, subject: Subject, level: Level) -> ScriptedProof:
        if self.failing is not None:
            raise self.failing
        if self.based is not None:
            await self.based.wait()
        proof = ScriptedProof(level, self.verdicts, self.reached, self.unreached_reason)
        self.proofs.append(proof)
        return proof

    async def format(self, text: str, indent: str, newline: str) -> str:
        return text

    async def rejected(self, text: str) -> str | None:
        return "it is no Rust" if "@@" in text else None

    def suggested(self, text: bytes, path: Path, errors: Sequence[Diagnostic], within: Span) -> bytes | None:
        mended, self.mended = self.mended, None
        return mended

    def explain(self, errors: Sequence[Diagnostic], path: Path, text: bytes, within: Span) -> str:
        return "\n".join(error.message for error in errors)


def request_at(marked: str, path: Path = Path("/crate/src/lib.rs"), instruction: str = "") -> Request:
    """The request at the `$0` of the text."""
    at = marked.encode().index(CURSOR.encode())
    text = marked.replace(CURSOR, "", 1).encode()
    document = Document(path, text, 1)
    return Request(document, parse(text), Span(at, at), instruction)


async def run(action: Action, before: str, tools: ScriptedTools) -> str:
    """The text after the action; raises what the action raises."""
    request = request_at(before)
    result = await action.run(request, tools)
    assert isinstance(result, Change)
    assert not tools.replies, "a reply was never asked for"
    after = applied(result.edits, {request.document.path: request.document.text})
    text = after.get(request.document.path)
    return (text if text is not None else request.document.text).decode()


async def check(action: Action, before: str, reply: str, after: str) -> None:
    """The action turns `before` into `after` when the provider gives `reply`."""
    assert await run(action, before, ScriptedTools([reply])) == after


def example(action: Action) -> tuple[str, str, str]:
    """Before, reply and after of the example in the docstring of the action's module."""
    import sys

    text = sys.modules[type(action).__module__].__doc__ or ""
    match = re.search(r"\nbefore\n(?P<before>.*?)\nreply\n(?P<reply>.*?)\nafter\n(?P<after>.*)", text, re.DOTALL)
    assert match is not None, "the action's module shows no example"
    before, reply, after = (
        re.sub(r"^    ", "", match[name], flags=re.MULTILINE) for name in ("before", "reply", "after")
    )
    return before.strip("\n") + "\n", reply, after.strip("\n") + "\n"
