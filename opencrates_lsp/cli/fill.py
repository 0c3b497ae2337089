"""`opencrates fill`: fill the holes of a file, or the one at a place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import click

from opencrates_lsp.cli.output import reporting, show, show_offer
from opencrates_lsp.cli.places import place_of, span_at
from opencrates_lsp.cli.terminal import TerminalFace, running
from opencrates_lsp.cli.write import apply, writable
from opencrates_lsp.errors import Missing, Moved, Refused, WrongUsage
from opencrates_lsp.rust.holes import hole_at
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Change, Document, Level, Offer, Span

if TYPE_CHECKING:
    from opencrates_lsp.app import App


@click.command()
@click.argument("place")
@click.option("--instruction", "-i", default="", help="What the code shall do, beside the hole's own message.")
@click.option("--provider", help="Who answers: offline, openai.")
@click.option(
    "--trust/--no-trust",
    default=None,
    help="Whether cargo may run in this folder; without it only the syntax is looked at. Asked once otherwise.",
)
@click.option("--yes", "-y", is_flag=True, help="Answer every question with yes.")
@click.option("--dry-run", is_flag=True, help="Print a diff and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def fill(
    place: str, instruction: str, provider: str | None, trust: bool | None, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Fill every hole of a file, or with PLACE as PATH:LINE[:COL] the hole there; what lands has compiled."""
    with reporting(f"Fill {place}", as_json=as_json):
        path, line, column = place_of(place)
        if instruction and line is None:
            raise WrongUsage("An instruction is for one hole.", remedy="Name the hole as PATH:LINE[:COL].")
        document = _read(path.parent.resolve() / path.name)
        span = None if line is None else _hole(document, line, column)
        if not dry_run:
            writable(document.path)

        async def work(app: App, face: TerminalFace) -> Change | Offer:
            await _provable(app, face, document.path)
            if span is None:
                change = await app.fill_file(document, face)
            else:
                change = await _fill_one(app, face, document, span, instruction)
            return change if dry_run else await _written(app, face, change)

        done = running(work, provider=provider, trust=trust, yes=yes, quiet=as_json)
    if isinstance(done, Offer):
        show_offer(done, as_json=as_json)
    else:
        show(done, dry_run=dry_run, as_json=as_json)


async def _written(app: App, face: TerminalFace, change: Change) -> Change | Offer:
    """The change as it was written; what the item was edited into meanwhile is not overwritten, but offered."""
    for last in (False, False, True):
        try:
            change = await app.settle(change, face)
        except Moved:
            return await app.offer(change, face)
        try:
            await apply(app, change)
        except Moved:
            # It was written to in this very moment: settled anew.
            if last:
                raise
            change = replace(change, id=uuid4().hex)
        else:
            break
    return change


async def _provable(app: App, face: TerminalFace, path: Path) -> None:
    """Say that a trusted folder lacks cargo before a model is paid; who wants no proof says so."""
    workspace = await app.workspaces.of(path, face)
    lacking = workspace.unproved
    if lacking is not None and workspace.trusted and workspace.settings.verify.floor not in (Level.OFF, Level.PARSE):
        remedy = f"{lacking.remedy} With --no-trust only the syntax is looked at.".strip()
        raise Missing(f"Nothing can be proved here: {lacking.message}", remedy=remedy, place=lacking.place)


async def _fill_one(app: App, face: TerminalFace, document: Document, span: Span, instruction: str) -> Change:
    from opencrates_lsp.actions.base import Request

    request = Request(document, parse(document.text), span, instruction=instruction)
    result = await app.run("fill", request, face)
    if not isinstance(result, Change):
        raise Refused("The action edits nothing.")
    return result


def _hole(document: Document, line: int, column: int | None) -> Span:
    span = span_at(document.text, document.path, line, column)
    if hole_at(parse(document.text), span) is None:
        raise WrongUsage(
            f"There is no hole at line {line}.", remedy="`opencrates holes` lists them.", place=document.path
        )
    return span


def _read(path: Path) -> Document:
    try:
        text = path.read_bytes()
        text.decode()
    except OSError as error:
        raise Missing(f"The file cannot be read: {error.strerror}.", place=path) from error
    except UnicodeDecodeError as error:
        raise Refused(
            "The file is not UTF-8.", remedy="Save it as UTF-8; rustc reads nothing else.", place=path
        ) from error
    return Document(path, text)
