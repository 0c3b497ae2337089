"""`opencrates history`: what was changed, and with which proof."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from opencrates_lsp.cli.output import print_json, reporting
from opencrates_lsp.cli.terminal import TerminalFace, running

if TYPE_CHECKING:
    from opencrates_lsp.app import App


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def history(limit: int, as_json: bool) -> None:
    """List the changes, newest first: id, time, state, and what it was."""

    async def work(app: App, face: TerminalFace) -> Mapping[str, Any]:
        return await app.history(limit)

    with reporting("List the changes", as_json=as_json):
        found = running(work, quiet=True)
    if as_json:
        print_json(found)
        return
    for change in found["changes"]:
        made = datetime.fromtimestamp(change["created"]).astimezone().strftime("%Y-%m-%d %H:%M")
        click.echo(f"{change['id']}  {made}  {change['state']:11}  {change['title']}")
    if not found["changes"]:
        click.echo("Nothing was changed yet.", err=True)
