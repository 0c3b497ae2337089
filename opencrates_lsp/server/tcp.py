"""The server on TCP: one session a connection, until a signal ends the process."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from opencrates_lsp.server.transport import listen

if TYPE_CHECKING:
    from opencrates_lsp.server.protocol import DocumentProtocol
    from opencrates_lsp.server.session import Session


async def serve_tcp(host: str, port: int, build: Callable[[], Session], stopping: Callable[[int], object]) -> int:
    """Listen and serve; returns the exit code when a signal came: 143 for SIGTERM, 130 for SIGINT.

    Where nobody can listen at the address it says so and returns 3.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    sessions: dict[DocumentProtocol, Session] = {}
    closing: set[asyncio.Task[None]] = set()

    def make() -> DocumentProtocol:
        session = build()
        sessions[session.protocol] = session
        return session.protocol

    def closed(protocol: DocumentProtocol) -> None:
        task = loop.create_task(sessions.pop(protocol).close())
        closing.add(task)
        task.add_done_callback(closing.discard)

    def end(code: int) -> None:
        if not ended.done():
            stopping(code)
            ended.set_result(code)

    try:
        server = await listen(host, port, make, closed)
    except OSError as error:
        sys.stderr.write(f"opencrates-lsp: cannot listen at {host}:{port}: {error.strerror}\n")
        return 3
    if os.name == "posix":
        loop.add_signal_handler(signal.SIGTERM, end, 143)
        loop.add_signal_handler(signal.SIGINT, end, 130)
    for socket in server.sockets:
        address = socket.getsockname()
        sys.stderr.write(f"opencrates-lsp listens at {address[0]}:{address[1]}\n")
    sys.stderr.flush()
    try:
        return await ended
    finally:
        server.close()
        await asyncio.gather(*closing, *(session.close() for session in sessions.values()))
