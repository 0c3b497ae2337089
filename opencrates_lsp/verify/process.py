"""A program in a process group of its own: when it is to end, everything that it started ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.errors import Missing

# Who holds a pipe of a program that has ended (a daemon that it left) is not waited for.
_GRACE_SECONDS = 2.0
_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; `code` is its exit code, `timed_out` tells that it was killed at the deadline."""

    code: int
    out: bytes
    err: str
    timed_out: bool = False


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    deadline_seconds: float | None = None,
) -> Ended:
    """Run a program to its end; `on_line` hears the lines of its standard error as they come.

    When the surrounding task is cancelled, and at the deadline, its whole group is killed and waited for.
    Raises `Missing` when it cannot be started.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_BYTES,
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except OSError as error:
        raise Missing(
            f"{Path(argv[0]).name} cannot be started: {error.strerror}.", remedy="Install Rust from https://rustup.rs."
        ) from error
    out = bytearray()
    err: list[str] = []
    readers = asyncio.gather(_read(process.stdout, out), _listen(process.stderr, err, on_line))
    timed_out = False
    try:
        async with asyncio.timeout(deadline_seconds) as deadline:
            await process.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(readers), _GRACE_SECONDS)
    except TimeoutError:
        if not deadline.expired():
            raise
        timed_out = True
    finally:
        await _finish(process, readers)
    return Ended(process.returncode if process.returncode is not None else -1, bytes(out), "".join(err), timed_out)


async def _read(stream: asyncio.StreamReader | None, into: bytearray) -> None:
    while stream is not None and (piece := await stream.read(1 << 16)):
        into += piece


async def _listen(stream: asyncio.StreamReader | None, into: list[str], on_line: Callable[[str], None] | None) -> None:
    while stream is not None:
        try:
            line = (await stream.readline()).decode("utf-8", "replace")
        except ValueError:
            # A line longer than the limit is dropped; what follows it is read on.
            continue
        if not line:
            return
        into.append(line)
        if on_line is not None:
            on_line(line.rstrip())


async def _finish(process: asyncio.subprocess.Process, readers: asyncio.Future[tuple[None, None]]) -> None:
    """Kill what is left of the group and wait for it, whatever happens to the task meanwhile."""
    cleaning = asyncio.ensure_future(_kill(process))
    cancelled = False
    while not cleaning.done():
        try:
            await asyncio.shield(cleaning)
        except asyncio.CancelledError:
            cancelled = True
    readers.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await readers
    if cancelled:
        raise asyncio.CancelledError


async def _kill(process: asyncio.subprocess.Process) -> None:
    if sys.platform == "win32":
        if process.returncode is None:
            tree = await asyncio.create_subprocess_exec("taskkill", "/F", "/T", "/PID", str(process.pid))
            await tree.wait()
            await process.wait()
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    # The leader is gone; its children are dying, and the group exists until the last of them is.
    pause = 0.001
    while pause < 1:
        try:
            os.killpg(process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        await asyncio.sleep(pause)
        pause *= 2
