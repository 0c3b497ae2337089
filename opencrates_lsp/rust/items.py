"""Items and who they are: the module path, the impl or trait header, the kind and the name.

An identity finds an item again after the text around it has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opencrates_lsp.rust.syntax import Source, enclosing, span_of, text_of
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

KINDS = {
    "function_item": "function",
    "function_signature_item": "function",
    "struct_item": "struct",
    "enum_item": "enum",
    "union_item": "union",
    "trait_item": "trait",
    "impl_item": "impl",
    "const_item": "const",
    "static_item": "static",
    "type_item": "type",
    "associated_type": "type",
    "mod_item": "mod",
    "use_declaration": "use",
    "macro_definition": "macro",
    "foreign_mod_item": "extern",
}
_CONTAINERS = ("impl_item", "trait_item", "mod_item", "foreign_mod_item")
_BEFORE_ITEM = ("attribute_item", "line_comment", "block_comment")
_TEST = re.compile(r"#\[(?:\w+::)*test(?:\(.*\))?\]", re.DOTALL)
_CFG = re.compile(r"#\[\s*cfg\s*\((.*)\)\s*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Identity:
    """`module` is the path inside the file, `header` the normalised impl or trait header, "" outside of one."""

    module: tuple[str, ...]
    header: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """`span` has the attributes and doc comments, `node` has not; `signature` ends where the body begins.

    `body` is the block with its braces, or the value of a const or static.
    `cfgs` are the conditions of its own attributes and of what it stands in, outermost first.
    """

    identity: Identity
    span: Span
    node: Span
    name: Span
    signature: Span
    body: Span | None
    is_test: bool
    cfgs: tuple[str, ...]


def items(source: Source, within: Span | None = None) -> tuple[Item, ...]:
    """The items of the file (of those touching `within`), outer before inner; those inside bodies are left out."""
    return tuple(_walk(source, source.tree.root_node, within))


def item_at(source: Source, offset: int) -> Item | None:
    """The innermost item around the byte `offset`, one inside a body included."""
    for node in enclosing(source, offset):
        if node.type in KINDS:
            return _item(source, node)
    return None


def find(source: Source, identity: Identity, near: int = 0) -> Item | None:
    """The item of this identity; of several the one that begins nearest to `near`."""
    same = [item for item in items(source) if item.identity == identity]
    return min(same, key=lambda item: abs(item.span.start - near), default=None)


def qualified_name(item: Item) -> str:
    """The name for people: "Tokenizer::next_token"."""
    header = item.identity.header
    owner = re.sub(r"^(?:unsafe )?(?:impl|trait)\s*(?:<[^>]*>)?\s*", "", header).rsplit(" for ", 1)[-1]
    owner = re.split(r"[<:{ ]", owner.removeprefix("&"), maxsplit=1)[0]
    return f"{owner}::{item.identity.name}" if owner else item.identity.name


def normalised(text: str) -> str:
    """A header or signature with its white space made one, so that the same Rust compares equal."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ?([<>(),:&;]) ?", r"\1", text).rstrip(",")


def _walk(source: Source, parent: Node, within: Span | None) -> Iterator[Item]:
    for node in parent.named_children:
        if within is not None and (node.end_byte < within.start or node.start_byte > within.end):
            continue
        if node.type in KINDS:
            yield _item(source, node)
        if node.type in _CONTAINERS and (body := node.child_by_field_name("body")) is not None:
            yield from _walk(source, body, within)


def _item(source: Source, node: Node) -> Item:
    attributes = _attributes(node)
    start = attributes[0].start_byte if attributes else node.start_byte
    name = node.child_by_field_name("name")
    body = node.child_by_field_name("body") or node.child_by_field_name("value")
    texts = [text_of(source, attribute) for attribute in attributes]
    end = body.start_byte if body is not None else node.end_byte
    return Item(
        identity=_identity(source, node, name),
        span=Span(start, node.end_byte),
        node=span_of(node),
        name=span_of(name) if name is not None else Span(node.start_byte, node.start_byte),
        signature=Span(node.start_byte, end),
        body=span_of(body) if body is not None else None,
        is_test=any(_TEST.match(text) for text in texts),
        cfgs=_cfgs(source, node),
    )


def _attributes(node: Node) -> list[Node]:
    """The attributes and doc comments that stand directly before an item, in order.

    A plain comment between them and the item belongs to neither, but one that trails another item's line never does.
    """
    found: list[Node] = []
    pending: list[Node] = []
    before = node.prev_sibling
    while before is not None and before.type in _BEFORE_ITEM:
        is_doc = before.type == "attribute_item" or before.child_by_field_name("outer") is not None
        pending.append(before)
        if is_doc:
            found += pending
            pending = []
        before = before.prev_sibling
    return found[::-1]


def _identity(source: Source, node: Node, name: Node | None) -> Identity:
    module: list[str] = []
    header = ""
    for outer in _ancestors(node):
        if outer.type == "mod_item":
            module.insert(0, _name_of(source, outer))
        elif outer.type in ("impl_item", "trait_item") and not header:
            header = _header(source, outer)
    kind = KINDS[node.type]
    if kind == "impl":
        own = _header(source, node)
    elif name is not None:
        own = text_of(source, name)
    else:
        own = normalised(text_of(source, node)) if kind == "use" else ""
    return Identity(tuple(module), header, kind, own)


def _ancestors(node: Node) -> Iterator[Node]:
    outer = node.parent
    while outer is not None:
        yield outer
        outer = outer.parent


def _name_of(source: Source, node: Node) -> str:
    name = node.child_by_field_name("name")
    return text_of(source, name) if name is not None else ""


def _header(source: Source, node: Node) -> str:
    body = node.child_by_field_name("body")
    end = body.start_byte if body is not None else node.end_byte
    return normalised(source.text[node.start_byte : end].decode(errors="replace"))


def _cfgs(source: Source, node: Node) -> tuple[str, ...]:
    found: list[str] = []
    for at in (node, *_ancestors(node)):
        if at.type not in KINDS:
            continue
        texts = (text_of(source, attribute) for attribute in _attributes(at))
        found[:0] = [match[1].strip() for text in texts if (match := _CFG.match(text))]
    return tuple(found)
