"""The server of one connection, and the process around it."""

from __future__ import annotations

import asyncio
import logging
import sys

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from opencrates_lsp import __version__
from opencrates_lsp.server.diagnostics import HoleDiagnostics
from opencrates_lsp.server.protocol import DocumentProtocol
from opencrates_lsp.server.transport import serve_stdio

USAGE = "usage: opencrates-lsp [--version]   (speaks the language server protocol on standard input and output)"


def build() -> LanguageServer:
    """A server for one connection, with its handlers."""
    server = LanguageServer(
        "opencrates-lsp",
        __version__,
        text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
        protocol_cls=DocumentProtocol,
    )
    HoleDiagnostics(server).register()
    return server


def main() -> None:
    """Serve the editor that started this process; exits as the protocol has it."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"opencrates-lsp {__version__}\n")
        return
    if arguments and arguments != ["--stdio"]:
        sys.stderr.write(f"opencrates-lsp: unknown argument {arguments[0]!r}\n{USAGE}\n")
        sys.exit(2)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    sys.exit(asyncio.run(_serve()))


async def _serve() -> int:
    protocol = build().protocol
    if not isinstance(protocol, DocumentProtocol):
        raise TypeError(protocol)
    return await serve_stdio(protocol)
