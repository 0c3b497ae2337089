"""`opencrates holes`: what is left to fill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from opencrates_lsp.cli.output import print_json, reporting
from opencrates_lsp.cli.places import position_of
from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.faces.line_index import LineIndex
from opencrates_lsp.rust.holes import holes as holes_of
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.workspace.files import rust_files


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def holes(paths: tuple[Path, ...], as_json: bool) -> None:
    """List every todo!() and unimplemented!() of the Rust files in PATHS (default: this folder)."""
    with reporting("List the holes", as_json=as_json):
        found = [place for path in paths or (Path(),) for place in _below(path)]
    if as_json:
        print_json({"holes": found})
        return
    for place in found:
        message = f"  {place['message']}" if place["message"] else ""
        click.echo(f"{place['path']}:{place['line']}:{place['column']}  {place['item']}{message}")
    click.echo(f"{len(found)} {'hole' if len(found) == 1 else 'holes'}", err=True)


def _below(path: Path) -> Iterator[dict[str, str | int]]:
    """The holes of a file, or of the files below a folder; what cannot be read there is told and passed over."""
    if path.is_dir():
        for file in rust_files(path):
            try:
                yield from _places(file)
            except Missing as error:
                click.echo(f"opencrates: {error}", err=True)
    elif path.exists():
        yield from _places(path)
    else:
        raise WrongUsage("There is no such file or folder.", remedy="Name a Rust file or a crate's folder.", place=path)


def _places(file: Path) -> Iterator[dict[str, str | int]]:
    try:
        text = file.read_bytes()
    except OSError as error:
        raise Missing(f"The file cannot be read: {error.strerror}.", place=file) from error
    lines = LineIndex(text)
    for hole in holes_of(parse(text)):
        line, column = position_of(text, lines, hole.span.start)
        yield {
            "path": str(file),
            "line": line,
            "column": column,
            "item": qualified_name(hole.item),
            "macro": hole.macro,
            "message": hole.message,
        }
