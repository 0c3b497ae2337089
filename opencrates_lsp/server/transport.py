"""Bytes to messages and back, on the event loop itself.

pygls reads each header line and each body in a thread of its own, which costs more than all the rest of a keystroke;
a pipe or a socket can be read by the loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import signal
import stat
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opencrates_lsp.server.protocol import DocumentProtocol

logger = logging.getLogger(__name__)

_LENGTH = re.compile(rb"^content-length:[ \t]*(\d+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_READ = 1 << 16


class Framing(asyncio.Protocol):
    """Cuts what arrives into messages; `lost` is called once, when nothing more will arrive."""

    def __init__(self, receive: Callable[[bytes], None], lost: Callable[[], None]) -> None:
        self._receive = receive
        self._lost = lost
        self._buffer = bytearray()
        self._body = 0
        self._wanted: int | None = None

    def data_received(self, data: bytes) -> None:
        """Take some bytes, and hand on every message that is complete."""
        buffer = self._buffer
        buffer += data
        at = 0
        while True:
            if self._wanted is None:
                end = buffer.find(b"\r\n\r\n", at)
                if end < 0:
                    break
                match = _LENGTH.search(bytes(buffer[at:end]))
                if match is None:
                    logger.error("A header without Content-Length was skipped.")
                self._wanted = 0 if match is None else int(match[1])
                at = end + 4
            end = at + self._wanted
            if len(buffer) < end:
                break
            if self._wanted:
                body = bytes(memoryview(buffer)[at:end])
                self._receive(body)
            at = end
            self._wanted = None
        # Once for everything that came, because cutting the front off moves the rest.
        del buffer[:at]

    def eof_received(self) -> None:
        """The other side has said its last word."""

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more will arrive."""
        self._lost()


class _StreamWriter:
    """What pygls writes to, over an asyncio transport: never blocks, so a client that does not read stalls nobody."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()


class _FileWriter:
    """What pygls writes to where standard output is no pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        os.close(self._descriptor)


class _Flushed(asyncio.BaseProtocol):
    """Tells when a write transport is closed and all is written."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self.closed = asyncio.get_running_loop().create_future()
        self._lost = lost

    def connection_lost(self, error: Exception | None) -> None:
        self._lost()
        if not self.closed.done():
            self.closed.set_result(None)


async def serve_stdio(protocol: DocumentProtocol, stopping: Callable[[int], object] | None = None) -> int:
    """Speak with the editor over standard input and output until it says `exit`, goes away, or SIGTERM comes.

    Returns the exit code: the one of `exit`, 1 where the editor went away without it, 143 after SIGTERM.
    `stopping` is called with it as soon as that is known.
    From here on descriptor 0 reads nothing and descriptor 1 is standard error, so that neither a stray `print` nor a
    child process can break into the conversation.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not ended.done():
            ended.set_result(code)
            if stopping is not None:
                stopping(code)

    protocol.exited = end
    framing = Framing(protocol.receive, lambda: end(1))
    sys.stdout.flush()
    source, target = _taken_over()
    if os.name == "posix":
        loop.add_signal_handler(signal.SIGTERM, end, 143)
    if _loop_can_serve(source, target):
        flushed = _Flushed(lambda: end(1))
        writer, _ = await loop.connect_write_pipe(lambda: flushed, os.fdopen(target, "wb", buffering=0))
        reader, _ = await loop.connect_read_pipe(lambda: framing, os.fdopen(source, "rb", buffering=0))
        protocol.set_writer(_StreamWriter(writer))
        try:
            return await ended
        finally:
            reader.close()
            writer.close()
            try:
                # A client that left its end open without reading gets no more than this.
                await asyncio.wait_for(flushed.closed, 0.5)
            except TimeoutError:
                writer.abort()
    protocol.set_writer(_FileWriter(target))
    threading.Thread(target=_read, args=(source, loop, framing), name="stdin", daemon=True).start()
    return await ended


def _taken_over() -> tuple[int, int]:
    source, target = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    return source, target


def _loop_can_serve(source: int, target: int) -> bool:
    """Whether both are pipes or sockets that the loop can wait for, and not one socket for both ways.

    asyncio takes bytes that arrive on the writing side for the end of the connection.
    """
    if os.name != "posix":
        return False
    ways = os.fstat(source), os.fstat(target)
    if any(not (stat.S_ISFIFO(way.st_mode) or stat.S_ISSOCK(way.st_mode)) for way in ways):
        return False
    return (ways[0].st_dev, ways[0].st_ino) != (ways[1].st_dev, ways[1].st_ino)


def _read(descriptor: int, loop: asyncio.AbstractEventLoop, framing: Framing) -> None:
    """Read a terminal, a file or a Windows pipe, which the loop cannot wait for; ends with the process."""
    try:
        while data := os.read(descriptor, _READ):
            loop.call_soon_threadsafe(framing.data_received, data)
    except OSError as error:
        logger.warning("Standard input cannot be read: %s", error)
    try:
        loop.call_soon_threadsafe(framing.connection_lost, None)
    except RuntimeError:
        logger.debug("The loop ended before its input did.")


class Connection(Framing):
    """One TCP connection with a protocol object of its own, so that no client ever sees another's answers."""

    def __init__(self, make: Callable[[], DocumentProtocol], closed: Callable[[DocumentProtocol], None]) -> None:
        self._protocol = make()
        super().__init__(self._protocol.receive, lambda: closed(self._protocol))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        if not isinstance(transport, asyncio.WriteTransport):
            raise TypeError(transport)
        self._protocol.set_writer(_StreamWriter(transport))
        # `exit` ends the conversation with this client only.
        self._protocol.exited = lambda code: transport.close()


async def listen(
    host: str, port: int, make: Callable[[], DocumentProtocol], closed: Callable[[DocumentProtocol], None]
) -> asyncio.Server:
    """Serve TCP: `make` gives each client its protocol, `closed` is told when the client has gone."""
    return await asyncio.get_running_loop().create_server(lambda: Connection(make, closed), host, port)
