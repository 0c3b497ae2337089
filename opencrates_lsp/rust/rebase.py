"""An edit made for one text, laid into a later one: by the items that it stands in or beside, or not at all.

Bytes and lines move when somebody types; an item is known by its identity.
An edit moves along only if the item that holds it is unchanged, or if it stands at the very same distance behind (or
before) an item that is there once in both texts.
Where somebody typed in the very item, `woven` and `overlaid` say what the edit would be there; that is his to take.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opencrates_lsp.errors import Moved
from opencrates_lsp.rust.edits import replaced, replacements
from opencrates_lsp.rust.items import Item, items, items_around, named
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Replace, Span

_UNNAMED = ("impl", "use", "macro", "extern")


def rebased(edits: Sequence[Replace], base: Source, now: Source) -> tuple[Replace, ...]:
    """The edits of one file, made for `base`, as edits of `now`; raises `Moved` where one has lost its place."""
    return _carried(edits, base, now, _nowhere)


def woven(edits: Sequence[Replace], base: Source, now: Source) -> tuple[Replace, ...]:
    """As `rebased`, and in items that were typed in beside what was typed: a merge of three texts.

    All that was typed stays; raises `Moved` where both changed the same place, or the item is gone.
    """
    return _carried(edits, base, now, _beside_typing)


def overlaid(edits: Sequence[Replace], base: Source, now: Source) -> tuple[Replace, ...]:
    """As `rebased`, and in items that were typed in their whole text as the edits made it: what was typed there goes.

    Raises `Moved` where an item is gone.
    """
    return _carried(edits, base, now, _instead_of_typing)


def subject_now(item: Span, base: Source, now: Source) -> Item | None:
    """The item that spans `item` in `base`, where it stands in `now` with the same text; None where it does not."""
    found = _spanning(item, base)
    return _twin(found, base, now) if found is not None else None


def namesake_now(item: Span, base: Source, now: Source) -> Item | None:
    """The item that spans `item` in `base`, where it stands in `now` with whatever text; None where it does not."""
    found = _spanning(item, base)
    return _twin(found, base, now) or _same(found, base, now) if found is not None else None


def _spanning(item: Span, base: Source) -> Item | None:
    return next((one for one in items_around(base, item.start) if one.span == item), None)


_Lay = Callable[[Sequence[Replace], Item, Item, Source, Source], Sequence[Replace]]
"""The edits of an item of the first text as edits of its namesake in the second, which was typed in."""


def _carried(edits: Sequence[Replace], base: Source, now: Source, lay: _Lay) -> tuple[Replace, ...]:
    moved: list[Replace] = []
    typed: dict[Span, tuple[Item, Item, list[Replace]]] = {}
    for edit in sorted(edits, key=lambda edit: edit.span):
        shift = _shift(edit.span, base, now)
        if shift is not None:
            span = Span(edit.span.start + shift, edit.span.end + shift)
            moved.append(Replace(edit.path, span, edit.text, edit.expect))
            continue
        pair = _namesakes(edit.span, base, now)
        if pair is None:
            raise _lost(edit)
        typed.setdefault(pair[0].span, (*pair, []))[2].append(edit)
    for old, new, own in typed.values():
        moved += lay(own, old, new, base, now)
    moved.sort(key=lambda edit: edit.span)
    end = 0
    for edit in moved:
        if edit.span.start < end or now.text[slice(*edit.span)] != edit.expect.encode():
            raise _lost(edit)
        end = edit.span.end
    return tuple(moved)


def _namesakes(span: Span, base: Source, now: Source) -> tuple[Item, Item] | None:
    """The innermost item that holds the edit and is there in both texts, as it is in each."""
    for item in reversed(_holding(span, base)):
        other = _same(item, base, now)
        if other is not None:
            return item, other
    return None


def _nowhere(edits: Sequence[Replace], old: Item, new: Item, base: Source, now: Source) -> Sequence[Replace]:
    raise _lost(edits[0])


def _beside_typing(edits: Sequence[Replace], old: Item, new: Item, base: Source, now: Source) -> Sequence[Replace]:
    """Where an edit touches nothing that was typed, it moves along with its place.

    Else it goes to where its old text stands, if that stands once in both: a hole is still the same hole when
    something was typed right beside it.
    """
    before, after = base.text[slice(*old.span)], now.text[slice(*new.span)]
    typed = replacements(edits[0].path, before, after)
    laid = []
    for edit in edits:
        start, end = edit.span.start - old.span.start, edit.span.end - old.span.start
        expect = edit.expect.encode()
        if all(end < one.span.start or one.span.end < start for one in typed):
            start += sum(len(one.text.encode()) - len(one.expect.encode()) for one in typed if one.span.end < start)
        elif expect.strip() and before.count(expect) == after.count(expect) == 1:
            start = after.index(expect)
        else:
            raise _lost(edit)
        start += new.span.start
        laid.append(Replace(edit.path, Span(start, start + len(expect)), edit.text, edit.expect))
    return laid


def _instead_of_typing(edits: Sequence[Replace], old: Item, new: Item, base: Source, now: Source) -> Sequence[Replace]:
    own = [
        Replace(
            edit.path, Span(edit.span.start - old.span.start, edit.span.end - old.span.start), edit.text, edit.expect
        )
        for edit in edits
    ]
    made = replaced(base.text[slice(*old.span)], own)
    over = replacements(edits[0].path, now.text[slice(*new.span)], made)
    start = new.span.start
    return [
        Replace(edit.path, Span(edit.span.start + start, edit.span.end + start), edit.text, edit.expect)
        for edit in over
    ]


def _lost(edit: Replace) -> Moved:
    return Moved(
        "The text changed under the work.", remedy="Run the action again on the text as it is.", place=edit.path
    )


def _shift(span: Span, base: Source, now: Source) -> int | None:
    """How far the place of the edit has moved, in bytes."""
    holding = _holding(span, base)
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


def _holding(span: Span, source: Source) -> list[Item]:
    """The items that hold the whole span, outermost first."""
    return [
        one for one in items_around(source, span.start) if one.span.start <= span.start and span.end <= one.span.end
    ]


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
    """The same item with the same text.

    Of several of one name (each with another `cfg`, say) it is the one whose text only that one has, if they are as
    many as before: who adds another may mean that one.
    """
    text = base.text[slice(*item.span)]
    same = _same(item, base, now)
    if same is not None:
        return same if now.text[slice(*same.span)] == text else None
    before, after = _alike(item, base), _alike(item, now)
    found = [one for one in after if now.text[slice(*one.span)] == text]
    if len(before) != len(after) or len(found) != 1:
        return None
    return found[0] if sum(base.text[slice(*one.span)] == text for one in before) == 1 else None


def _same(item: Item, base: Source, now: Source) -> Item | None:
    """The item of this identity, if there is exactly one in both texts; of several, the one under the same `cfg`."""
    before, after = _alike(item, base), _alike(item, now)
    if len(before) != 1 or len(after) != 1:
        if len(before) != len(after):
            return None
        before = [one for one in before if one.cfgs == item.cfgs]
        after = [one for one in after if one.cfgs == item.cfgs]
    return after[0] if len(before) == len(after) == 1 else None


def _alike(item: Item, source: Source) -> list[Item]:
    """The items of this identity; items that share it may still differ in their `cfg`."""
    identity = item.identity
    listed = items(source) if identity.kind in _UNNAMED else named(source, identity.name)
    return [one for one in listed if one.identity == identity]
