"""The rule `signatures`: what callers see stays as it is, and nothing of the file goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrates_lsp.rust.growth import members_of
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Identity, Item, qualified_name
from opencrates_lsp.rust.leads import attributes_of
from opencrates_lsp.rust.lexer import code
from opencrates_lsp.rust.policy.edit import Edit, Violation, is_for_tests
from opencrates_lsp.rust.syntax import Source, path_at, text_of
from opencrates_lsp.rust.uses import Leaf, flattened

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
_SHAPES = frozenset({"struct", "enum", "union"})


def changed_signatures(edit: Edit) -> Iterator[Violation]:
    """Items that are gone, changed in what callers see, or new and public; those for tests are left to `tests`."""
    before, after, pairs = edit.before.source, edit.after.source, edit.pairs
    if _inner_attributes(before) != _inner_attributes(after):
        yield Violation("signatures", "The inner attributes of the file change.")
    for item in pairs.gone:
        if not is_for_tests(item):
            yield Violation("signatures", f"`{qualified_name(item)}` is gone.")
    for old, new in pairs.both:
        if not is_for_tests(old) and before.text[slice(*old.span)] != after.text[slice(*new.span)]:
            yield from changed_item(before, old, after, new)
    fresh = {item.identity for item in pairs.new}
    for item in pairs.new:
        if is_for_tests(item):
            continue
        if item.identity.header.startswith("trait ") and not _is_new_block(item, fresh, "trait"):
            yield Violation("signatures", f"`{qualified_name(item)}` is a new member of a trait.")
        elif _is_public(after, item) and not _is_in_private(after, item, fresh, pairs.new):
            yield Violation("signatures", f"`{qualified_name(item)}` is new and public.")


def changed_item(before: Source, old: Item, after: Source, new: Item) -> Iterator[Violation]:
    """What changes of an item that is in both texts, beside its body."""
    yield from changed_signature(before, old, after, new)
    lead = before.text[old.span.start : old.node_span.start] != after.text[new.span.start : new.node_span.start]
    if lead:
        yield from _changed_attributes(before, old, after, new)
    if old.identity.kind in _SHAPES:
        yield from _changed_members(before, old, after, new)


def changed_signature(before: Source, old: Item, after: Source, new: Item) -> Iterator[Violation]:
    """A signature that means something else to a caller."""
    name = qualified_name(old)
    was, now = _signature(before, old), _signature(after, new)
    if not _same_signature(code(was), code(now)):
        yield Violation("signatures", f"The signature of `{name}` changes from `{_line(was)}` to `{_line(now)}`.")


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


def changed_imports(edit: Edit) -> Iterator[Violation]:
    """Imports that are gone, or new and public."""
    before, after, pairs = edit.before.source, edit.after.source, edit.pairs
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
