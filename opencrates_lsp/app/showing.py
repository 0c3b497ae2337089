"""A prompt as the user is shown it before anything is sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from opencrates_lsp.actions.base import Asked
from opencrates_lsp.actions.propose import first_prompt
from opencrates_lsp.app.tools import JobTools
from opencrates_lsp.redaction.gate import LeftOut
from opencrates_lsp.rust.packing import Piece
from opencrates_lsp.values import Prompt


@dataclass(frozen=True, slots=True)
class ShownPrompt:
    """A prompt exactly as it would be sent, what its context is made of, and which secrets are not in it."""

    prompt: Prompt
    pieces: tuple[Piece, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


async def shown(asked: Asked, tools: JobTools) -> ShownPrompt:
    """What would be sent first."""
    prompt = await first_prompt(asked, tools)
    clean, left_out = await asyncio.to_thread(tools.gate.prompt, prompt, asked.task.text)
    return ShownPrompt(clean, tuple(asked.pieces), left_out)
