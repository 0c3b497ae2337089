"""The server on TCP as a real process: who may listen where, who is let in, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

HELLO = {"processId": None, "rootUri": None, "capabilities": {}}


class Peer:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, **message: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def request(self, number: int, method: str, params: Any) -> dict[str, Any]:
        self.send(id=number, method=method, params=params)
        while True:
            header = await self.reader.readuntil(b"\r\n\r\n")
            length = int(header.split(b"Content-Length:")[1].split(b"\r\n")[0])
            message: dict[str, Any] = json.loads(await self.reader.readexactly(length))
            if message.get("id") == number and "method" not in message:
                return message

    async def hello(self, **options: Any) -> dict[str, Any]:
        return await self.request(1, "initialize", {**HELLO, "initializationOptions": options})


async def started(*arguments: str, token: str = "") -> asyncio.subprocess.Process:
    env = {**os.environ, "OPENCRATES_TOKEN": token}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "opencrates_lsp", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )


@asynccontextmanager
async def listening(*arguments: str, token: str = "") -> AsyncIterator[tuple[int, asyncio.subprocess.Process]]:
    process = await started("--tcp", "127.0.0.1:0", *arguments, token=token)
    try:
        assert process.stderr is not None
        line = await asyncio.wait_for(process.stderr.readline(), 30)
        assert b"listens at 127.0.0.1:" in line, line
        yield int(line.rsplit(b":", 1)[1]), process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Peer(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_each_client_has_its_own_texts_and_one_may_go() -> None:
    async with listening() as (port, process):
        async with connected(port) as one, connected(port) as two:
            for peer in (one, two):
                assert "result" in await peer.hello()
            text = {"uri": "file:///a.rs", "languageId": "rust", "version": 1, "text": "fn f() { todo!() }"}
            one.send(method="textDocument/didOpen", params={"textDocument": text})
            asked = {"textDocument": {"uri": "file:///a.rs"}}
            assert len((await one.request(2, "textDocument/diagnostic", asked))["result"]["items"]) == 1
            assert (await two.request(2, "textDocument/diagnostic", asked))["result"]["items"] == []
            one.send(method="exit")
            assert await one.reader.read() == b""
            assert "result" in await two.request(3, "textDocument/diagnostic", asked)
        assert process.returncode is None


@pytest.mark.parametrize("way", ["environment", "file"])
async def test_the_token_is_asked_for(tmp_path: Path, way: str) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    arguments = ["--token-file", str(tmp_path / "token")] if way == "file" else []
    async with listening(*arguments, token="" if way == "file" else "s3cret") as (port, _):
        for wrong in ({}, {"token": "other"}, {"token": 7}):
            async with connected(port) as peer:
                answer = await peer.hello(**wrong)
                assert answer["error"]["code"] == -32600
                assert "s3cret" not in json.dumps(answer)
                assert await peer.reader.read() == b"", "the server hangs up"
        async with connected(port) as peer:
            assert "result" in await peer.hello(token="s3cret")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
async def test_a_signal_ends_it(sent: signal.Signals, code: int) -> None:
    async with listening() as (port, process), connected(port) as peer:
        await peer.hello()
        process.send_signal(sent)
        assert await asyncio.wait_for(process.wait(), 10) == code
        assert await peer.reader.read() == b""


@pytest.mark.parametrize(
    ("arguments", "token", "words"),
    [
        (["--tcp", "0.0.0.0:0"], "t", "--tcp-anywhere"),
        (["--tcp", "0.0.0.0:0", "--tcp-anywhere"], "", "a token"),
        (["--tcp", "nowhere"], "", "HOST:PORT"),
        (["--tcp", "127.0.0.1:70000"], "", "HOST:PORT"),
        (["--tcp", "127.0.0.1:0", "--stdio"], "", "exclude"),
        (["--token-file", "/does/not/exist"], "", "--token-file"),
        (["--nonsense"], "", "--nonsense"),
    ],
)
async def test_wrong_usage_is_said(arguments: list[str], token: str, words: str) -> None:
    process = await started(*arguments, token=token)
    out, error = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert words in error.decode()


async def test_anywhere_takes_both_the_flag_and_a_token() -> None:
    process = await started("--tcp", "0.0.0.0:0", "--tcp-anywhere", token="t")
    try:
        assert process.stderr is not None
        assert b"listens at 0.0.0.0:" in await process.stderr.readline()
    finally:
        process.terminate()
        await process.communicate()


async def test_an_address_that_is_taken_is_said() -> None:
    async with listening() as (port, _):
        process = await started("--tcp", f"127.0.0.1:{port}")
        _, error = await process.communicate()
        assert (process.returncode, b"cannot listen" in error) == (3, True)
