"""Rust as a row of tokens: for text that is no file yet, such as an answer cut off in the middle of a string.

Unlike a tree, tokens say for certain what is a comment, what is a string and which bracket stays open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["comment", "doc", "string", "char", "lifetime", "word", "mark"]

_TOKEN = re.compile(
    r"""
    (?P<line>     //[^\n]* )
  | (?P<block>    /\* )
  | (?P<raw>      (?:b|c)?r(?P<hash>\#*)" )
  | (?P<string>   [bc]?"(?:[^"\\]|\\.)*(?P<quote>"?) )
  | (?P<char>     b?'(?:[^'\\\n]|\\(?:x[0-9a-fA-F]{2}|u\{[^}']*\}|[^xu]))' )
  | (?P<lifetime> '(?:r\#)?\w+ )
  | (?P<word>     (?:r\#)?\w+ )
  | (?P<mark>     \.\.\.|\.\.=|\.\.|::|->|=>|[^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_PAIRS.values())


@dataclass(frozen=True, slots=True)
class Token:
    """`start` and `end` count characters; `closed` is False for a string or comment that the text ends in."""

    kind: Kind
    text: str
    start: int
    closed: bool = True

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """The first thing that does not close: `what` stands at `start`, and is a bracket, a string or a comment.

    `surplus` says that it closes what nothing opened.
    """

    what: str
    start: int
    surplus: bool


def lex(text: str) -> Iterator[Token]:
    """The tokens of `text`, comments among them; never fails, whatever the text is."""
    at = 0
    while (match := _TOKEN.search(text, at)) is not None:
        token = _token(text, match)
        yield token
        at = token.end


def code(text: str) -> list[str]:
    """The tokens without comments: two texts of the same code give the same list."""
    return [token.text for token in lex(text) if token.kind not in ("comment", "doc")]


def imbalance(tokens: list[Token]) -> Imbalance | None:
    """What stays open at the end, the innermost first, or closes too much; None where all is balanced."""
    opened: list[Token] = []
    for token in tokens:
        if not token.closed:
            return Imbalance("string" if token.kind in ("string", "char") else "comment", token.start, surplus=False)
        if token.kind != "mark":
            continue
        if token.text in _PAIRS:
            opened.append(token)
        elif token.text in _CLOSING:
            if not opened or _PAIRS[opened[-1].text] != token.text:
                return Imbalance(token.text, token.start, surplus=True)
            opened.pop()
    return Imbalance(opened[-1].text, opened[-1].start, surplus=False) if opened else None


def verbatim_lines(text: str) -> frozenset[int]:
    """The numbers (from 0) of the lines that begin inside a string literal, and must not be indented anew."""
    found: set[int] = set()
    line, counted = 0, 0
    for token in lex(text):
        if token.kind != "string" or "\n" not in token.text:
            continue
        line += text.count("\n", counted, token.start)
        counted = token.start
        found.update(range(line + 1, line + 1 + token.text.count("\n")))
    return frozenset(found)


def _token(text: str, match: re.Match[str]) -> Token:
    start = match.start()
    group = match.lastgroup
    if match["line"] is not None:
        return Token("doc" if _is_doc(match["line"]) else "comment", match["line"], start)
    if match["block"] is not None:
        end, closed = _block_end(text, start)
        body = text[start:end]
        return Token("doc" if _is_doc(body) else "comment", body, start, closed)
    if match["raw"] is not None:
        ending = '"' + match["hash"]
        end = text.find(ending, match.end())
        closed = end >= 0
        return Token("string", text[start : end + len(ending) if closed else len(text)], start, closed)
    if match["string"] is not None:
        return Token("string", match["string"], start, match["quote"] == '"')
    if group == "char":
        return Token("char", match["char"], start)
    if group == "lifetime":
        return Token("lifetime", match["lifetime"], start)
    if group == "word":
        return Token("word", match["word"], start)
    return Token("mark", match["mark"], start)


def _is_doc(comment: str) -> bool:
    if comment.startswith(("//!", "/*!")):
        return True
    return comment.startswith(("///", "/**")) and not comment.startswith(("////", "/***", "/**/"))


def _block_end(text: str, start: int) -> tuple[int, bool]:
    """Where the block comment ends that begins at `start`; they nest."""
    depth = 0
    at = start
    while (edge := _BLOCK_EDGE.search(text, at)) is not None:
        depth += 1 if edge.group() == "/*" else -1
        at = edge.end()
        if depth == 0:
            return at, True
    return len(text), False
