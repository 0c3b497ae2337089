"""Code as a row of tokens with their places: what a rule looks for is there in a macro and in broken text, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from opencrates_lsp.rust.items import items_around
from opencrates_lsp.rust.lexer import Kind, lex
from opencrates_lsp.rust.syntax import Source, path_at
from opencrates_lsp.values import Span

_TEXTS = frozenset({"line_comment", "block_comment", "string_literal", "raw_string_literal", "char_literal"})
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")


@dataclass(frozen=True, slots=True)
class Mark:
    """One token of code, or a doc comment; `text` is without `r#`, `at` is the byte where it begins."""

    kind: Kind
    text: str
    at: int


def marks_in(source: Source, within: Span) -> list[Mark]:
    """The tokens from the item or text in which `within` begins to its end, doc comments among them.

    Tokens hold where the grammar loses its way, and within macros.
    """
    start = _beginning(source, within.start)
    text = source.text[start:].decode("utf-8", "replace") if within.end > start else ""
    plain = text.isascii()
    found: list[Mark] = []
    at, seen = start, 0
    for token in lex(text):
        if plain:
            at = start + token.start
        else:
            at, seen = at + len(text[seen : token.start].encode()), token.start
        if at >= within.end:
            break
        if token.kind != "comment":
            word = token.text.removeprefix("r#") if token.kind == "word" else token.text
            found.append(Mark(token.kind, word, at))
    return found


def _beginning(source: Source, offset: int) -> int:
    """A byte at or before `offset` that is in no string and in no comment."""
    path = path_at(source, offset)
    for node in path:
        if node.type in _TEXTS:
            offset = node.start_byte
    around = items_around(source, offset)
    return min(offset, around[-1].span.start) if around else offset


def closing(marks: Sequence[Mark], at: int) -> int:
    """The place of the bracket that closes the one at `at`; the last place where none does."""
    depth = 0
    for number in range(at, len(marks)):
        if marks[number].kind == "mark":
            depth += (marks[number].text in _OPENING) - (marks[number].text in _CLOSING)
        if depth == 0:
            return number
    return len(marks) - 1


def attribute_ranges(marks: Sequence[Mark]) -> Iterator[tuple[int, int]]:
    """The places behind the `[` and of the `]` of every attribute, those within macros too."""
    at = 0
    while at < len(marks):
        if marks[at].text == "#" and marks[at].kind == "mark":
            opening = at + 2 if _text(marks, at + 1) == "!" else at + 1
            if _text(marks, opening) == "[":
                end = closing(marks, opening)
                yield opening + 1, end
                at = end
        at += 1


def calls_of(marks: Sequence[Mark], names: Iterable[str]) -> Iterator[tuple[int, int]]:
    """The places of the macro names among `names` that are called, and of the bracket behind each."""
    wanted = frozenset(names)
    for at, mark in enumerate(marks):
        called = mark.kind == "word" and mark.text in wanted and _text(marks, at + 1) == "!"
        if called and _text(marks, at + 2) in _OPENING:
            yield at, at + 2


def _text(marks: Sequence[Mark], at: int) -> str:
    return marks[at].text if 0 <= at < len(marks) else ""
