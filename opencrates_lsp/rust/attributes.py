"""What leads an item: attributes, doc comments, and qualifiers that the grammar does not know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opencrates_lsp.rust.headers import normalised
from opencrates_lsp.rust.syntax import Source, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

COMMENTS = frozenset({"line_comment", "block_comment"})
_QUALIFIER = re.compile(rb"(pub(\([^()]*\))?\s+)?(safe|default|gen)")


def _front(node: Node) -> Node:
    """The node itself, or a qualifier before it that the grammar does not know (`safe fn`, `default fn`)."""
    before = node.prev_sibling
    if before is None or before.type != "ERROR" or not before.end_byte < node.start_byte <= before.end_byte + 1:
        return node
    return before if before.text is not None and _QUALIFIER.fullmatch(before.text) else node


@dataclass(frozen=True, slots=True)
class Lead:
    """Where an item begins (`start` with its attributes and doc comments, `front` without), and its attributes."""

    start: int
    front: int
    attributes: list[Node]


def leading(node: Node) -> Lead:
    """What leads the item; its attributes are in reading order."""
    first = _front(node)
    start = first.start_byte
    attributes: list[Node] = []
    before = first.prev_sibling
    while before is not None:
        if before.type == "attribute_item":
            attributes.append(before)
            start = before.start_byte
        elif is_outer_doc(before):
            start = before.start_byte
        elif before.type not in COMMENTS:
            break
        before = before.prev_sibling
    return Lead(start, first.start_byte, attributes[::-1])


def is_outer_doc(node: Node) -> bool:
    return node.type in COMMENTS and node.child_by_field_name("outer") is not None


def inner_cfgs(source: Source, parent: Node) -> tuple[str, ...]:
    """The predicates of `#![cfg]` at the head of a file or module."""
    found: list[str] = []
    cursor = parent.walk()
    more = cursor.goto_first_child()
    while more and (node := cursor.node) is not None:
        if node.type == "inner_attribute_item":
            found += _cfg(source, node)
        elif node.type not in COMMENTS and node.type not in ("{", "shebang"):
            break
        more = cursor.goto_next_sibling()
    return tuple(found)


def _cfg(source: Source, attribute: Node) -> list[str]:
    path, arguments = attribute_parts(source, attribute)
    return [normalised(arguments[1:-1])] if path == "cfg" and arguments else []


def attribute_parts(source: Source, attribute: Node) -> tuple[str, str]:
    """The path of an attribute ("tokio::test") and its arguments with their brackets."""
    for child in attribute.named_children:
        if child.type == "attribute" and child.named_child_count:
            path = child.named_child(0)
            arguments = child.child_by_field_name("arguments")
            name = text_of(source, path) if path is not None else ""
            return name, text_of(source, arguments) if arguments is not None else ""
    return "", ""


def own_cfgs(source: Source, attributes: list[Node]) -> tuple[str, ...]:
    return tuple(predicate for attribute in attributes for predicate in _cfg(source, attribute))
