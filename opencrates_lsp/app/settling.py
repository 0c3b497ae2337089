"""A proved change on texts that moved on: carried along where its items stand, judged again, or offered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from opencrates_lsp.app import changes
from opencrates_lsp.app.consent import Consent
from opencrates_lsp.errors import Moved, Refused
from opencrates_lsp.face import Face
from opencrates_lsp.values import Change, Document, Level, Offer

if TYPE_CHECKING:
    from opencrates_lsp.app import App

_PATIENCE = 3


async def settle(app: App, change: Change, face: Face) -> Change:
    """See `App.settle`; other open texts that move count `_PATIENCE` times.

    Who types on and on there does not hold the edit up.
    """
    patience = _PATIENCE
    while True:
        now = await _now(change, face)
        current = changes.is_current(change, now)
        if not current:
            change = changes.rebased_change(change, now)
        elif (
            not _is_proved(change)
            or not patience
            or not await asyncio.to_thread(changes.beside_moved, change, face.documents())
        ):
            return change
        patience -= current
        if _is_proved(change):
            change = await _judged_again(app, change, face, stands=current)


async def offer(app: App, change: Change, face: Face) -> Offer:
    """See `App.offer`; what keeps all that was typed goes before what does not."""
    if change.undoes:
        raise Moved("Only a change that was made is offered, none that is taken back.", place=change.subject.path)
    refused: Refused | None = None
    now = await _now(change, face)
    for keeps in (True, False):
        try:
            laid = changes.laid_change(change, now, keeps=keeps)
            if _is_proved(change):
                laid = replace(laid, change=await _judged_again(app, laid.change, face, stands=False))
        except Refused as error:
            # Why the whole item cannot be laid over is what nothing can be done about.
            refused = error
        else:
            return laid
    raise refused or Moved("The text changed under the work.", place=change.subject.path)


async def _now(change: Change, face: Face) -> Mapping[Path, Document]:
    """The files of the change as they are now."""
    paths = [edit.path for edit in change.edits] + [document.path for document in change.documents]
    return await asyncio.to_thread(changes.current, dict.fromkeys(paths), face.documents())


def _is_proved(change: Change) -> bool:
    """Whether a compiler was asked."""
    return change.verdict.level not in (Level.OFF, Level.PARSE)


async def _judged_again(app: App, change: Change, face: Face, *, stands: bool) -> Change:
    """The change with the verdict of now.

    Where its own texts stand and what is typed elsewhere keeps rustc from the item, the verdict of before stands.
    """
    workspace = await app.workspaces.of(change.subject.path, face)
    if workspace.ground is None:
        raise Refused("The folder is not trusted any more, so the edit cannot be judged again.")
    face.progress("check", "the text changed meanwhile")
    verifier = app.verifier(workspace.settings)
    own = {document.path: document for document in change.documents}
    documents = {**face.documents(), **own}
    ground = replace(workspace.ground, consent=Consent(app.store, workspace.root, face))
    proof = await verifier.prepare(ground, change.subject, change.verdict.level, documents, face.progress)
    beside = {path: document.text for path, document in documents.items() if path not in own}
    if stands and not proof.reached:
        return replace(change, beside=beside)
    verdict = await verifier.judge(proof, changes.after(change), whole_workspace=True, progress=face.progress)
    if not verdict.passed:
        raise Refused(
            f"The text changed meanwhile, and the edit no longer holds there: {changes.shortfall(verdict)}.",
            remedy="Run the action again.",
            place=change.subject.path,
            verdict=verdict,
            diagnostics=verdict.new_errors,
        )
    return replace(change, verdict=replace(verdict, attempts=change.verdict.attempts), beside=beside)
