"""A loopback server with the OpenAI wire format, scripted, for tests with the real SDK.

    async with model_server(["fn f() {}"]) as server:      # or a plain `with`, for tests that drive subprocesses
        …  server.url, server.requests

It runs on a thread of its own, so blocking tests can use it too.
The script is a list of answers, each for one request, or a function of the request.
A surplus request, an answer that nobody asked for, and a script that raises all fail the test at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

log = logging.getLogger(__name__)

WAIT_SECONDS = 30.0
"""How long a test waits for what must happen, before it fails."""


@dataclass(frozen=True)
class Say:
    """An answer; a string in a script stands for `Say(string)`.

    With `gated` each piece waits for `server.release()`.
    `then` says what comes after the pieces: the end in good order, silence, a reset connection, or a connection
    closed in the middle of its chunks.
    """

    text: str
    finish: str | None = "stop"
    usage: tuple[int, int] | None = (11, 7)
    done: bool = True
    piece_characters: int = 16
    gated: bool = False
    whole: bool = False
    then: Literal["end", "stall", "reset", "close"] = "end"


@dataclass(frozen=True)
class Raw:
    """Any answer at all; `headers` beside Content-Length."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Break:
    """No answer: silence for ever, or a reset connection."""

    how: Literal["stall", "reset"]


Reply = Say | Raw | Break | str
Script = Sequence[Reply] | Callable[["Request"], Reply]


def failure(status: int, message: str, headers: Mapping[str, str] | None = None, **more: object) -> Raw:
    """An error as the API says it; `more` are `code`, `param` and the like."""
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None} | more}
    return Raw(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | dict(headers or {}))


def events(*data: str) -> Raw:
    """A stream of these events, as they are."""
    body = "".join(f"data: {line}\n\n" for line in data).encode()
    return Raw(200, body, {"Content-Type": "text/event-stream"})


def html(status: int = 200) -> Raw:
    """What a server says that is no API."""
    return Raw(status, b"<!doctype html><title>Welcome</title>", {"Content-Type": "text/html; charset=utf-8"})


@dataclass
class Request:
    """What was asked; `gone` when the client closed the connection before the answer was over."""

    method: str
    target: str
    headers: dict[str, str]
    body: dict[str, Any]
    gone: bool = False
    answered: bool = False

    @property
    def prompt(self) -> str:
        """What the user said last."""
        said = [message["content"] for message in self.body["messages"] if message["role"] == "user"]
        return str(said[-1])


class ModelServer:
    """See the module's docstring.

    `requests` are those that the script answered, `rejected` those that named an option of `rejects`,
    `listings` those for the models.
    """

    def __init__(
        self,
        script: Script = (),
        *,
        models: Sequence[str] = ("test-model",),
        key: str | None = None,
        rejects: Collection[str] = (),
    ) -> None:
        self.requests: list[Request] = []
        self.rejected: list[Request] = []
        self.listings: list[Request] = []
        self.problems: list[str] = []
        self._script = script if callable(script) else list(script)
        self._models, self._key, self._rejects = models, key, rejects
        self._changed = threading.Condition()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="model-server", daemon=True)

    @property
    def url(self) -> str:
        """What `base_url` is to be."""
        return f"http://127.0.0.1:{self._port}/v1"

    def release(self, pieces: int = 1) -> None:
        """Let so many pieces of a gated answer go."""
        for _ in range(pieces):
            self._loop.call_soon_threadsafe(self._gate.release)

    def wait(self, until: Callable[[], bool]) -> None:
        """Block until something has happened here, such as `lambda: server.requests[0].gone`."""
        with self._changed:
            assert self._changed.wait_for(until, WAIT_SECONDS), "It did not happen."

    async def until(self, condition: Callable[[], bool]) -> None:
        """The same for an event loop."""
        await asyncio.to_thread(self.wait, condition)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(WAIT_SECONDS)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_SECONDS)
        if kind is None:
            left = [] if callable(self._script) else [f"Nobody asked for {reply!r:.80}." for reply in self._script]
            assert not self.problems + left, self.problems + left

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await asyncio.to_thread(self.__exit__, kind)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._gate = asyncio.Event(), asyncio.Semaphore(0)
        self._connections: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests, one after the other, until the client has gone."""
        begun = b""
        try:
            while True:
                request = await self._read(reader, begun)
                answering = self._loop.create_task(self._answer(request, writer))
                listening = self._loop.create_task(reader.read(1))
                try:
                    await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
                    # Whoever goes with something unread resets the connection instead of closing it.
                    if not answering.done() and (listening.exception() is not None or not listening.result()):
                        self._note(request, gone=True)
                        break
                    await answering
                    self._note(request, answered=True)
                    begun = await listening
                    if not begun:
                        break
                finally:
                    answering.cancel()
                    listening.cancel()
                    await asyncio.gather(answering, listening, return_exceptions=True)
        except (ConnectionError, asyncio.IncompleteReadError):
            log.debug("A connection ended.")
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader, begun: bytes) -> Request:
        head = (begun + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        method, target, _ = first.split(" ")
        return Request(method, target, headers, json.loads(body) if body else {})

    def _note(self, request: Request, *, gone: bool = False, answered: bool = False) -> None:
        with self._changed:
            request.gone, request.answered = request.gone or gone, request.answered or answered
            self._changed.notify_all()

    def _reply(self, request: Request) -> Reply:
        """What the request is answered with; it is kept in one of the lists."""
        with self._changed:
            self._changed.notify_all()
            if self._key is not None and request.headers.get("authorization") != f"Bearer {self._key}":
                self.rejected.append(request)
                return failure(401, f"Incorrect API key provided: {request.headers.get('authorization')}.")
            if request.target == "/v1/models":
                self.listings.append(request)
                listed = {"object": "list", "data": [{"id": name, "object": "model"} for name in self._models]}
                return Raw(200, json.dumps(listed).encode(), {"Content-Type": "application/json"})
            if request.target != "/v1/chat/completions":
                self.rejected.append(request)
                return html(404)
            for option in self._rejects:
                if option in request.body:
                    self.rejected.append(request)
                    return failure(400, f"Unrecognized request argument supplied: {option}", param=option)
            self.requests.append(request)
        return self._scripted(request)

    def _scripted(self, request: Request) -> Reply:
        try:
            if callable(self._script):
                return self._script(request)
            if self._script:
                return self._script.pop(0)
            self.problems.append("A surplus request came.")
        except Exception as error:
            log.exception("The script failed.")
            self.problems.append(f"The script failed: {error!r}")
        return failure(400, "The script has no answer.")

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        reply = self._reply(request)
        if isinstance(reply, str):
            reply = Say(reply)
        if isinstance(reply, Break):
            await self._break(reply.how, writer)
        elif isinstance(reply, Raw):
            await self._raw(reply, writer)
        elif reply.whole or not request.body.get("stream"):
            message = {"role": "assistant", "content": reply.text}
            choice = {"index": 0, "message": message, "finish_reason": reply.finish}
            said = json.dumps(_envelope(request, [choice], reply.usage)).encode()
            await self._raw(Raw(200, said, {"Content-Type": "application/json"}), writer)
        else:
            await self._stream(reply, request, writer)

    async def _raw(self, reply: Raw, writer: asyncio.StreamWriter) -> None:
        headers = {"Content-Length": str(len(reply.body))} | dict(reply.headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} Scripted\r\n{lines}\r\n".encode() + reply.body)
        await writer.drain()

    async def _stream(self, say: Say, request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        async for event in self._events(say, request):
            line = f"data: {event}\n\n".encode()
            writer.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
            await writer.drain()
        if say.then == "end":
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        else:
            await self._break(say.then, writer)

    async def _events(self, say: Say, request: Request) -> AsyncIterator[str]:
        counted = bool(request.body.get("stream_options", {}).get("include_usage"))
        for start in range(0, len(say.text), say.piece_characters):
            if say.gated:
                await self._gate.acquire()
            delta = {"role": "assistant", "content": say.text[start : start + say.piece_characters]}
            yield json.dumps(_envelope(request, [{"index": 0, "delta": delta, "finish_reason": None}]))
        if say.then != "end":
            return
        if say.finish is not None:
            yield json.dumps(_envelope(request, [{"index": 0, "delta": {}, "finish_reason": say.finish}]))
        if say.usage is not None and counted:
            yield json.dumps(_envelope(request, [], say.usage))
        if say.done:
            yield "[DONE]"

    async def _break(self, how: Literal["stall", "reset", "close"], writer: asyncio.StreamWriter) -> None:
        if how == "stall":
            await asyncio.Event().wait()
        if how == "reset":
            connection = writer.get_extra_info("socket")
            # With no time to linger, closing sends a reset.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.close()


def _envelope(request: Request, choices: list[Any], usage: tuple[int, int] | None = None) -> dict[str, Any]:
    said: dict[str, Any] = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "choices": choices}
    said["model"] = request.body.get("model", "")
    if usage is not None:
        given, made = usage
        said["usage"] = {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}
    return said


model_server = ModelServer
