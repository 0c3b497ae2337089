"""The rule `tests`, too: nothing that makes a test look at something else than it says.

A macro that takes the name of an assertion, a name in a test module that hides what is tested, `cfg!(test)` in code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opencrates_lsp.rust.items import Item, items_around, named
from opencrates_lsp.rust.policy.edit import (
    Edit,
    Finding,
    Violation,
    beyond,
    calls_of,
    closing,
    is_for_tests,
    marks_in,
    name_at,
)
from opencrates_lsp.rust.policy.names import names_of
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Span

_ASSERTING = re.compile(r"(?:debug_)?assert(?:_eq|_ne|_matches)?|panic|unreachable|todo|unimplemented|matches|test")
# Those whose macros of these names assert as much.
_GENUINE = frozenset({"std", "core", "alloc", "pretty_assertions", "similar_asserts", "assert2", "test_log", "tokio"})
_HIDING = frozenset({"function", "struct", "enum", "const", "static", "macro", "type", "trait", "mod"})


def shadowed(edit: Edit) -> Iterator[Violation]:
    """Names that come new and stand in the way of what tests call."""
    yield from _macros(edit)
    for item in edit.pairs.new:
        yield from _hidden(edit, item, item.identity.name)
    if b"cfg" in edit.after.text[slice(*edit.spans[1])]:
        was, now = list(_asked(edit.before, edit.spans[0])), list(_asked(edit.after, edit.spans[1]))
        for finding in beyond(edit, was, now):
            where = name_at(edit.after, finding.at)
            yield Violation("tests", f"{where} asks `{finding.told}`, and so can do something else in tests.")


def _macros(edit: Edit) -> Iterator[Violation]:
    """New macros, and new imports under another's name, that are called like an assertion."""
    for item in edit.pairs.new:
        if item.identity.kind == "macro" and _ASSERTING.fullmatch(item.identity.name):
            yield Violation("tests", f"The new macro `{item.identity.name}!` takes the place of the one of that name.")
    if not _ASSERTING.search(edit.after.text[slice(*edit.spans[1])].decode("utf-8", "replace")):
        return
    was, now = names_of(edit.before).bound, names_of(edit.after).bound
    for name, targets in now.items():
        if _ASSERTING.fullmatch(name) and any(
            target not in was.get(name, ()) and (target[0] not in _GENUINE or target[-1] != name) for target in targets
        ):
            yield Violation("tests", f"The new import of `{name}` takes the place of the one of that name.")


def _hidden(edit: Edit, item: Item, name: str) -> Iterator[Violation]:
    """A new free item among the tests that has the name of something that they test."""
    identity = item.identity
    if not is_for_tests(item) or identity.header or identity.kind not in _HIDING or not name.isidentifier():
        return
    if any(" " in part for part in identity.module):
        return
    for other in named(edit.before, name):
        outside = len(other.identity.module) < len(identity.module) and not other.identity.header
        if outside and not is_for_tests(other) and other.identity.kind in _HIDING:
            yield Violation("tests", f"The new `{name}` among the tests hides the `{name}` that they test.")
            return


def _asked(source: Source, within: Span) -> Iterator[Finding]:
    """`cfg!(test)` and the like in code that is no test."""
    marks = marks_in(source, within)
    for at, opening in calls_of(marks, ("cfg",)):
        texts = [mark.text for mark in marks[opening + 1 : closing(marks, opening)]]
        around = items_around(source, marks[at].at)
        if {"test", "doctest"} & set(texts) and not any(is_for_tests(item) for item in around):
            yield Finding("cfg", f"cfg!({''.join(texts)})", marks[at].at)
