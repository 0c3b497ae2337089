"""`opencrates history`: what was changed, and with which proof."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opencrates_lsp.cli.output import print_json, reporting
from opencrates_lsp.cli.places import shown
from opencrates_lsp.cli.terminal import TerminalFace, running

if TYPE_CHECKING:
    from opencrates_lsp.app import App


_LEAST_OF_A_TITLE = 12


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def history(limit: int, as_json: bool) -> None:
    """List the changes, newest first: id, time, state, what it was, and its first file."""

    async def work(app: App, face: TerminalFace) -> Mapping[str, Any]:
        return await app.history(limit)

    with reporting("List the changes", as_json=as_json):
        found = running(work, quiet=True)
    if as_json:
        print_json(found)
        return
    for change in found["changes"]:
        made = datetime.fromtimestamp(change["created"]).astimezone().strftime("%Y-%m-%d %H:%M")
        click.echo(_line(f"{change['id']}  {made}  {change['state']:11}", change["title"], change["files"]))
    if not found["changes"]:
        click.echo("Nothing was changed yet.", err=True)


def _line(head: str, title: str, files: Sequence[str]) -> str:
    """One change; on a terminal that is too narrow for it the title is cut, and nothing else."""
    where = f"  {shown(Path(files[0]))}" if files else ""
    if sys.stdout.isatty():
        room = max(shutil.get_terminal_size().columns - len(head) - len(where) - 2, _LEAST_OF_A_TITLE)
        title = title if len(title) <= room else f"{title[: room - 3]}..."
    return f"{head}  {title}{where}"
