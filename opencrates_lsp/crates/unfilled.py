"""Taking out of a planned crate what no answer could fill, so that the rest may still land."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from opencrates_lsp.crates.plan import CratePlan
from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.items import Item, items, qualified_name
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Span


def take_out_unfilled(folder: Path, plan: CratePlan) -> tuple[str, ...]:
    """Remove the items below `folder/src` that still have holes, and what is left without use by that; notes on it.

    With an item go the tests that name it; with a member of a trait's impl the whole impl, because the trait asks for
    every member. Whether the rest holds, cargo tells.
    Raises `Refused` when no planned function would be left.
    """
    notes: list[str] = []
    count = 0
    for path in sorted((folder / "src").rglob("*.rs")):
        source = parse(path.read_bytes())
        listed = items(source)
        unfilled = {hole.item for hole in holes(source)}
        if not unfilled:
            continue
        count += len(unfilled)
        gone = {_whole(item, listed) for item in unfilled}
        tests = {item for item in listed if item.is_test and _names_any(source, item, gone)}
        ordered = sorted(gone | tests, key=lambda item: item.span.start)
        notes += [
            f"`{qualified_name(item)}` "
            + ("tests what was left out" if item not in gone else "was planned and could not be filled")
            for item in ordered
        ]
        path.write_bytes(_tidied(source.text, _without(source.text, ordered)))
    if count and count >= sum(item.kind == "function" for module in plan.modules for item in module.items):
        raise Refused("No function of the planned crate could be filled.", remedy="Try again, or choose another model.")
    return tuple(f"{note}, so that it was left out" for note in notes)


def _whole(item: Item, listed: tuple[Item, ...]) -> Item:
    for around in listed:
        identity = around.identity
        if identity.kind == "impl" and " for " in identity.header and _holds(around.span, item.span):
            return around
    return item


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _names_any(source: Source, test: Item, gone: Iterable[Item]) -> bool:
    names = {item.identity.name for item in gone if item.identity.kind != "impl"}
    return any(_has_word(source.text[slice(*test.span)], name) for name in names)


def _has_word(text: bytes, name: str) -> bool:
    return re.search(rb"\b%s\b" % re.escape(name.encode()), text) is not None


def _without(text: bytes, ordered: list[Item]) -> bytes:
    for item in reversed(ordered):
        text = text[: item.span.start] + text[item.span.end :]
    return text


def _tidied(before: bytes, text: bytes) -> bytes:
    """The text without test modules that have no test any more, and without imports that only what went had used."""
    source = parse(text)
    listed = items(source)
    empty = []
    for item in listed:
        inside = [other for other in listed if other is not item and _holds(item.node_span, other.node_span)]
        is_module = item.identity.kind == "mod" and item.body is not None
        if is_module and inside and all(other.identity.kind == "use" for other in inside):
            empty.append(item)
    text = _without(text, empty)
    source = parse(text)
    unused = []
    for item in items(source):
        if item.identity.kind != "use" or item.identity.module:
            continue
        name = re.fullmatch(r"(?:.*(?:::|\bas\s+))?(\w+)", item.identity.name.strip(), re.DOTALL)
        rest = text[: item.span.start] + text[item.span.end :]
        # Nothing but a trait is used without being named; such an import was not named before either.
        if name and not _has_word(rest, name[1]) and _uses(before, name[1]) > 1:
            unused.append(item)
    return _without(text, unused)


def _uses(text: bytes, name: str) -> int:
    return len(re.findall(rb"\b%s\b" % re.escape(name.encode()), text))
