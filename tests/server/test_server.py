"""The server as a real process, spoken to as an editor does."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

URI = "file:///crate/src/lib.rs"
TEXT = 'fn größe() -> u8 { /* 𝄞 */ todo!("messen") }\n'


class Client:
    """A few lines of LSP over a subprocess's pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._number = 0

    def send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        header = await self.process.stdout.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in header.split(b"\r\n") if b"Length" in line)
        message: dict[str, Any] = json.loads(await self.process.stdout.readexactly(length))
        return message

    async def request(self, method: str, params: Any = None) -> dict[str, Any]:
        self._number += 1
        self.send(id=self._number, method=method, params=params)
        while True:
            message = await self.receive()
            if message.get("id") == self._number:
                return message

    async def told(self, method: str) -> dict[str, Any]:
        while True:
            message = await self.receive()
            if message.get("method") == method:
                params: dict[str, Any] = message["params"]
                return params

    def open(self, text: str = TEXT) -> None:
        document = {"uri": URI, "languageId": "rust", "version": 1, "text": text}
        self.send(method="textDocument/didOpen", params={"textDocument": document})

    async def exit_code(self) -> int:
        return await self.process.wait()


@asynccontextmanager
async def connected(capabilities: dict[str, Any]) -> AsyncIterator[Client]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "opencrates_lsp", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    client = Client(process)
    try:
        answer = await client.request("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        assert answer["result"]["serverInfo"]["name"] == "opencrates-lsp"
        client.send(method="initialized", params={})
        yield client
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        assert process.stdin is not None
        process.stdin.close()


PULLS = {"textDocument": {"diagnostic": {}}, "general": {"positionEncodings": ["utf-8", "utf-16"]}}


async def test_holes_are_pulled_in_the_negotiated_encoding() -> None:
    async with connected(PULLS) as client:
        client.open()
        answer = await client.request("textDocument/diagnostic", {"textDocument": {"uri": URI}})
        (hole,) = answer["result"]["items"]
        assert hole["code"] == "hole"
        assert hole["message"] == "`größe` has a hole: messen"
        assert hole["range"]["start"] == {"line": 0, "character": len(TEXT[: TEXT.index("todo")].encode())}


async def test_holes_are_pushed_to_who_cannot_pull_and_follow_the_text() -> None:
    async with connected({}) as client:
        client.open()
        first = await client.told("textDocument/publishDiagnostics")
        start = first["diagnostics"][0]["range"]["start"]
        assert start["character"] == len(TEXT[: TEXT.index("todo")].encode("utf-16-le")) // 2
        end = {"line": 0, "character": start["character"] + len('todo!("messen")')}
        change = {"range": {"start": start, "end": end}, "text": "1"}
        params = {"textDocument": {"uri": URI, "version": 2}, "contentChanges": [change]}
        client.send(method="textDocument/didChange", params=params)
        second = await client.told("textDocument/publishDiagnostics")
        assert (second["version"], second["diagnostics"]) == (2, [])


async def test_what_cannot_be_understood_is_answered_and_the_server_lives_on() -> None:
    async with connected(PULLS) as client:
        assert (await client.request("opencrates/nothing"))["error"]["code"] == -32601
        assert "error" in await client.request("textDocument/diagnostic", {"textDocument": 7})
        assert "error" in await client.request("workspace/executeCommand", {"command": "opencrates.nothing"})
        assert (await client.request("shutdown"))["result"] is None


async def test_the_process_ends_as_the_protocol_has_it() -> None:
    async with connected({}) as client:
        await client.request("shutdown")
        client.send(method="exit")
        assert await client.exit_code() == 0


@pytest.mark.parametrize(("way", "code"), [("exit", 1), ("closed", 1), ("term", 143)])
async def test_it_ends_when_the_editor_just_goes(way: str, code: int) -> None:
    async with connected({}) as client:
        if way == "exit":
            client.send(method="exit")
        elif way == "closed":
            assert client.process.stdin is not None
            client.process.stdin.close()
        else:
            client.process.send_signal(signal.SIGTERM)
        assert await client.exit_code() == code
