"""Edits and texts: from two texts to the edits between them, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from opencrates_lsp.errors import Moved
from opencrates_lsp.values import Create, Delete, Edit, Replace, Span


def replacements(path: Path, before: bytes, after: bytes) -> tuple[Replace, ...]:
    """The replacements that turn `before` into `after`: ascending, non-overlapping, each as small as it can be.

    Both texts are UTF-8; common head and tail are cut off first, so that a small edit in a large file stays cheap.
    Lines are compared first, then what two changed blocks have in common at their ends is cut off, so that an edit
    of an item lies inside the item and not in its indentation.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    starts = [sum(map(len, old[:head]))]
    for line in middle_old:
        starts.append(starts[-1] + len(line))
    matcher = SequenceMatcher(None, middle_old, middle_new)
    edits = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        edits.append(_trimmed(path, starts[i1], b"".join(middle_old[i1:i2]), b"".join(middle_new[j1:j2])))
    return tuple(edits)


def _trimmed(path: Path, start: int, old: bytes, new: bytes) -> Replace:
    """The replacement of `old`, which begins at `start`, without what both begin and end with."""
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    while head and (_inside(old, head) or _inside(new, head)):
        head -= 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    while tail and (_inside(old, len(old) - tail) or _inside(new, len(new) - tail)):
        tail -= 1
    old, new = old[head : len(old) - tail], new[head : len(new) - tail]
    return Replace(path, Span(start + head, start + head + len(old)), new.decode(), old.decode())


def _inside(text: bytes, at: int) -> bool:
    """Whether the offset is inside a character, or between the two halves of a line end."""
    return at < len(text) and (text[at] & 0xC0 == 0x80 or text[at - 1 : at + 1] == b"\r\n")


def replaced(text: bytes, edits: Sequence[Replace]) -> bytes:
    """`text` with the replacements of one file applied; raises `Moved` where `expect` does not stand there."""
    pieces: list[bytes] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: edit.span):
        start, end = edit.span
        if start < at or text[start:end] != edit.expect.encode():
            raise Moved(
                "The text changed under the work.", remedy="Run the action again on the text as it is.", place=edit.path
            )
        pieces += [text[at:start], edit.text.encode()]
        at = end
    pieces.append(text[at:])
    return b"".join(pieces)


def applied(edits: Sequence[Edit], before: Mapping[Path, bytes]) -> dict[Path, bytes | None]:
    """The texts after the edits, by path; None for a deleted file.

    `before` holds the text of every file that is replaced or deleted; raises `Moved` where it is another one.
    """
    after: dict[Path, bytes | None] = {}
    by_path: dict[Path, list[Replace]] = {}
    for edit in edits:
        if isinstance(edit, Create):
            after[edit.path] = edit.text.encode()
        elif isinstance(edit, Delete):
            if before.get(edit.path) != edit.expect.encode():
                raise Moved("The file changed under the work.", place=edit.path)
            after[edit.path] = None
        else:
            by_path.setdefault(edit.path, []).append(edit)
    for path, replaces in by_path.items():
        if path not in before:
            raise Moved("The file is gone.", place=path)
        after[path] = replaced(before[path], replaces)
    return after


def composed(path: Path, before: bytes, steps: Sequence[Sequence[Replace]]) -> tuple[Replace, ...]:
    """The edits of `before` that do what the steps do one after the other; each step counts in the text it finds.

    What different steps did stays in edits of its own, so that each is still seen to lie inside the item it is about.
    """
    pieces: list[_Piece] = [_Piece(0, len(before), None)]
    for step in steps:
        for edit in sorted(step, key=lambda edit: edit.span, reverse=True):
            pieces = _cut(pieces, edit.span, edit.text.encode())
    edits: list[Replace] = []
    at = 0
    text = b""
    for piece in [*pieces, _Piece(len(before), len(before), None)]:
        if piece.text is not None:
            text += piece.text
            continue
        if text or piece.start > at:
            edits.append(Replace(path, Span(at, piece.start), text.decode(), before[at : piece.start].decode()))
        at, text = piece.end, b""
    return tuple(edits)


@dataclass(frozen=True, slots=True)
class _Piece:
    """`start:end` of the first text, or `text` that was put in."""

    start: int
    end: int
    text: bytes | None

    @property
    def size(self) -> int:
        return self.end - self.start if self.text is None else len(self.text)

    def part(self, start: int, end: int) -> _Piece:
        if self.text is None:
            return _Piece(self.start + start, self.start + end, None)
        return _Piece(0, 0, self.text[start:end])


def _cut(pieces: Sequence[_Piece], span: Span, text: bytes) -> list[_Piece]:
    """The pieces with `text` in the place of `span` of what they make."""
    cut: list[_Piece] = []
    at = 0
    is_in = False
    for piece in pieces:
        start, end = max(span.start - at, 0), min(max(span.end - at, 0), piece.size)
        if not is_in and at + piece.size >= span.start:
            cut += [piece.part(0, min(start, piece.size)), _Piece(0, 0, text)]
            is_in = True
            cut.append(piece.part(end, piece.size))
        elif at + piece.size <= span.start or at >= span.end:
            cut.append(piece)
        else:
            cut.append(piece.part(end, piece.size))
        at += piece.size
    if not is_in:
        # Nothing is left of the text to put it into.
        cut.append(_Piece(0, 0, text))
    return [piece for piece in cut if piece.size]
