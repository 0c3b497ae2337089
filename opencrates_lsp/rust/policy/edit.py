"""An edit as the rules look at it: two texts, the items on either side, and whose each piece of code is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from opencrates_lsp.rust.changed import Pairs
from opencrates_lsp.rust.items import Identity, Item, items_around, qualified_name
from opencrates_lsp.rust.policy.marks import Mark, marks_in
from opencrates_lsp.rust.policy.names import Names, names_of
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.terms import Lints
from opencrates_lsp.values import Span

Rule = Literal["signatures", "tests", "unsafe", "new_dependencies", "lints", "panics", "capabilities"]

_NAMELESS = frozenset({"use", "extern"})
_TEST = re.compile(r"(?<![\w\"])test(?!\w)")


@dataclass(frozen=True, slots=True)
class Violation:
    """`message` is one sentence that names the item and what became of it."""

    rule: Rule
    message: str


@dataclass(frozen=True, slots=True)
class Side:
    """One text of an edit: the tokens of `span`, where it differs from the other, and the imports of all of it."""

    source: Source
    span: Span
    marks: list[Mark]
    names: Names

    @classmethod
    def of(cls, source: Source, span: Span) -> Side:
        return cls(source, span, marks_in(source, span), names_of(source))

    def whole(self) -> Side:
        """The same for all of the text."""
        span = Span(0, len(self.source.text))
        return self if span == self.span else Side(self.source, span, marks_in(self.source, span), self.names)


@dataclass(frozen=True, slots=True)
class Edit:
    """Two texts of the file at `path`; `asked` is the item of `before` that the edit is about.

    `lints` is what the crate says of lints outside of this file, `dependencies` are the crates that it may name, None
    where they are unknown.
    """

    before: Side
    after: Side
    pairs: Pairs
    asked: Item | None
    path: Path
    lints: Lints
    dependencies: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule counts: by its `kind`, told by `told`, at the byte `at`."""

    kind: str
    told: str
    at: int


def is_for_tests(item: Item) -> bool:
    """Whether the item is a test, or compiled for tests alone."""
    return item.is_test or any(_TEST.search(cfg) and not cfg.startswith("not") for cfg in item.cfgs)


def is_test_file(path: Path) -> bool:
    """Whether the file is one of integration tests, by its place in the package."""
    for part in reversed(path.parts[:-1]):
        if part in ("src", "tests"):
            return part == "tests"
    return False


def name_at(side: Side, offset: int) -> str:
    """The item that the byte is in, for people: "`Tokenizer::next`", or "The file"."""
    around = [item for item in items_around(side.source, offset) if item.identity.kind not in _NAMELESS]
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


def _owner(edit: Edit, side: Side, offset: int, fresh: Iterable[Identity]) -> Identity | None:
    around = [item.identity for item in items_around(side.source, offset) if item.identity.kind not in _NAMELESS]
    asked = edit.asked.identity if edit.asked is not None else None
    if any(identity == asked or identity in fresh for identity in around):
        return asked
    return around[-1] if around else None
