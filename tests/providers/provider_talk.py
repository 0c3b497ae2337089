"""What the tests of providers ask, and how they read the answer."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.providers.base import Provider
from opencrates_lsp.providers.openai import OpenAI
from opencrates_lsp.values import Chunk, Message, Prompt, Span, Subject, Task

TEXT = b"pub fn double(x: u32) -> u32 {\n    todo!()\n}\n"
TASK = Task(
    "fill",
    Path("/w/src/lib.rs"),
    TEXT,
    Subject(Path("/w/src/lib.rs"), "double", Span(0, len(TEXT) - 1), Span(29, len(TEXT) - 1), (Span(35, 42),)),
)
PROMPT = Prompt((Message("system", "You write Rust."), Message("user", "Fill the hole in confidential_double().")), 64)
ANSWER = "pub fn double(x: u32) -> u32 {\n    x * 2 // größer\n}\n"


@dataclass(frozen=True)
class Key:
    """A secret as the providers take it."""

    value: str
    origin: str = "TEST_KEY"

    def reveal(self) -> str:
        return self.value


def openai(url: str, *, key: str | None = None, timeout_seconds: float = 30.0, retries: int = 0) -> OpenAI:
    """The provider at a scripted server."""
    secret = None if key is None else Key(key)
    return OpenAI(model="test-model", base_url=url, api_key=secret, timeout_seconds=timeout_seconds, retries=retries)


async def pieces(provider: Provider, prompt: Prompt = PROMPT) -> list[Chunk]:
    """The whole answer; the provider is closed afterwards."""
    try:
        async with contextlib.aclosing(provider.stream(prompt, TASK)) as stream:
            return [piece async for piece in stream]
    finally:
        await provider.close()


def text(answer: list[Chunk], candidate: int = 0) -> str:
    """What one candidate says."""
    return "".join(piece.text for piece in answer if piece.candidate == candidate)


async def nothing_runs_on() -> None:
    """Wait until this test's own task is the only one left."""
    async with asyncio.timeout(10):
        while len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(0)
