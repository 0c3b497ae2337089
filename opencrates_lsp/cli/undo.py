"""`opencrates undo`: take a change back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from opencrates_lsp.cli.terminal import TerminalFace, answer_json, apply, running, unified
from opencrates_lsp.values import Change

if TYPE_CHECKING:
    from opencrates_lsp.app import App


@click.command()
@click.argument("change", required=False)
@click.option("--dry-run", is_flag=True, help="Print a diff and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def undo(change: str | None, dry_run: bool, as_json: bool) -> None:
    """Take back CHANGE (the last one that was applied), if its text still stands there."""

    async def work(app: App, face: TerminalFace) -> Change:
        back, undone = await app.undo(change, face)
        if not dry_run:
            await apply(app, back, undone=undone)
        return back

    back = running(work, quiet=as_json)
    if as_json:
        click.echo(json.dumps(answer_json(back, "offered" if dry_run else "applied"), indent=2))
    elif dry_run:
        click.echo("".join(unified(back)), nl=False)
    else:
        click.echo(back.title)
