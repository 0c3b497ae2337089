"""The paths that a piece of Rust mentions: types, functions that it calls, macros; as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, items_around
from opencrates_lsp.rust.syntax import Source, text_of
from opencrates_lsp.rust.uses import use_of
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

Path = tuple[str, ...]
MOST_NODES = 20_000
_SCOPED = ("scoped_identifier", "scoped_type_identifier")
_WORDS = re.compile(rb"(?<![\w.'$])[A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)*")


def mentioned(source: Source, span: Span) -> tuple[Path, ...]:
    """The paths in the span, each once, in reading order; type parameters are among them."""
    found: dict[Path, None] = {}
    for count, node in enumerate(_within(source.tree.root_node, span)):
        if count >= MOST_NODES:
            break
        for path in _paths(source, node):
            if path:
                found.setdefault(path)
    return tuple(found)


def parameters(source: Source, spans: Iterable[Span]) -> frozenset[str]:
    """The type parameters that the spans declare."""
    found: set[str] = set()
    for span in spans:
        for node in _within(source.tree.root_node, span):
            if node.type in ("type_parameter", "const_parameter"):
                named = node.child_by_field_name("name")
                found.add(text_of(source, named) if named is not None else "")
    return frozenset(found)


def imported_in(source: Source, span: Span) -> dict[str, Path]:
    """What the `use` lines inside of a function bring into its scope, by name."""
    found: dict[str, Path] = {}
    for node in _within(source.tree.root_node, span):
        if node.type == "use_declaration":
            found |= {leaf.bound: leaf.path for leaf in use_of(source, node).leaves if leaf.bound}
    return found


def methods_in(source: Source, span: Span) -> tuple[str, ...]:
    """The names of the methods that are called in the span, each once."""
    found: dict[str, None] = {}
    for node in _within(source.tree.root_node, span):
        if node.type == "field_identifier" and node.parent is not None and node.parent.type == "field_expression":
            found.setdefault(text_of(source, node))
    return tuple(found)


def block_of(source: Source, item: Item) -> Item | None:
    """The impl or trait that the item is a member of."""
    if not self_type(item.identity.header) or item.identity.kind == "impl":
        return None
    around = items_around(source, item.name_span.start)
    return next((one for one in reversed(around) if one.identity.kind in ("impl", "trait")), None)


def _within(root: Node, span: Span) -> Iterator[Node]:
    """The nodes that touch the span, outer ones first; what is no part of it is not entered."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.end_byte <= span.start or node.start_byte >= span.end:
            continue
        if node.start_byte >= span.start:
            yield node
        if node.type not in ("token_tree", "line_comment", "block_comment", "string_literal", *_SCOPED):
            waiting.extend(reversed(node.children))
        elif node.type in _SCOPED:
            # The arguments in `a::B<C>::d` are paths of their own, its parts are not.
            waiting.extend(reversed(_arguments(node)))


def _arguments(node: Node) -> list[Node]:
    found: list[Node] = []
    waiting = [node]
    while waiting:
        for child in waiting.pop().children:
            if child.type in ("type_arguments", "bracketed_type"):
                found.append(child)
            elif child.type in (*_SCOPED, "generic_type"):
                waiting.append(child)
    return found


def _paths(source: Source, node: Node) -> Iterator[Path]:
    if node.type in _SCOPED:
        yield _path(text_of(source, node))
    elif node.type == "type_identifier" or (node.type == "identifier" and _is_called(node)):
        yield (text_of(source, node),)
    elif node.type == "token_tree":
        for match in _WORDS.finditer(source.text, node.start_byte, node.end_byte):
            path = _path(match[0].decode("utf-8", "replace"))
            if len(path) > 1 or path[0][:1].isupper():
                yield path


def _path(text: str) -> Path:
    kept, depth = [], 0
    for mark in text:
        depth += {"<": 1, ">": -1}.get(mark, 0)
        kept.append(mark if not depth and mark != ">" else "")
    parts = [part.strip() for part in "".join(kept).split("::")]
    # `<T as Trait>::Name` begins with what is no name.
    return tuple(part for at, part in enumerate(parts) if part or (at == 0 and text.startswith("::")))


def _is_called(node: Node) -> bool:
    parent = node.parent
    if parent is None:
        return False
    if parent.type == "generic_function":
        node, parent = parent, parent.parent or parent
    if parent.type == "call_expression":
        return parent.child_by_field_name("function") == node
    return parent.type == "macro_invocation"
