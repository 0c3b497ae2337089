"""`opencrates history`: what was changed, and with which proof."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from opencrates_lsp.cli.terminal import TerminalFace, running

if TYPE_CHECKING:
    from opencrates_lsp.app import App


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def history(limit: int, as_json: bool) -> None:
    """List the changes, newest first."""

    async def work(app: App, face: TerminalFace) -> Mapping[str, Any]:
        return await app.history(limit)

    found = running(work, quiet=True)
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for change in found["changes"]:
        click.echo(f"{change['id']}  {change['state']:12}  {change['title']}")
