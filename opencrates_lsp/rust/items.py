"""The items of a file and their identity: what an answer's `fn next_token` is in the user's file.

`items` lists what stands in modules, impls, traits and extern blocks.
What is local to a function's body is left out of the list (it belongs to that body), yet `item_at` and `find` know it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opencrates_lsp.rust.attributes import (
    COMMENTS,
    attribute_parts,
    inner_cfgs,
    is_outer_doc,
    leading,
    own_cfgs,
)
from opencrates_lsp.rust.headers import impl_header, normalised, self_type
from opencrates_lsp.rust.syntax import Source, path_at, span_of, text_of
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
    "extern_crate_declaration": "extern",
}
TYPES = ("struct", "enum", "union", "trait", "type")
_WORD = re.compile(rb"[\w\x80-\xff]")
_CONTAINERS = frozenset({"mod_item", "impl_item", "trait_item", "foreign_mod_item"})
_LISTS = frozenset({"source_file", "declaration_list", "ERROR"})
_KEYWORD = re.compile(rb"\b(?:fn|struct|enum|union|trait|type|mod|const|static|mut|crate|macro_rules\s*!)\s+$")
_TEST_ATTRIBUTES = frozenset({"test", "bench", "rstest", "test_case", "wasm_bindgen_test", "quickcheck", "gtest"})


@dataclass(frozen=True, slots=True)
class Identity:
    """What an item is called, wherever it stands in the file.

    `module` is the path of inline modules; a function whose body the item is local to is a part "fn name" of it.
    `header` is the normalised header of the impl, trait or extern block around it (an impl's own for the impl itself),
    "" outside of one.
    `kind` is one of the values of `KINDS`; a macro invocation in item position is a "macro" whose name ends in "!".
    """

    module: tuple[str, ...]
    header: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """One item; all spans count bytes of its source.

    `span` has its attributes and doc comments, `node_span` has not.
    `signature` ends before the body (or before the `;`), without white space at its end.
    `body` is the block with its braces (of structs and modules too), the value of a const or static, the token tree of
    a macro; None where there is none.
    `cfgs` are the predicates of `#[cfg]` on it and around it, outermost first.
    """

    identity: Identity
    span: Span
    node_span: Span
    name_span: Span
    signature: Span
    body: Span | None
    is_test: bool
    cfgs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Outer:
    """What stands around an item."""

    module: tuple[str, ...] = ()
    header: str = ""
    cfgs: tuple[str, ...] = ()


def items(source: Source, within: Span | None = None) -> tuple[Item, ...]:
    """The items of the file, an outer one before those in it; with `within`, those whose span touches it."""
    return tuple(_read(source, node, outer) for node, outer in _walk(source, within))


def item_at(source: Source, offset: int) -> Item | None:
    """The innermost item at the byte, its doc comments and attributes included; None between items."""
    chain = items_around(source, offset)
    return chain[-1] if chain else None


def items_around(source: Source, offset: int) -> tuple[Item, ...]:
    """The items that contain the byte, outermost first; only the way down to it is visited."""
    path = _path_to_item(path_at(source, offset), offset)
    outer = _Outer(cfgs=inner_cfgs(source, path[0])) if path else _Outer()
    chain: list[Item] = []
    parent: Node | None = None
    for node in path:
        if _is_item(node, parent):
            item = _read(source, node, outer)
            if item.span.start <= offset:
                chain.append(item)
            outer = _inside(source, node, outer, item)
        parent = node
    return tuple(chain)


def find(source: Source, identity: Identity, near: int = 0) -> Item | None:
    """The item of this identity; of several the one that begins nearest to the byte `near`."""
    same = [item for item in named(source, identity.name) if item.identity == identity]
    if not same:
        same = [item for item in items(source) if item.identity == identity]
    return min(same, key=lambda item: abs(item.span.start - near)) if same else None


def named(source: Source, name: str) -> Iterator[Item]:
    """The items of this name, local ones too; the word is searched in the bytes, the file is not walked.

    Impls, `use` lines and macro invocations have no name of their own, and are not found.
    """
    word = name.encode()
    at = source.text.find(word) if word else -1
    while at >= 0:
        if _KEYWORD.search(source.text, max(0, at - 32), at):
            item = item_at(source, at)
            if item is not None and item.name_span == (at, at + len(word)):
                yield item
        at = source.text.find(word, at + len(word))


def defined(source: Source, name: str, keywords: Sequence[str] = TYPES) -> Iterator[Item]:
    """The items of this name that a keyword and one space introduce, as rustfmt lays them.

    The first of the keywords that has any ends the search.
    Far quicker than `named` in a long file that says the name often.
    """
    found = False
    for keyword in keywords if name else ():
        words = f"{keyword} {name}".encode()
        at = source.text.find(words)
        while at >= 0:
            end = at + len(words)
            item = item_at(source, end - 1) if not _WORD.match(source.text, end) else None
            if item is not None and item.name_span.end == end and item.identity.name == name:
                found = True
                yield item
            at = source.text.find(words, end)
        if found:
            return


def impls(source: Source, name: str, limit: int = 64) -> tuple[Item, ...]:
    """The impl blocks of the type of this name, in reading order; at most `limit` places are looked at.

    Found are headers that name it without a path, as `impl Name`, `impl<T> Name<T>` and `impl Trait for &Name` do.
    """
    found: dict[Span, Item] = {}
    text = source.text
    for before in ("impl ", "> ", "for ", "for &", "for &mut ") if name else ():
        words = f"{before}{name}".encode()
        at = text.find(words)
        while at >= 0 and limit > 0:
            end = at + len(words)
            # An arrow does not end the parameters of an impl.
            if text[at - 1 : at] != b"-" and not _WORD.match(text, end):
                limit -= 1
                impl = item_at(source, at)
                if impl is not None and impl.identity.kind == "impl" and self_type(impl.identity.header) == name:
                    found[impl.span] = impl
            at = text.find(words, end)
    return tuple(found[span] for span in sorted(found))


def beside(source: Source, offset: int, kinds: Container[str]) -> tuple[Item, ...]:
    """The items of these kinds that stand directly in the innermost module around the byte; nothing is entered."""
    path = path_at(source, offset)
    outer = _Outer(cfgs=inner_cfgs(source, path[0])) if path else _Outer()
    place: Node = source.tree.root_node
    for node in path:
        body = node.child_by_field_name("body") if node.type == "mod_item" else None
        if body is not None and body.start_byte <= offset:
            outer, place = _inside(source, node, outer), body
    return tuple(
        _read(source, node, outer)
        for node, outer in _children(place, outer, None)
        if node.type != "ERROR" and KINDS.get(node.type, "macro") in kinds
    )


def qualified_name(item: Item) -> str:
    """The name for people: "Tokenizer::next_token"; an impl is its header."""
    identity = item.identity
    if identity.kind == "impl" or not identity.name:
        return identity.header
    around = [self_type(part) or part.split(" ", 1)[1] for part in identity.module if " " in part]
    owner = self_type(identity.header)
    return "::".join([*around, *([owner] if owner else []), identity.name])


def _walk(source: Source, within: Span | None) -> Iterator[tuple[Node, _Outer]]:
    """The item nodes of the file in reading order; bodies of functions are not entered."""
    root = source.tree.root_node
    # An explicit stack of suspended lists, because modules nest deeper in broken text than Python's stack does.
    lists = [_children(root, _Outer(cfgs=inner_cfgs(source, root)), within)]
    while lists:
        entry = next(lists[-1], None)
        if entry is None:
            lists.pop()
            continue
        node, outer = entry
        if node.type == "ERROR":
            lists.append(_children(node, outer, within))
            continue
        yield node, outer
        if node.type in _CONTAINERS:
            body = node.child_by_field_name("body")
            if body is not None:
                lists.append(_children(body, _inside(source, node, outer), within))


def _children(parent: Node, outer: _Outer, within: Span | None) -> Iterator[tuple[Node, _Outer]]:
    """The items (and ERROR nodes) among the children of one list of declarations."""
    cursor = parent.walk()
    if within is None or within.start <= parent.start_byte:
        more = cursor.goto_first_child()
    else:
        more = cursor.goto_first_child_for_byte(within.start) is not None
    attached = False
    while more:
        node = cursor.node
        if node is None:
            return
        if within is not None and node.start_byte >= within.end and not attached:
            return
        if node.type == "ERROR" or _is_item(node, parent):
            attached = False
            yield node, outer
        else:
            # What leads an item is part of it, so an item may touch `within` by its attributes alone.
            attached = node.type == "attribute_item" or is_outer_doc(node) or (attached and node.type in COMMENTS)
        more = cursor.goto_next_sibling()


def _is_item(node: Node, parent: Node | None) -> bool:
    if node.type in KINDS:
        return True
    if parent is None or parent.type not in _LISTS or parent.type == "ERROR":
        return False
    return _invocation(node) is not None


def _invocation(node: Node) -> Node | None:
    """The macro invocation that a node in item position is, with or without its semicolon."""
    if node.type == "macro_invocation":
        return node
    if node.type == "expression_statement" and node.child_count:
        first = node.child(0)
        if first is not None and first.type == "macro_invocation":
            return first
    return None


def _path_to_item(path: list[Node], offset: int) -> list[Node]:
    """The path, led on from an item's doc comment or attribute to the item itself."""
    for at, node in enumerate(path):
        if at and path[at - 1].type in ("source_file", "declaration_list", "block", "ERROR"):
            if node.type != "attribute_item" and node.type not in COMMENTS:
                continue
            following = node.next_sibling
            while following is not None and (
                following.type in ("attribute_item", "ERROR") or following.type in COMMENTS
            ):
                following = following.next_sibling
            if following is not None and _is_item(following, path[at - 1]):
                return [*path[:at], following]
    return path


def _name(source: Source, node: Node) -> tuple[str, Span]:
    """The item's name and where it stands."""
    named: Node | None
    if node.type == "impl_item":
        named = node.child_by_field_name("type")
    elif node.type == "use_declaration":
        named = node.child_by_field_name("argument")
    elif (invocation := _invocation(node)) is not None:
        named = invocation.child_by_field_name("macro")
        if named is not None:
            return normalised(text_of(source, named)) + "!", span_of(named)
    else:
        named = node.child_by_field_name("name")
    if named is None:
        return "", span_of(node)
    text = text_of(source, named)
    return (text if text.isidentifier() else normalised(text)), span_of(named)


def _body(node: Node) -> Node | None:
    """See `Item.body`."""
    invocation = _invocation(node)
    if invocation is not None:
        return next((child for child in invocation.children if child.type == "token_tree"), None)
    return node.child_by_field_name("value" if node.type in ("const_item", "static_item") else "body")


def _header(source: Source, node: Node, outer: _Outer) -> str:
    """The header that the members of this node get."""
    if node.type == "impl_item":
        body = node.child_by_field_name("body")
        end = body.start_byte if body is not None else node.end_byte
        return impl_header(source.text[node.start_byte : end].decode("utf-8", "replace"))
    if node.type == "trait_item":
        return f"trait {_name(source, node)[0]}"
    if node.type == "foreign_mod_item":
        text = source.text[node.start_byte : node.end_byte]
        abi = re.match(rb'[^"{]*"([^"]*)"', text)
        return f'extern "{abi.group(1).decode("utf-8", "replace") if abi else "C"}"'
    return outer.header


def _inside(source: Source, node: Node, outer: _Outer, item: Item | None = None) -> _Outer:
    """What stands around the items in this one."""
    cfgs = item.cfgs if item is not None else outer.cfgs + own_cfgs(source, leading(node).attributes)
    if node.type == "mod_item":
        body = node.child_by_field_name("body")
        if body is not None:
            cfgs += inner_cfgs(source, body)
        return _Outer((*outer.module, _name(source, node)[0]), "", cfgs)
    if node.type in _CONTAINERS:
        return _Outer(outer.module, _header(source, node, outer), cfgs)
    kind = "fn" if node.type == "function_item" else KINDS.get(node.type, "macro")
    around = (outer.header,) if outer.header else ()
    return _Outer((*outer.module, *around, f"{kind} {_name(source, node)[0]}"), "", cfgs)


def _read(source: Source, node: Node, outer: _Outer) -> Item:
    lead = leading(node)
    name, name_span = _name(source, node)
    header = _header(source, node, outer) if node.type in ("impl_item", "foreign_mod_item") else outer.header
    identity = Identity(outer.module, header, KINDS.get(node.type, "macro"), name)
    if node.type == "macro_definition":
        body = _rules(node)
    else:
        found = _body(node)
        body = span_of(found) if found is not None else None
    front = lead.front
    end = body.start if body is not None else node.end_byte
    signature = source.text[front:end].rstrip().removesuffix(b";").rstrip()
    if node.type in ("const_item", "static_item") and body is not None:
        signature = signature.removesuffix(b"=").rstrip()
    paths = [attribute_parts(source, attribute)[0] for attribute in lead.attributes]
    return Item(
        identity=identity,
        span=Span(lead.start, node.end_byte),
        node_span=Span(front, node.end_byte),
        name_span=name_span,
        signature=Span(front, front + len(signature)),
        body=body,
        is_test=any(path.rsplit("::", 1)[-1] in _TEST_ATTRIBUTES for path in paths),
        cfgs=outer.cfgs + own_cfgs(source, lead.attributes),
    )


def _rules(node: Node) -> Span | None:
    """The rules of a `macro_rules!` with their delimiters."""
    opening = next((child for child in node.children if child.type in ("{", "(", "[")), None)
    closing = next((child for child in reversed(node.children) if child.type in ("}", ")", "]")), None)
    if opening is None or closing is None or closing.end_byte <= opening.start_byte:
        return None
    return Span(opening.start_byte, closing.end_byte)
