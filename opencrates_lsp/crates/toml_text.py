"""Where things stand in a TOML text: the keys of its tables and the spans of their values, nothing evaluated.

The text is one that a real parser has read already; here it is only walked, so that an edit can keep its layout.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_STRING = re.compile(r"\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'", re.DOTALL)
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADER_END = re.compile(r"[ \t]*\]{1,2}")


class Place(NamedTuple):
    """A half-open range of characters of the text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A header (`value` is then the header itself) or a value with its whole key.

    `last` is the last element of an array, counted from the array's start; None where it has none.
    """

    key: tuple[str, ...]
    value: Place
    is_header: bool
    last: Place | None = None


def newline_of(text: str) -> str:
    """The line ending that the text has first."""
    at = text.find("\n")
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def entries(text: str) -> Iterator[Entry]:
    """The headers and the values outside of inline tables, in reading order; what follows an oddity is left out."""
    table: tuple[str, ...] = ()
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            start = at
            table, at = _key(text, at + (2 if text.startswith("[[", at) else 1))
            end = _HEADER_END.match(text, at)
            if end is None:
                return
            at = end.end()
            yield Entry(table, Place(start, at), is_header=True)
        else:
            key, at = _key(text, at)
            if not key or at >= len(text) or text[at] != "=":
                return
            start = _spaces(text, at + 1)
            at, last = _value(text, start)
            yield Entry((*table, *key), Place(start, at), is_header=False, last=last)
        at = _skip(text, at)


def _skip(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank else at


def _spaces(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def _key(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """A dotted key and where it ends, blanks after it included."""
    parts: list[str] = []
    while True:
        at = _spaces(text, at)
        found = _STRING.match(text, at) or _BARE.match(text, at)
        if found is None:
            return (), at
        parts.append(found[0].strip("\"'"))
        at = _spaces(text, found.end())
        if at >= len(text) or text[at] != ".":
            return tuple(parts), at
        at += 1


def _value(text: str, at: int) -> tuple[int, Place | None]:
    """Where the value at `at` ends, and an array's last element."""
    start, depth = at, 0
    last: Place | None = None
    while at < len(text):
        string = _STRING.match(text, at)
        if string is not None:
            if depth == 1:
                last = Place(at - start, string.end() - start)
            at = string.end()
        elif text[at] in "[{":
            depth += 1
            at += 1
        elif text[at] in "]}":
            depth -= 1
            at += 1
        elif text[at] == "#" and depth:
            at = _skip(text, at)
        elif text[at] in "#\n" and not depth:
            break
        else:
            at += 1
        if depth == 0 and text[at - 1] in "\"']}":
            break
    return len(text[:at].rstrip()) if at < len(text) else at, last
