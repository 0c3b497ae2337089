"""What a model is shown of the file around an item: the most telling things first, within a budget of tokens.

Only whole items are shown, or their signatures; what does not fit is left out and the next one is tried.
The same source, item and budget always give the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node, QueryCursor

from opencrates_lsp.rust.calls import callers as callers_of
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.holes import Hole
from opencrates_lsp.rust.items import Item, defined, impls, item_at, items, items_around
from opencrates_lsp.rust.outline import INDENT, documented, members, outlined, signed, whole
from opencrates_lsp.rust.syntax import Source, query, text_of
from opencrates_lsp.values import Span

BYTES_PER_TOKEN = 3.5
_USES = "use"
_BEFORE_USE = re.compile(rb"\s*(?:pub(?:\([^)]*\))?\s+)?")
_TEST = re.compile(r'(?<!not\()(?<!")\btest\b(?!")')
_SHARE = 0.35
# With fewer tokens left than a short signature takes, nothing more is looked for.
_LEAST = 6
_NEAR = 6000


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing to show, in the first of its `texts` that fits; `within` is the header of the block around it.

    All of one `group` together get a share of the room, so that a long list leaves some for what comes after it.
    """

    texts: tuple[str, ...]
    within: str = ""
    group: str = ""


def tokens(text: str) -> int:
    """How many tokens a model counts, roughly: Rust has about 3.5 bytes a token."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + 1


def named_types(source: Source, item: Item) -> tuple[str, ...]:
    """The names whose definitions help, most telling first: of the signature and the impl, the fields, the body.

    Type parameters, `Self` and what is not spelled like a type are left out.
    """
    impl = _block(source, item)
    spans = [Span(item.span.start, item.signature.end)]
    if impl is not None:
        spans.append(Span(impl.span.start, impl.signature.end))
        for owner in defined(source, self_type(impl.identity.header)):
            spans += [owner.body] if owner.body is not None else []
    if item.body is not None:
        spans.append(item.body)
    found: dict[str, None] = {}
    parameters = {"Self"}
    for span in spans:
        captures = _captures(source, span)
        parameters.update(text_of(source, node) for node in captures.get("parameter", ()))
        named = [node for node in captures.get("type", ()) if span.start <= node.start_byte < span.end]
        # In a macro's arguments what follows a `::` is a variant or a function, not a type.
        words = [
            node for node in captures.get("word", ()) if source.text[node.start_byte - 2 : node.start_byte] != b"::"
        ]
        named += [
            node
            for node in (*captures.get("path", ()), *words)
            if span.start <= node.start_byte < span.end and not text_of(source, node)[:1].islower()
        ]
        for node in sorted(named, key=lambda node: node.start_byte):
            found.setdefault(text_of(source, node))
    return tuple(name for name in found if name not in parameters and name[:1] != "_")


def context(
    source: Source,
    hole_or_item: Hole | Item,
    related: Mapping[str, tuple[str, ...]],
    limit_tokens: int,
    callers: Sequence[str] = (),
) -> str:
    """Rust text of at most `limit_tokens` tokens, most important things first.

    `related` are definitions in other files by name; `callers` are texts of functions there that call the item.
    """
    item = hole_or_item.item if isinstance(hole_or_item, Hole) else hole_or_item
    left = limit_tokens
    most = int(limit_tokens * _SHARE)
    shares: dict[str, int] = {}
    blocks: dict[str, list[str]] = {}
    shown: set[tuple[str, str]] = set()
    for piece in _ranked(source, item, related, callers):
        if left < _LEAST:
            break
        room = min(left, most - shares.get(piece.group, 0)) if piece.group else left
        for text in piece.texts:
            if (piece.within, text) in shown:
                break
            # What stands in no block is a block of its own.
            header = piece.within or text
            cost = tokens(_block_text(header, [*blocks.get(header, ()), text]))
            cost -= tokens(_block_text(header, blocks[header])) if header in blocks else -1
            if cost <= room:
                left -= cost
                shares[piece.group] = shares.get(piece.group, 0) + cost
                shown.add((piece.within, text))
                blocks.setdefault(header, []).append(text)
                break
    return "\n\n".join(_block_text(header, texts) for header, texts in blocks.items())


def _block_text(header: str, texts: list[str]) -> str:
    if header == _USES:
        return "\n".join(texts)
    if texts == [header]:
        return header
    return "\n".join([header + " {", *(INDENT + text.replace("\n", "\n" + INDENT) for text in texts), "}"])


def _ranked(
    source: Source, item: Item, related: Mapping[str, tuple[str, ...]], callers: Sequence[str]
) -> Iterator[_Piece]:
    impl = _block(source, item)
    yield from _itself(source, item, impl)
    names = named_types(source, item)
    first = {self_type(impl.identity.header)} if impl is not None else set()
    first |= {text_of(source, node) for node in _captures(source, item.signature).get("type", ())}
    if impl is not None:
        first |= {text_of(source, node) for node in _captures(source, impl.signature).get("type", ())}
    yield from _types(source, [name for name in names if name in first], related)
    yield from _uses(source, item)
    if impl is not None:
        yield from _siblings(source, item, impl)
        yield from _impls(source, self_type(impl.identity.header), impl)
    calling = callers_of(source, item.identity.name, self_type(item.identity.header))
    yield from (_Piece((whole(source, one),), "", "tests") for one in calling if _is_testing(one))
    yield from (_Piece((text,), "", "callers") for text in callers)
    for one in calling:
        if not _is_testing(one):
            around = _block(source, one)
            yield _Piece(
                (whole(source, one), signed(source, one)), _opening(source, around) if around else "", "callers"
            )
    yield from _types(source, [name for name in names if name not in first], related)
    for name in names:
        if impl is None or name != self_type(impl.identity.header):
            yield from _impls(source, name, None)
    yield from _called(source, item)
    yield from _neighbours(source, item)
    yield from (_Piece((text,)) for name in sorted(related) if name not in names for text in related[name])


def _itself(source: Source, item: Item, impl: Item | None) -> Iterator[_Piece]:
    if item.identity.kind == "function":
        texts: tuple[str, ...] = (documented(source, item), signed(source, item))
    elif item.identity.kind in ("const", "static"):
        texts = (documented(source, item),)
    else:
        texts = (whole(source, item),)
    yield _Piece(texts, _opening(source, impl) if impl is not None else "")
    for outer in items_around(source, item.name_span.start):
        if outer != item and outer.identity.kind == "function":
            yield _Piece((documented(source, outer), signed(source, outer)))


def _opening(source: Source, impl: Item) -> str:
    return signed(source, impl).removesuffix(";")


def _block(source: Source, item: Item) -> Item | None:
    """The impl, trait or extern block that the item is a member of."""
    if not item.identity.header or item.identity.kind in ("impl", "extern"):
        return None
    around = items_around(source, item.name_span.start)
    return next((one for one in reversed(around) if one.identity.kind in ("impl", "trait", "extern")), None)


def _types(source: Source, names: Iterable[str], related: Mapping[str, tuple[str, ...]]) -> Iterator[_Piece]:
    for name in names:
        here = list(defined(source, name))
        for one in here:
            short = outlined(source, one) if one.identity.kind == "trait" else signed(source, one)
            yield _Piece((whole(source, one), short))
        if not here:
            yield from (_Piece((text,)) for text in related.get(name, ()))


def _uses(source: Source, item: Item) -> Iterator[_Piece]:
    """The `use` lines of the module that the item is in."""
    at = source.text.find(b"use ")
    while at >= 0:
        line = source.text[source.text.rfind(b"\n", 0, at) + 1 : at]
        one = item_at(source, at) if _BEFORE_USE.fullmatch(line) else None
        if one is not None and one.identity.kind == "use" and one.identity.module == item.identity.module:
            yield _Piece((signed(source, one),), _USES, _USES)
        at = source.text.find(b"use ", at + 4)


def _siblings(source: Source, item: Item, impl: Item) -> Iterator[_Piece]:
    """The other members of the block, nearest first."""
    found = [member for member in members(source, impl) if member != item]
    for member in sorted(found, key=lambda member: abs(member.span.start - item.span.start)):
        yield _Piece((signed(source, member),), _opening(source, impl), "siblings")


def _impls(source: Source, name: str, without: Item | None) -> Iterator[_Piece]:
    """The outlines of the impl blocks of a type."""
    for impl in impls(source, name):
        if impl != without:
            yield _Piece((outlined(source, impl),), "", "impls")


def _called(source: Source, item: Item) -> Iterator[_Piece]:
    """The functions of this file that the body calls already."""
    if item.body is None:
        return
    for node in _captures(source, item.body).get("call", ()):
        for one in defined(source, text_of(source, node), ("fn",)):
            if one != item and not one.identity.header:
                yield _Piece((documented(source, one), signed(source, one)))


def _neighbours(source: Source, item: Item) -> Iterator[_Piece]:
    """The other functions and constants of the item's module that are not far away, nearest first."""
    block = _block(source, item) or item
    near = Span(max(0, block.span.start - _NEAR), block.span.end + _NEAR)
    found = [
        one
        for one in items(source, near)
        if one.identity.kind in ("function", "const", "static")
        and (one.identity.module, one.identity.header) == (item.identity.module, "")
    ]
    for one in sorted(found, key=lambda one: (abs(one.span.start - item.span.start), one.span.start)):
        if one != item and not one.is_test:
            yield _Piece((signed(source, one),), "", "neighbours")


def _is_testing(item: Item) -> bool:
    return item.is_test or any(_TEST.search(predicate) for predicate in item.cfgs)


def _captures(source: Source, span: Span) -> dict[str, list[Node]]:
    cursor = QueryCursor(query("names"))
    cursor.set_byte_range(span.start, span.end)
    return cursor.captures(source.tree.root_node)
