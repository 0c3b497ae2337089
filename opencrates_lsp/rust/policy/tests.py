"""The rule `tests`: tests are neither deleted, ignored nor weakened.

A test that nobody asked for stays as it is, word for word; one that was asked for may change, but checks no less.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from opencrates_lsp.rust.items import Item, named, qualified_name
from opencrates_lsp.rust.leads import attributes_of
from opencrates_lsp.rust.lexer import code
from opencrates_lsp.rust.policy.assertions import Assertion, assertions, body_of, weaker
from opencrates_lsp.rust.policy.edit import Edit, Violation, is_for_tests, is_test_file
from opencrates_lsp.rust.policy.signatures import changed_signature
from opencrates_lsp.rust.syntax import Source

_BLOCKS = frozenset({"mod", "impl", "trait", "extern"})
# Attributes that say nothing of whether or how the test runs.
_IDLE = frozenset({"doc", "allow", "expect", "warn", "deny", "forbid", "inline", "must_use", "rustfmt::skip", "derive"})
_LIMITING = frozenset({"cfg", "cfg_attr", "should_panic", "timeout", "ntest::timeout"})
_EXPECTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_CALL = re.compile(rb"(?<![\w.])(\w+)\s*\(")
_WORD = re.compile(rb"\w+")
_WRAPPING = frozenset((b"Some", b"Ok", b"Err", b"Box", b"if", b"match", b"while", b"for", b"in", b"return", b"move"))
_HELPERS = 24


def changed_tests(edit: Edit) -> Iterator[Violation]:
    """Tests that are gone, changed, ignored, limited, or check less than before."""
    for item in edit.pairs.gone:
        if is_for_tests(item):
            what = "The test module" if item.identity.kind == "mod" else "The test"
            yield Violation("tests", f"{what} `{qualified_name(item)}` is gone.")
    for old, new in edit.pairs.both:
        if not is_for_tests(old):
            if old == edit.asked and is_test_file(edit.path):
                yield from _weakened(edit, old, new)
            continue
        yield from _changed(edit, old, new)
    ignored = {new.identity for old, new in edit.pairs.both if _is_ignored(edit.before.source, old)}
    for item in (*(new for _, new in edit.pairs.both), *edit.pairs.new):
        if item.identity not in ignored and _is_ignored(edit.after.source, item):
            yield Violation("tests", f"The test `{qualified_name(item)}` is ignored now.")
    for item in edit.pairs.new:
        if item.is_test:
            yield from _idle(edit, item, ())


def _changed(edit: Edit, old: Item, new: Item) -> Iterator[Violation]:
    name = qualified_name(old)
    same = edit.before.source.text[slice(*old.span)] == edit.after.source.text[slice(*new.span)]
    asked = old.identity.kind in _BLOCKS or _is_asked(edit, old)
    if old.is_test and not new.is_test:
        yield Violation("tests", f"`{name}` is no test any more.")
    elif not is_for_tests(new):
        yield Violation("tests", f"`{name}` is no longer compiled for tests alone.")
    elif old.cfgs != new.cfgs:
        yield Violation("tests", f"`{name}` is compiled under another condition now.")
    elif not same and not asked:
        what = "test" if old.identity.kind == "function" else "tests' own"
        yield Violation("tests", f"The {what} `{name}` changes.")
    if same or not asked:
        return
    yield from _attributes(edit, old, new)
    yield from changed_signature(edit.before.source, old, edit.after.source, new)
    yield from _weakened(edit, old, new)


def _is_asked(edit: Edit, item: Item) -> bool:
    """Whether the item is the asked one, or stands in it."""
    asked = edit.asked
    return asked is not None and asked.span.start <= item.span.start and item.span.end <= asked.span.end


def _attributes(edit: Edit, old: Item, new: Item) -> Iterator[Violation]:
    name = qualified_name(old)
    was, now = _by_marks(edit.before.source, old), _by_marks(edit.after.source, new)
    for marks, path in was.items():
        if marks in now or path in _IDLE:
            continue
        if path == "should_panic" and any(other == path for other in now.values()):
            continue
        yield Violation("tests", f"The attribute `{''.join(marks)}` of `{name}` is gone.")
    for marks, path in now.items():
        if marks in was or path not in _LIMITING:
            continue
        if path == "should_panic":
            yield from _should_panic(name, was, marks)
        else:
            yield Violation("tests", f"`{name}` gets the attribute `{''.join(marks)}`.")


def _should_panic(name: str, was: Mapping[tuple[str, ...], str], now: Sequence[str]) -> Iterator[Violation]:
    """A test that may panic now, or for another reason than it had to before."""
    before = next((marks for marks, path in was.items() if path == "should_panic"), None)
    if before is None:
        yield Violation("tests", f"`{name}` has to panic now, which it had not to before.")
        return
    wanted, given = _EXPECTED.search("".join(before)), _EXPECTED.search("".join(now))
    if wanted is not None and (given is None or given[1] in wanted[1]):
        yield Violation("tests", f"`{name}` no longer expects the panic {wanted[0]}.")


def _by_marks(source: Source, item: Item) -> dict[tuple[str, ...], str]:
    return {tuple(code(text)): path for path, text in attributes_of(source, item)}


def _is_ignored(source: Source, item: Item) -> bool:
    lead = source.text[item.span.start : item.node_span.start]
    if b"ignore" not in lead:
        return False
    return any(
        path == "ignore" or (path == "cfg_attr" and "ignore" in code(text))
        for path, text in attributes_of(source, item)
    )


# What a test asserts.


def _weakened(edit: Edit, old: Item, new: Item) -> Iterator[Violation]:
    """What an asked test no longer asserts."""
    if old.identity.kind != "function" or old.body is None or new.body is None:
        return
    name = qualified_name(old)
    if new.is_test and _is_empty(edit.after.source, new) and not _is_empty(edit.before.source, old):
        yield Violation("tests", f"`{name}` is empty now.")
        return
    was, now = _asserted(edit.before.source, old), _asserted(edit.after.source, new)
    lost = weaker(was, now) or (_elsewhere(edit, old, new) if new.is_test else "")
    if lost:
        yield Violation("tests", f"`{name}` {lost}.")
    yield from _idle(edit, new, [one.text for one in was])


def _elsewhere(edit: Edit, old: Item, new: Item) -> str:
    """That a test calls nothing of what it called, as the end of a sentence; "" where it does."""
    calls = set(_CALL.findall(edit.before.source.text[slice(*(old.body or old.node_span))])) - _WRAPPING
    left = _WORD.findall(edit.after.source.text[slice(*(new.body or new.node_span))])
    if not calls or calls & set(left):
        return ""
    return f"no longer calls `{min(calls).decode('utf-8', 'replace')}`"


def _idle(edit: Edit, item: Item, known: Sequence[str]) -> Iterator[Violation]:
    """Assertions that always hold, and were not there before."""
    for one in _asserted(edit.after.source, item):
        if one.strength == 0 and one.text not in known:
            yield Violation("tests", f"`{one.text}` in `{qualified_name(item)}` asserts nothing.")


def _is_empty(source: Source, item: Item) -> bool:
    return item.body is not None and code(source.text[slice(*item.body)].decode("utf-8", "replace")) == ["{", "}"]


def _asserted(source: Source, item: Item) -> list[Assertion]:
    """What the body of a test asserts, by its helpers in the file too."""
    helpers: dict[str, list[Assertion]] = {}
    body = source.text[slice(*(item.body or item.node_span))]
    for word in list(dict.fromkeys(match[1] for match in _CALL.finditer(body)))[:_HELPERS]:
        name = word.decode("utf-8", "replace")
        for helper in named(source, name):
            free = helper.identity.kind == "function" and not helper.identity.header
            if free and helper.identity != item.identity and is_for_tests(helper):
                helpers[name] = _read(source, helper, {})
    return _read(source, item, helpers)


def _read(source: Source, item: Item, helpers: Mapping[str, Sequence[Assertion]]) -> list[Assertion]:
    body = body_of(source, item)
    return assertions(source, body, helpers) if body is not None else []
