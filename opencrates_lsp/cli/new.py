"""`opencrates new`: a new crate, compiled and tested before it lands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opencrates_lsp.cli.terminal import TerminalFace, apply, running, verdict_line

if TYPE_CHECKING:
    from opencrates_lsp.app import App
    from opencrates_lsp.crates.build import StagedCrate


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--kind", default="lib", show_default=True, help="lib or bin.")
@click.option("--name", help="The package's name; the folder's name otherwise.")
@click.option("--description", "-d", default="", help="What the crate is for; a model plans from it.")
@click.option("--edition", help="The Rust edition.")
@click.option("--license", "license_", help="An SPDX expression.")
@click.option("--provider", help="Who answers: offline, openai.")
@click.option("--trust/--no-trust", default=None, help="Whether cargo may run in the folder around it.")
@click.option("--yes", "-y", is_flag=True, help="Answer every question with yes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def new(
    path: Path,
    kind: str,
    name: str | None,
    description: str,
    edition: str | None,
    license_: str | None,
    provider: str | None,
    trust: bool | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a crate at PATH: generated beside it, compiled and tested there, then put in its place at once."""
    from opencrates_lsp.crates.spec import from_json

    where = path.absolute()
    asked = {
        "name": name or where.name,
        "kind": kind,
        "description": description,
        "edition": edition,
        "license": license_,
    }
    spec = from_json({key: value for key, value in asked.items() if value is not None}, folder=where.parent)

    async def work(app: App, face: TerminalFace) -> StagedCrate:
        staged = await app.new_crate(spec, face)
        try:
            staged.publish()
        except BaseException:
            staged.discard()
            raise
        joined = staged.joining()
        if joined is not None:
            await apply(app, joined)
        return staged

    staged = running(work, provider=provider, trust=trust, yes=yes, quiet=as_json)
    if as_json:
        from opencrates_lsp.faces.answers import usage_json, verdict_json

        document = {
            "state": "applied",
            "path": str(staged.target),
            "verdict": verdict_json(staged.verdict),
            "usage": usage_json(staged.usage),
            "notes": list(staged.notes),
        }
        click.echo(json.dumps(document, indent=2))
        return
    click.echo(f"{staged.target}: {verdict_line(staged.verdict)}")
    for note in staged.notes:
        click.echo(note)
