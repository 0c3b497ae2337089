"""What a hole must be, known from the source alone: no model is asked, and rustc proves it like any other answer.

A rule speaks where a name and a signature leave one sensible body, and is silent where it would have to guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from opencrates_lsp.rust.holes import Hole
from opencrates_lsp.rust.known_case import Case, shape
from opencrates_lsp.rust.known_collections import delegates, emptiness, into_iterators
from opencrates_lsp.rust.known_enums import listed, variants
from opencrates_lsp.rust.known_fields import builders, constructors, getters, setters
from opencrates_lsp.rust.known_operators import operators
from opencrates_lsp.rust.known_traits import wrappers
from opencrates_lsp.rust.shapes import Block, Function, block_of, function_of
from opencrates_lsp.rust.syntax import Source, path_at, span_of, text_of
from opencrates_lsp.rust.type_terms import UNIT, read_type
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST = 6
_INDENT = "    "
_COMMENTS = ("line_comment", "block_comment")
# Words of docs and messages that tell of more than the signature does.
_MORE = re.compile(
    r"clamp|normali[sz]|validat|trim|evict|at most|\bfull\b|sorted|lowercase|uppercase|insensitive|round(?:ed|s)|unique"
    r"|saturat|wrap(?:s|ping)|overflow|oldest|newest|revers|notif|dedup",
    re.IGNORECASE,
)
# The most certain first; of one function at most a few speak.
_RULES = (
    constructors,
    getters,
    setters,
    builders,
    variants,
    delegates,
    into_iterators,
    operators,
    wrappers,
    emptiness,
)


def candidates(source: Source, hole: Hole, related: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The item with its hole replaced, as Rust text, best first; () where nothing is known.

    Only a hole that is the whole body is tried; what is left out of the item's signature, docs and attributes is
    nothing.
    `related` are the definitions of types in other files, by name.
    """
    path = path_at(source, hole.span.start)
    if hole.item.is_test or hole.item.body is None:
        return ()
    if hole.item.identity.kind in ("const", "static"):
        bodies = _constants(source, hole, path, related)
    elif hole.item.identity.kind == "function":
        bodies = _functions(source, hole, path, related)
    else:
        return ()
    found: dict[str, None] = {}
    for body in bodies:
        found.setdefault(body)
        if len(found) == _MOST:
            break
    return tuple(_laid(source, hole, body) for body in found)


def _functions(source: Source, hole: Hole, path: list[Node], related: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    at = next((at for at in reversed(range(len(path))) if path[at].type == "function_item"), 0)
    if not at or at + 1 >= len(path) or path[at + 1].type != "block" or span_of(path[at + 1]) != hole.item.body:
        return
    if not _is_whole(path[at + 1], hole):
        return
    docs = source.text[hole.item.span.start : hole.item.node_span.start].decode("utf-8", "replace")
    if _MORE.search(docs) or _MORE.search(hole.message):
        return
    function = function_of(source, path[at], docs)
    if function is None:
        return
    around = path[at - 2] if at >= 2 and path[at - 1].type == "declaration_list" else None
    inside = around is not None and around.type in ("impl_item", "trait_item")
    case = Case(
        source=source,
        related=related,
        function=function,
        block=block_of(source, around) if around is not None and inside else None,
        owner=None,
        item=hole.item.node_span,
        around=span_of(around) if around is not None and inside else Span(0, 0),
    )
    yield from _known(case)


def _known(case: Case) -> Iterator[str]:
    if case.block is not None:
        term = case.block.self_type
        named = term.first if term.head in ("&", "&mut") else term
        owner = shape(case, named.head)
        if owner is not None:
            case = replace(case, owner=owner.filled(named.arguments))
    for rule in _RULES:
        yield from rule(case)


def _is_whole(block: Node, hole: Hole) -> bool:
    """Whether the hole is all that the block has, beside comments and a semicolon."""
    inside = [child for child in block.named_children if child.type not in _COMMENTS]
    if len(inside) != 1:
        return False
    only = inside[0]
    if only.type == "expression_statement" and only.named_child_count == 1:
        only = only.named_children[0]
    return span_of(only) == hole.span


def _constants(source: Source, hole: Hole, path: list[Node], related: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """`const ALL: [Self; 3]` of an enum's variants."""
    item = next((node for node in reversed(path) if node.type in ("const_item", "static_item")), None)
    term = item.child_by_field_name("type") if item is not None else None
    if term is None or hole.item.body != hole.span or hole.item.identity.name not in ("ALL", "VARIANTS", "VALUES"):
        return
    wanted = read_type(text_of(source, term))
    impl = next((node for node in reversed(path) if node.type == "impl_item"), None)
    block = block_of(source, impl) if impl is not None else Block(None, UNIT, {}, {})
    function = Function("", "", (), UNIT, {}, "")
    case = Case(source, related, function, block, None, hole.item.node_span, Span(0, 0))
    element = (wanted.first if wanted.head == "&" else wanted).first.head
    owner = shape(case, block.self_type.head if element == "Self" else element)
    body = listed(owner, wanted) if owner is not None else None
    if body is not None:
        yield body


def _laid(source: Source, hole: Hole, body: str) -> str:
    """The item with the body in the hole's place, its further lines indented as the hole is."""
    text = source.text
    start, end = hole.span
    item = hole.item.span
    stop = end
    while text[stop : stop + 1].isspace():
        stop += 1
    if text[stop : stop + 1] == b";" and hole.item.identity.kind == "function":
        end = stop + 1
    line = text.rfind(b"\n", 0, start) + 1
    indent = text[line:start].decode("utf-8", "replace")
    before, after = text[item.start : start], text[end : item.end]
    if indent.strip():
        # The body stands on the line of its braces; more than one line needs lines of its own.
        outer = indent[: len(indent) - len(indent.lstrip())]
        indent = outer + _INDENT
        if "\n" in body and hole.item.identity.kind == "function":
            before = before.rstrip() + b"\n" + indent.encode()
            after = b"\n" + outer.encode() + after.lstrip()
    laid = body.replace("\n", f"\n{indent}")
    return (before + laid.encode() + after).decode("utf-8", "replace")
