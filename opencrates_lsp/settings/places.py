"""The lines that the keys of a TOML text stand on, which tomllib does not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping

Key = tuple[str, ...]

_STRING = r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\''
_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_PART = re.compile(r"[ \t]*(?:(?P<bare>[A-Za-z0-9_-]+)|\"(?P<basic>(?:\\.|[^\"\\])*)\"|'(?P<literal>[^']*)')[ \t]*")
_PIECE = re.compile(rf"(?P<string>{_STRING})|(?P<open>[\[{{])|(?P<close>[\]}}])|#[^\n]*|(?P<end>\n)|.", re.DOTALL)


def lines_of(text: str) -> Mapping[Key, int]:
    """The line, counted from 1, of every table and key; `text` must be TOML that tomllib takes.

    The keys inside an inline table or an array have no place of their own: theirs is the nearest one above.
    """
    places: dict[Key, int] = {}
    table: Key = ()
    # tomllib reads these as one line end, too.
    text = text.replace("\r\n", "\n")
    at, line, counted = 0, 1, 0
    while True:
        blank = _BLANK.match(text, at)
        at = blank.end() if blank else at
        if at >= len(text):
            return places
        line, counted = line + text.count("\n", counted, at), at
        header = text[at] == "["
        key, after = _key(text, at + len("[[") if text.startswith("[[", at) else at + header)
        if not key:
            # Nothing that tomllib takes comes here; without this a mistake above would never end.
            return places
        around = () if header else table
        for length in range(1, len(key) + 1):
            places.setdefault(around + key[:length], line)
        if header:
            table = key
            places[key] = line
        at = _statement_end(text, after)


def nearest(places: Mapping[Key, int], key: Key) -> int | None:
    """The line of the key, else that of the nearest table around it."""
    for length in range(len(key), 0, -1):
        if key[:length] in places:
            return places[key[:length]]
    return None


def _key(text: str, at: int) -> tuple[Key, int]:
    parts: list[str] = []
    while part := _PART.match(text, at):
        name = part["bare"] or part["literal"] or part["basic"] or ""
        if part["basic"]:
            name = _unescaped(name)
        parts.append(name)
        at = part.end()
        if not text.startswith(".", at):
            break
        at += 1
    return tuple(parts), at


def _unescaped(name: str) -> str:
    import tomllib

    name_of: str = tomllib.loads(f'x = "{name}"')["x"]
    return name_of


def _statement_end(text: str, at: int) -> int:
    """Where the next statement may begin: behind the line end that is in no string and no bracket."""
    depth = 0
    # The bracket that closes a header stands before any that opens.
    for piece in _PIECE.finditer(text, at):
        if piece["open"]:
            depth += 1
        elif piece["close"]:
            depth -= 1
        elif piece["end"] and depth <= 0:
            return piece.end()
    return len(text)
