"""An edit made for one text, laid into a later one: by the items that it stands in or beside, or not at all.

Bytes and lines move when somebody types; an item is known by its identity.
An edit moves along only if the item that holds it is unchanged, or if it stands at the very same distance behind (or
before) an item that is there once in both texts.
"""

from __future__ import annotations

from collections.abc import Sequence

from opencrates_lsp.errors import Moved
from opencrates_lsp.rust.items import Item, find, items, items_around, named
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Replace, Span

_UNNAMED = ("impl", "use", "macro", "extern")


def rebased(edits: Sequence[Replace], base: Source, now: Source) -> tuple[Replace, ...]:
    """The edits of one file, made for `base`, as edits of `now`; raises `Moved` where one has lost its place."""
    moved: list[Replace] = []
    for edit in sorted(edits, key=lambda edit: edit.span):
        shift = _shift(edit.span, base, now)
        if shift is None:
            raise _lost(edit)
        span = Span(edit.span.start + shift, edit.span.end + shift)
        if now.text[span.start : span.end] != edit.expect.encode() or (moved and span.start < moved[-1].span.end):
            raise _lost(edit)
        moved.append(Replace(edit.path, span, edit.text, edit.expect))
    return tuple(moved)


def subject_now(item: Span, base: Source, now: Source) -> Item | None:
    """The item that spans `item` in `base`, where it stands in `now` with the same text; None where it does not."""
    found = next((one for one in items_around(base, item.start) if one.span == item), None)
    return _twin(found, base, now) if found is not None else None


def _lost(edit: Replace) -> Moved:
    return Moved(
        "The text changed under the work.", remedy="Run the action again on the text as it is.", place=edit.path
    )


def _shift(span: Span, base: Source, now: Source) -> int | None:
    """How far the place of the edit has moved, in bytes."""
    around = items_around(base, span.start)
    holding = [one for one in around if one.span.start <= span.start and span.end <= one.span.end]
    for item in reversed(holding):
        twin = _twin(item, base, now)
        if twin is not None:
            return twin.span.start - item.span.start
    inner = holding[-1] if holding else None
    before, after = _beside(span, inner, base)
    for anchor in (before, after):
        if anchor is None:
            continue
        twin = _same(anchor, base, now)
        if twin is None:
            continue
        if anchor is before:
            gap, shift = Span(anchor.span.end, span.end), twin.span.end - anchor.span.end
        else:
            gap, shift = Span(span.start, anchor.span.start), twin.span.start - anchor.span.start
        moved = now.text[max(0, gap.start + shift) : gap.end + shift]
        if gap.start + shift >= 0 and moved == base.text[gap.start : gap.end]:
            return shift
    return None


def _beside(span: Span, inner: Item | None, base: Source) -> tuple[Item | None, Item | None]:
    """The items directly before and after the edit, in the innermost block around it."""
    within = inner.span if inner is not None else None
    before: Item | None = None
    for item in items(base, within):
        if inner is not None and (item.span == inner.span or not _contains(inner.span, item.span)):
            continue
        if item.span.end <= span.start:
            # An impl's members come after the impl itself, so the last to end is the nearest.
            before = item if before is None or item.span.end >= before.span.end else before
        elif item.span.start >= span.end:
            return before, item
    return before, None


def _contains(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def _twin(item: Item, base: Source, now: Source) -> Item | None:
    """The same item with the same text."""
    other = _same(item, base, now)
    if other is None or now.text[slice(*other.span)] != base.text[slice(*item.span)]:
        return None
    return other


def _same(item: Item, base: Source, now: Source) -> Item | None:
    """The item of this identity, if there is exactly one in both texts."""
    if _count(item, base) != 1 or _count(item, now) != 1:
        return None
    return find(now, item.identity)


def _count(item: Item, source: Source) -> int:
    identity = item.identity
    listed = items(source) if identity.kind in _UNNAMED else named(source, identity.name)
    return sum(one.identity == identity for one in listed)
