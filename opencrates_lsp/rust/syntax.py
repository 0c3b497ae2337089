"""Concrete syntax: tree-sitter trees over UTF-8 bytes.

tree-sitter recovers from broken Rust and does not know every new form; it finds places, rustc judges.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_rust
from tree_sitter import Language, Node, Parser, Query, Tree

from opencrates_lsp.values import Span

# How many bytes are parsed before others get their turn.
_TURN = 16_384
QUERIES = Path(__file__).parent / "queries"


@dataclass(frozen=True, slots=True)
class Source:
    """A text and its tree; the tree belongs to exactly this text."""

    text: bytes
    tree: Tree


@cache
def language() -> Language:
    """The Rust grammar."""
    return Language(tree_sitter_rust.language())


@cache
def query(name: str) -> Query:
    """The query of `queries/NAME.scm`, compiled once."""
    return Query(language(), (QUERIES / f"{name}.scm").read_text(encoding="utf-8"))


def parse(text: bytes, old: Tree | None = None) -> Source:
    """The tree of `text`; with `old`, which must carry the edits (`Tree.edit`), only what changed is parsed."""
    parser = Parser(language())
    return Source(text, parser.parse(text) if old is None else parser.parse(text, old))


def parse_in_turns(text: bytes) -> Source:
    """The same tree, made piece by piece, so that other threads get their turn; its nodes have no `text` of their own.

    A parse holds the interpreter's lock, a long file's for a tenth of a second; whenever it asks for more it lets go.
    """
    return Source(text, Parser(language()).parse(lambda at, point: text[at : at + _TURN]))


def span_of(node: Node) -> Span:
    return Span(node.start_byte, node.end_byte)


def text_of(source: Source, node: Node) -> str:
    """The node's text; bytes that are not UTF-8 become replacement characters."""
    return source.text[node.start_byte : node.end_byte].decode("utf-8", "replace")


def path_at(source: Source, offset: int) -> list[Node]:
    """The nodes that contain the byte at `offset`, from the root inwards.

    Only the way down is visited, never the siblings' subtrees.
    """
    cursor = source.tree.walk()
    found: list[Node] = []
    if cursor.node is not None:
        found.append(cursor.node)
    while cursor.goto_first_child_for_byte(max(offset, 0)) is not None:
        node = cursor.node
        if node is None or node.start_byte > offset:
            break
        found.append(node)
    return found


def error_spans(source: Source, within: Span | None = None) -> list[Span]:
    """Where tree-sitter could not follow (ERROR and MISSING nodes), in reading order; subtrees without are skipped."""
    found: list[Span] = []
    waiting = [source.tree.root_node]
    while waiting:
        node = waiting.pop()
        if not node.has_error:
            continue
        if within is not None and (node.end_byte < within.start or node.start_byte > within.end):
            continue
        if node.is_error or node.is_missing:
            found.append(span_of(node))
        waiting.extend(reversed(node.children))
    return found
