"""The tools of a build as the tests need them: the real templates, the real cargo, a scripted model."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from opencrates_lsp.face import Phase
from opencrates_lsp.templates import Templates
from opencrates_lsp.terms import Limits
from opencrates_lsp.values import (
    Chunk,
    Diagnostic,
    Document,
    Documents,
    Level,
    Prompt,
    Question,
    Severity,
    Task,
    TestCount,
    Usage,
    Verdict,
)

TEMPLATES = Path(__file__).parents[2] / "templates"
CARGO = shutil.which("cargo") or "cargo"
_COUNT = re.compile(r"test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
Fill = Callable[[Path], Awaitable[tuple[str, ...]]]


async def cargo(folder: Path, env: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """cargo's exit code and all that it said."""
    process = await asyncio.create_subprocess_exec(
        CARGO,
        *arguments,
        cwd=folder,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode()


class Quiet:
    """A face that nobody looks at; `buffers` are its open documents."""

    def __init__(self, buffers: Mapping[Path, str] | None = None) -> None:
        self.buffers = {path: Document(path, text.encode(), 1) for path, text in (buffers or {}).items()}
        self.phases: list[str] = []

    def documents(self) -> Documents:
        return self.buffers

    def progress(self, phase: Phase, message: str = "") -> None:
        self.phases.append(f"{phase} {message}".strip())

    async def ask(self, question: Question) -> str | None:
        raise AssertionError(question)


class Scripted:
    """`CrateTools` over cargo; `answers` are what the model says, one a call, and `fill` is how holes are filled."""

    rust_version: str | None = "1.85.0"
    cargo: Sequence[str] = (CARGO,)

    def __init__(
        self,
        target: Path,
        *,
        answers: Sequence[str] = (),
        fill: Fill | None = None,
        face: Quiet | None = None,
        prove: Callable[[Path, Level], Awaitable[Verdict]] | None = None,
        templates: Sequence[Path] = (TEMPLATES,),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.face = face or Quiet()
        self.limits = Limits(max_repairs=1)
        self.converses = bool(answers)
        self.answers = list(answers)
        self.prompts: list[Prompt] = []
        self.templates = templates
        self.env = {**os.environ, "CARGO_TARGET_DIR": str(target), "CARGO_NET_OFFLINE": "true", **(env or {})}
        self.proved: list[tuple[Path, Level]] = []
        self._fill = fill
        self._prove = prove
        self._texts = Templates(templates)

    async def render(self, name: str, values: Mapping[str, object]) -> str:
        return await self._texts.render(name, values)

    async def stream(self, prompt: Prompt, task: Task) -> AsyncIterator[Chunk]:
        assert task.wanted == "json"
        assert task.schema is prompt.schema is not None
        self.prompts.append(prompt)
        answer = self.answers.pop(0)
        yield Chunk(answer[:10])
        yield Chunk(answer[10:], usage=Usage("scripted", "m", 10, 20, 0.5), finish="stop")

    async def fill_all(self, folder: Path) -> tuple[str, ...]:
        assert self._fill is not None
        return await self._fill(folder)

    async def prove(self, folder: Path, level: Level) -> Verdict:
        self.proved.append((folder, level))
        if self._prove is not None:
            return await self._prove(folder, level)
        return await prove(folder, level, self.env)


async def prove(folder: Path, level: Level, env: Mapping[str, str]) -> Verdict:
    """cargo's own word on the folder: check, clippy, test; what is not formatted is an error."""
    steps = [["check", "--all-targets"]]
    if level is Level.TEST:
        steps += [["fmt", "--check"], ["clippy", "--all-targets", "--", "-D", "warnings"], ["test", "--no-fail-fast"]]
    said = ""
    for step in steps:
        code, said = await cargo(folder, env, *step)
        if code != 0 and step[0] != "test":
            first = next((line for line in said.splitlines() if line.startswith("error")), said)
            error = Diagnostic(Severity.ERROR, first, rendered=said)
            return Verdict(level, True, "host", new_errors=(error,))
        if code != 0 and not _COUNT.search(said):
            return Verdict(level, True, "host", reason=said)
    counts = [tuple(map(int, found)) for found in _COUNT.findall(said)]
    tests = TestCount(*(sum(column) for column in zip(*counts, strict=True))) if level is Level.TEST else None
    return Verdict(level, True, "host", tests=tests)


async def holds(folder: Path, level: Level) -> Verdict:
    """The verdict of a crate that nobody needs to compile again."""
    return Verdict(level, True, "host", tests=TestCount(1, 0, 0))


def files_of(folder: Path) -> set[str]:
    """The files below the folder, as relative paths."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def names_in(folder: Path) -> list[str]:
    """What stands directly in the folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir())
