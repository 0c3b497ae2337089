"""An edit as the rules look at it: two texts, the items on either side, and whose each piece of code is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from opencrates_lsp.rust.changed import Pairs
from opencrates_lsp.rust.items import Identity, Item, items_around, qualified_name
from opencrates_lsp.rust.lexer import Kind, lex
from opencrates_lsp.rust.syntax import Source, path_at
from opencrates_lsp.values import Lints, Span

Rule = Literal["signatures", "tests", "unsafe", "new_dependencies", "lints", "panics", "capabilities"]

_TEXTS = frozenset({"line_comment", "block_comment", "string_literal", "raw_string_literal", "char_literal"})
_OPENING = frozenset("([{")
_CLOSING = frozenset(")]}")
_NAMELESS = frozenset({"use", "extern"})
_TEST = re.compile(r"(?<![\w\"])test(?!\w)")


@dataclass(frozen=True, slots=True)
class Violation:
    """`message` is one sentence that names the item and what became of it."""

    rule: Rule
    message: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Two texts of the file at `path`, in which `spans` differ; `asked` is the item of `before` that it is about.

    `lints` is what the crate says of lints outside of this file, `dependencies` are the crates that it may name, None
    where they are unknown.
    """

    before: Source
    after: Source
    spans: tuple[Span, Span]
    pairs: Pairs
    asked: Item | None
    path: Path
    lints: Lints
    dependencies: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Mark:
    """One token of code, or a doc comment; `text` is without `r#`, `at` is the byte where it begins."""

    kind: Kind
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule counts: by its `kind`, told by `told`, at the byte `at`."""

    kind: str
    told: str
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
        if node.is_error:
            return 0
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


def is_for_tests(item: Item) -> bool:
    """Whether the item is a test, or compiled for tests alone."""
    return item.is_test or any(_TEST.search(cfg) and not cfg.startswith("not") for cfg in item.cfgs)


def is_test_file(path: Path) -> bool:
    """Whether the file is one of integration tests, by its place in the package."""
    for part in reversed(path.parts[:-1]):
        if part in ("src", "tests"):
            return part == "tests"
    return False


def name_at(source: Source, offset: int) -> str:
    """The item that the byte is in, for people: "`Tokenizer::next`", or "The file"."""
    around = [item for item in items_around(source, offset) if item.identity.kind not in _NAMELESS]
    return f"`{qualified_name(around[-1])}`" if around else "The file"


def beyond(edit: Edit, was: Iterable[Finding], now: Iterable[Finding]) -> Iterator[Finding]:
    """What the edit adds: the findings of a kind that are more than before, those that were not there word for word.

    The asked item and the items that come new are counted together, every other item for itself.
    """
    before: dict[Identity | None, list[Finding]] = {}
    for finding in was:
        before.setdefault(_owner(edit, edit.before, finding.at, ()), []).append(finding)
    fresh = {item.identity for item in edit.pairs.new}
    after: dict[Identity | None, list[Finding]] = {}
    for finding in now:
        after.setdefault(_owner(edit, edit.after, finding.at, fresh), []).append(finding)
    for owner, findings in after.items():
        known = before.get(owner, [])
        more = Counter(one.kind for one in findings) - Counter(one.kind for one in known)
        told = Counter(one.told for one in known)
        for kind, count in more.items():
            same = [one for one in findings if one.kind == kind]
            same.sort(key=lambda one: told[one.told] > 0)
            yield from same[:count]


def _owner(edit: Edit, source: Source, offset: int, fresh: Iterable[Identity]) -> Identity | None:
    around = [item.identity for item in items_around(source, offset) if item.identity.kind not in _NAMELESS]
    asked = edit.asked.identity if edit.asked is not None else None
    if any(identity == asked or identity in fresh for identity in around):
        return asked
    return around[-1] if around else None
