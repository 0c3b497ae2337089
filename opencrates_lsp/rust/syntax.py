"""Rust text and its syntax tree.

tree-sitter is not the judge of Rust: a region that it cannot read is left alone, and only rustc says that it is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Tree

from opencrates_lsp.values import Span


@dataclass(frozen=True, slots=True)
class Source:
    """A text in UTF-8 and the tree of exactly this text; neither is changed afterwards."""

    text: bytes
    tree: Tree


@cache
def language() -> Language:
    """tree-sitter's Rust grammar."""
    return Language(tree_sitter_rust.language())


@cache
def _parser() -> Parser:
    return Parser(language())


def parse(text: bytes, old: Tree | None = None) -> Source:
    """Parse `text`; `old` is an earlier tree that has followed every edit since, and makes it cheap."""
    tree = _parser().parse(text, old) if old is not None else _parser().parse(text)
    return Source(text, tree)


def span_of(node: Node) -> Span:
    """The bytes of a node."""
    return Span(node.start_byte, node.end_byte)


def text_of(source: Source, node: Node) -> str:
    """The text of a node; a byte that is no UTF-8 is shown as U+FFFD."""
    return source.text[node.start_byte : node.end_byte].decode(errors="replace")


def enclosing(source: Source, offset: int) -> Iterator[Node]:
    """The named nodes around a byte offset, innermost first; walks from the place upwards, never over the file."""
    at = max(0, min(offset, len(source.text)))
    node = source.tree.root_node.named_descendant_for_byte_range(at, at)
    while node is not None:
        yield node
        node = node.parent


def error_spans(source: Source, within: Span | None = None) -> list[Span]:
    """Where tree-sitter met something that it cannot read (ERROR) or missed something (MISSING), ascending."""
    found: list[Span] = []
    pending = [source.tree.root_node]
    while pending:
        node = pending.pop()
        if within is not None and (node.end_byte < within.start or node.start_byte > within.end):
            continue
        if node.is_error or node.is_missing:
            found.append(span_of(node))
        elif node.has_error:
            pending.extend(node.children)
    return sorted(found)
