"""However the editor goes: within a second the process is gone, and its children with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LIB = "file:///project/src/lib.rs"
TEXT = "fn f() -> u8 {\n    todo!()\n}\n"
FILL = {"command": "opencrates.fill", "arguments": [{"uri": LIB, "position": {"line": 1, "character": 4}}]}


def framed(**message: Any) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(("way", "code"), [("exit", 1), ("shutdown", 0), ("closed", 1), ("term", 143)])
async def test_it_ends_and_leaves_no_child(way: str, code: int) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("stuck_server.py"))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    document = {"uri": LIB, "languageId": "rust", "version": 1, "text": TEXT}
    hello = {"processId": None, "rootUri": None, "capabilities": {}}
    process.stdin.write(
        framed(id=1, method="initialize", params=hello)
        + framed(method="initialized", params={})
        + framed(method="textDocument/didOpen", params={"textDocument": document})
        + framed(id=2, method="workspace/executeCommand", params=FILL)
    )
    words = ""
    while not (found := re.search(r"child (\d+)\nraw\n", words)):
        line = await asyncio.wait_for(process.stderr.readline(), 30)
        assert line, words
        words += line.decode()
    child = int(found[1])
    assert alive(child)
    begun = time.monotonic()
    if way == "exit":
        process.stdin.write(framed(method="exit"))
    elif way == "shutdown":
        process.stdin.write(framed(id=3, method="shutdown") + framed(method="exit"))
    elif way == "closed":
        process.stdin.close()
    else:
        process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 20) == code
    # The promise is a second; a busy machine gets one more.
    assert time.monotonic() - begun < 2
    assert not alive(child)
    out = await process.stdout.read()
    assert out.startswith(b"Content-Length")
    assert b"raw" not in out
    process.stdin.close()
