"""What may be shown of and around an item, in the order in which it helps.

The types of the signature; then their methods and impls; then who calls the item, tests first; then what is merely
near: the types of the fields and the body, the functions that the body calls, the neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tree_sitter import Node, QueryCursor

from opencrates_lsp.rust.calls import callers as callers_of
from opencrates_lsp.rust.calls import is_testing
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, defined, impls, item_at, items, items_around
from opencrates_lsp.rust.outline import documented, members, outlined, signed, whole
from opencrates_lsp.rust.packing import USES, Candidate, Form
from opencrates_lsp.rust.syntax import Source, query, text_of
from opencrates_lsp.values import Excerpt, Span

HERE = "this file"
_BEFORE_USE = re.compile(rb"\s*(?:pub(?:\([^)]*\))?\s+)?")
_NEAR = 6000
_IMPL = ("impl", "unsafe impl")
# How the excerpts of dependencies say that the signature itself names a type; its methods say so behind a colon.
_SIGNATURE = ("a type in the signature", "a type in the header of its impl")


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known outside of the file.

    `related` are definitions and outlines of impls in other files of the workspace, by the type's name; `calling` are
    functions there that call the item; `locked` are items of the locked dependencies, most telling first.
    """

    related: Mapping[str, Sequence[Excerpt]] = field(default_factory=dict)
    calling: Sequence[Excerpt] = ()
    locked: Sequence[Excerpt] = ()


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


def ranked(source: Source, item: Item, beside: Beside) -> Iterator[Candidate]:
    """The candidates for an item, most telling first."""
    impl = _block(source, item)
    owner = self_type(impl.identity.header) if impl is not None else ""
    names = named_types(source, item)
    heads = [item.signature, *([impl.signature] if impl is not None else [])]
    first = {owner} | {text_of(source, node) for head in heads for node in _captures(source, head).get("type", ())}
    needed = [name for name in names if name in first]
    others = [name for name in names if name not in first]

    yield from _around(source, item, impl)
    yield from _types(source, needed, beside, "a type in the signature")
    yield from _locked(beside, *_SIGNATURE)

    if impl is not None:
        yield from _siblings(source, item, impl)
    for name in dict.fromkeys([owner, *needed] if owner else needed):
        yield from _impls(source, name, beside, impl, f"methods of `{name}`, in the signature")
    yield from _locked(beside, *_SIGNATURE, members=True)

    yield from _calling(source, item, beside)

    yield from _uses(source, item.identity.module)
    yield from _types(source, others, beside, "a type in a field or the body")
    yield from _called(source, item)
    yield from _locked(beside)
    for name in others:
        yield from _impls(source, name, beside, impl, f"methods of `{name}`, in a field or the body")
    yield from _neighbours(source, item)


def outline(source: Source) -> Iterator[Candidate]:
    """What every item of the file is shown with: types, impls, functions, and the `use` lines last.

    It does not depend on the item, and bodies are no part of it, so that it stays as it is while holes are filled; what
    a fill does add, its `use` lines, stands at the end.
    """
    shown = [item for item in items(source) if len(item.identity.module) <= 1 and not is_testing(item)]
    for kinds, form in (
        (("struct", "enum", "union", "type", "trait"), _shape),
        (("impl", "extern"), _outlined),
        (("const", "static", "function"), _signed),
    ):
        for item in shown:
            alone = not item.identity.header or item.identity.kind in ("impl", "extern")
            if item.identity.kind in kinds and alone:
                within = f"mod {item.identity.module[0]}" if item.identity.module else ""
                yield Candidate((form(source, item),), "", HERE, within)
    yield from _uses(source, ())


def _form(text: str, *shown: Item, how: str = "signed") -> Form:
    return Form(text, frozenset((item.span, how) for item in shown))


def _whole(source: Source, item: Item) -> Form:
    shows = frozenset({(item.span, "whole"), (item.span, "documented"), (item.span, "signed")})
    return Form(whole(source, item), shows)


def _documented(source: Source, item: Item) -> Form:
    return Form(documented(source, item), frozenset({(item.span, "documented"), (item.span, "signed")}))


def _signed(source: Source, item: Item) -> Form:
    return _form(signed(source, item), item)


def _outlined(source: Source, item: Item) -> Form:
    return _form(outlined(source, item), item, *members(source, item))


def _shape(source: Source, item: Item) -> Form:
    """A type's definition; of a trait its outline, because the bodies that it gives are not what others see."""
    return _outlined(source, item) if item.identity.kind == "trait" else _whole(source, item)


def _given(excerpt: Excerpt, reason: str, group: str = "") -> Candidate:
    return Candidate((Form(excerpt.text, frozenset({(excerpt.text, "whole")})),), reason, excerpt.origin, "", group)


def _around(source: Source, item: Item, impl: Item | None) -> Iterator[Candidate]:
    """Where the item stands: the header of its block, the functions that it is local to."""
    if impl is not None:
        yield Candidate((_signed(source, item),), "the block that it stands in", HERE, _opening(source, impl))
    for outer in items_around(source, item.name_span.start):
        if outer != item and outer.identity.kind == "function":
            forms = (_documented(source, outer), _signed(source, outer))
            yield Candidate(forms, "the function that it is local to", HERE)


def _opening(source: Source, impl: Item) -> str:
    return signed(source, impl).removesuffix(";")


def _block(source: Source, item: Item) -> Item | None:
    """The impl, trait or extern block that the item is a member of."""
    if not item.identity.header or item.identity.kind in ("impl", "extern"):
        return None
    around = items_around(source, item.name_span.start)
    return next((one for one in reversed(around) if one.identity.kind in ("impl", "trait", "extern")), None)


def _types(source: Source, names: Iterable[str], beside: Beside, reason: str) -> Iterator[Candidate]:
    for name in names:
        here = list(defined(source, name))
        for one in here:
            yield Candidate((_shape(source, one), _signed(source, one)), reason, HERE)
        for excerpt in () if here else beside.related.get(name, ()):
            if not excerpt.text.startswith(_IMPL):
                yield _given(excerpt, reason)


def _impls(source: Source, name: str, beside: Beside, without: Item | None, reason: str) -> Iterator[Candidate]:
    """The outlines of the impl blocks of a type, in this file and in others."""
    for impl in impls(source, name):
        if impl != without:
            yield Candidate((_outlined(source, impl),), reason, HERE, "", "impls")
    for excerpt in beside.related.get(name, ()):
        if excerpt.text.startswith(_IMPL):
            yield _given(excerpt, reason, "impls")


def _locked(beside: Beside, *reasons: str, members: bool = False) -> Iterator[Candidate]:
    """The excerpts of dependencies for one of the reasons, themselves or their methods; without reasons the others."""
    for excerpt in beside.locked:
        about, _, why = excerpt.reason.rpartition(": ")
        is_first = why.split(",")[0] in _SIGNATURE
        if (is_first and bool(about) == members) if reasons else not is_first:
            told = Excerpt(f"// {excerpt.origin}\n{excerpt.text}", excerpt.reason, excerpt.origin)
            yield _given(told, excerpt.reason)


def _uses(source: Source, module: tuple[str, ...]) -> Iterator[Candidate]:
    """The `use` lines of a module."""
    at = source.text.find(b"use ")
    while at >= 0:
        line = source.text[source.text.rfind(b"\n", 0, at) + 1 : at]
        one = item_at(source, at) if _BEFORE_USE.fullmatch(line) else None
        if one is not None and one.identity.kind == "use" and one.identity.module == module:
            yield Candidate((_signed(source, one),), "what the module imports", HERE, USES, USES)
        at = source.text.find(b"use ", at + 4)


def _siblings(source: Source, item: Item, impl: Item) -> Iterator[Candidate]:
    """The other members of the block, nearest first."""
    found = [member for member in members(source, impl) if member != item]
    for member in sorted(found, key=lambda member: abs(member.span.start - item.span.start)):
        yield Candidate((_signed(source, member),), "beside it in its block", HERE, _opening(source, impl), "siblings")


def _calling(source: Source, item: Item, beside: Beside) -> Iterator[Candidate]:
    """Tests first, those of this file before others; then who else calls it."""
    calling = callers_of(source, item.identity.name, self_type(item.identity.header))
    for one in calling:
        if is_testing(one):
            yield Candidate((_whole(source, one),), "a test of it", HERE, "", "tests")
    yield from (_given(one, one.reason, "tests") for one in beside.calling if one.reason == "a test of it")
    for one in calling:
        if not is_testing(one):
            around = _block(source, one)
            within = _opening(source, around) if around else ""
            yield Candidate((_whole(source, one), _signed(source, one)), "calls it", HERE, within, "callers")
    yield from (_given(one, one.reason, "callers") for one in beside.calling if one.reason != "a test of it")


def _called(source: Source, item: Item) -> Iterator[Candidate]:
    """The functions of this file that the body calls already."""
    if item.body is None:
        return
    for node in _captures(source, item.body).get("call", ()):
        for one in defined(source, text_of(source, node), ("fn",)):
            if one != item and not one.identity.header:
                yield Candidate((_documented(source, one), _signed(source, one)), "called in the body", HERE)


def _neighbours(source: Source, item: Item) -> Iterator[Candidate]:
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
            yield Candidate((_signed(source, one),), "near it in the file", HERE, "", "neighbours")


def _captures(source: Source, span: Span) -> dict[str, list[Node]]:
    cursor = QueryCursor(query("names"))
    cursor.set_byte_range(span.start, span.end)
    return cursor.captures(source.tree.root_node)
