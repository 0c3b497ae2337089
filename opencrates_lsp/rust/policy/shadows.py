"""The rule `tests`, too: nothing that makes a test look at something else than it says.

A macro that takes the name of an assertion, a name among the tests that hides what is tested, an equality of the
tests' own, code that is another one in tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from opencrates_lsp.rust.items import Item, items_around, named, qualified_name
from opencrates_lsp.rust.lint_levels import settings_in
from opencrates_lsp.rust.policy.assertions import body_of, local_functions
from opencrates_lsp.rust.policy.edit import Edit, Finding, Side, Violation, beyond, is_for_tests, name_at
from opencrates_lsp.rust.policy.marks import Mark, attribute_ranges, calls_of, closing
from opencrates_lsp.rust.syntax import Source, path_at
from opencrates_lsp.rust.uses import use_of

_ASSERTING = re.compile(r"(?:debug_)?assert(?:_eq|_ne|_matches)?|panic|unreachable|todo|unimplemented|matches|test")
_RELATIVE = frozenset({"crate", "self", "super", "$crate"})
_HIDING = frozenset({"function", "struct", "enum", "const", "static", "macro", "type", "trait", "mod"})
_TEST = frozenset({"test", "doctest"})


def shadowed(edit: Edit) -> Iterator[Violation]:
    """What comes new and stands between the tests and what they test."""
    for finding in beyond(edit, _found(edit.before), _found(edit.after)):
        where = name_at(edit.after, finding.at)
        yield Violation("tests", f"{where} {finding.told}.")
    yield from _renamed(edit)
    for name, of in _new_names(edit):
        if _is_tested(edit, name, of):
            yield Violation("tests", f"The new `{name}` among the tests hides the `{name}` that they test.")
    for item in edit.pairs.new:
        if any(cfg.startswith("not(") and _TEST & set(re.findall(r"\w+", cfg)) for cfg in item.cfgs):
            yield Violation("tests", f"`{qualified_name(item)}` is new and is not there in tests.")


def _found(side: Side) -> Iterator[Finding]:
    source, marks = side.source, side.marks
    for at, opening in calls_of(marks, ("cfg",)):
        texts = [mark.text for mark in marks[opening + 1 : closing(marks, opening)]]
        if _TEST & set(texts) and not _holders(source, marks[at].at):
            told = f"asks `cfg!({''.join(texts)})`, and so can do something else in tests"
            yield Finding("cfg", told, marks[at].at)
    for start, end in attribute_ranges(marks):
        texts = [mark.text for mark in marks[start:end]]
        # Who raises a lint in tests does nothing else there; what silences one is told as that.
        if any(settings_in(texts)):
            continue
        if texts[:1] in (["cfg"], ["cfg_attr"]) and _TEST & set(texts) and _is_within(source, marks[start].at):
            yield Finding("cfg", f"has `#[{''.join(texts)}]`, and so is another one in tests", marks[start].at)
    for at, mark in enumerate(marks[:-2]):
        if mark.text == "macro_rules" and _ASSERTING.fullmatch(marks[at + 2].text):
            told = f"gets a macro `{marks[at + 2].text}!`, which takes the place of the one of that name"
            yield Finding("macro", told, mark.at)
        if mark.text == "impl" and "PartialEq" in _header(marks, at) and _holders(source, mark.at):
            yield Finding("equality", "gets an equality of its own", mark.at)


def _holders(source: Source, offset: int) -> list[Item]:
    """The items for tests around the byte."""
    return [item for item in items_around(source, offset) if is_for_tests(item)]


def _is_within(source: Source, offset: int) -> bool:
    """Whether the attribute stands in the body of a function that is no test, not on an item."""
    around = items_around(source, offset)
    inside = [item for item in around if item.identity.kind == "function" and item.body is not None]
    return any(item.body is not None and item.body.start < offset for item in inside) and not _holders(source, offset)


def _header(marks: Sequence[Mark], at: int) -> list[str]:
    """The words from an `impl` to its `for`."""
    found: list[str] = []
    for mark in marks[at + 1 : at + 40]:
        if mark.text in ("for", "{", ";"):
            break
        found.append(mark.text)
    return found


def _renamed(edit: Edit) -> Iterator[Violation]:
    """New imports that are called like an assertion."""
    if not _ASSERTING.search(edit.after.source.text[slice(*edit.after.span)].decode("utf-8", "replace")):
        return
    was, now = edit.before.names.bound, edit.after.names.bound
    for name, targets in now.items():
        if _ASSERTING.fullmatch(name) and any(
            target not in was.get(name, ()) and (target[0] in _RELATIVE or target[-1] != name) for target in targets
        ):
            yield Violation("tests", f"The new import of `{name}` takes the place of the one of that name.")


def _new_names(edit: Edit) -> Iterator[tuple[str, Item]]:
    """The names that come new among the tests, each with the item that they stand in or are."""
    for item in edit.pairs.new:
        local = any(" " in part for part in item.identity.module)
        if is_for_tests(item) and not item.identity.header and item.identity.kind in _HIDING and not local:
            yield item.identity.name, item
    known = {leaf for item in edit.pairs.imports_before for leaf in _leaves(edit.before.source, item)}
    for item in edit.pairs.imports_after:
        for path, name in _leaves(edit.after.source, item) - known if is_for_tests(item) else ():
            if path[0] not in ("super", "self") and path != _own_path(edit, name):
                yield name, item
    for old, new in edit.pairs.both:
        was, now = body_of(edit.before.source, old), body_of(edit.after.source, new)
        if new.is_test and was is not None and now is not None:
            there = {name for name, _ in local_functions(edit.before.source, was)}
            for name, _ in local_functions(edit.after.source, now):
                if name not in there:
                    yield name, new


def _leaves(source: Source, item: Item) -> set[tuple[tuple[str, ...], str]]:
    """The paths that a `use` declaration imports, each with the name that it binds."""
    node = next((one for one in path_at(source, item.node_span.start) if one.type == "use_declaration"), None)
    return (
        {(leaf.path, leaf.bound) for leaf in use_of(source, node).leaves if leaf.bound} if node is not None else set()
    )


def _own_path(edit: Edit, name: str) -> tuple[str, ...]:
    """The path of an item of the file's outermost module, as far as the file's place tells."""
    parts = list(edit.path.with_suffix("").parts)
    inside = parts[parts.index("src") + 1 :] if "src" in parts else parts[-1:]
    return ("crate", *(part for part in inside if part not in ("lib", "main", "mod")), name)


def _is_tested(edit: Edit, name: str, of: Item) -> bool:
    """Whether the file has an item of this name outside of the tests, which the name `of` hides from them."""
    if not name.isidentifier():
        return False
    return any(
        not other.identity.header
        and not any(" " in part for part in other.identity.module)
        and not is_for_tests(other)
        and other.identity.kind in _HIDING
        # Macros have names of their own.
        and (other.identity.kind != "macro" or of.identity.kind in ("macro", "use"))
        and (of.is_test or len(other.identity.module) < len(of.identity.module))
        for other in named(edit.before.source, name)
    )
