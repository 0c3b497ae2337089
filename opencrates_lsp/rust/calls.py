"""Who calls a function, as far as the text tells: no types are inferred, names and their qualifiers decide."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, items_around
from opencrates_lsp.rust.syntax import Source, path_at, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_NAMES = ("identifier", "field_identifier")


def callers(source: Source, name: str, owner: str = "", limit: int = 64) -> tuple[Item, ...]:
    """The functions that call `name`, in reading order, itself left out; at most `limit` places are looked at.

    With `owner`, the name of a type or trait, calls by path must go through it (`Stack::new`, or `Self::new` in one
    of its impls) and method calls count; without, the call must not be a method's.
    """
    found: dict[tuple[int, int], Item] = {}
    for at, match in enumerate(re.finditer(rb"(?<![\w#])" + re.escape(name.encode()) + rb"(?!\w)", source.text)):
        if at >= limit:
            break
        path = path_at(source, match.start())
        if path[-1].type not in _NAMES or path[-1].start_byte != match.start():
            continue
        around = [item for item in items_around(source, match.start()) if item.identity.kind in ("function", "const")]
        if not around or around[-1].name_span.start == match.start():
            continue
        if _is_call(source, path[-1], path[-2], owner, self_type(around[-1].identity.header)):
            function = around[-1]
            if (function.identity.name, self_type(function.identity.header)) != (name, owner):
                found.setdefault(function.span, function)
    return tuple(found.values())


def _is_call(source: Source, name: Node, parent: Node, owner: str, within: str) -> bool:
    if parent.type in ("token_tree", "token_repetition"):
        return _is_call_in_tokens(source, name, owner, within)
    if parent.type == "field_expression":
        return bool(owner) and _is_called(parent)
    if parent.type == "scoped_identifier":
        if parent.child_by_field_name("name") != name:
            return False
        qualifier = parent.child_by_field_name("path")
        return _is_owner(text_of(source, qualifier) if qualifier is not None else "", owner, within)
    return not owner and _is_called(name)


def _is_called(node: Node) -> bool:
    """Whether the node is what a call calls, or a function handed on as a value."""
    parent = node.parent
    if parent is not None and parent.type == "generic_function":
        node, parent = parent, parent.parent
    if parent is None:
        return False
    return parent.type == "arguments" or parent.child_by_field_name("function") == node


def _is_call_in_tokens(source: Source, name: Node, owner: str, within: str) -> bool:
    group = name.next_sibling
    if group is None or not (group.type == "token_tree" and text_of(source, group).startswith("(")):
        return False
    before = name.prev_sibling
    if before is None or before.type not in (".", "::"):
        return not owner
    if before.type == ".":
        return bool(owner)
    qualifier = before.prev_sibling
    return _is_owner(text_of(source, qualifier) if qualifier is not None else "", owner, within)


def _is_owner(qualifier: str, owner: str, within: str) -> bool:
    """Whether a path through `qualifier` leads to the owner; without one, any module may be the way."""
    last = re.sub(r"<.*>|::$", "", qualifier).rsplit("::", 1)[-1].strip()
    if last == "Self":
        last = within
    return last == owner if owner else not last[:1].isupper()
