"""Answers without any model: what the source itself determines, each to be proved by rustc like any other answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.holes import Hole, hole_at
from opencrates_lsp.rust.known import candidates
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Chunk, Model, Prompt, Task, Usage

MODEL = "rules"


class Offline:
    """A provider that works from the task and never reads the prompt."""

    name = "offline"
    converses = False

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """The bodies that are known, the best first, each as one whole candidate.

        Raises `Refused` where nothing is known, which is so for every task that is not about a hole.
        """
        source = parse(task.text)
        hole = _hole(source, task)
        known = candidates(source, hole, task.related) if hole is not None and task.wanted == "item" else ()
        if not known:
            raise Refused(
                "Nothing is provable offline here: the source does not tell what is to be done.",
                remedy="Configure a model (settings: ai.provider).",
                place=task.path,
            )
        for number, text in enumerate(known):
            yield Chunk(_fenced(text), number, usage=Usage(self.name, MODEL), finish="stop")

    async def models(self) -> Sequence[Model]:
        """The rules, as the one model that there is."""
        return (Model(MODEL),)

    async def close(self) -> None:
        """Nothing is held open."""


def _fenced(text: str) -> str:
    """The text in a fence that none of its own lines can end."""
    fence = "```"
    while any(line.lstrip().startswith(fence) for line in text.splitlines()):
        fence += "`"
    return f"{fence}rust\n{text}\n{fence}\n"


def _hole(source: Source, task: Task) -> Hole | None:
    """The hole that the task's subject has, where it has exactly one."""
    if len(task.subject.holes) != 1:
        return None
    hole = hole_at(source, task.subject.holes[0])
    return hole if hole is not None and hole.span == task.subject.holes[0] else None
