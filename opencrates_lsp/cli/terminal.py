"""The terminal as a face: progress on standard error, questions where somebody can answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from opencrates_lsp.errors import Declined
from opencrates_lsp.face import Phase
from opencrates_lsp.values import Documents, Question

if TYPE_CHECKING:
    from opencrates_lsp.app import App

T = TypeVar("T")

_WORDS: dict[Phase, str] = {
    "context": "reading",
    "model": "asking for code",
    "merge": "laying it in",
    "check": "cargo check",
    "tests": "cargo test",
    "waiting": "waiting",
    "apply": "writing",
}
_TELLING: frozenset[Phase] = frozenset(("model", "check", "tests", "waiting"))
"""The phases that take long enough to be worth a line where lines stay."""
_COUNTED = re.compile(r"(?P<done>\d+)/(?P<all>\d+) `(?P<item>[^`]+)` ?")
_BAR = 10
_ENDED = 128


class Progress:
    """A line that is written anew on a terminal; elsewhere a line for each item, and for each phase once."""

    def __init__(self) -> None:
        self._alive = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = ""
        self._told: set[str] = set()

    def tell(self, phase: Phase, message: str) -> None:
        counted = _COUNTED.match(message)
        if self._alive:
            self.show(_bar(counted) + _line(phase, message[counted.end() if counted else 0 :]))
        elif counted is not None and phase != "waiting":
            self._once(counted.group().rstrip())
        elif phase in _TELLING:
            self._once(_line(phase, message) if phase == "waiting" else _WORDS[phase])

    def clear(self) -> None:
        """Leave no half line behind."""
        self.show("")

    def show(self, line: str) -> None:
        """Write the line in the place of the last one; nothing where lines stay."""
        if not self._alive:
            return
        # A line that breaks cannot be written anew.
        line = line[: max(shutil.get_terminal_size().columns - 1, 10)]
        if line != self._shown:
            self._shown = line
            # Said to be colour, so that it is not taken out where colours are not wanted.
            click.echo(f"\r\x1b[K{line}", nl=False, err=True, color=True)

    def _once(self, line: str) -> None:
        if line not in self._told:
            self._told.add(line)
            click.echo(line, err=True)


def _line(phase: Phase, message: str) -> str:
    return f"{_WORDS[phase]}: {message}" if message else _WORDS[phase]


def _bar(counted: re.Match[str] | None) -> str:
    if counted is None:
        return ""
    done, of = int(counted["done"]), int(counted["all"])
    full = _BAR * (done - 1) // of
    return f"[{'#' * full}{'-' * (_BAR - full)}] {done}/{of} {counted['item']}: "


class TerminalFace:
    """Files are as they are on disk; with `yes` every question is answered with its first choice."""

    def __init__(self, *, yes: bool = False, quiet: bool = False) -> None:
        self._yes = yes
        self._progress = None if quiet else Progress()
        self._unanswered: set[Question] = set()

    def documents(self) -> Documents:
        return {}

    def progress(self, phase: Phase, message: str = "") -> None:
        if self._progress is not None:
            self._progress.tell(phase, message)

    def done(self) -> None:
        """Clear the line of progress."""
        if self._progress is not None:
            self._progress.clear()

    async def ask(self, question: Question) -> str | None:
        from opencrates_lsp.app.workspaces import TRUST

        if self._yes:
            return question.choices[0]
        if question in self._unanswered:
            # Several steps of one job may need the same answer; whoever did not give it is not asked again.
            return None
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            if question.choices[0] == TRUST:
                # Without an answer nothing would be proved, which nobody asked for.
                raise Declined(
                    f"{question.text} Nobody can be asked here.",
                    remedy="Say --trust, or --no-trust for a look at the syntax only.",
                )
            self.done()
            click.echo(f"opencrates: {question.text} Nobody can be asked here; --yes would say yes.", err=True)
            self._unanswered.add(question)
            return None
        self.done()
        click.echo("\n".join(filter(None, (question.text, question.detail))), err=True)
        for number, choice in enumerate(question.choices, 1):
            click.echo(f"  {number}. {choice}", err=True)
        while True:
            click.echo(f"Choose [1-{len(question.choices)}]: ", nl=False, err=True)
            typed = await _typed()
            if not typed:
                click.echo(err=True)
                self._unanswered.add(question)
                return None
            chosen = typed.decode(errors="replace").strip()
            if chosen.isascii() and chosen.isdigit() and 1 <= int(chosen) <= len(question.choices):
                return question.choices[int(chosen) - 1]
            click.echo(f"Type a number from 1 to {len(question.choices)}.", err=True)


async def _typed() -> bytes:
    """The next line from the terminal, empty at its end; whoever waits for it can be cancelled."""
    loop = asyncio.get_running_loop()
    there = asyncio.Event()
    try:
        loop.add_reader(sys.stdin.fileno(), there.set)
    except NotImplementedError:
        # Windows: a thread reads, and Ctrl-C is heard after the line.
        line: str = await asyncio.to_thread(sys.stdin.readline)
        return line.encode()
    try:
        await there.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return os.read(sys.stdin.fileno(), 4096)


def running(
    work: Callable[[App, TerminalFace], Awaitable[T]],
    *,
    provider: str | None = None,
    trust: bool | None = None,
    yes: bool = False,
    quiet: bool = False,
) -> T:
    """Open the core, do the work and close it; Ctrl-C, and an order to end, cancel the work and what it started."""
    ordered: list[signal.Signals] = []

    async def run() -> T:
        _obey(ordered)
        face = TerminalFace(yes=yes, quiet=quiet)
        try:
            async with opened(face, provider=provider, trust=trust) as app:
                return await work(app, face)
        finally:
            face.done()

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        sys.exit(_ENDED + ordered[0] if ordered else 1)


def _obey(ordered: list[signal.Signals]) -> None:
    """End in good order when the session ends, or somebody says so."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def end(number: signal.Signals) -> None:
        ordered.append(number)
        if task is not None:
            task.cancel()

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Under nohup a session's end is to be ignored.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, end, number)


@contextlib.asynccontextmanager
async def opened(face: TerminalFace, *, provider: str | None, trust: bool | None) -> AsyncIterator[App]:
    """The core with the settings of the command line."""
    from opencrates_lsp.app import App
    from opencrates_lsp.app.workspaces import Launch
    from opencrates_lsp.home import find_home

    def notify(text: str) -> None:
        face.done()
        click.echo(f"opencrates: {text}", err=True)

    arguments = (f"ai.provider={provider}",) if provider else ()
    launch = Launch(env=dict(os.environ), arguments=arguments, trusted=trust)
    app = await App.open(find_home(os.environ), launch, notify)
    try:
        yield app
    finally:
        await app.close()
