"""`opencrates fill`: fill the holes of a file, or the one at a place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opencrates_lsp.cli.terminal import TerminalFace, answer_json, apply, place_of, running, unified, verdict_line
from opencrates_lsp.errors import Missing, Refused, WrongUsage
from opencrates_lsp.faces.line_index import LineIndex
from opencrates_lsp.rust.holes import hole_at
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Change, Document, Span

if TYPE_CHECKING:
    from opencrates_lsp.app import App


@click.command()
@click.argument("place")
@click.option("--instruction", "-i", default="", help="What the code shall do, beside the hole's own message.")
@click.option("--provider", help="Who answers: offline, openai.")
@click.option("--trust/--no-trust", default=None, help="Whether cargo may run in this folder; asked once otherwise.")
@click.option("--yes", "-y", is_flag=True, help="Answer every question with yes.")
@click.option("--dry-run", is_flag=True, help="Print a diff and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def fill(
    place: str, instruction: str, provider: str | None, trust: bool | None, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Fill every hole of a file, or with PATH:LINE[:COL] the hole there; what lands has compiled."""
    path, line, column = place_of(place)
    document = _read(path.absolute())

    async def work(app: App, face: TerminalFace) -> Change:
        if line is None:
            change = await app.fill_file(document, face)
        else:
            change = await _fill_one(app, face, document, line, column, instruction)
        if not dry_run:
            await apply(app, change)
        return change

    change = running(work, provider=provider, trust=trust, yes=yes, quiet=as_json)
    if as_json:
        click.echo(json.dumps(answer_json(change, "offered" if dry_run else "applied"), indent=2))
        return
    if dry_run:
        click.echo("".join(unified(change)), nl=False)
    said = f"{change.title}: {verdict_line(change.verdict)} ({change.usage.provider})"
    click.echo("\n".join([said, *change.notes]), err=dry_run)


async def _fill_one(
    app: App, face: TerminalFace, document: Document, line: int, column: int, instruction: str
) -> Change:
    from opencrates_lsp.actions.base import Request

    source = parse(document.text)
    lines = LineIndex(document.text)
    if line > len(lines):
        raise WrongUsage(f"The file has {len(lines)} lines.", place=document.path)
    at = min(lines.start(line - 1) + column - 1, len(document.text))
    if hole_at(source, Span(at, at)) is None:
        raise WrongUsage(
            f"There is no hole at line {line}.", remedy="`opencrates holes` lists them.", place=document.path
        )
    result = await app.run("fill", Request(document, source, Span(at, at), instruction=instruction), face)
    if not isinstance(result, Change):
        raise Refused("The action edits nothing.")
    return result


def _read(path: Path) -> Document:
    try:
        text = path.read_bytes()
        text.decode()
    except OSError as error:
        raise Missing(f"The file cannot be read: {error.strerror}.", place=path) from error
    except UnicodeDecodeError as error:
        raise Refused("The file is not UTF-8.", remedy="rustc reads nothing else.", place=path) from error
    return Document(path, text)
