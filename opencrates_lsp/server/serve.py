"""The server of one connection, and the loop that serves one on standard input and output, or many on TCP."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from opencrates_lsp import __version__
from opencrates_lsp.server import code_action
from opencrates_lsp.server.core import Json, OpenCore, open_app
from opencrates_lsp.server.diagnostics import HoleDiagnostics
from opencrates_lsp.server.protocol import DocumentProtocol
from opencrates_lsp.server.session import Session
from opencrates_lsp.server.transport import serve_stdio

if TYPE_CHECKING:
    from opencrates_lsp.actions.base import Action

LAST_SECONDS = 0.9
"""The process ends so soon after its last editor has gone, whatever still runs in its threads."""

COMMANDS = tuple(
    f"opencrates.{name}"
    for name in (
        *("fill", "fillFile", "newCrate", "undo", "takeOffer", "holes", "jobs", "cancel", "history", "usage"),
        *("providers", "selectProvider", "showPrompt", "showAttempt"),
    )
)
"""What is advertised; `commands.COMMANDS` runs them."""


def all_actions() -> Sequence[Action]:
    """The actions, imported when the first offer is asked for."""
    from opencrates_lsp.actions import ALL

    return ALL


async def _execute(session: Session, params: types.ExecuteCommandParams) -> Json:
    """Run a command; what runs it is imported when the first one comes."""
    from opencrates_lsp.server.commands import execute

    return await execute(session, params)


def build(
    open_core: OpenCore = open_app, actions: Callable[[], Sequence[Action]] = all_actions, token: str = ""
) -> Session:
    """The server of one connection, with its handlers."""
    server = LanguageServer(
        "opencrates-lsp",
        __version__,
        text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
        protocol_cls=DocumentProtocol,
    )
    session = Session(server, open_core, token)
    diagnostics = HoleDiagnostics(server, session.shows_holes)
    diagnostics.register()
    session.holes_switched = diagnostics.refresh
    code_action.register(server, session, actions)
    for name in COMMANDS:
        server.command(name)(partial(_execute, session))
    return session


async def serve(tcp: tuple[str, int] | None, make: Callable[[], Session]) -> int:
    """Serve until the editor, or a signal, ends it; returns the exit code.

    `tcp` is where to listen, None for standard input and output; `make` gives each connection its session.
    """
    if tcp is not None:
        from opencrates_lsp.server.tcp import serve_tcp

        return await serve_tcp(*tcp, make, end_soon)
    session = make()
    closing: list[asyncio.Task[None]] = []

    def stopping(code: int) -> None:
        end_soon(code)
        closing.append(asyncio.create_task(session.close()))

    code = await serve_stdio(session.protocol, stopping)
    await asyncio.gather(*closing)
    return code


def end_soon(code: int) -> None:
    """End the process by force where it does not end by itself: a thread that imports or reads cannot be cancelled."""

    def force() -> None:
        sys.stderr.flush()
        os._exit(code)

    timer = threading.Timer(LAST_SECONDS, force)
    timer.daemon = True
    timer.start()
