"""A proved crate from its staging folder to the user: published, made a member, shown."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from opencrates_lsp.crates.joining import joining, joining_now
from opencrates_lsp.errors import Missing, OpenCratesError
from opencrates_lsp.face import Face
from opencrates_lsp.faces.uris import uri_of
from opencrates_lsp.server.apply import apply
from opencrates_lsp.server.core import Core, StagedCrate
from opencrates_lsp.server.face import EditorFace
from opencrates_lsp.server.work import Outcome
from opencrates_lsp.values import Change, Replace

if TYPE_CHECKING:
    from opencrates_lsp.crates.spec import CrateSpec
    from opencrates_lsp.server.session import Session

SHOW_SECONDS = 10.0
_MAIN_FILES = ("src/lib.rs", "src/main.rs")


async def new_crate(session: Session, spec: CrateSpec, core: Core, face: EditorFace) -> Outcome:
    """Make the crate; nothing is left of one that was not proved or could not be published."""
    staged = await core.new_crate(spec, face)
    try:
        await asyncio.to_thread(staged.publish)
    except BaseException:
        await asyncio.to_thread(staged.discard)
        raise
    files = tuple(path for name in _MAIN_FILES if (path := staged.target / name).is_file())
    notes = list(staged.notes)
    changed: tuple[Path, ...] = ()
    if staged.manifest is not None:
        try:
            changed = await _joined(session, core, staged, staged.manifest, face)
            notes.append(f"Save {staged.manifest.path.name}: the crate is a member of the workspace from then on.")
        except OpenCratesError as error:
            # The crate stands; only the workspace does not know it yet.
            notes.append(f"It is no member of the workspace yet: {error} Add it to `members` in Cargo.toml yourself.")
    if files and session.client.show_document:
        params = types.ShowDocumentParams(uri=uri_of(files[0]), take_focus=True)
        await session.protocol.ask(types.WINDOW_SHOW_DOCUMENT, params, SHOW_SECONDS)
    title = f"New crate `{spec.name}` in {staged.target}"
    return Outcome(title, files + changed, staged.verdict, staged.usage, tuple(notes))


async def _joined(session: Session, core: Core, staged: StagedCrate, edit: Replace, face: Face) -> tuple[Path, ...]:
    text = await asyncio.to_thread(_text, session, edit.path)
    change = joining(staged.target.name, edit, text, staged.verdict, staged.usage)
    done = await apply(session, _Manifests(session, core), change, face)
    return done.files


def _text(session: Session, path: Path) -> bytes:
    document = session.documents.at(path)
    if document is not None:
        return bytes(document.text)
    try:
        return path.read_bytes()
    except OSError as error:
        raise Missing(f"The manifest cannot be read: {error.strerror}.", place=path) from error


@dataclass(frozen=True, slots=True)
class _Manifests:
    """How a manifest's edit is settled: it has no items, so only what stands wholly before or after it may move."""

    session: Session
    core: Core

    def confirms(self, path: Path) -> bool:
        """A new crate was asked for with its place in the workspace."""
        return False

    async def settle(self, change: Change, face: Face) -> Change:
        """The change as one of the manifest as it is now."""
        return joining_now(change, await asyncio.to_thread(_text, self.session, change.documents[0].path))

    async def begin(self, change: Change, after: Mapping[Path, bytes | None]) -> None:
        """As the core does."""
        await self.core.begin(change, after)

    async def end(self, change: Change, *, applied: bool, undone: str | None = None) -> None:
        """As the core does."""
        await self.core.end(change, applied=applied, undone=undone)
