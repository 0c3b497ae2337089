"""A program in a process group of its own: when it is to end, everything that it started ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.errors import Missing
from opencrates_lsp.verify.bounds import out_of_time, too_much_output

# Who holds a pipe of a program that has ended (a daemon that it left) is not waited for.
_GRACE_SECONDS = 2.0
_LINE_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended; `code` is its exit code, `timed_out` tells that it was killed at the deadline.

    `stopped` says in one clause what bound it ran into, None when it ran into none ("it ran longer than 5 s and was
    killed").
    """

    code: int
    out: bytes
    err: str
    timed_out: bool = False
    stopped: str | None = None

    @property
    def was_killed(self) -> bool:
        """Whether a signal of somebody else's ended it; what runs it for us tells that by a code above 128."""
        return self.stopped is None and (self.code < 0 or 128 < self.code < 160)


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who looks after a running program, given the pid of its first process.

    `watch` returns, in one clause, why the program has to end.
    `end` is called where it is to end before it does by itself: it kills what is out of the reach of a signal to the
    group, and tells whether the first process ends by that.
    """

    watch: Callable[[int], Awaitable[str]]
    end: Callable[[int], Awaitable[bool]]


class _Stop:
    """Why a program has to end before it does by itself; the first reason counts."""

    def __init__(self, most_bytes: int | None) -> None:
        self.reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._most_bytes = most_bytes
        self._printed = 0

    def because(self, reason: str) -> None:
        if not self.reason.done():
            self.reason.set_result(reason)

    def counts(self, piece: bytes) -> bool:
        """Whether what was printed is still bearable with this piece."""
        self._printed += len(piece)
        if self._most_bytes is None or self._printed <= self._most_bytes:
            return True
        self.because(too_much_output(self._most_bytes))
        return False


async def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[str], None] | None = None,
    deadline_seconds: float | None = None,
    most_bytes: int | None = None,
    keeper: Keeper | None = None,
    pass_fds: Sequence[int] = (),
) -> Ended:
    """Run a program to its end; `on_line` hears the lines of its standard error as they come.

    `pass_fds` are file descriptors that it has too.

    When the surrounding task is cancelled, at the deadline, and when it prints more than `most_bytes`, its whole group
    is killed and waited for.
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
            limit=_PIECE_BYTES,
            start_new_session=sys.platform != "win32",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            pass_fds=pass_fds,
        )
    except OSError as error:
        raise Missing(
            f"{Path(argv[0]).name} cannot be started: {error.strerror}.", remedy="Install Rust from https://rustup.rs."
        ) from error
    stop = _Stop(most_bytes)
    out = bytearray()
    err: list[str] = []
    readers = asyncio.gather(_read(process.stdout, out, stop), _listen(process.stderr, err, on_line, stop))
    beside = [asyncio.ensure_future(_ended(process, readers))]
    if keeper is not None:
        beside.append(asyncio.ensure_future(_watch(keeper, process.pid, stop)))
    timed_out, done = False, False
    try:
        await asyncio.wait((beside[0], stop.reason), timeout=deadline_seconds, return_when=asyncio.FIRST_COMPLETED)
        done = beside[0].done()
        if done:
            beside[0].result()
        timed_out = not done and not stop.reason.done()
    finally:
        await _finish(process, readers, beside, keeper if not done else None)
    stopped = stop.reason.result() if stop.reason.done() else None
    if timed_out and deadline_seconds is not None:
        stopped = out_of_time(deadline_seconds)
    code = process.returncode if process.returncode is not None else -1
    return Ended(code, bytes(out), "".join(err), timed_out, stopped)


async def _ended(process: asyncio.subprocess.Process, readers: asyncio.Future[tuple[None, None]]) -> None:
    await process.wait()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(readers), _GRACE_SECONDS)


async def _watch(keeper: Keeper, pid: int, stop: _Stop) -> None:
    stop.because(await keeper.watch(pid))


async def _read(stream: asyncio.StreamReader | None, into: bytearray, stop: _Stop) -> None:
    # What is too much is read all the same: asyncio waits for the end of a pipe before it tells that of a process.
    while stream is not None and (piece := await stream.read(_PIECE_BYTES)):
        if stop.counts(piece):
            into += piece


async def _listen(
    stream: asyncio.StreamReader | None, into: list[str], on_line: Callable[[str], None] | None, stop: _Stop
) -> None:
    """Take the lines; of one that is longer than a mebibyte the rest counts as further lines."""
    rest = b""
    while stream is not None:
        piece = await stream.read(_PIECE_BYTES)
        if not stop.counts(piece):
            if not piece:
                return
            continue
        *lines, rest = (rest + piece).split(b"\n")
        lines = [line + b"\n" for line in lines]
        if rest and (not piece or len(rest) > _LINE_BYTES):
            lines, rest = [*lines, rest], b""
        for text in (line.decode("utf-8", "replace") for line in lines):
            into.append(text)
            if on_line is not None:
                on_line(text.rstrip())
        if not piece:
            return


async def _finish(
    process: asyncio.subprocess.Process,
    readers: asyncio.Future[tuple[None, None]],
    beside: Sequence[asyncio.Future[None]],
    keeper: Keeper | None,
) -> None:
    """Kill what is left of the group and wait for it, whatever happens to the task meanwhile."""
    cleaning = asyncio.ensure_future(_kill(process, keeper))
    cancelled = False
    while not cleaning.done():
        try:
            await asyncio.shield(cleaning)
        except asyncio.CancelledError:
            cancelled = True
    readers.cancel()
    for task in beside:
        task.cancel()
    await asyncio.gather(readers, *beside, return_exceptions=True)
    if cancelled:
        raise asyncio.CancelledError


async def _kill(process: asyncio.subprocess.Process, keeper: Keeper | None) -> None:
    if keeper is not None and process.returncode is None and await keeper.end(process.pid):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
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
