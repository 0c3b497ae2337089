"""Edits and texts: from two texts to the edits between them, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    matcher = SequenceMatcher(None, middle_old, middle_new, autojunk=False)
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
