"""Where a piece of an answer goes in a file, and how it is indented there.

Only white space at the head of lines changes, and never inside a string literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from opencrates_lsp.rust.lexer import verbatim_lines
from opencrates_lsp.values import Span

_COMMENT_LEFT = re.compile(rb"[ \t]*(?://[^\n]*|/\*[^\n]*\*/[ \t]*)?\r?(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Patch:
    """New bytes for a span of the file; an empty span is an insertion."""

    span: Span
    text: bytes


@dataclass(frozen=True, slots=True)
class Style:
    """How a file is laid out: its line end, and one step of indentation."""

    line_end: bytes
    step: str


def style_of(text: bytes, near: Span) -> Style:
    """The line end that most lines have, and the indentation used at `near`."""
    line_end = b"\r\n" if text.count(b"\r\n") * 2 > text.count(b"\n") else b"\n"
    outer = indent_at(text, near.start)
    for line in text[near.start : near.end].split(b"\n")[1:]:
        head = leading_blank(line.decode("utf-8", "replace"))
        if line.strip() and head.startswith(outer) and head != outer:
            inner = head[len(outer) :]
            return Style(line_end, "\t" if inner.startswith("\t") else "  " if inner == "  " else "    ")
    return Style(line_end, "\t" if outer.startswith("\t") else "    ")


def leading_blank(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


def indent_at(text: bytes, offset: int) -> str:
    """The white space at the head of the line that the byte is in."""
    line = text.rfind(b"\n", 0, offset) + 1
    end = line
    while end < offset and text[end : end + 1] in (b" ", b"\t"):
        end += 1
    return text[line:end].decode()


def laid_out(text: str, base: str, indent: str, style: Style) -> bytes:
    """The piece of an answer, which begins in a line indented by `base`, for a line indented by `indent`.

    The first line is taken to be indented already.
    Where the last line closes the piece further right than `base`, the first line had lost its indentation.
    """
    lines = text.split("\n")
    kept = verbatim_lines(text) if len(lines) > 1 else frozenset()
    last = leading_blank(lines[-1])
    if len(lines) > 1 and len(lines) - 1 not in kept and lines[-1].lstrip()[:1] in ("}", ")", "]") and last > base:
        base = last
    placed = [lines[0]]
    for number, line in enumerate(lines[1:], start=1):
        if number in kept:
            placed.append(line)
        elif not line.strip():
            placed.append("")
        else:
            head = leading_blank(line)
            rest = line[len(head) :]
            head = head[len(base) :] if head.startswith(base) else ""
            placed.append(indent + _restepped(head, style.step) + rest)
    return "\n".join(placed).encode().replace(b"\n", style.line_end)


def _restepped(head: str, step: str) -> str:
    """Tabs as the file's steps, or fours of spaces as tabs."""
    if step == "\t":
        return head.replace("    ", "\t")
    return head.replace("\t", step)


def after(text: bytes, end: int, piece: bytes, indent: str, style: Style) -> Patch:
    """`piece` below what ends at `end`, with an empty line between."""
    left = _COMMENT_LEFT.match(text, end)
    gap = style.line_end * 2 + indent.encode()
    if left is not None:
        at = left.end()
        while at > end and text[at - 1 : at] in (b"\n", b"\r"):
            at -= 1
        return Patch(Span(at, at), gap + piece)
    return Patch(Span(end, end), gap + piece + style.line_end + indent.encode())


def inside(text: bytes, body: Span, piece: bytes, indent: str, style: Style) -> Patch:
    """`piece` as the last thing in a block with braces."""
    at = body.end - 1
    line = text.rfind(b"\n", 0, at) + 1
    outer = indent_at(text, body.start)
    empty = not text[body.start + 1 : at].strip()
    if line > body.start and not text[line:at].strip():
        gap = b"" if empty else style.line_end
        return Patch(Span(line, line), gap + indent.encode() + piece + style.line_end)
    start = len(text[:at].rstrip(b" \t")) if not empty else body.start + 1
    lead = style.line_end if empty else style.line_end * 2
    return Patch(Span(start, at), lead + indent.encode() + piece + style.line_end + outer.encode())


def at_end(text: bytes, piece: bytes, style: Style) -> Patch:
    """`piece` as the last thing in the file."""
    end = len(text)
    lead = b"" if not text.strip() else style.line_end if text.endswith(b"\n") else style.line_end * 2
    return Patch(Span(end, end), lead + piece + style.line_end)


def patched(text: bytes, patches: Iterable[Patch]) -> tuple[bytes, tuple[Span, ...]]:
    """The text with the patches applied, and where their texts stand in it; patches must not overlap."""
    pieces: list[bytes] = []
    spans: list[Span] = []
    at, length = 0, 0
    for patch in ordered(patches):
        pieces += [text[at : patch.span.start], patch.text]
        length += patch.span.start - at
        spans.append(Span(length, length + len(patch.text)))
        length += len(patch.text)
        at = patch.span.end
    pieces.append(text[at:])
    return b"".join(pieces), tuple(spans)


def ordered(patches: Iterable[Patch]) -> list[Patch]:
    """By place; insertions at one place stay in the order in which they came, before what is replaced there."""
    return sorted(patches, key=lambda patch: (patch.span.start, patch.span.end))


def shifted(offset: int, patches: Sequence[Patch]) -> int:
    """Where the byte at `offset` stands after the patches, which do not contain it."""
    grown = sum(len(patch.text) - (patch.span.end - patch.span.start) for patch in patches if patch.span.end <= offset)
    return offset + grown
