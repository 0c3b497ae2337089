"""Places as people write them: PATH:LINE:COLUMN, from 1, columns in characters."""

from __future__ import annotations

import os
from pathlib import Path

from opencrates_lsp.errors import OpenCratesError, WrongUsage
from opencrates_lsp.faces.line_index import LineIndex
from opencrates_lsp.values import Span

_BOM = b"\xef\xbb\xbf"


def place_of(text: str) -> tuple[Path, int | None, int | None]:
    """`PATH`, `PATH:LINE` or `PATH:LINE:COL`; None for what is not named.

    Raises `WrongUsage` where PATH is no Rust file.
    """
    path, numbers = Path(text), list[int]()
    parts = text.rsplit(":", 2)
    while not path.exists() and len(parts) > 1 and parts[-1].isascii() and parts[-1].isdigit() and len(numbers) < 2:
        numbers.insert(0, int(parts.pop()))
        path = Path(":".join(parts))
    if not path.exists():
        raise WrongUsage("There is no such file.", remedy="Name it as PATH, PATH:LINE or PATH:LINE:COL.", place=path)
    if path.is_dir():
        raise WrongUsage(f"`{path}` is a folder.", remedy="Name a Rust file; `opencrates holes` lists them.")
    if path.suffix != ".rs":
        raise WrongUsage(f"`{path}` is not a Rust file.", remedy="Name a file that ends in .rs.")
    if 0 in numbers:
        raise WrongUsage(f"Lines and columns count from 1: {text}.")
    line, column, *_ = (*numbers, None, None)
    return path, line, column


def workspace_around(folder: Path) -> Path:
    """The root of the workspace around a folder, or the folder itself where there is none that can be read."""
    # `opencrates holes` needs none of it.
    from opencrates_lsp.workspace.layout import find_manifest
    from opencrates_lsp.workspace.manifests import read_manifest, workspace_root

    try:
        return workspace_root(read_manifest(find_manifest(folder))).root
    except OpenCratesError:
        return folder.absolute()


def shown(path: Path) -> str:
    """The path for people: from this folder when it is below, else from the home folder, else whole."""
    here, home = Path.cwd(), Path(os.path.expanduser("~"))  # noqa: PTH111 - `Path.home` raises where there is none.
    if path.is_relative_to(here):
        return str(path.relative_to(here))
    return str("~" / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def span_at(text: bytes, path: Path, line: int, column: int | None) -> Span:
    """The place in bytes: a point, or what stands on the line where no column is named.

    Raises `WrongUsage` beyond the text.
    """
    lines = LineIndex(text)
    if line > len(lines):
        raise WrongUsage(f"The file has {len(lines)} lines, so there is no line {line}.", place=path)
    start = lines.start(line - 1)
    end = lines.start(line) if line < len(lines) else len(text)
    whole = text[start:end].rstrip(b"\r\n")
    if column is None:
        return Span(start + len(whole) - len(whole.lstrip()), start + len(whole))
    if line == 1 and whole.startswith(_BOM):
        start, whole = start + len(_BOM), whole[len(_BOM) :]
    characters = whole.decode(errors="replace")
    if column > len(characters) + 1:
        raise WrongUsage(f"Line {line} has {len(characters)} characters, so there is no column {column}.", place=path)
    at = start + len(characters[: column - 1].encode())
    return Span(at, at)


def position_of(text: bytes, lines: LineIndex, offset: int) -> tuple[int, int]:
    """Line and column of a byte, both from 1."""
    line = lines.line(offset)
    before = text[lines.start(line) : offset]
    return line + 1, len(before.removeprefix(_BOM).decode(errors="replace")) + 1
