"""The mends that rustc offers itself, and how they are laid into a text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from opencrates_lsp.values import Diagnostic, Replace, Span, Suggestion

_USE = re.compile(r"^\s*(?:pub(?:\([^)]*\))? )?use [^;{}]+;\s*$")


def suggested(text: bytes, path: Path, errors: Sequence[Diagnostic], within: Span) -> bytes | None:
    """`text` of `path` with rustc's machine-applicable suggestions applied; None when there are none that fit.

    A suggestion is taken whole or not at all: all that it replaces must lie in `within`, or be a `use` line that it
    puts in, and stand as rustc saw it.
    The same one said twice is applied once; of two that overlap the first.
    """
    offered = (one for error in errors for one in error.suggestions if one.applicability == "MachineApplicable")
    return _applied(text, path, offered, within)


def imported(text: bytes, path: Path, errors: Sequence[Diagnostic]) -> bytes | None:
    """`text` of `path` with the `use` lines that rustc offers for names that are not in scope; None without any.

    Only where rustc knows one candidate for the name and no more.
    rustc never calls these machine-applicable, so they are worth no more than what the next check says of them.
    """
    sure: list[Suggestion] = []
    for error in errors:
        offered = [one for one in error.suggestions if any(_is_import(edit) for edit in one.replacements)]
        candidates = {edit.text for one in offered for edit in one.replacements if _is_import(edit)}
        if len(candidates) == 1:
            sure += [one for one in offered if len(one.replacements) == 1]
    return _applied(text, path, sure, Span(0, 0))


def _applied(text: bytes, path: Path, offered: Iterable[Suggestion], within: Span) -> bytes | None:
    taken: dict[tuple[Span, str], Replace] = {}
    for one in offered:
        edits = {(edit.span, edit.text): edit for edit in one.replacements}
        new = {key: edit for key, edit in edits.items() if key not in taken}
        if not new or not all(_fits(edit, text, path, within) for edit in new.values()):
            continue
        # What only partly repeats another suggestion would leave it half done.
        if len(new) == len(edits) and _disjoint([*taken.values(), *new.values()]):
            taken |= new
    if not taken:
        return None
    pieces: list[bytes] = []
    at = 0
    for edit in sorted(taken.values(), key=lambda edit: edit.span):
        pieces += [text[at : edit.span.start], edit.text.encode()]
        at = edit.span.end
    return b"".join([*pieces, text[at:]])


def _fits(edit: Replace, text: bytes, path: Path, within: Span) -> bool:
    start, end = edit.span
    if edit.path != path or not 0 <= start <= end <= len(text) or text[start:end] != edit.expect.encode():
        return False
    return (within.start <= start and end <= within.end) or _is_import(edit)


def _is_import(edit: Replace) -> bool:
    """Whether the replacement only puts in a `use` line."""
    return edit.span.start == edit.span.end and _USE.match(edit.text) is not None


def _disjoint(edits: Sequence[Replace]) -> bool:
    """Whether no two of them touch the same place; only `use` lines may be put in at the same one."""
    ordered = sorted(edits, key=lambda edit: edit.span)
    for before, after in itertools.pairwise(ordered):
        if before.span.end > after.span.start:
            return False
        if before.span.start == after.span.start and not (_is_import(before) and _is_import(after)):
            return False
    return True
