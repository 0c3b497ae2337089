"""Where the secrets of a text are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from opencrates_lsp.redaction import detector, formats, said
from opencrates_lsp.redaction.detector import value_span
from opencrates_lsp.redaction.formats import Rule, entropy

LONGEST_KEY = 20_000
_HEADERS = 300
_BETWEEN_LINES = 60
_FIRST_LINE = 40
_BLOCK = re.compile(r"-----BEGIN (?P<what>[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----")
# A line of base64; after a backslash an `n` is a line's end and none of its letters.
_RUN = re.compile(r"(?:(?<=\\n)|(?<=\\r)|(?<![\\A-Za-z0-9+/=]))[A-Za-z0-9+/=]{12,}")
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_CODE = re.compile(r"[({]|\b(?:let|const|static|fn|pub)\b")
_EDGE = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Found:
    """A secret at `text[start:end]`; what one key of several lines is made of has one `whole`.

    `distinct` says that its value can be nothing else, so that it is a secret wherever it stands.
    """

    start: int
    end: int
    kind: str
    whole: int
    distinct: bool


@cache
def _rules() -> tuple[Rule, ...]:
    return (*formats.formats(), *said.rules(), *detector.rules())


def find(text: str) -> tuple[Found, ...]:
    """The secrets of the text in order, none of them overlapping; of two in one place the one that begins first."""
    found = [*_keys(text), *_ruled(text)]
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Found] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
        elif one.end > kept[-1].end:
            first = kept.pop()
            kept.append(Found(first.start, one.end, first.kind, first.whole, first.distinct and one.distinct))
    return tuple(kept)


def is_distinct(value: str) -> bool:
    """Whether the value is so odd that it is the same secret wherever it stands."""
    return len(value) >= 10 and entropy(value) >= 2.8 and any(not one.isalpha() and one not in "_-. /" for one in value)


def _ruled(text: str) -> Iterator[Found]:
    # Only ASCII is folded: other letters may change their length, and then places would not fit.
    lower = text.translate(_LOWER)
    for rule in _rules():
        if rule.words and not any(word in lower for word in rule.words):
            continue
        for match in _anchored(rule, text, lower) if rule.anchored else rule.pattern.finditer(text):
            start, end = value_span(match)
            value = text[start:end]
            inside = _EDGE.match(text, end) is not None or (start > 0 and _EDGE.match(text, start - 1) is not None)
            # A piece of a longer run of letters is none of a format; hashes and base64 are full of those.
            if rule.pattern.groups == 0 and inside and _EDGE.match(value) and _EDGE.match(value[-1]):
                continue
            if value and rule.holds(value) and not (rule.prose and _is_code(text, match.start(), end)):
                yield Found(start, end, rule.kind, start, is_distinct(value))


def _anchored(rule: Rule, text: str, lower: str) -> Iterator[re.Match[str]]:
    for word in rule.words:
        at = lower.find(word)
        while at >= 0:
            match = rule.pattern.match(text, at)
            if match is not None:
                yield match
            at = lower.find(word, at + 1)


def _is_code(text: str, start: int, end: int) -> bool:
    """Whether what stands there is code, and no comment or sentence: by its line, which ends and opens as Rust's do."""
    line = text.rfind("\n", 0, start) + 1
    before = text[line:start]
    if "//" in before or before.lstrip().startswith(("*", "#", ">", "/*")):
        return False
    stop = text.find("\n", end)
    after = text[end : stop if stop >= 0 else len(text)].rstrip()
    return after.endswith((",", ";", "{", "}", "(", ")", "[", "]", "=")) or _CODE.search(before) is not None


def _keys(text: str) -> Iterator[Found]:
    """The lines of private keys, each for itself: between them there may be quotes, comment signs and indents."""
    for block in _BLOCK.finditer(text):
        at = block.end()
        # Before the first line there may be headers; a key that is cut off goes as far as its lines do.
        gap = _HEADERS
        for run in _RUN.finditer(text, at, min(len(text), at + LONGEST_KEY)):
            first = gap == _HEADERS
            if run.start() - at > gap or "-----END" in text[at : run.start()]:
                break
            if not (first and len(run[0]) < _FIRST_LINE) and _kinds(run[0]) >= 2 + first:
                yield Found(run.start(), run.end(), "a private key", block.start(), is_distinct(run[0]))
                at, gap = run.end(), _BETWEEN_LINES
            elif not first:
                break


def _kinds(run: str) -> int:
    """How many kinds of characters are in it: small and capital letters, digits and signs."""
    return sum(
        any(kind(one) for one in run) for kind in (str.islower, str.isupper, lambda one: one.isdigit() or one in "+/=")
    )
