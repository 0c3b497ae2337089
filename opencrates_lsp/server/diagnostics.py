"""Holes as diagnostics: severity Hint, source `opencrates`, code `hole`.

Pulled where the editor can pull, pushed elsewhere, never both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.server.documents import OpenDocument
from opencrates_lsp.server.protocol import DocumentProtocol

if TYPE_CHECKING:
    from pygls.lsp.server import LanguageServer

REFRESH_SECONDS = 10.0
QUIET_SECONDS = 0.3
"""The holes are pushed when nothing was typed for so long; no parse happens on a keystroke."""


class HoleDiagnostics:
    """The holes of the open Rust texts of one connection, as long as `shown` says that they are wanted."""

    def __init__(self, server: LanguageServer, shown: Callable[[], bool]) -> None:
        protocol = server.protocol
        if not isinstance(protocol, DocumentProtocol):
            raise TypeError(protocol)
        self._server = server
        self._shown = shown
        self._protocol = protocol
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def register(self) -> None:
        """Answer pulls, and listen to the documents for those who cannot pull."""
        options = types.DiagnosticOptions(
            inter_file_dependencies=False, workspace_diagnostics=False, identifier="opencrates"
        )

        # pygls marks the functions that it is given, which a bound method does not allow.
        @self._server.feature(types.TEXT_DOCUMENT_DIAGNOSTIC, options)
        async def pull(params: types.DocumentDiagnosticParams) -> types.RelatedFullDocumentDiagnosticReport:
            document = self._protocol.documents.get(params.text_document.uri)
            return types.RelatedFullDocumentDiagnosticReport(items=self._found(document) if document else [])

        follow = self._protocol.opened

        def opened(document: OpenDocument) -> None:
            follow(document)
            self._later(document)

        self._protocol.opened = opened
        self._protocol.changed = self._later
        self._protocol.closed = self._clear

    def _pushes(self) -> bool:
        text_document = self._server.client_capabilities.text_document
        return text_document is None or text_document.diagnostic is None

    def _later(self, document: OpenDocument) -> None:
        if not self._pushes():
            return
        timer = self._timers.pop(document.uri, None)
        if timer is not None:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._timers[document.uri] = loop.call_later(QUIET_SECONDS, self._push, document)

    def _push(self, document: OpenDocument) -> None:
        self._timers.pop(document.uri, None)
        self._publish(document.uri, self._found(document), document.version)

    def _found(self, document: OpenDocument) -> list[types.Diagnostic]:
        return found_in(document) if self._shown() else []

    async def refresh(self) -> None:
        """Show what is to be shown by now."""
        if self._pushes():
            for document in self._protocol.documents:
                self._push(document)
            return
        workspace = self._server.client_capabilities.workspace
        if workspace is not None and workspace.diagnostics is not None and workspace.diagnostics.refresh_support:
            await self._protocol.ask(types.WORKSPACE_DIAGNOSTIC_REFRESH, None, REFRESH_SECONDS)

    def _clear(self, document: OpenDocument) -> None:
        timer = self._timers.pop(document.uri, None)
        if timer is not None:
            timer.cancel()
        if self._pushes():
            self._publish(document.uri, [], None)

    def _publish(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        self._server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))


def found_in(document: OpenDocument) -> list[types.Diagnostic]:
    """The holes of a text as diagnostics; none where it is not Rust."""
    if document.language != "rust":
        return []
    found = []
    for hole in holes(document.source()):
        start, end = document.places(hole.span)
        name = qualified_name(hole.item)
        found.append(
            types.Diagnostic(
                range=types.Range(types.Position(*start), types.Position(*end)),
                message=f"`{name}` has a hole" + (f": {hole.message}" if hole.message else "."),
                severity=types.DiagnosticSeverity.Hint,
                code="hole",
                source="opencrates",
            )
        )
    return found
