"""`opencrates undo`: take a change back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opencrates_lsp.cli.output import reporting, show
from opencrates_lsp.cli.places import workspace_around
from opencrates_lsp.cli.terminal import TerminalFace, running
from opencrates_lsp.cli.write import apply
from opencrates_lsp.values import Change

if TYPE_CHECKING:
    from opencrates_lsp.app import App


@click.command()
@click.argument("change", required=False)
@click.option("--dry-run", is_flag=True, help="Print a diff and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def undo(change: str | None, dry_run: bool, as_json: bool) -> None:
    """Take back CHANGE, if its text still stands there; without one, the last of this folder's workspace.

    `opencrates history` lists the changes.
    """

    async def work(app: App, face: TerminalFace) -> Change:
        back, undone = await app.undo(change, face, within=[await asyncio.to_thread(workspace_around, Path())])
        if not dry_run:
            await apply(app, back, undone=undone)
        return back

    with reporting("Undo", as_json=as_json):
        back = running(work, quiet=as_json)
    show(back, dry_run=dry_run, as_json=as_json)
