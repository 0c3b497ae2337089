"""The language server's process: its command line, its logging, its end.

Nothing heavy is imported before `main`, so that the garbage collector can rest while classes are made.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp import __version__


@dataclass(frozen=True, slots=True)
class Options:
    """The command line; `tcp` is None for standard input and output."""

    level: int = logging.WARNING
    tcp: tuple[str, int] | None = None
    token: str = ""


def main() -> None:
    """Serve the editor that started this process, or those that connect; exits as the protocol has it."""
    arguments = sys.argv[1:]
    options = Options(token=os.environ.get("OPENCRATES_TOKEN", ""))
    if arguments not in ([], ["--stdio"]):
        options = _read(arguments, options.token)
    # Hundreds of classes are made and none is garbage: collecting meanwhile costs a tenth of the start, and
    # afterwards nobody need look at them again.
    gc.disable()
    import asyncio

    from opencrates_lsp.server.log import log_to_stderr_and_editor
    from opencrates_lsp.server.serve import build, serve

    gc.freeze()
    gc.enable()
    log_to_stderr_and_editor(options.level)
    sys.exit(asyncio.run(serve(options.tcp, lambda: build(token=options.token))))


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
