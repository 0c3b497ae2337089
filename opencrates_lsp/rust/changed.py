"""Where two texts of one file differ, and which items are on either side: what is equal is not read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opencrates_lsp.rust.items import Identity, Item, items, items_around
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Span


@dataclass(frozen=True, slots=True)
class Pairs:
    """The items of two texts in and around what differs: those in both, those that are gone, and those that are new.

    `use` declarations are not among them; see `imports_before` and `imports_after`.
    """

    both: list[tuple[Item, Item]]
    gone: list[Item]
    new: list[Item]
    imports_before: list[Item]
    imports_after: list[Item]


def changed_spans(before: Source, after: Source) -> tuple[Span, Span]:
    """The lines that differ, and one more at each end, in both texts; all of both where the nesting differs."""
    old, new = before.text, after.text
    shorter = min(len(old), len(new))
    head = _longest(shorter, lambda size: old[:size] == new[:size])
    tail = _longest(shorter - head, lambda size: old[len(old) - size :] == new[len(new) - size :])
    start = max(0, old.rfind(b"\n", 0, max(0, old.rfind(b"\n", 0, head))))
    line_end = old.find(b"\n", old.find(b"\n", len(old) - tail) + 1 or len(old))
    left = len(old) - line_end if line_end >= 0 else 0
    spans = Span(start, len(old) - left), Span(start, len(new) - left)
    if _around(before, spans[0].start) != _around(after, spans[1].start):
        return Span(0, len(old)), Span(0, len(new))
    if _around(before, spans[0].end) != _around(after, spans[1].end):
        return Span(0, len(old)), Span(0, len(new))
    return spans


def paired(before: Source, after: Source, spans: tuple[Span, Span]) -> Pairs:
    """The items in `spans` side by side, by identity; of several with one identity those under the same `#[cfg]`."""
    old, new = items(before, spans[0]), items(after, spans[1])
    waiting: dict[Identity, list[Item]] = {}
    for item in new:
        if item.identity.kind != "use":
            waiting.setdefault(item.identity, []).append(item)
    both: list[tuple[Item, Item]] = []
    gone: list[Item] = []
    for item in old:
        if item.identity.kind == "use":
            continue
        same = waiting.get(item.identity)
        if same:
            like = next((at for at, other in enumerate(same) if other.cfgs == item.cfgs), 0)
            both.append((item, same.pop(like)))
        elif not _is_hidden(before, item, after):
            gone.append(item)
    fresh = [item for rest in waiting.values() for item in rest if not _is_hidden(after, item, before)]
    return Pairs(
        both,
        gone,
        fresh,
        [item for item in old if item.identity.kind == "use"],
        [item for item in new if item.identity.kind == "use"],
    )


def _is_hidden(source: Source, item: Item, other: Source) -> bool:
    """Whether the item is in the other text too, only that tree-sitter lost its way there."""
    return other.tree.root_node.has_error and source.text[item.span.start : item.span.end] in other.text


def _around(source: Source, offset: int) -> list[Identity]:
    return [item.identity for item in items_around(source, offset)]


def _longest(limit: int, same: Callable[[int], bool]) -> int:
    """The largest size up to `limit` for which `same` holds; it holds for all smaller ones."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if same(middle):
            low = middle
        else:
            high = middle - 1
    return low
