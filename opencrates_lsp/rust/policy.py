"""What an edit may change without being asked: signatures, tests, `unsafe`, and the crates that the code needs.

Two texts of one file are compared, item by item; what rustc would find anyway is left to rustc.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from opencrates_lsp.rust.changed import Pairs, changed_spans, paired
from opencrates_lsp.rust.crate_names import BUILT_IN, new_crates
from opencrates_lsp.rust.growth import members_of
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Identity, Item, items_around, qualified_name
from opencrates_lsp.rust.leads import attributes_of
from opencrates_lsp.rust.lexer import code
from opencrates_lsp.rust.matching import asked_item
from opencrates_lsp.rust.syntax import Source, path_at, text_of
from opencrates_lsp.rust.uses import Leaf, flattened
from opencrates_lsp.values import Policy, Span, Subject

Rule = Literal["signatures", "tests", "unsafe", "new_dependencies"]

# Attributes that change what an item is; others (`inline`, `allow`, `must_use`, …) may come new.
_TELLING = frozenset(
    (
        "cfg",
        "cfg_attr",
        "test",
        "repr",
        "non_exhaustive",
        "deprecated",
        "macro_export",
        "path",
        "target_feature",
        "proc_macro",
        "proc_macro_derive",
        "proc_macro_attribute",
        "global_allocator",
        "panic_handler",
    )
)
_UNSAFE_ATTRIBUTES = rb"no_mangle|export_name|link_section"
_UNSAFE = re.compile(rb"(?<![\w#'])(?:unsafe|" + _UNSAFE_ATTRIBUTES + rb")(?!\w)")
_TEXTS = frozenset({"line_comment", "block_comment", "string_literal", "raw_string_literal", "char_literal"})
_ATTRIBUTES = frozenset({"attribute_item", "inner_attribute_item"})
_TEST = re.compile(r"(?<![\w\"])test(?!\w)")
_SHAPES = frozenset({"struct", "enum", "union"})


@dataclass(frozen=True, slots=True)
class Violation:
    """`message` is one sentence that names the item and what became of it."""

    rule: Rule
    message: str


def violations(
    before: Source, after: Source, subject: Subject, policy: Policy, dependencies: frozenset[str] | None
) -> tuple[Violation, ...]:
    """What the edit from `before` to `after` does beyond what `policy` allows; `subject` stands in `before`.

    `dependencies` are the crates that the file may name, its own library among them; None where they are unknown,
    and then nothing is said of crates.
    """
    asked = asked_item(before, subject)
    spans = changed_spans(before, after)
    pairs = paired(before, after, spans)
    found = [
        *_changed_signatures(before, after, pairs),
        *_changed_imports(before, after, pairs),
        *_changed_tests(before, after, pairs, asked),
        *_new_unsafe(before, after, spans),
    ]
    if dependencies is not None:
        found += _new_dependencies(before, after, spans[1], dependencies)
    return tuple(dict.fromkeys(violation for violation in found if getattr(policy, violation.rule) != "allow"))


# Signatures.


def _changed_signatures(before: Source, after: Source, pairs: Pairs) -> Iterator[Violation]:
    if _inner_attributes(before) != _inner_attributes(after):
        yield Violation("signatures", "The inner attributes of the file change.")
    for item in pairs.gone:
        if not _is_for_tests(item):
            yield Violation("signatures", f"`{qualified_name(item)}` is gone.")
    for old, new in pairs.both:
        if not _is_for_tests(old) and before.text[slice(*old.span)] != after.text[slice(*new.span)]:
            yield from _changed_item(before, old, after, new)
    fresh = {item.identity for item in pairs.new}
    for item in pairs.new:
        if _is_for_tests(item):
            continue
        if item.identity.header.startswith("trait ") and not _is_new_block(item, fresh, "trait"):
            yield Violation("signatures", f"`{qualified_name(item)}` is a new member of a trait.")
        elif _is_public(after, item) and not _is_in_private(after, item, fresh, pairs.new):
            yield Violation("signatures", f"`{qualified_name(item)}` is new and public.")


def _changed_item(before: Source, old: Item, after: Source, new: Item) -> Iterator[Violation]:
    name = qualified_name(old)
    was, now = _signature(before, old), _signature(after, new)
    if not _same_signature(code(was), code(now)):
        yield Violation("signatures", f"The signature of `{name}` changes from `{_line(was)}` to `{_line(now)}`.")
    lead = before.text[old.span.start : old.node_span.start] != after.text[new.span.start : new.node_span.start]
    if lead:
        yield from _changed_attributes(before, old, after, new)
    if old.identity.kind in _SHAPES:
        yield from _changed_members(before, old, after, new)


def _signature(source: Source, item: Item) -> str:
    return source.text[item.signature.start : item.signature.end].decode("utf-8", "replace")


def _line(text: str) -> str:
    return " ".join(text.split())


def _same_signature(was: list[str], now: list[str]) -> bool:
    """Whether two signatures mean the same to a caller: `mut` and the names of unused parameters are no part of it."""
    was, now = _plain(was), _plain(now)
    if len(was) != len(now):
        return False
    following = [*was[1:], ""]
    return all(
        one == other or (one.startswith("_") and after == ":")
        for one, other, after in zip(was, now, following, strict=True)
    )


def _plain(marks: list[str]) -> list[str]:
    kept: list[str] = []
    for mark in marks:
        if mark == "mut" and kept and kept[-1] in ("(", ","):
            continue
        if mark in (")", ">", "]") and kept and kept[-1] == ",":
            kept.pop()
        kept.append(mark)
    return kept[:-1] if kept and kept[-1] == "," else kept


def _changed_attributes(before: Source, old: Item, after: Source, new: Item) -> Iterator[Violation]:
    name = qualified_name(old)
    was = {tuple(code(text)): path for path, text in attributes_of(before, old)}
    now = {tuple(code(text)): path for path, text in attributes_of(after, new)}
    for marks, path in was.items():
        if path == "derive" and any(other == "derive" and set(marks) <= set(more) for more, other in now.items()):
            continue
        if marks not in now and path != "doc":
            yield Violation("signatures", f"The attribute `{''.join(marks)}` of `{name}` is gone.")
    for marks, path in now.items():
        if marks not in was and path in _TELLING:
            yield Violation("signatures", f"`{name}` gets the attribute `{''.join(marks)}`.")


def _changed_members(before: Source, old: Item, after: Source, new: Item) -> Iterator[Violation]:
    """Fields and variants: those that are there stay, and what callers see does not grow."""
    name = qualified_name(old)
    was, now = members_of(before, old), members_of(after, new)
    if was is None or now is None:
        if old.body is not None and before.text[slice(*old.body)] != after.text[slice(*(new.body or new.span))]:
            yield Violation("signatures", f"The fields of `{name}` change.")
        return
    present = {member.name: text_of(after, member.node) for member in now}
    for member in was:
        text = present.pop(member.name, None)
        if text is None:
            yield Violation("signatures", f"`{member.name}` of `{name}` is gone.")
        elif code(text) != code(text_of(before, member.node)):
            yield Violation("signatures", f"`{member.name}` of `{name}` changes to `{_line(text)}`.")
    for fresh, text in present.items():
        if code(text)[:1] == ["pub"] and code(text)[1:2] != ["("]:
            yield Violation("signatures", f"The field `{fresh}` of `{name}` is new and public.")
        elif old.identity.kind == "enum" and _is_public(before, old):
            yield Violation("signatures", f"The variant `{fresh}` of the public `{name}` is new.")


def _is_public(source: Source, item: Item) -> bool:
    """Whether the item is `pub` without restriction, or a macro that the crate exports."""
    marks = code(_signature(source, item)[:64])
    if marks[:1] == ["pub"] and marks[1:2] != ["("]:
        return True
    return item.identity.kind == "macro" and any(path == "macro_export" for path, _ in attributes_of(source, item))


def _is_in_private(source: Source, item: Item, fresh: set[Identity], new: Sequence[Item]) -> bool:
    """Whether the item is a member of something that is new itself and not public."""
    private = {other.identity.name for other in new if not _is_public(source, other)}
    owner = self_type(item.identity.header)
    owned = bool(owner) and any(
        other.name == owner and other.kind in (*_SHAPES, "type", "trait") and owner in private for other in fresh
    )
    around = item.identity.module
    return owned or any(
        Identity(around[:depth], "", "mod", around[depth]) in fresh and around[depth] in private
        for depth in range(len(around))
    )


def _is_new_block(item: Item, fresh: set[Identity], kind: str) -> bool:
    return Identity(item.identity.module, "", kind, self_type(item.identity.header)) in fresh


def _inner_attributes(source: Source) -> list[str]:
    return [
        _line(text_of(source, node)) for node in source.tree.root_node.children if node.type == "inner_attribute_item"
    ]


def _changed_imports(before: Source, after: Source, pairs: Pairs) -> Iterator[Violation]:
    was, now = _imports(before, pairs.imports_before), _imports(after, pairs.imports_after)
    for key in was:
        if key not in now:
            yield Violation("signatures", f"The import `{_written(key[2])}` is gone.")
    for key in now:
        if key[1] == "pub" and key not in was:
            yield Violation("signatures", f"The import `{_written(key[2])}` is new and public.")


def _written(leaf: Leaf) -> str:
    return "::".join([*leaf.prefix, leaf.name])


def _imports(source: Source, uses: Sequence[Item]) -> dict[tuple[tuple[str, ...], str, Leaf], None]:
    """Every import of these declarations, with its module and visibility, in reading order."""
    found: dict[tuple[tuple[str, ...], str, Leaf], None] = {}
    for item in uses:
        node = next((n for n in path_at(source, item.node_span.start) if n.type == "use_declaration"), None)
        argument = node.child_by_field_name("argument") if node is not None else None
        if node is None or argument is None:
            continue
        lead = next(
            (_line(text_of(source, child)) for child in node.children if child.type == "visibility_modifier"), ""
        )
        found.update(dict.fromkeys((item.identity.module, lead, leaf) for leaf in flattened(source, argument)))
    return found


# Tests.


def _is_for_tests(item: Item) -> bool:
    return item.is_test or any(_TEST.search(cfg) and not cfg.startswith("not") for cfg in item.cfgs)


def _changed_tests(before: Source, after: Source, pairs: Pairs, asked: Item | None) -> Iterator[Violation]:
    for item in pairs.gone:
        if _is_for_tests(item):
            what = "The test module" if item.identity.kind == "mod" else "The test"
            yield Violation("tests", f"{what} `{qualified_name(item)}` is gone.")
    for old, new in pairs.both:
        text, now = before.text[slice(*old.span)], after.text[slice(*new.span)]
        if text == now or not _is_for_tests(old):
            continue
        if old == asked:
            if old.is_test and not new.is_test:
                yield Violation("tests", f"`{qualified_name(old)}` is no test any more.")
            yield from _changed_item(before, old, after, new)
        elif old.identity.kind == "function":
            yield Violation("tests", f"The test `{qualified_name(old)}` changes.")
        elif not _is_for_tests(new):
            yield Violation("tests", f"`{qualified_name(old)}` is no longer compiled for tests alone.")
        elif old.identity.kind not in ("mod", "impl", "trait", "extern"):
            yield from _changed_item(before, old, after, new)
    ignored = {new.identity for old, new in pairs.both if _is_ignored(before, old)}
    for item in (*(new for _, new in pairs.both), *pairs.new):
        if item.identity not in ignored and _is_ignored(after, item):
            yield Violation("tests", f"The test `{qualified_name(item)}` is ignored now.")


def _is_ignored(source: Source, item: Item) -> bool:
    lead = source.text[item.span.start : item.node_span.start]
    if b"ignore" not in lead:
        return False
    return any(
        path == "ignore" or (path == "cfg_attr" and "ignore" in code(text))
        for path, text in attributes_of(source, item)
    )


# Unsafe code.


def _new_unsafe(before: Source, after: Source, spans: tuple[Span, Span]) -> Iterator[Violation]:
    was, now = _unsafe(before, spans[0]), _unsafe(after, spans[1])
    for owner, places in now.items():
        more = Counter(what for what, _ in places) - Counter(what for what, _ in was.get(owner, []))
        for what in more:
            name = next(name for other, name in places if other == what)
            yield Violation("unsafe", f"{name} has {what} that was not there.")


def _unsafe(source: Source, within: Span) -> dict[Identity | None, list[tuple[str, str]]]:
    """What is unsafe, by the innermost item that it stands in: the kind of it, and the item's name."""
    found: dict[Identity | None, list[tuple[str, str]]] = {}
    for match in _UNSAFE.finditer(source.text, *within):
        path = path_at(source, match.start())
        types = [node.type for node in path]
        if _TEXTS & set(types) or "function_type" in types[-3:]:
            continue
        attribute = bool(_ATTRIBUTES & set(types))
        if match.group() != b"unsafe" and not attribute:
            continue
        around = items_around(source, match.start())
        owner = around[-1].identity if around else None
        name = f"`{qualified_name(around[-1])}`" if around else "The file"
        found.setdefault(owner, []).append((_kind(types, attribute=attribute), name))
    return found


def _kind(types: list[str], *, attribute: bool) -> str:
    if attribute:
        return "an unsafe attribute"
    if "unsafe_block" in types[-2:]:
        return "an `unsafe` block"
    return "an `unsafe` in its header" if types[-2:-1] != ["token_tree"] else "an `unsafe` in a macro"


# Dependencies.


def _new_dependencies(before: Source, after: Source, within: Span, dependencies: frozenset[str]) -> Iterator[Violation]:
    allowed = {name.replace("-", "_") for name in dependencies} | BUILT_IN
    for crate in new_crates(before, after, within):
        if crate.name not in allowed:
            around = [item for item in items_around(after, crate.offset) if item.identity.kind not in ("use", "extern")]
            where = f"`{qualified_name(around[-1])}`" if around else "The file"
            yield Violation("new_dependencies", f"{where} uses the crate `{crate.name}`, which is no dependency.")
