"""Who calls a function, as far as the text tells: no types are inferred, names and their qualifiers decide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, items_around
from opencrates_lsp.rust.syntax import Source, path_at, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_NAMES = ("identifier", "field_identifier")
_WORD = re.compile(rb"[\w#\x80-\xff]")
# What can follow the name of a function that is called or handed on.
_AFTER = re.compile(rb"\s*(?:[(),;\]}.?]|::\s*<)")
_TEST = re.compile(r'(?<!not\()(?<!")\btest\b(?!")')
_DEFINED = re.compile(rb"\bfn\s+$")


def callers(source: Source, name: str, owner: str = "", limit: int = 64) -> tuple[Item, ...]:
    """The functions that call `name`, in reading order, itself left out; at most `limit` places are looked at.

    With `owner`, the name of a type or trait, calls by path must go through it (`Stack::new`, or `Self::new` in one
    of its impls), and a method call counts where the calling function, or the impl around it, says the owner's name.
    Without, the call must not be a method's.
    """
    found: dict[tuple[int, int], Item] = {}
    for count, at in enumerate(_places(source.text, name.encode(), bool(owner))):
        if count >= limit:
            break
        path = path_at(source, at)
        if path[-1].type not in _NAMES or path[-1].start_byte != at:
            continue
        around = [item for item in items_around(source, at) if item.identity.kind in ("function", "const", "static")]
        if not around or around[-1].name_span.start == at:
            continue
        function = around[-1]
        within = self_type(function.identity.header)
        if (function.identity.name, within) != (name, owner) and _is_call(source, path, owner, function):
            found.setdefault(function.span, function)
    return tuple(found.values())


def is_testing(item: Item) -> bool:
    """Whether the item is a test, or compiled for tests alone."""
    return item.is_test or any(_TEST.search(predicate) for predicate in item.cfgs)


def _places(text: bytes, name: bytes, owned: bool) -> Iterator[int]:
    """Where the word stands as only a call or a value can, told from the bytes beside it."""
    at = text.find(name) if name else -1
    while at >= 0:
        end = at + len(name)
        before = text[max(0, at - 8) : at]
        alone = not _WORD.match(text, end) and not (before and _WORD.match(before[-1:]))
        qualified = before.rstrip().endswith((b".", b"::"))
        if alone and _AFTER.match(text, end) and qualified >= owned and not _DEFINED.search(before):
            yield at
        at = text.find(name, end)


def _is_call(source: Source, path: list[Node], owner: str, function: Item) -> bool:
    within = self_type(function.identity.header)
    name, parent = path[-1], path[-2]
    if parent.type in ("token_tree", "token_repetition"):
        return _is_call_in_tokens(source, name, owner, function)
    if parent.type == "field_expression":
        return _says(source, function, owner) and _is_called(parent)
    if parent.type == "scoped_identifier":
        if parent.child_by_field_name("name") != name:
            return False
        qualifier = parent.child_by_field_name("path")
        return _is_owner(text_of(source, qualifier) if qualifier is not None else "", owner, within)
    return not owner and _is_called(name)


def _says(source: Source, function: Item, owner: str) -> bool:
    """Whether a method called in this function may well be the owner's."""
    if not owner:
        return False
    text = source.text[slice(*function.span)]
    return (
        owner == self_type(function.identity.header) or re.search(rf"\b{re.escape(owner)}\b".encode(), text) is not None
    )


def _is_called(node: Node) -> bool:
    """Whether the node is what a call calls, or a function handed on as a value."""
    parent = node.parent
    if parent is not None and parent.type == "generic_function":
        node, parent = parent, parent.parent
    if parent is None:
        return False
    return parent.type == "arguments" or parent.child_by_field_name("function") == node


def _is_call_in_tokens(source: Source, name: Node, owner: str, function: Item) -> bool:
    group = name.next_sibling
    if group is None or not (group.type == "token_tree" and text_of(source, group).startswith("(")):
        return False
    before = name.prev_sibling
    if before is None or before.type not in (".", "::"):
        return not owner
    if before.type == ".":
        return _says(source, function, owner)
    qualifier = before.prev_sibling
    named = text_of(source, qualifier) if qualifier is not None else ""
    return _is_owner(named, owner, self_type(function.identity.header))


def _is_owner(qualifier: str, owner: str, within: str) -> bool:
    """Whether a path through `qualifier` leads to the owner; without one, any module may be the way."""
    last = re.sub(r"(?:::)?\s*<.*>", "", qualifier).rsplit("::", 1)[-1].strip()
    if last == "Self":
        last = within
    return last == owner if owner else not last[:1].isupper()
