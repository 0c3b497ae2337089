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
from opencrates_lsp.rust.items import Item, beside, defined, item_at, items_around
from opencrates_lsp.rust.items import named as items_named
from opencrates_lsp.rust.outline import INDENT, documented, members, outlined, signed, whole
from opencrates_lsp.rust.syntax import Source, query, text_of
from opencrates_lsp.values import Span

BYTES_PER_TOKEN = 3.5
_USES = "use"


@dataclass(frozen=True, slots=True)
class _Piece:
    """One thing to show, in the first of its `texts` that fits; `within` is the header of the block around it."""

    texts: tuple[str, ...]
    within: str = ""


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
        named += [
            node
            for node in captures.get("path", ())
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
    blocks: dict[str, list[str]] = {}
    shown: set[tuple[str, str]] = set()
    for piece in _ranked(source, item, related, callers):
        for text in piece.texts:
            if (piece.within, text) in shown:
                break
            # What stands in no block is a block of its own.
            header = piece.within or text
            cost = tokens(_block_text(header, [*blocks.get(header, ()), text]))
            cost -= tokens(_block_text(header, blocks[header])) if header in blocks else -1
            if cost <= left:
                left -= cost
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
        for member in members(source, impl):
            if member != item:
                yield _Piece((signed(source, member),), _opening(source, impl))
        yield from _impls(source, self_type(impl.identity.header), impl)
    calling = callers_of(source, item.identity.name, self_type(item.identity.header))
    yield from (_Piece((whole(source, one),)) for one in calling if _is_testing(one))
    yield from (_Piece((text,)) for text in callers)
    for one in calling:
        if not _is_testing(one):
            around = _block(source, one)
            yield _Piece((whole(source, one), signed(source, one)), _opening(source, around) if around else "")
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
    for one in beside(source, item.name_span.start, ("use",)):
        yield _Piece((signed(source, one),), _USES)


def _impls(source: Source, name: str, without: Item | None) -> Iterator[_Piece]:
    """The outlines of the impl blocks of a type."""
    pattern = re.compile(rb"\bimpl\b[^{};]*\b" + re.escape(name.encode()) + rb"\b") if name else None
    for match in pattern.finditer(source.text) if pattern is not None else ():
        impl = item_at(source, match.start())
        if impl is None or impl.identity.kind != "impl" or impl == without:
            continue
        if self_type(impl.identity.header) == name and impl.signature.start <= match.start():
            yield _Piece((outlined(source, impl),))


def _called(source: Source, item: Item) -> Iterator[_Piece]:
    """The functions of this file that the body calls already."""
    if item.body is None:
        return
    for node in _captures(source, item.body).get("call", ()):
        for one in items_named(source, text_of(source, node)):
            if one.identity.kind == "function" and one != item and not one.identity.header:
                yield _Piece((documented(source, one), signed(source, one)))


def _neighbours(source: Source, item: Item) -> Iterator[_Piece]:
    """The other functions, constants and macros of the item's module, nearest first."""
    same = beside(source, item.name_span.start, ("function", "const", "static"))
    for one in sorted(same, key=lambda one: (abs(one.span.start - item.span.start), one.span.start)):
        if one != item and not one.is_test:
            yield _Piece((signed(source, one),))


def _is_testing(item: Item) -> bool:
    return item.is_test or any("test" in predicate.split("(")[-1].split(")")[0].split(", ") for predicate in item.cfgs)


def _captures(source: Source, span: Span) -> dict[str, list[Node]]:
    cursor = QueryCursor(query("names"))
    cursor.set_byte_range(span.start, span.end)
    return cursor.captures(source.tree.root_node)
