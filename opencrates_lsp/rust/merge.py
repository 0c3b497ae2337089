"""A model's answer laid into the file, item by item; what it does not mention stays byte for byte.

Of the answer are taken: the item that was asked for, `use` lines, items that the file does not have, and fields and
variants that its structs and enums gain.
Other items of the file that the answer repeats, tests among them, stay as they are, whatever the answer makes of them.
Of the asked item the body is taken, and the signature where it differs in more than spelling (policy judges that).
Its attributes and doc comments stay, and grow by those of the answer that are new; see `leads.lead_patches`.
New members go right after the asked one, new free items after the impl that it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.answer import Snippet, check, snippets
from opencrates_lsp.rust.body import body_patches
from opencrates_lsp.rust.edits import replacements
from opencrates_lsp.rust.headers import normalised
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.holes import subject as subject_of
from opencrates_lsp.rust.items import KINDS, Item, items_around
from opencrates_lsp.rust.laying import lay
from opencrates_lsp.rust.matching import asked_item, describe, described, fitting
from opencrates_lsp.rust.placing import Patch, ordered, patched, style_of
from opencrates_lsp.rust.syntax import Source, error_spans, parse, text_of
from opencrates_lsp.values import Replace, Span, Subject

if TYPE_CHECKING:
    from tree_sitter import Node

_NEUTRAL = frozenset({"line_comment", "block_comment", "attribute_item", "inner_attribute_item", "empty_statement"})
_BLOCKS = frozenset({"impl", "trait", "mod", "extern"})
_WITH_BODY = frozenset({"function", "const", "static", "macro"})


@dataclass(frozen=True, slots=True)
class Merged:
    """The file with the answer in it.

    `edits` lead from the file to `text`; the spans of `subject` count in `text`.
    `body_only` says that nothing outside of the subject's body changed.
    `suspect` says that the text gained what tree-sitter cannot follow, so that rustc must be asked.
    """

    text: bytes
    edits: tuple[Replace, ...]
    subject: Subject
    body_only: bool
    suspect: bool


def merge(path: Path, source: Source, subject: Subject, answer: str) -> Merged:
    """The answer laid into the file; raises `Refused` with one sentence that tells what is wrong with it.

    Where the subject has holes, none may be left in it; nothing that comes new may have any.
    """
    asked = asked_item(source, subject)
    try:
        known = source.text.decode()
    except UnicodeDecodeError as error:
        raise Refused("The file is not UTF-8.", place=path) from error
    if asked is None:
        raise Refused(f"`{subject.name}` is not where it was.", place=path)
    try:
        patches = _patches(source, asked, snippets(answer), known)
    except Refused as refusal:
        refusal.place = refusal.place or path
        raise
    return _merged(path, source, subject, asked, ordered(patches))


def _merged(path: Path, source: Source, subject: Subject, asked: Item, patches: Sequence[Patch]) -> Merged:
    if any(one.span.end > other.span.start for one, other in pairwise(patches)):
        raise Refused(f"The answer has `{subject.name}` more than once.", remedy="Answer with it once.", place=path)
    text, spans = patched(source.text, patches)
    after = parse(text)
    fresh = _subject_in(path, source, subject, asked, patches, after)
    left = next((hole for span in spans for hole in holes(after, span)), None)
    if left is None and subject.holes and fresh.holes:
        left = next(iter(holes(after, Span(fresh.holes[0].start, fresh.holes[0].end))), None)
    if left is not None:
        where = left.item.identity.name or subject.name
        raise Refused(f"The answer leaves `{left.macro}!` in `{where}`.", remedy="Write the code itself.", place=path)
    body = asked.body or asked.node_span
    return Merged(
        text=text,
        edits=_edits(path, source.text, patches),
        subject=fresh,
        body_only=all(body.start <= patch.span.start and patch.span.end <= body.end for patch in patches),
        suspect=_gained_errors(source, after, spans),
    )


def _edits(path: Path, before: bytes, patches: Sequence[Patch]) -> tuple[Replace, ...]:
    """The changes line by line; each run of patches is compared by itself, so that a long file costs nothing."""
    runs: list[list[Patch]] = []
    ends = -1
    for patch in patches:
        if runs and patch.span.start <= ends:
            runs[-1].append(patch)
        else:
            runs.append([patch])
        line_end = before.find(b"\n", patch.span.end)
        ends = len(before) if line_end < 0 else line_end + 1
    edits: list[Replace] = []
    for run in runs:
        start = before.rfind(b"\n", 0, run[0].span.start) + 1
        line_end = before.find(b"\n", run[-1].span.end)
        end = len(before) if line_end < 0 else line_end + 1
        moved = [Patch(Span(patch.span.start - start, patch.span.end - start), patch.text) for patch in run]
        piece = before[start:end]
        for edit in replacements(path, piece, patched(piece, moved)[0]):
            span = Span(edit.span.start + start, edit.span.end + start)
            edits.append(Replace(path, span, edit.text, edit.expect))
    return tuple(edits)


def _subject_in(
    path: Path, source: Source, subject: Subject, asked: Item, patches: Sequence[Patch], after: Source
) -> Subject:
    """The subject where it stands in the merged text."""
    start = end = 0
    for patch in patches:
        grown = len(patch.text) - (patch.span.end - patch.span.start)
        own = asked.span.start <= patch.span.start and patch.span.end <= asked.span.end
        import_above = patch.span == (asked.span.start, asked.span.start) and b"use " in patch.text
        if patch.span.end <= asked.span.start and (not own or import_above):
            start += grown
        if patch.span.start < asked.span.end:
            end += grown
    span = Span(asked.span.start + start, asked.span.end + end)
    around = items_around(after, span.end - 1)
    same_name = [item for item in around if item.identity.name == asked.identity.name]
    item = next((item for item in reversed(same_name) if item.span.end == span.end), None)
    if item is None:
        found = tuple(hole.span for hole in holes(after, span))
        return Subject(path, subject.name, span, span, found)
    fresh = subject_of(after, path, item)
    return Subject(path, subject.name, fresh.item, fresh.probe, fresh.holes)


def _gained_errors(before: Source, after: Source, spans: Sequence[Span]) -> bool:
    if not after.tree.root_node.has_error:
        return False
    if any(error_spans(after, span) for span in spans):
        return True
    return len(error_spans(after)) > len(error_spans(before))


def _patches(file: Source, asked: Item, pieces: Sequence[Snippet], known: str) -> list[Patch]:
    """What the answer changes; the piece with the asked item decides how the others are read."""
    parsed = [parse(piece.text.encode()) for piece in pieces]
    style = style_of(file.text, asked.span)
    fits = [_has(file, asked, given) for given in parsed]
    plain = [_is_items(given) for given in parsed]
    taken = [piece for piece, fit, items in zip(pieces, fits, plain, strict=True) if fit or items]
    if any(fits):
        return _laid(file, asked, taken, known)
    others = [piece for piece, items in zip(pieces, plain, strict=True) if not items]
    if others and asked.identity.kind in _WITH_BODY:
        check(others[-1], known)
        patches = body_patches(file, asked, others[-1], style)
        extras = _laid(file, asked, taken, known) if taken else []
        return [*extras, *patches]
    for piece in pieces:
        check(piece, known)
    if asked.identity.kind in _BLOCKS and taken and asked.body is not None:
        header = file.text[asked.signature.start : asked.signature.end].decode()
        whole = Snippet(header + " {\n" + "".join(piece.text for piece in taken) + "}\n")
        if fitting(file, asked, parse(whole.text.encode())) is not None:
            return _laid(file, asked, [whole], known)
    came = described(parse("".join(piece.text for piece in pieces).encode()))
    instead = f", only {came}" if came else ""
    raise Refused(
        f"The answer does not have {describe(asked)}{instead}.", remedy=f"Answer with {describe(asked)}, whole."
    )


def _laid(file: Source, asked: Item, pieces: Sequence[Snippet], known: str) -> list[Patch]:
    for piece in pieces:
        check(piece, known)
    given = parse("\n".join(piece.text for piece in pieces).encode())
    return lay(file, asked, given, fitting(file, asked, given), style_of(file.text, asked.span))


def _has(file: Source, asked: Item, given: Source) -> bool:
    """Whether the text has the asked item; beside statements, only one with its very signature counts."""
    fit = fitting(file, asked, given)
    if fit is None or not any(_is_statement(node) for node in given.tree.root_node.children):
        return fit is not None
    before, text = (_bare(file.text, asked), _bare(given.text, fit.item))
    return before == text


def _bare(text: bytes, item: Item) -> str:
    signature = normalised(text[item.signature.start : item.signature.end].decode("utf-8", "replace"))
    return re.sub(r"^pub(\([^()]*\))? ?", "", signature)


def _is_statement(node: Node) -> bool:
    """A statement that the grammar can follow, and no macro call, which may be an item."""
    if node.type == "let_declaration":
        return not node.has_error
    first = node.child(0) if node.type == "expression_statement" and node.child_count else None
    return first is not None and first.type != "macro_invocation" and not first.has_error


def _is_items(given: Source) -> bool:
    """Whether the text is items and nothing else; a macro call is taken for a statement."""
    return all(
        node.type in KINDS
        or node.type in _NEUTRAL
        or (node.is_error and text_of(given, node).strip() in ("safe", "gen"))
        for node in given.tree.root_node.children
    )
