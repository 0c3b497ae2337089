"""The canary: a type error laid into an item, which rustc reports if, and only if, it analyses that item.

A type error and nothing earlier: what the parser, the macros or the names complain of says nothing about the types.
Where something else is wrong with the crate, rustc may stop after the types; a second canary is one for borrows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opencrates_lsp.rust.items import Item, items_around
from opencrates_lsp.rust.syntax import Source, parse, path_at, span_of
from opencrates_lsp.values import Span, Subject

if TYPE_CHECKING:
    from tree_sitter import Node

    from opencrates_lsp.verify.messages import Report

_ERROR = b'let _: () = "opencrates canary";'
_CONST = b'const _: () = "opencrates canary";'
# In the place of an expression or a block, of whatever type; `loop` never ends, so that nothing is missed after it.
_EXPRESSION = b"{ " + _ERROR + b" loop {} }"
_ARGUMENT = b"(" + _EXPRESSION + b")"
# In a function of its own, which no error in the types of the outer one keeps from the borrow checker.
_BORROW = b"{ #[allow(dead_code)] fn opencrates_canary() { let canary: u8; let _ = canary + 1; } loop {} }"
_MISMATCH = "E0308"
_UNINITIALISED = "E0381"


@dataclass(frozen=True, slots=True)
class Canary:
    """A text with errors in it: one of this `code` in each of the `spans` of that text."""

    text: bytes
    spans: tuple[Span, ...]
    code: str = _MISMATCH


def canaries(text: bytes, subject: Subject) -> tuple[Canary, ...]:
    """The texts to try, the likeliest first; none when it cannot be told what may stand in the item's place."""
    source = parse(text)
    probe = subject.probe
    node = _node(source, probe)
    if probe in subject.holes or (node is not None and node.type == "block"):
        hidden = _hidden(source, subject)
        return (_all_replaced(text, hidden) if hidden else _replaced(text, probe, _EXPRESSION),)
    around = items_around(source, probe.start)
    item = around[-1] if around else None
    if item is None:
        return ()
    if item.identity.kind == "macro":
        return _in_macro(text, source, subject, item)
    if item.identity.kind in ("const", "static") and item.body == probe:
        return (_replaced(text, probe, _EXPRESSION),)
    if item.identity.kind == "mod" and item.body == probe:
        at = _after_inner_attributes(node, probe)
        return (_replaced(text, Span(at, at), b"\n" + _CONST + b"\n"),)
    return (_beside(text, around),)


def borrow_canaries(text: bytes, subject: Subject) -> tuple[Canary, ...]:
    """The text with a use of what has no value yet in place of a function's body; of other items the same as above."""
    node = _node(parse(text), subject.probe)
    if node is None or node.type != "block":
        return canaries(text, subject)
    return (replace(_replaced(text, subject.probe, _BORROW), code=_UNINITIALISED),)


def hidden_holes(text: bytes, subject: Subject) -> bool:
    """Whether a hole stands where its code may vanish, though the code around it is compiled."""
    source = parse(text)
    node = _node(source, subject.probe)
    return node is not None and node.type == "block" and bool(_hidden(source, subject))


def is_reported(report: Report, subject: Subject, canary: Canary) -> bool:
    """Whether rustc found what is laid, at its places."""
    found = [
        span
        for one in report.findings
        if one.diagnostic.code == canary.code
        for path, span in one.primaries
        if path == subject.path
    ]
    return all(any(place.start <= span.start and span.end <= place.end for span in found) for place in canary.spans)


def _hidden(source: Source, subject: Subject) -> list[tuple[Span, bytes]]:
    """The holes in a macro's arguments or behind a condition, each with the error that may stand there."""
    found: list[tuple[Span, bytes]] = []
    for hole in subject.holes:
        within = [node for node in path_at(source, hole.start) if node.start_byte > subject.probe.start]
        if any(node.type == "token_tree" for node in within):
            found.append((hole, _ARGUMENT))
        elif any(_is_conditional(source, node) for node in within):
            found.append((hole, _EXPRESSION))
    return found


def _is_conditional(source: Source, node: Node) -> bool:
    above = node.prev_sibling
    while above is not None and above.type in ("attribute_item", "line_comment", "block_comment"):
        if above.type == "attribute_item" and b"cfg" in source.text[above.start_byte : above.end_byte]:
            return True
        above = above.prev_sibling
    return False


def _all_replaced(text: bytes, holes: list[tuple[Span, bytes]]) -> Canary:
    spans: list[Span] = []
    shift = 0
    for hole, error in holes:
        text = text[: hole.start + shift] + error + text[hole.end + shift :]
        spans.append(Span(hole.start + shift, hole.start + shift + len(error)))
        shift += len(error) - (hole.end - hole.start)
    return Canary(text, tuple(spans))


def _node(source: Source, span: Span) -> Node | None:
    return next((node for node in path_at(source, span.start) if (node.start_byte, node.end_byte) == span), None)


def _replaced(text: bytes, span: Span, error: bytes) -> Canary:
    return Canary(text[: span.start] + error + text[span.end :], (Span(span.start, span.start + len(error)),))


def _in_macro(text: bytes, source: Source, subject: Subject, item: Item) -> tuple[Canary, ...]:
    """In the first hole; else around the rule's whole right side, as an expression, as statements, as items."""
    probe = subject.probe
    holes = [hole for hole in subject.holes if probe.start <= hole.start and hole.end <= probe.end]
    if holes:
        return (_replaced(text, holes[0], _EXPRESSION),)
    if item.identity.name.endswith("!"):
        # What the tokens of another macro mean only that macro knows.
        return ()
    if item.body == probe:
        # Of several rules one may be used, and another one edited.
        rules = _rules(source, item)
        if len(rules) != 1:
            return ()
        probe = rules[0]
    inner = Span(probe.start + 1, probe.end - 1)
    body = text[inner.start : inner.end]
    return tuple(
        _replaced(text, inner, error) for error in (b"{ " + _ERROR + body + b" }", _ERROR + body, _CONST + body)
    )


def _rules(source: Source, item: Item) -> list[Span]:
    """The right sides of the macro's rules."""
    path = path_at(source, item.node_span.start)
    macro = next((node for node in path if node.type == "macro_definition"), None)
    found = (
        [child.child_by_field_name("right") for child in macro.children if child.type == "macro_rule"] if macro else []
    )
    return [span_of(right) for right in found if right is not None]


def _after_inner_attributes(node: Node | None, probe: Span) -> int:
    at = probe.start + 1
    for child in node.children if node is not None else ():
        if child.type == "inner_attribute_item":
            at = child.end_byte
    return at


def _beside(text: bytes, around: tuple[Item, ...]) -> Canary:
    """Before the item, or before the impl or the like that it stands in, under the same conditions."""
    place = around[-1]
    for outer in reversed(around[:-1]):
        if outer.identity.kind in ("mod", "function"):
            break
        place = outer
    conditions = b"".join(f"#[cfg({one})]\n".encode() for one in around[-1].cfgs)
    return _replaced(text, Span(place.span.start, place.span.start), conditions + _CONST + b"\n")
