"""The terminal as a face: progress on standard error, questions where somebody can answer, files written whole."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from opencrates_lsp.errors import Missing, Refused, WrongUsage
from opencrates_lsp.face import Phase
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.values import Change, Delete, Documents, Question, Verdict

if TYPE_CHECKING:
    from opencrates_lsp.app import App

T = TypeVar("T")


class TerminalFace:
    """Files are as they are on disk; `yes` answers every question with its first choice."""

    def __init__(self, *, yes: bool = False, quiet: bool = False) -> None:
        self._yes = yes
        self._quiet = quiet
        self._line = ""

    def documents(self) -> Documents:
        return {}

    def progress(self, phase: Phase, message: str = "") -> None:
        line = f"{phase} {message}".strip()
        if self._quiet or line == self._line:
            return
        self._line = line
        if sys.stderr.isatty():
            click.echo(f"\r\x1b[K{line}", nl=False, err=True)
        else:
            click.echo(line, err=True)

    def done(self) -> None:
        """Clear the line of progress."""
        if self._line and sys.stderr.isatty() and not self._quiet:
            click.echo("\r\x1b[K", nl=False, err=True)

    async def ask(self, question: Question) -> str | None:
        if self._yes:
            return question.choices[0]
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        self.done()
        click.echo(question.text, err=True)
        for number, choice in enumerate(question.choices, 1):
            click.echo(f"  {number}. {choice}", err=True)
        numbers = click.IntRange(1, len(question.choices))
        chosen: int = await asyncio.to_thread(click.prompt, "Choose", type=numbers, err=True)
        return question.choices[chosen - 1]


def running(
    work: Callable[[App, TerminalFace], Awaitable[T]],
    *,
    provider: str | None = None,
    trust: bool | None = None,
    yes: bool = False,
    quiet: bool = False,
) -> T:
    """Open the core, do the work and close it; Ctrl-C cancels the work and what it started."""

    async def run() -> T:
        async with opened(provider=provider, trust=trust) as app:
            face = TerminalFace(yes=yes, quiet=quiet)
            try:
                return await work(app, face)
            finally:
                face.done()

    return asyncio.run(run())


@contextlib.asynccontextmanager
async def opened(*, provider: str | None, trust: bool | None) -> AsyncIterator[App]:
    """The core with the settings of the command line."""
    from opencrates_lsp.app import App
    from opencrates_lsp.app.workspaces import Launch
    from opencrates_lsp.home import find_home

    arguments = (f"ai.provider={provider}",) if provider else ()
    launch = Launch(env=dict(os.environ), arguments=arguments, trusted=trust)
    app = await App.open(find_home(os.environ), launch, lambda text: click.echo(f"opencrates: {text}", err=True))
    try:
        yield app
    finally:
        await app.close()


async def apply(app: App, change: Change, *, undone: str | None = None) -> list[Path]:
    """Write a change to disk: the intent first, then file after file, each replaced whole.

    Raises `Moved` where a file is no longer the one that was judged.
    """
    before = {document.path: document.text for document in change.documents}
    after = applied(change.edits, before)
    await app.begin(change, after)
    written = False
    try:
        _unchanged(change)
        for path, text in after.items():
            if text is None:
                path.unlink()
            else:
                _write(path, text)
        written = True
    finally:
        await app.end(change, applied=written, undone=undone)
    return sorted(after)


def _unchanged(change: Change) -> None:
    for document in change.documents:
        if document.path.read_bytes() != document.text:
            raise Refused("The file changed under the work.", remedy="Run it again.", place=document.path)
    for edit in change.edits:
        if isinstance(edit, Delete) and edit.path.read_bytes() != edit.expect.encode():
            raise Refused("The file changed since.", remedy="Delete it by hand.", place=edit.path)


def _write(path: Path, text: bytes) -> None:
    """Replace a file as one: whoever reads it sees the old text or the new one, never a part."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
            if path.exists():
                Path(name).chmod(path.stat().st_mode)
            # A symbolic link stays one: what it points to is replaced.
            Path(name).replace(path.resolve())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Missing(f"The file cannot be written: {error.strerror}.", place=path) from error


def unified(change: Change) -> Iterator[str]:
    """The change as a unified diff with paths relative to this folder, as `git apply` takes it."""
    before = {document.path: document.text for document in change.documents}
    for path, text in sorted(applied(change.edits, before).items()):
        name = os.path.relpath(path)
        old, new = before.get(path), text
        yield from _diff(name, old, new)


def _diff(name: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    source = f"a/{name}" if old is not None else "/dev/null"
    target = f"b/{name}" if new is not None else "/dev/null"
    before, after = ((text or b"").decode().splitlines(keepends=True) for text in (old, new))
    for line in difflib.unified_diff(before, after, source, target):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def verdict_line(verdict: Verdict) -> str:
    """The proof in a line: "cargo check: reached, 0 new errors, 1.2 s"."""
    level = verdict.level.value
    if level in ("off", "parse"):
        return "syntax only: rustc was not asked" if level == "parse" else "not proved"
    said = [f"cargo {level}: {'reached' if verdict.reached else 'not reached'}"]
    said.append(f"{len(verdict.new_errors)} new errors")
    if verdict.baseline_errors:
        said.append(f"{verdict.baseline_errors} from before")
    if verdict.tests is not None:
        said.append(f"{verdict.tests.passed} tests passed, {len(verdict.tests.broken)} broken")
    said.append(f"{verdict.seconds:.1f} s")
    return ", ".join(said)


def answer_json(change: Change, state: str) -> dict[str, Any]:
    """A change as the commands of the language server answer it."""
    from opencrates_lsp.faces.uris import uri_of
    from opencrates_lsp.faces.answers import usage_json, verdict_json

    return {
        "state": state,
        "job": change.job,
        "title": change.title,
        "files": [uri_of(path) for path in dict.fromkeys(edit.path for edit in change.edits)],
        "verdict": verdict_json(change.verdict),
        "usage": usage_json(change.usage),
        "reason": None,
        "notes": list(change.notes),
    }


def place_of(text: str) -> tuple[Path, int | None, int]:
    """`PATH`, `PATH:LINE` or `PATH:LINE:COL`, both from 1; the line is None where none is named."""
    parts = text.rsplit(":", 2)
    numbers: list[int] = []
    while len(parts) > 1 and parts[-1].isdigit() and len(numbers) < 2:
        numbers.insert(0, int(parts.pop()))
    path = Path(":".join(parts))
    if not path.exists():
        raise WrongUsage("There is no such file.", remedy="Name it as PATH, PATH:LINE or PATH:LINE:COL.", place=path)
    if 0 in numbers:
        raise WrongUsage(f"{text!r}: lines and columns count from 1.")
    return path, numbers[0] if numbers else None, numbers[1] if len(numbers) > 1 else 1
