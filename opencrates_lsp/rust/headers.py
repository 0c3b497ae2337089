"""The headers of impl blocks and the like, in one spelling, so that two texts of the same header are equal."""

from __future__ import annotations

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""
    (?P<comment> //[^\n]* | /\*.*?\*/ )
  | (?P<string>  b?"(?:\\.|[^"\\])*" )
  | (?P<word>    '?(?:r\#)?\w+ )
  | (?P<punct>   :: | -> | => | \.\.=? | [^\s\w] )
    """,
    re.VERBOSE | re.DOTALL,
)
_SPACED = frozenset({"+", "=", "->", "=>"})
_CLOSING = frozenset({">", ")", "]"})
# After these words something else than an operand's own bracket follows, so they are set apart from it.
_WORDS = frozenset({"for", "where", "dyn", "mut", "as", "const", "impl"})


def tokens(text: str) -> list[str]:
    """The tokens of `text` without comments and white space; good for headers, not for whole bodies."""
    return [match.group() for match in _TOKEN.finditer(text) if match.lastgroup != "comment"]


def normalised(text: str) -> str:
    """`text` with canonical white space and without comments and trailing commas.

    >>> normalised("impl < T >  fmt::Display for Foo<T,>\\nwhere T : Copy,")
    'impl<T> fmt::Display for Foo<T> where T: Copy'
    """
    kept: list[str] = []
    for mark in tokens(text):
        if mark in _CLOSING and kept and kept[-1] == "," and not _unary(kept, mark):
            kept.pop()
        kept.append(mark)
    if kept and kept[-1] == ",":
        kept.pop()
    pieces: list[str] = []
    for at, mark in enumerate(kept):
        if at and _apart(kept[at - 1], mark):
            pieces.append(" ")
        pieces.append(mark)
    return "".join(pieces)


def _unary(kept: list[str], mark: str) -> bool:
    """Whether the comma before `)` makes a tuple of one, as in `(T,)`."""
    if mark != ")":
        return False
    depth, commas = 0, 0
    for earlier in reversed(kept):
        if earlier in _CLOSING:
            depth += 1
        elif earlier in ("<", "(", "["):
            if depth == 0:
                break
            depth -= 1
        elif earlier == "," and depth == 0:
            commas += 1
    return commas == 1


def _apart(left: str, right: str) -> bool:
    if left in _SPACED or right in _SPACED or left in (",", ":"):
        return True
    if left in _WORDS:
        return right != "<" or left not in ("impl", "for")
    if _is_word(left):
        return _is_word(right)
    return left == ">" and (_is_word(right) or right in ("&", "!", "[", "(", "*"))


def _is_word(mark: str) -> bool:
    return mark[-1].isalnum() or mark[-1] in '_"'


@lru_cache(maxsize=4096)
def impl_header(text: str) -> str:
    """The identity of an impl block from the text before its body: without attributes, `unsafe` and `default`."""
    words = normalised(text)
    at = words.find("impl")
    return words[at:] if at >= 0 else words


@lru_cache(maxsize=4096)
def self_type(header: str) -> str:
    """The type that an impl header is for, without path and generics: "Foo" of `impl<T> Display for m::Foo<T>`.

    A trait's header gives the trait's name, any other header nothing.
    A type without a name ("[T]") is given in angle brackets, as rustc does.
    """
    if header.startswith("trait "):
        return header.removeprefix("trait ")
    if not header.startswith("impl"):
        return ""
    words = _without_generics(header)
    words = words[: words.index("where")] if "where" in words else words
    if "for" in words:
        words = words[words.index("for") + 1 :]
    else:
        words = words[1:]
    plain = [word for word in words if _is_word(word) and word not in _WORDS and not word.startswith("'")]
    if not plain:
        return f"<{normalised(' '.join(words))}>"
    return plain[-1]


def _without_generics(header: str) -> list[str]:
    """The tokens outside of angle brackets; the `for` of `for<'a>` goes too."""
    kept: list[str] = []
    depth = 0
    for mark in tokens(header):
        if mark == "<":
            if depth == 0 and kept and kept[-1] == "for":
                kept.pop()
            depth += 1
        elif mark == ">":
            depth = max(0, depth - 1)
        elif depth == 0:
            kept.append(mark)
    return kept
