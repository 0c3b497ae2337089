"""What the bytes of a Rust file tell without a parser: the types that it may define, and the functions it may call.

Quick, and never too little: what stands in a comment or a string counts, and a query that parses the file sorts it out.
"""

from __future__ import annotations

import re
import sys
import zlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from opencrates_lsp.rust.headers import self_type

# A single search holds the interpreter as long as it runs, so a long file is looked at in pieces of so many bytes.
PIECE = 64_000
_LONGEST_HEADER = 400
_KEYWORDS = (b"struct ", b"enum ", b"union ", b"trait ", b"type ")
_NAME = re.compile(rb" *([A-Za-z_]\w*)")
_BEFORE_IMPL = re.compile(rb"[ \t]*(?:(?:unsafe|default)[ \t]+)*")
_HEADER = re.compile(rb"impl\b[^{;]{1,400}")
# Read backwards from its parenthesis, a call is found by that one byte.
_CALL_BACKWARDS = re.compile(rb"\((?:>[^()]{0,90}?<\s*::)?\s{0,32}(\w{0,64}[A-Za-z_])(?!\w)")


def defined_names(text: bytes) -> tuple[str, ...]:
    """The types that the text may define or implement, in order."""
    found: set[bytes] = set()
    headers: set[bytes] = set()
    for piece, own in pieces(text):
        for keyword in _KEYWORDS:
            at = piece.find(keyword)
            while 0 <= at < own:
                named = _NAME.match(piece, at + len(keyword))
                if named is not None:
                    found.add(named[1])
                at = piece.find(keyword, at + len(keyword))
        at = piece.find(b"impl")
        while 0 <= at < own:
            header = _HEADER.match(piece, at)
            if header is not None and _BEFORE_IMPL.fullmatch(piece, piece.rfind(b"\n", 0, at) + 1, at):
                headers.add(header[0])
            at = piece.find(b"impl", at + 4)
    names = {name.decode() for name in found}
    names |= {self_type(header.decode("utf-8", "replace").strip()) for header in headers}
    return tuple(sorted(map(sys.intern, names)))


def called_marks(text: bytes) -> list[int]:
    """The marks of the words that stand before an opening parenthesis, sorted; see `mark`."""
    found: set[bytes] = set()
    for piece, _ in pieces(text):
        found.update(_CALL_BACKWARDS.findall(piece[::-1]))
    return sorted({zlib.crc32(word[::-1]) for word in found})


def mark(name: str) -> int:
    """What a called name is known by; two names seldom share one."""
    return zlib.crc32(name.encode())


def has(marks: Sequence[int], wanted: int) -> bool:
    at = bisect_left(marks, wanted)
    return at < len(marks) and marks[at] == wanted


def pieces(text: bytes) -> Iterator[tuple[bytes, int]]:
    """The text in pieces that end at a line's end, each with its length.

    A piece goes on behind its end for as long as a header may be, so that what begins in it is whole.
    """
    at = 0
    while len(text) - at > PIECE:
        end = text.find(b"\n", at + PIECE)
        if end < 0:
            break
        yield text[at : end + _LONGEST_HEADER], end - at
        at = end
    yield (text[at:] if at else text), len(text) - at
