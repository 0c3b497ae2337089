"""`opencrates holes`: what is left to fill."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import click

from opencrates_lsp.errors import Missing
from opencrates_lsp.faces.line_index import LineIndex
from opencrates_lsp.rust.holes import holes as holes_of
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.rust.syntax import parse


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def holes(paths: tuple[Path, ...], as_json: bool) -> None:
    """List every todo!() and unimplemented!() of the Rust files in PATHS (default: this folder)."""
    found = [place for path in paths or (Path(),) for file in _rust_files(path) for place in _places(file)]
    if as_json:
        click.echo(json.dumps({"holes": found}, ensure_ascii=False, indent=2))
        return
    for place in found:
        message = f"  {place['message']}" if place["message"] else ""
        click.echo(f"{place['path']}:{place['line']}:{place['column']}  {place['item']}{message}")
    click.echo(f"{len(found)} {'hole' if len(found) == 1 else 'holes'}", err=True)


def _rust_files(path: Path) -> Iterator[Path]:
    """The `.rs` files below a folder, in order, without hidden folders and cargo's `target`; a file is itself."""
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise Missing("There is no such file or folder.", remedy="Name a Rust file or a crate's folder.", place=path)
    for folder, folders, files in os.walk(path):
        # cargo marks its target folder, whatever its name is.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not Path(folder, name, "CACHEDIR.TAG").exists() and name != "target"
        )
        yield from (Path(folder, name) for name in sorted(files) if name.endswith(".rs"))


def _places(file: Path) -> Iterator[dict[str, str | int]]:
    try:
        text = file.read_bytes()
    except OSError as error:
        raise Missing(f"The file cannot be read: {error.strerror}.", place=file) from error
    lines = LineIndex(text)
    for hole in holes_of(parse(text)):
        line = lines.line(hole.span.start)
        column = len(text[lines.start(line) : hole.span.start].decode(errors="replace"))
        yield {
            "path": str(file),
            "line": line + 1,
            "column": column + 1,
            "item": qualified_name(hole.item),
            "macro": hole.macro,
            "message": hole.message,
        }
