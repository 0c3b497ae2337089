"""Short programs that read a text and answer at once: rustfmt, rustc as a parser, a trial of the sandbox."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Said:
    """How a program ended (`code` as in Python's `returncode`) and what it wrote."""

    code: int
    out: bytes
    err: bytes


async def spoken(
    argv: Sequence[str], text: bytes, *, cwd: Path, env: Mapping[str, str], deadline_seconds: float
) -> Said | None:
    """Run `argv` with `text` on its standard input and wait for its end.

    None when it cannot be started or is not done in time.
    It never outlives the call: it is killed at the deadline, and when the task is cancelled.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError:
        return None
    try:
        out, err = await asyncio.wait_for(process.communicate(text), deadline_seconds)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return Said(process.returncode or 0, out, err)
