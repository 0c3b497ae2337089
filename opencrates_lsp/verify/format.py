"""Formatting of one item, and the question whether a text parses at all.

rustfmt formats files, and those that `mod` reaches from them; here it only ever sees the new item, on its standard
input, as deep in modules as the item stands in the file, so that `max_width` counts the same columns.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from opencrates_lsp.verify.spoken import spoken

_DEADLINE_SECONDS = 10.0
_DEFAULT_UNIT = "    "


async def format_item(
    rustfmt: Path | None,
    text: str,
    indent: str,
    edition: str,
    config_folder: Path,
    env: Mapping[str, str],
    *,
    newline: str | None = None,
) -> str:
    """`text` as rustfmt lays it out where it stands.

    `text` is one item with its attributes and doc comments as it stands in the file, from its first character on:
    its first line without `indent`, the further ones with.
    The same holds for the result.
    `config_folder` is the folder of the source file: rustfmt.toml is looked for there and above, as `cargo fmt` does.
    `newline` is the file's line end, needed only for an item of one line; otherwise the item's own is kept.
    The result is `text` itself where there is no rustfmt, where it cannot parse the item, does not answer in time, or
    is set to another indentation than the file has.
    """
    if rustfmt is None or not text.strip():
        return text
    newline = newline or ("\r\n" if "\r\n" in text else "\n")
    argv = [str(rustfmt), "--edition", edition, "--emit", "stdout", "--color", "never", "--quiet"]
    folder = await asyncio.to_thread(_existing, config_folder)
    depth = _depth(indent, _DEFAULT_UNIT)
    # A module takes every item that an impl, a trait or an extern block takes, and lays it out alike; but parameters
    # without a name are known in a trait of the first edition only.
    for innermost in ("mod w {", "trait W {") if edition == "2015" and depth else ("mod w {",):
        heads = ["mod w {"] * (depth - 1) + [innermost] * min(depth, 1)
        made = await _wrapped(argv, folder, env, indent + text, heads)
        if made is not None and depth and _depth(indent, made[1]) != depth:
            # rustfmt.toml indents by another width: only now is it known how deep the item stands.
            heads = ["mod w {"] * (_depth(indent, made[1]) - 1) + [innermost]
            made = await _wrapped(argv, folder, env, indent + text, heads)
        if made is not None:
            return _cut(made[0], indent, newline) or text
    return text


async def rejected(rustc: Path, text: str, edition: str, env: Mapping[str, str]) -> str | None:
    """Why rustc cannot parse the file: its first error with the line, in one sentence; None when it parses.

    Nothing but the syntax is looked at, and no other file: the whole crate is configured out behind its parser, so no
    module is loaded, no macro expanded, and nothing of the text runs.
    None as well when rustc gives no verdict.
    """
    # On the first line, so that the lines stay the user's own.
    source = "#![cfg(any())]" + _without_head(text)
    with tempfile.TemporaryDirectory(prefix="opencrates-") as folder:
        argv = [str(rustc), "-", "--edition", edition, "--crate-type", "lib", "--crate-name", "parsed"]
        argv += ["--emit", "metadata", "--out-dir", folder, "--error-format", "json", "--cap-lints", "allow"]
        said = await spoken(argv, source.encode(), cwd=Path(folder), env=env, deadline_seconds=_DEADLINE_SECONDS)
    if said is None or said.code == 0:
        return None
    return _first_error(said.err)


async def _wrapped(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], item: str, heads: Sequence[str]
) -> tuple[list[str], str] | None:
    """The lines that rustfmt makes of the item inside of `heads`, these cut off, and its unit of indentation.

    None where it cannot parse them.
    """
    wrapped = "\n".join([*heads, item, *("}" for _ in heads), ""])
    said = await spoken(argv, wrapped.encode(), cwd=cwd, env=env, deadline_seconds=_DEADLINE_SECONDS)
    if said is None or said.code != 0:
        return None
    lines = said.out.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")
    depth = len(heads)
    inside = lines[depth : len(lines) - depth]
    ends = [line.strip() for line in (*lines[:depth], *lines[len(lines) - depth :])]
    if not inside or ends != [*heads, *("}" for _ in heads)]:
        return None
    deepest = _indent_of(inside[0])
    return inside, deepest[: len(deepest) // max(depth, 1)]


def _depth(indent: str, unit: str) -> int:
    """How many blocks stand around an item at `indent`."""
    tabs = indent.count("\t")
    if tabs:
        return tabs
    width = len(_DEFAULT_UNIT) if not unit or "\t" in unit else len(unit)
    return -(-len(indent) // width)


def _cut(lines: list[str], indent: str, newline: str) -> str | None:
    """The item in the shape that `format_item` promises; None when it does not stand at `indent`."""
    first = lines[0]
    if _indent_of(first) != indent:
        return None
    return newline.join([first[len(indent) :], *lines[1:]])


def _indent_of(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _existing(folder: Path) -> Path:
    """The nearest folder at or above it that is there; a new file's own may not be yet."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path.cwd())


def _without_head(text: str) -> str:
    """The text without its byte order mark, and with its `#!` line emptied: both must come first to be understood."""
    text = text.removeprefix("\ufeff")
    if text.startswith("#!") and not text[2:].lstrip().startswith("["):
        return text[len(text.split("\n", 1)[0]) :]
    return text


def _first_error(err: bytes) -> str | None:
    for line in err.decode("utf-8", "replace").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if not isinstance(said, dict) or said.get("level") != "error" or not said.get("spans"):
            continue
        spans = said["spans"]
        primary = next((span for span in spans if span.get("is_primary")), spans[0])
        return f"{said['message']} (line {primary['line_start']})"
    return None
