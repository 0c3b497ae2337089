"""Structs and enums that gain fields or variants.

What the file has stays as it stands there, with its comments; only what is new is put in, after its neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.attributes import leading
from opencrates_lsp.rust.headers import normalised
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.matching import describe
from opencrates_lsp.rust.placing import Patch, Style, indent_at, laid_out
from opencrates_lsp.rust.syntax import Source, path_at, text_of
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

_BODIES = ("field_declaration_list", "enum_variant_list", "ordered_field_declaration_list")
_MEMBERS = ("field_declaration", "enum_variant")
_REMEDY = "Leave out, or repeat unchanged, what was not asked for."


@dataclass(frozen=True, slots=True)
class Member:
    """A field or a variant; `start` is before its attributes and doc comments, `text` one spelling without them."""

    name: str
    text: str
    start: int
    node: Node


def members_of(source: Source, item: Item) -> list[Member] | None:
    """The named fields, or the variants; None for a tuple or unit struct."""
    node = _body_node(source, item)
    if node is None or node.type == "ordered_field_declaration_list":
        return None
    found: list[Member] = []
    for child in node.named_children:
        name = child.child_by_field_name("name") if child.type in _MEMBERS else None
        if name is not None:
            shape = " ".join(
                normalised(text_of(source, part)) for part in child.named_children if part.type != "visibility_modifier"
            )
            found.append(Member(text_of(source, name), shape, leading(child).start, child))
    return found


def grown(file: Source, old: Item, given: Source, new: Item, style: Style, *, asked: bool) -> list[Patch]:
    """What `new` has beyond `old`; of an item that was `asked` for, changed members too.

    Raises `Refused` where a field or variant is lost, or changed without being asked for.
    """
    before, after = members_of(file, old), members_of(given, new)
    if before is None or after is None:
        return _grown_tuple(file, old, given, new, style, asked=asked)
    present = {member.name: member for member in after}
    # Of twins under different `#[cfg]`s, each is its own.
    equal = {(member.name, member.text): member for member in after}
    patches: list[Patch] = []
    for member in before:
        fresh = equal.get((member.name, member.text), present.get(member.name))
        what = "variant" if member.node.type == "enum_variant" else "field"
        if fresh is None:
            raise Refused(f"The answer drops the {what} `{member.name}` of {describe(old)}.", remedy=_REMEDY)
        if fresh.text == member.text:
            continue
        if not asked:
            raise Refused(f"The answer changes the {what} `{member.name}` of {describe(old)}.", remedy=_REMEDY)
        patches.append(_changed(file, member, given, fresh, style))
    known = {member.name: member for member in before}
    additions = [(at, member) for at, member in enumerate(after) if member.name not in known]
    if not additions:
        return patches
    body = old.body
    if body is None or new.body is None:
        return patches
    if not before or b"\n" not in file.text[body.start : body.end]:
        pieces = [given.text[member.start : member.node.end_byte] for _, member in additions]
        if not before or any(b"//" in piece or b"\n" in piece for piece in pieces):
            return [_whole_body(file, old, given, new, style)]
    return patches + _inserted(file, body, given, after, known, style)


def _inserted(
    file: Source, body: Span, given: Source, after: list[Member], known: dict[str, Member], style: Style
) -> list[Patch]:
    """Each new member after the one that it follows in the answer."""
    patches: list[Patch] = []
    several_lines = b"\n" in file.text[body.start : body.end]
    last: Member | None = None
    separated: set[int] = set()
    for member in after:
        if member.name in known:
            last = known[member.name]
            continue
        base = indent_at(given.text, member.start)
        text = given.text[member.start : member.node.end_byte].decode("utf-8", "replace")
        neighbour = last or min(known.values(), key=lambda one: one.start)
        indent = indent_at(file.text, neighbour.node.start_byte)
        piece = laid_out(text, base, indent, style)
        if last is None:
            gap = style.line_end + indent.encode() if several_lines else b" "
            patches.append(Patch(Span(body.start + 1, body.start + 1), gap + piece + b","))
            continue
        end = last.node.end_byte
        comma = last.node.next_sibling
        ended = comma is not None and comma.type == ","
        if comma is not None and ended:
            end = comma.end_byte
        elif end not in separated:
            separated.add(end)
            patches.append(Patch(Span(end, end), b","))
        if several_lines:
            place = _line_left(file.text, end, body.end)
            patches.append(Patch(Span(place, place), style.line_end + indent.encode() + piece + b","))
        else:
            first = not any(patch.span.start == end and len(patch.text) > 1 for patch in patches)
            gap = b" " if ended or first else b", "
            patches.append(Patch(Span(end, end), gap + piece + (b"," if ended else b"")))
    return patches


def _line_left(text: bytes, end: int, limit: int) -> int:
    """The end of the line, where only a comment follows; else `end`."""
    line = text.find(b"\n", end, limit)
    rest = text[end : line if line >= 0 else end]
    if line >= 0 and rest.strip().startswith(b"//"):
        return end + len(rest.rstrip(b"\r"))
    return end


def _changed(file: Source, member: Member, given: Source, fresh: Member, style: Style) -> Patch:
    text = text_of(given, fresh.node)
    base = indent_at(given.text, fresh.node.start_byte)
    indent = indent_at(file.text, member.node.start_byte)
    return Patch(Span(member.node.start_byte, member.node.end_byte), laid_out(text, base, indent, style))


def _grown_tuple(file: Source, old: Item, given: Source, new: Item, style: Style, *, asked: bool) -> list[Patch]:
    """Where one of the two has no named members: of a tuple struct, the types must come first in the new one."""
    before, after = _types(file, old), _types(given, new)
    if before is None or (after is not None and len(after) < len(before)):
        raise Refused(f"The answer drops fields of {describe(old)}.", remedy=_REMEDY)
    if before == after:
        return []
    if before and (after is None or after[: len(before)] != before) and not asked:
        raise Refused(f"The answer changes fields of {describe(old)}.", remedy=_REMEDY)
    return [_whole_body(file, old, given, new, style)]


def _types(source: Source, item: Item) -> list[str] | None:
    """The types of a tuple struct; empty for one without fields, None for one with named ones."""
    if members_of(source, item):
        return None
    node = _body_node(source, item)
    skipped = ("visibility_modifier", "attribute_item", "line_comment", "block_comment")
    children = node.named_children if node is not None else []
    return [normalised(text_of(source, child)) for child in children if child.type not in skipped]


def _whole_body(file: Source, old: Item, given: Source, new: Item, style: Style) -> Patch:
    start = old.body.start if old.body is not None else old.signature.end
    begin = new.body.start if new.body is not None else new.signature.end
    text = given.text[begin : new.node_span.end].decode("utf-8", "replace")
    base = indent_at(given.text, new.node_span.start)
    piece = laid_out(text, base, indent_at(file.text, old.node_span.start), style)
    gap = b" " if old.body is None and piece.startswith(b"{") else b""
    return Patch(Span(start, old.node_span.end), gap + piece)


def _body_node(source: Source, item: Item) -> Node | None:
    if item.body is None:
        return None
    return next(
        (
            node
            for node in path_at(source, item.body.start)
            if node.type in _BODIES and node.start_byte == item.body.start
        ),
        None,
    )
