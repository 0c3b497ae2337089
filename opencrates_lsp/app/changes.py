"""What happens to a change after its proof: rebased on what the user typed meanwhile, recorded, taken back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from opencrates_lsp.errors import Missing, Moved, Refused
from opencrates_lsp.rust.edits import applied, replacements
from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.rebase import namesake_now, overlaid, rebased, subject_now, woven
from opencrates_lsp.rust.syntax import Source, error_spans, parse
from opencrates_lsp.values import (
    Change,
    Create,
    Delete,
    Document,
    Documents,
    Edit,
    Level,
    Offer,
    Replace,
    Span,
    Subject,
    Usage,
    Verdict,
)


def current(paths: Iterable[Path], open_texts: Documents) -> dict[Path, Document]:
    """The files as they are now: the open buffer, else the disk; one that is not there is left out."""
    found: dict[Path, Document] = {}
    for path in paths:
        if path in open_texts:
            found[path] = open_texts[path]
            continue
        try:
            found[path] = Document(path, path.read_bytes())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Missing(f"The file cannot be read: {error.strerror}.", place=path) from error
    return found


def after(change: Change) -> dict[Path, bytes | None]:
    """The texts that the change makes of its documents; None for a deleted file."""
    return applied(change.edits, {document.path: document.text for document in change.documents})


def is_current(change: Change, now: Mapping[Path, Document]) -> bool:
    """Whether the texts are still those that were judged."""
    return all(
        document.path in now and now[document.path].text == document.text for document in change.documents
    ) and not any(isinstance(edit, Create) and edit.path in now for edit in change.edits)


def beside_moved(change: Change, open_texts: Documents) -> bool:
    """Whether another open text is no longer the one that the change was judged among."""
    own = {document.path for document in change.documents}
    for path, document in open_texts.items():
        if path in own:
            continue
        judged = change.beside.get(path)
        if judged is None:
            # It was not open then, so that the file on disk counted.
            try:
                judged = path.read_bytes()
            except OSError:
                judged = b""
        if judged != document.text:
            return True
    return False


def rebased_change(change: Change, now: Mapping[Path, Document]) -> Change:
    """The change as one of the texts as they are now, not judged again yet; raises `Moved`."""
    try:
        return _carried(change, now, rebased, subject_now)
    except Moved as error:
        if not change.undoes:
            raise
        raise Moved(
            f"{change.title}: the text that it wrote no longer stands there, so nothing was taken back.",
            remedy="Change it back by hand.",
            place=error.place,
        ) from error


def laid_change(change: Change, now: Mapping[Path, Document], *, keeps: bool) -> Offer:
    """What the change would be where the user typed in its items, not judged yet.

    With `keeps` beside what he typed, without it in the place of that; raises `Moved` where there is no such change,
    or it would change nothing.
    """
    laid = _carried(change, now, woven if keeps else overlaid, namesake_now)
    before = {document.path: document.text for document in change.documents}
    later = {document.path: document.text for document in laid.documents}
    if all(later.get(path) == text for path, text in after(laid).items()):
        raise Moved(f"{change.title}: it stands there already.", place=change.subject.path)
    typed = [
        new.name
        for old, new in zip((change.subject, *change.others), (laid.subject, *laid.others), strict=True)
        if before[old.path][slice(*old.item)] != later[new.path][slice(*new.item)]
    ]
    for path, text in after(laid).items():
        if text is None or path.suffix != ".rs":
            continue
        broken = _errors(later.get(path, b""))
        if _errors(text) > broken:
            raise Moved(f"{change.title}: it does not parse among what was typed.", place=path)
        if not keeps and broken > _errors(before.get(path, b"")):
            # Where a brace is missing the item may seem to end elsewhere, and its text with it.
            raise Moved(f"{change.title}: what was typed meanwhile does not parse yet.", place=path)
    return Offer(laid, tuple(dict.fromkeys(typed)), keeps)


def _errors(text: bytes) -> int:
    return len(error_spans(parse(text)))


_Lay = Callable[[Sequence[Replace], Source, Source], tuple[Replace, ...]]
_Find = Callable[[Span, Source, Source], Item | None]


def _carried(change: Change, now: Mapping[Path, Document], lay: _Lay, find: _Find) -> Change:
    edits: list[Edit] = []
    documents: list[Document] = []
    subjects = [change.subject, *change.others]
    for document in change.documents:
        path = document.path
        text = now.get(path)
        if text is None:
            raise Moved("The file is gone.", remedy="Run the action again.", place=path)
        documents.append(text)
        own = [edit for edit in change.edits if isinstance(edit, Replace) and edit.path == path]
        if text.text == document.text:
            edits += own
            continue
        base, later = parse(document.text), parse(text.text)
        edits += lay(own, base, later)
        for at, one in enumerate(subjects):
            if one.path == path and change.verdict.level is not Level.OFF:
                item = find(one.item, base, later)
                if item is None:
                    raise Moved(f"`{one.name}` was edited meanwhile.", remedy="Run the action again.", place=path)
                subjects[at] = subject(later, path, item)
    for edit in change.edits:
        if isinstance(edit, Create) and edit.path in now:
            raise Moved("There is a file of this name now.", remedy="Move it away and try again.", place=edit.path)
        if not isinstance(edit, Replace):
            edits.append(edit)
    return replace(
        change, edits=tuple(edits), documents=tuple(documents), subject=subjects[0], others=tuple(subjects[1:])
    )


def inverse(title: str, before: Mapping[Path, bytes | None], later: Mapping[Path, bytes | None]) -> Change:
    """The change that takes `later` back to `before`; it is not judged, because that text was there already."""
    edits: list[Edit] = []
    documents: list[Document] = []
    for path, text in later.items():
        old = before.get(path)
        if text is None:
            edits.append(Create(path, (old or b"").decode()))
        elif old is None:
            edits.append(Delete(path, text.decode()))
        else:
            documents.append(Document(path, text))
            edits += replacements(path, text, old)
    if not edits:
        raise Refused("There is nothing to take back.")
    # What is taken back is what was asked for, wherever it stands: nothing of it is beside the point.
    wholes = [Subject(document.path, title, Span(-1, len(document.text) + 1), Span(0, 0)) for document in documents]
    wholes = wholes or [Subject(edits[0].path, title, Span(0, 0), Span(0, 0))]
    return Change(
        id=uuid4().hex,
        title=f"Undo: {title}",
        edits=tuple(edits),
        verdict=Verdict(Level.OFF, reached=False, configuration="the text from before the change"),
        usage=Usage("none", "none"),
        documents=tuple(documents),
        subject=wholes[0],
        others=tuple(wholes[1:]),
    )


def digest(text: bytes | None) -> str:
    """What a text is known by in the log; "" for a file that is not there."""
    return "" if text is None else hashlib.blake2b(text, digest_size=16).hexdigest()


def shortfall(verdict: Verdict) -> str:
    """Why a verdict does not hold, in one clause."""
    if verdict.new_errors:
        return f"rustc finds a new error, {verdict.new_errors[0].message}"
    if verdict.tests is not None and verdict.tests.broken:
        return f"`{verdict.tests.broken[0]}` passed before and fails now"
    return verdict.reason or "it could not be proved"
