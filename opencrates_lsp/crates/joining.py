"""A crate that has landed becomes a member of the workspace around it: the edit of the manifest as a change."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from opencrates_lsp.errors import Moved
from opencrates_lsp.values import Change, Document, Replace, Span, Subject, Usage, Verdict


def joining(name: str, edit: Replace, text: bytes, verdict: Verdict, usage: Usage) -> Change:
    """The change that makes the crate `name` a member; `text` is the manifest as it is now.

    Raises `Moved` when the place that `edit` is about was edited since.
    """
    change = Change(
        id=uuid4().hex,
        title=f"Add `{name}` to the workspace",
        edits=(edit,),
        verdict=verdict,
        usage=usage,
        documents=(Document(edit.path, text),),
        subject=Subject(edit.path, edit.path.name, Span(0, len(text)), Span(0, 0)),
    )
    if text[edit.span.start : edit.span.end] != edit.expect.encode():
        raise _moved(edit)
    return change


def joining_now(change: Change, now: bytes) -> Change:
    """The change on the manifest as it is now.

    A manifest has no items, so only what stands wholly before or after the edit may have moved; raises `Moved`.
    """
    [document], [edit] = change.documents, change.edits
    if not isinstance(edit, Replace):
        raise TypeError(edit)
    if now == document.text:
        return change
    start, end = edit.span
    shift = len(now) - len(document.text)
    if not now.startswith(document.text[:end]):
        if not now.endswith(document.text[start:]):
            raise _moved(edit)
        start, end = start + shift, end + shift
    return replace(
        change,
        edits=(replace(edit, span=Span(start, end)),),
        documents=(Document(edit.path, now),),
        subject=replace(change.subject, item=Span(0, len(now))),
    )


def _moved(edit: Replace) -> Moved:
    return Moved("The manifest was edited meanwhile.", place=edit.path)
