"""`opencrates new`: a new crate, compiled and tested before it lands."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from opencrates_lsp.cli.output import print_json, reporting
from opencrates_lsp.cli.places import workspace_around
from opencrates_lsp.cli.terminal import TerminalFace, running
from opencrates_lsp.cli.write import apply
from opencrates_lsp.errors import Missing, OpenCratesError
from opencrates_lsp.faces import words
from opencrates_lsp.faces.answers import answer_json
from opencrates_lsp.faces.differences import patch_between
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.values import Replace

if TYPE_CHECKING:
    from opencrates_lsp.app import App
    from opencrates_lsp.crates.build import StagedCrate
    from opencrates_lsp.crates.spec import CrateSpec


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--kind", default="lib", show_default=True, help="lib or bin.")
@click.option("--description", "-d", default="", help="What the crate is for; a model plans from it.")
@click.option("--edition", help="The Rust edition; the newest that the toolchain has otherwise.")
@click.option("--license", "license_", help="An SPDX expression.")
@click.option("--provider", help="Who answers: offline, openai.")
@click.option("--trust/--no-trust", default=None, help="Whether cargo may run in the workspace around it.")
@click.option("--yes", "-y", is_flag=True, help="Answer every question with yes.")
@click.option("--dry-run", is_flag=True, help="Make and prove it, print it as a diff, and leave nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def new(
    path: Path,
    kind: str,
    description: str,
    edition: str | None,
    license_: str | None,
    provider: str | None,
    trust: bool | None,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a crate at PATH, under the folder's name: generated beside it, compiled and tested there, then put there.

    A workspace around it gets it as a member.
    """
    from opencrates_lsp.crates.spec import from_json

    where = Path(os.path.abspath(path))  # noqa: PTH100 - `Path.absolute` would leave the `..` in.
    asked = {"name": where.name, "kind": kind, "description": description, "edition": edition, "license": license_}

    async def work(app: App, face: TerminalFace) -> tuple[StagedCrate, list[Path], bytes]:
        await asyncio.to_thread(_makeable, app, spec)
        staged = await app.new_crate(spec, face)
        if dry_run:
            try:
                return staged, [], _patch(staged)
            finally:
                staged.discard()
        return staged, await _landed(app, staged), b""

    title = f"New crate `{where.name}` in {where}"
    with reporting(title, as_json=as_json):
        spec = from_json({key: value for key, value in asked.items() if value is not None}, folder=where.parent)
        staged, files, diff = running(work, provider=provider, trust=trust, yes=yes, quiet=as_json)
    if as_json:
        state = "offered" if dry_run else "applied"
        told = answer_json(state, title, files=files, verdict=staged.verdict, usage=staged.usage, notes=staged.notes)
        print_json({**told, "path": str(staged.target)})
        return
    click.echo(diff, nl=False)
    said = f"Not written: {title}: {words.proved(staged.verdict)}"
    if not dry_run:
        said = words.done(title, staged.verdict, staged.usage)
    click.echo("\n".join([said, *staged.notes]), err=dry_run)


def _makeable(app: App, spec: CrateSpec) -> None:
    """Raise what is wrong with the spec before anybody is asked to trust the workspace around it.

    The kinds of an untrusted workspace's templates count here: that one of them may be used is decided later.
    """
    from opencrates_lsp.crates.skeleton import kinds
    from opencrates_lsp.crates.spec import checked

    own = workspace_around(spec.path) / ".opencrates" / "templates"
    checked(spec, kinds([own, *app.templates(None).search]))


async def _landed(app: App, staged: StagedCrate) -> list[Path]:
    """Let the crate land and become a member; the files that somebody would look at first."""
    try:
        staged.publish()
    except BaseException:
        staged.discard()
        raise
    files = [file for name in ("src/lib.rs", "src/main.rs") if (file := staged.target / name).is_file()]
    if staged.manifest is not None:
        try:
            files += await _join(app, staged, staged.manifest)
        except OpenCratesError as error:
            # The crate stands; only the workspace does not know it yet.
            told = f"It is no member of the workspace yet: {error} Add it to `members` in Cargo.toml yourself."
            staged.notes = (*staged.notes, told)
    return files


def _patch(staged: StagedCrate) -> bytes:
    from opencrates_lsp.crates.staging import OWNER

    files = [path for path in staged.staging.rglob("*") if path.is_file() and path.name != OWNER]
    after: dict[Path, bytes | None] = {}
    for path in files:
        after[staged.target / path.relative_to(staged.staging)] = path.read_bytes()
    before: dict[Path, bytes] = {}
    if staged.manifest is not None:
        before[staged.manifest.path] = staged.manifest.path.read_bytes()
        after |= applied([staged.manifest], before)
    return patch_between(before, after, Path())


async def _join(app: App, staged: StagedCrate, edit: Replace) -> list[Path]:
    from opencrates_lsp.crates.joining import joining

    try:
        text = edit.path.read_bytes()
    except OSError as error:
        raise Missing(f"The manifest cannot be read: {error.strerror}.", place=edit.path) from error
    return await apply(app, joining(staged.target.name, edit, text, staged.verdict, staged.usage))
