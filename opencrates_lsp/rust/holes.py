"""Holes: `todo!` and `unimplemented!`, with or without a message, wherever Rust takes a macro call.

The words are searched in the bytes and only what is found is looked up in the tree, so that neither a cursor nor a
list of a long file ever visits the nodes in between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.rust.items import Item, items_around, qualified_name
from opencrates_lsp.rust.syntax import Source, path_at, span_of, text_of
from opencrates_lsp.values import Span, Subject

if TYPE_CHECKING:
    from tree_sitter import Node

MACROS = ("todo", "unimplemented")
_WORD = re.compile(rb"(?<![\w#$'])(?:todo|unimplemented)(?![\w'])")
_CRATES = ("std", "core", "::std", "::core")
_TOKENS = ("token_tree", "token_repetition")
# Where the same tokens are no code of an item: an attribute's arguments, and what a macro's rule matches.
_NO_CODE = frozenset({"attribute_item", "inner_attribute_item", "token_tree_pattern"})
_MESSAGE = re.compile(
    r"""^[(\[{]\s*(?:b?"(?P<plain>(?:[^"\\]|\\.)*)"|r(?P<hash>\#*)"(?P<raw>.*?)"(?P=hash))""", re.DOTALL
)
_ESCAPE = re.compile(r"\\(\n\s*|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Hole:
    """A macro call that stands for code yet to be written.

    `span` is the whole call with its path and without a semicolon.
    `message` is the literal that it carries, "" where it has none.
    `item` has the hole in its body: the innermost function or macro; else the const or static; else the macro
    invocation in item position.
    A hole in none of these (an enum's discriminant, an array's length in a signature) has no code to prove, and is
    not listed.
    """

    span: Span
    macro: str
    message: str
    item: Item


@dataclass(frozen=True, slots=True)
class _Call:
    span: Span
    macro: str
    arguments: Span


def holes(source: Source, within: Span | None = None) -> tuple[Hole, ...]:
    """The holes of the file, ascending; with `within`, those that begin in it.

    A hole in another hole's arguments is part of that one.
    """
    return tuple(_holes(source, within or Span(0, len(source.text))))


def hole_at(source: Source, span: Span) -> Hole | None:
    """The hole at the cursor or the first in the selection; else the first of the function that the cursor is in.

    There, one on the cursor's own line goes first.
    A const, a static and a macro are treated like a function, and a nested function without holes like its outer one.
    """
    chosen = _touching(source, span)
    if chosen is not None:
        return chosen
    around = items_around(source, span.start) or items_around(source, span.start - 1)
    line = source.text.rfind(b"\n", 0, span.start) + 1
    for item in reversed(around):
        if item.identity.kind not in ("function", "const", "static", "macro") or item.body is None:
            continue
        inside = list(_holes(source, Span(max(line, item.body.start), min(_line_end(source, line), item.body.end))))
        found = next((hole for hole in inside if hole.item == item), None) or _first(source, item)
        if found is not None:
            return found
    return None


def subject(source: Source, path: Path, item: Item) -> Subject:
    """The item as the thing to be proved.

    The probe is its body; of a `macro_rules!` the transcriber that has the first hole, and of a macro invocation that
    hole itself, because what stands around it need not be Rust.
    """
    found = tuple(hole.span for hole in _holes(source, item.node_span))
    probe = item.body or item.node_span
    if item.identity.kind == "macro":
        at = found[0].start if found else probe.start + 1
        rule = next((node for node in path_at(source, at) if node.type == "macro_rule"), None)
        right = rule.child_by_field_name("right") if rule is not None else None
        if right is not None:
            probe = span_of(right)
        elif found and item.identity.name.endswith("!"):
            probe = found[0]
    return Subject(path, qualified_name(item), item.span, probe, found)


def _line_end(source: Source, at: int) -> int:
    end = source.text.find(b"\n", at)
    return len(source.text) if end < 0 else end


def _first(source: Source, item: Item) -> Hole | None:
    """The first hole of the item's own, else the first of an item in it."""
    other: Hole | None = None
    for hole in _holes(source, item.node_span):
        if hole.item == item:
            return hole
        other = other or hole
    return other


def _touching(source: Source, span: Span) -> Hole | None:
    """The outermost hole that contains or touches the cursor, or the first that begins in the selection."""
    for offset in (span.start, span.start - 1):
        for node in path_at(source, offset) if offset >= 0 else ():
            call = _call_of(source, node)
            if call is not None and (hole := _hole(source, call)) is not None:
                return hole
    if span.end > span.start:
        return next(_holes(source, span), None)
    line = source.text.rfind(b"\n", 0, span.start) + 1
    for match in _WORD.finditer(source.text, line, _line_end(source, line)):
        call = _call_at(source, match.start())
        if call is not None and call.span.start <= span.start <= call.span.end:
            return _hole(source, call)
    return None


def _holes(source: Source, within: Span) -> Iterator[Hole]:
    after = within.start
    for match in _WORD.finditer(source.text, within.start, within.end):
        if match.start() < after:
            continue
        call = _call_at(source, match.start())
        if call is None:
            continue
        hole = _hole(source, call)
        if hole is not None:
            after = hole.span.end
            yield hole


def _hole(source: Source, call: _Call) -> Hole | None:
    item = _owner(items_around(source, call.span.start), call.span)
    if item is None:
        return None
    return Hole(call.span, call.macro, _message(source.text[slice(*call.arguments)].decode("utf-8", "replace")), item)


def _owner(around: tuple[Item, ...], span: Span) -> Item | None:
    """See `Hole.item`."""
    holding = [item for item in around if item.body is not None and _holds(item, span)]
    for kinds in (("function", "macro"), ("const", "static"), ("macro",)):
        for item in reversed(holding):
            called = item.identity.kind == "macro" and item.identity.name.endswith("!")
            if item.identity.kind in kinds and called == (kinds == ("macro",)):
                return item
    return None


def _holds(item: Item, span: Span) -> bool:
    return item.body is not None and item.body.start <= span.start and span.end <= item.body.end


def _call_of(source: Source, node: Node) -> _Call | None:
    """The hole that this node is: a macro invocation, or the group of tokens after `todo` and `!`."""
    if node.type == "macro_invocation":
        name = node.child_by_field_name("macro")
        return _call_at(source, name.end_byte - len(_last(source, name))) if name is not None else None
    if node.type == "token_tree":
        bang = node.prev_sibling
        name = bang.prev_sibling if bang is not None and bang.type == "!" else None
        return _call_at(source, name.start_byte) if name is not None else None
    return None


def _last(source: Source, name: Node) -> bytes:
    return source.text[name.start_byte : name.end_byte].rsplit(b":", 1)[-1].strip()


def _call_at(source: Source, at: int) -> _Call | None:
    """The hole whose macro's own name begins at the byte, whatever stands there."""
    path = path_at(source, at)
    if len(path) < 3 or path[-1].type != "identifier" or path[-1].start_byte != at:
        return None
    if text_of(source, path[-1]) not in MACROS or any(node.type in _NO_CODE for node in path):
        return None
    name, parent = path[-1], path[-2]
    if parent.type in _TOKENS:
        return _call_in_tokens(source, name)
    if parent.type == "scoped_identifier":
        crate = parent.child_by_field_name("path")
        if crate is not None and "".join(text_of(source, crate).split()) not in _CRATES:
            return None
        parent, name = path[-3], parent
    if parent.type != "macro_invocation" or name.start_byte != parent.start_byte:
        return None
    arguments = next((child for child in reversed(parent.children) if child.type == "token_tree"), None)
    if arguments is None:
        return None
    return _Call(span_of(parent), text_of(source, path[-1]), span_of(arguments))


def _call_in_tokens(source: Source, name: Node) -> _Call | None:
    """In another macro's arguments there are no calls, only tokens: a path, `!` and a group."""
    bang = name.next_sibling
    group = bang.next_sibling if bang is not None and bang.type == "!" else None
    if group is None or group.type != "token_tree":
        return None
    start: Node = name
    colons = name.prev_sibling
    if colons is not None and colons.type == "::":
        crate = colons.prev_sibling
        if crate is None or text_of(source, crate) not in _CRATES:
            return None
        start = crate
        before = crate.prev_sibling
        if before is not None and before.type == "::":
            earlier = before.prev_sibling
            if earlier is not None and earlier.type in ("identifier", "crate", "self", "super", "metavariable"):
                return None
            start = before
    return _Call(Span(start.start_byte, group.end_byte), text_of(source, name), span_of(group))


def _message(arguments: str) -> str:
    match = _MESSAGE.match(arguments)
    if match is None:
        return ""
    if match["raw"] is not None:
        return match["raw"]
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], "" if escape[1].isspace() else escape[0]), match["plain"])
