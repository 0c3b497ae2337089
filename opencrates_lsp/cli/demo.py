"""`opencrates demo`: the main job, for real, in a folder of its own.

It starts `opencrates-lsp` and drives it as an editor does: open a file, take a code action, apply the edit that comes.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import shutil
import sys
import tempfile
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opencrates_lsp.cli.terminal import Progress
from opencrates_lsp.errors import Missing, Refused, WrongUsage
from opencrates_lsp.faces.words import proved
from opencrates_lsp.rust.holes import Hole, holes
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Diagnostic, Level, Severity, TestCount, Verdict

if TYPE_CHECKING:
    from opencrates_lsp.server.headless import HeadlessEditor

_ATTACH = """\
Attach your own editor, Neovim 0.11 or newer for instance:
  nvim -c "lua vim.lsp.config('opencrates', {{ cmd = {{ '{server}' }}, filetypes = {{ 'rust' }}, \
root_markers = {{ 'Cargo.toml' }} }}) vim.lsp.enable('opencrates')" src/lib.rs
then put the cursor on a todo!() and choose a code action (gra)."""


@click.command()
@click.option("--provider", default="offline", show_default=True, help="Who fills: offline, openai.")
@click.option("--keep", type=click.Path(path_type=Path), help="Work in this new folder and leave it there.")
def demo(provider: str, keep: Path | None) -> None:
    """Fill an example crate and make a new one, through the language server, and show each proof."""
    if shutil.which("cargo") is None:
        raise Missing("cargo is not installed.", remedy="Install Rust from https://rustup.rs and run it again.")
    if keep is not None and keep.exists():
        raise WrongUsage("There is something of this name already.", remedy="Name a new folder.", place=keep)
    folder = keep or Path(tempfile.mkdtemp(prefix="opencrates-demo-"))
    try:
        asyncio.run(_demo(folder.absolute(), provider))
    finally:
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _demo(folder: Path, provider: str) -> None:
    from opencrates_lsp.server.headless import HeadlessEditor
    from opencrates_lsp.templates import packaged_folder

    shelf = folder / "shelf"
    await asyncio.to_thread(shutil.copytree, packaged_folder() / "demo", shelf)
    env = {**os.environ, "OPENCRATES_HOME": str(folder / "home"), "OPENCRATES_AI__PROVIDER": provider}
    server = [sys.executable, "-m", "opencrates_lsp"]
    progress = Progress()
    async with HeadlessEditor(
        server,
        folder,
        env=env,
        options={"trusted": True, "answer_within": 600},
        on_progress=lambda text: progress.show(f"  {text}"),
    ) as editor:
        try:
            filled = await _fill(editor, shelf / "src" / "lib.rs", progress)
            await _new_crate(editor, folder, progress)
        finally:
            progress.clear()
    click.echo(f"{filled} holes filled and a crate made; every edit was looked at by rustc first.\n")
    program = Path(sys.executable).with_name("opencrates-lsp")
    click.echo(_ATTACH.format(server=program if program.exists() else "opencrates-lsp"))


async def _fill(editor: HeadlessEditor, path: Path, progress: Progress) -> int:
    """Take the code action on every hole of the file, one after the other."""
    editor.open(path)
    filled = 0
    passed: set[str] = set()
    while (hole := _next(editor.text(path), passed)) is not None:
        name = qualified_name(hole.item)
        passed.add(name)
        actions = await editor.code_actions(path, hole.span.start)
        action = next((one for one in actions if one.kind and one.kind.startswith("refactor.rewrite")), None)
        if action is None:
            raise Refused(f"The server offers nothing on the hole in `{name}`.", place=path)
        click.secho(action.title, bold=True)
        if action.disabled is not None:
            click.echo(f"  not offered: {action.disabled.reason}\n")
            continue
        before = editor.text(path)
        answer = await _answered(editor.choose(action))
        progress.clear()
        if answer["state"] != "applied":
            click.echo(f"  {answer['state']}: {answer['reason']}\n")
            continue
        filled += 1
        _show_diff(path.name, before, editor.text(path))
        _show_proof(answer)
    editor.save_all()
    return filled


def _next(text: str, passed: set[str]) -> Hole | None:
    return next((hole for hole in holes(parse(text.encode())) if qualified_name(hole.item) not in passed), None)


async def _new_crate(editor: HeadlessEditor, folder: Path, progress: Progress) -> None:
    click.secho("New crate `greeter`", bold=True)
    spec = {"name": "greeter", "kind": "bin", "description": "Greets whoever is named", "path": str(folder)}
    answer = await _answered(editor.execute("opencrates.newCrate", spec))
    progress.clear()
    if answer["state"] != "applied":
        raise Refused(f"The crate was not made: {answer['reason']}")
    made = folder / "greeter"
    for file in sorted(path for path in made.rglob("*") if path.is_file()):
        click.echo(f"  {file.relative_to(folder)}")
    _show_proof(answer)


async def _answered(request: Coroutine[Any, Any, object]) -> Mapping[str, Any]:
    """The server's answer; whoever interrupts us need not hear what still came of the request."""
    asking = asyncio.ensure_future(request)
    asking.add_done_callback(lambda done: done.cancelled() or done.exception())
    return _plain(await asyncio.shield(asking))


def _plain(answer: object) -> Mapping[str, Any]:
    """An object of JSON as a mapping, whatever the client's library made of it."""
    if isinstance(answer, Mapping):
        return answer
    told: dict[str, Any] = answer._asdict() if hasattr(answer, "_asdict") else vars(answer)
    return told


def _show_diff(name: str, before: str, after: str) -> None:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, name, n=1, lineterm="")
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in list(lines)[2:]:
        click.secho(f"  {line}", fg=colours.get(line[:1]))


def _show_proof(answer: Mapping[str, Any]) -> None:
    verdict = _plain(answer["verdict"])
    tests = verdict["tests"] and _plain(verdict["tests"])
    known = tuple(map(str, tests["failing_before"])) if tests else ()
    counted = TestCount(tests["passed"], tests["failed"], tests["ignored"], failing_before=known) if tests else None
    proof = Verdict(
        Level(verdict["level"]),
        verdict["reached"],
        verdict["configuration"],
        new_errors=tuple(Diagnostic(Severity.ERROR, str(error)) for error in verdict["new_errors"]),
        tests=counted,
        seconds=verdict["seconds"],
    )
    click.echo(f"  {proved(proof)}\n")
