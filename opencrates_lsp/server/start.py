"""The server of one connection, and the process around it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from opencrates_lsp import __version__
from opencrates_lsp.server import code_action, commands
from opencrates_lsp.server.core import OpenCore, open_app
from opencrates_lsp.server.diagnostics import HoleDiagnostics
from opencrates_lsp.server.log import log_to_stderr_and_editor
from opencrates_lsp.server.protocol import DocumentProtocol
from opencrates_lsp.server.session import Session
from opencrates_lsp.server.transport import serve_stdio

if TYPE_CHECKING:
    from opencrates_lsp.actions.base import Action

logger = logging.getLogger(__name__)

LAST_SECONDS = 0.9
"""The process ends so soon after its last editor has gone, whatever still runs in its threads."""


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; `tcp` is None for standard input and output."""

    level: int = logging.WARNING
    tcp: tuple[str, int] | None = None
    token: str = ""


def all_actions() -> Sequence[Action]:
    """The actions, imported when the first offer is asked for."""
    from opencrates_lsp.actions import ALL

    return ALL


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
    HoleDiagnostics(server).register()
    code_action.register(server, session, actions)
    commands.register(server, session)
    return session


def main() -> None:
    """Serve the editor that started this process, or those that connect; exits as the protocol has it."""
    arguments = sys.argv[1:]
    options = Options(token=os.environ.get("OPENCRATES_TOKEN", ""))
    if arguments not in ([], ["--stdio"]):
        options = _read(arguments, options.token)
    log_to_stderr_and_editor(options.level)
    sys.exit(asyncio.run(_serve(options)))


def _read(arguments: Sequence[str], token: str) -> Options:
    """The command line; ends the process where it cannot mean anything."""
    # Editors pass nothing, so they do not pay for this import.
    import argparse

    parser = argparse.ArgumentParser("opencrates-lsp", description="The language server of OpenCrates.")
    parser.add_argument("--version", action="version", version=f"opencrates-lsp {__version__}")
    parser.add_argument("--stdio", action="store_true", help="speak on standard input and output (the default)")
    parser.add_argument("--tcp", metavar="HOST:PORT", help="listen; port 0 takes a free one and prints it")
    parser.add_argument("--tcp-anywhere", action="store_true", help="allow a HOST that other machines reach")
    parser.add_argument(
        "--token-file",
        type=Path,
        help="a file with the token that clients send in initializationOptions.token (or OPENCRATES_TOKEN)",
    )
    parser.add_argument("--log-level", default="warning", choices=["debug", "info", "warning", "error"])
    parsed = parser.parse_args(arguments)
    if parsed.stdio and parsed.tcp:
        parser.error("--stdio and --tcp exclude each other")
    if parsed.token_file is not None:
        try:
            token = parsed.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            parser.error(f"--token-file cannot be read: {error}")
        if not token:
            parser.error("--token-file is empty")
    tcp = None
    if parsed.tcp is not None:
        tcp = _address(parsed.tcp, parser.error)
        if not _loopback(tcp[0]) and not (parsed.tcp_anywhere and token):
            parser.error(f"{tcp[0]} is not this machine alone: that takes --tcp-anywhere and a token")
    return Options(getattr(logging, parsed.log_level.upper()), tcp, token)


def _address(text: str, wrong: Callable[[str], object]) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        wrong("--tcp takes HOST:PORT, as in 127.0.0.1:9257")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(options: Options) -> int:
    if options.tcp is not None:
        from opencrates_lsp.server.tcp import serve_tcp

        return await serve_tcp(*options.tcp, lambda: build(token=options.token), end_soon)
    session = build(token=options.token)

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
