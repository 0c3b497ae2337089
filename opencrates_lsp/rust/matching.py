"""Which item of an answer is the one that was asked for.

An answer need not repeat the modules and the impl around the item, nor spell the impl's header as the file does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from opencrates_lsp.rust.headers import normalised, self_type, tokens
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.items import Identity, Item, items, items_around, named
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Span, Subject


@dataclass(frozen=True, slots=True)
class Fit:
    """An answer's `item` that is the asked one.

    `modules` are the parts of the module path that the answer leaves out around its items.
    `bare` says that the item came without the impl, trait or extern block that it belongs to.
    """

    item: Item
    modules: tuple[str, ...]
    bare: bool


def asked_item(source: Source, subject: Subject) -> Item | None:
    """The item that the subject is, in its own document."""
    for offset in (subject.probe.start, subject.item.start):
        for item in reversed(items_around(source, offset)):
            if item.span == subject.item:
                return item
    around = items_around(source, subject.probe.start)
    return next((item for item in reversed(around) if item.span.end == subject.item.end), None)


def fitting(source: Source, asked: Item, given: Source) -> Fit | None:
    """The answer's item that fits best; of equals the last that has no holes.

    A block with a header that is another block's of the file by every sign is not taken for the asked item's.
    """
    best: tuple[tuple[int, int, int], Fit] | None = None
    siblings = headers_like(source, asked)
    for item in _candidates(given, asked.identity):
        fit, rank = _fit(asked.identity, item, siblings)
        if fit is None:
            continue
        same_conditions = _conditions(asked, item)
        if same_conditions is None:
            continue
        score = (rank, same_conditions, int(not holes(given, item.node_span)))
        if best is None or score >= best[0]:
            best = (score, fit)
    return best[1] if best is not None else None


def same_block(header: str, other: str) -> bool:
    """Whether two headers are one block's, but for generics, bounds, and how much of a path is written."""
    if header == other or not header or not other:
        return header == other
    (trait, owner), (other_trait, other_owner) = loose(header), loose(other)
    same_trait = trait == other_trait or (bool(trait) and bool(other_trait) and _is_end(trait, other_trait))
    return owner == other_owner and same_trait and (trait, owner) != ("", "")


def _is_end(path: str, other: str) -> bool:
    """Whether one path is the end of the other: `Display` of `fmt::Display`."""
    return path.endswith("::" + other) or other.endswith("::" + path)


def loose(header: str) -> tuple[str, str]:
    """The trait, with its arguments, and the type's name that an impl header tells; a trait's header is its name."""
    if not header.startswith("impl"):
        return (header, "")
    marks = tokens(header)[1:]
    if marks[:1] == ["<"]:
        depth = 0
        for at, mark in enumerate(marks):
            depth += {"<": 1, ">": -1}.get(mark, 0)
            if depth == 0:
                marks = marks[at + 1 :]
                break
    depth = 0
    for at, mark in enumerate(marks):
        depth += {"<": 1, ">": -1}.get(mark, 0)
        if depth == 0 and mark == "for" and marks[at + 1 : at + 2] != ["<"]:
            return (normalised(" ".join(marks[:at])), self_type(header))
    return ("", self_type(header))


def headers_like(source: Source, asked: Item) -> frozenset[str]:
    """The headers of the file's other impls for the asked item's type; read only where there is such a header."""
    identity = asked.identity
    owner = self_type(identity.header)
    if not identity.header.startswith("impl") or not owner.isidentifier():
        return frozenset()
    found: set[str] = set()
    for match in re.finditer(rb"\bimpl\b[^{;]*\b" + owner.encode() + rb"\b", source.text):
        around = items_around(source, match.start())
        found.update(item.identity.header for item in around[-1:] if item.identity.kind == "impl")
    return frozenset(found - {identity.header})


def _candidates(given: Source, identity: Identity) -> list[Item]:
    """The items of the answer with the asked name and kind, those local to functions too."""
    plain = identity.name.isidentifier() and identity.kind not in ("impl", "use", "extern")
    found = list(named(given, identity.name)) if plain else []
    if not found:
        found = list(items(given))
    return [item for item in found if item.identity.kind == identity.kind and _same_name(item.identity, identity)]


def _same_name(one: Identity, other: Identity) -> bool:
    if one.kind == "impl":
        return same_block(one.header, other.header)
    return one.name.removeprefix("r#") == other.name.removeprefix("r#")


def _fit(asked: Identity, item: Item, siblings: frozenset[str]) -> tuple[Fit | None, int]:
    """The fit of one candidate, and how close it is."""
    found = item.identity
    depth = len(asked.module) - len(found.module)
    if depth < 0 or asked.module[depth:] != found.module:
        return None, 0
    modules = asked.module[:depth]
    whole = 1 if depth == 0 else 0
    if found.header == asked.header:
        return Fit(item, modules, bare=False), 6 + whole
    if asked.header and not found.header and asked.kind != "impl":
        return Fit(item, modules, bare=True), 2 + whole
    if same_block(asked.header, found.header) and found.header not in siblings:
        return Fit(item, modules, bare=False), 4 + whole
    return None, 0


def _conditions(asked: Item, item: Item) -> int | None:
    """2 for an item under the same `#[cfg]`, 1 for one without; None for one under another."""
    if not item.cfgs:
        return 2 if not asked.cfgs else 1
    if item.cfgs == asked.cfgs[len(asked.cfgs) - len(item.cfgs) :]:
        return 2
    return None if asked.cfgs or item.cfgs else 1


def describe(item: Item) -> str:
    """The item for people: "`fn main`"."""
    kind = {"function": "fn", "macro": "macro"}.get(item.identity.kind, item.identity.kind)
    if item.identity.kind == "impl":
        return f"`{item.identity.header}`"
    return f"`{kind} {item.identity.name}`"


def described(given: Source, limit: int = 3) -> str:
    """The outermost items of an answer for people: "`fn main`, `struct Point` and 2 more"."""
    outer: list[Item] = []
    end = -1
    for item in items(given):
        if item.node_span.start >= end and item.identity.kind != "use":
            outer.append(item)
            end = item.node_span.end
    names = list(dict.fromkeys(describe(item) for item in outer))
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def covers(span: Span, offset: int) -> bool:
    return span.start <= offset < span.end
