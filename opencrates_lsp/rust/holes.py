"""Holes: `todo!` and `unimplemented!`, with or without a message, wherever Rust takes a macro call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.rust.items import Item, item_at, qualified_name
from opencrates_lsp.rust.syntax import Source, span_of, text_of
from opencrates_lsp.values import Span, Subject

if TYPE_CHECKING:
    from tree_sitter import Node

MACROS = ("todo", "unimplemented")
_MESSAGE = re.compile(r'^[(\[{]\s*"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PREFIXES = ("std::", "core::", "::std::", "::core::")


@dataclass(frozen=True, slots=True)
class Hole:
    """`span` is the whole call without a semicolon, `message` its text as written, `item` the innermost one around."""

    span: Span
    macro: str
    message: str
    item: Item


def holes(source: Source, within: Span | None = None) -> tuple[Hole, ...]:
    """The holes of the file (of those touching `within`), ascending; visits every node, so not for a keystroke."""
    found = []
    for span, macro, message in _calls(source, source.tree.root_node, within):
        item = item_at(source, span.start)
        if item is not None:
            found.append(Hole(span, macro, message, item))
    return tuple(found)


def hole_at(source: Source, span: Span) -> Hole | None:
    """The hole at the cursor; else the first one of the function, const or static that the cursor is in.

    Walks from the cursor upwards and into that item alone.
    """
    item = item_at(source, span.start)
    if item is None:
        return None
    found = holes(source, item.node_span)
    for hole in found:
        if hole.span.start <= span.start <= hole.span.end:
            return hole
    if item.identity.kind not in ("function", "const", "static", "macro"):
        return None
    return next((hole for hole in found if hole.item.span == item.span), None)


def subject(path: Path, hole: Hole) -> Subject:
    """The item that has the hole, as the thing to be proved; the probe is its body, or its value."""
    item = hole.item
    return Subject(path, qualified_name(item), item.span, item.body or item.node_span, (hole.span,))


def _calls(source: Source, root: Node, within: Span | None) -> Iterator[tuple[Span, str, str]]:
    pending = [root]
    while pending:
        node = pending.pop()
        if within is not None and (node.end_byte <= within.start or node.start_byte >= within.end):
            continue
        if node.type == "macro_invocation" and (call := _call(source, node)) is not None:
            yield call
        elif node.type == "token_tree":
            # Inside another macro's call there are no calls, only tokens: `todo`, `!` and a group.
            yield from _tokens(source, node)
            pending += [child for child in reversed(node.children) if child.type == "token_tree"]
        else:
            pending += reversed(node.children)


def _call(source: Source, node: Node) -> tuple[Span, str, str] | None:
    name = node.child_by_field_name("macro")
    if name is None:
        return None
    path = text_of(source, name)
    macro = path.rsplit("::", 1)[-1]
    if macro not in MACROS or path[: -len(macro)] not in ("", *_PREFIXES):
        return None
    group = node.children[-1]
    return span_of(node), macro, _message(text_of(source, group))


def _tokens(source: Source, tree: Node) -> Iterator[tuple[Span, str, str]]:
    children = tree.children
    for name, bang, group in zip(children, children[1:], children[2:], strict=False):
        if name.type != "identifier" or bang.type != "!" or group.type != "token_tree":
            continue
        macro = text_of(source, name)
        if macro in MACROS:
            yield Span(name.start_byte, group.end_byte), macro, _message(text_of(source, group))


def _message(group: str) -> str:
    match = _MESSAGE.match(group)
    return match[1] if match else ""
