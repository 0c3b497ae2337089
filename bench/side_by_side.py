"""Servers as subprocesses, spoken to over pipes in raw LSP, in rounds that take turns; only ratios count.

A machine drifts by more than what is to be told apart, so every round asks every server, and the median is taken.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    # Who can pull is not pushed diagnostics, so that no server does work that nobody asked it for.
    "textDocument": {
        "diagnostic": {},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor"]}}},
    },
}


class NotAnswered(Exception):
    """A server answered an error, or no longer answers: there is nothing to measure."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that takes part: its name in the table, how it is started, and the language it takes texts for."""

    name: str
    command: tuple[str, ...]
    language: str = "rust"


OURS = Contender("opencrates-lsp", (sys.executable, "-m", "opencrates_lsp"))
BARE = Contender("bare pygls", (sys.executable, str(Path(__file__).with_name("bare_pygls.py"))))


def ruff() -> Contender:
    """ruff's own server, from this environment; raises `NotAnswered` where it is not installed."""
    program = shutil.which("ruff", path=sysconfig.get_path("scripts")) or shutil.which("ruff")
    if program is None:
        raise NotAnswered("ruff is not installed")
    return Contender("ruff server", (program, "server"), "python")


class Connection:
    """One running server."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise NotAnswered("the server has no pipes")
        self._to, self._from = process.stdin, process.stdout
        self._number = 0

    def send(self, **message: object) -> None:
        """Send one message."""
        self._to.write(framed(message))
        self._to.flush()

    def send_all(self, frames: bytes) -> None:
        """Send messages that were framed before, so that framing them is not measured."""
        self._to.write(frames)
        self._to.flush()

    def request(self, method: str, params: object = None) -> object:
        """Ask and wait for the result; raises `NotAnswered` with the server's error."""
        answer = self._ask(method, params)
        if "error" in answer:
            raise NotAnswered(f"{method}: {answer['error']['message'].splitlines()[0]}")
        return answer.get("result")

    def barrier(self) -> None:
        """Wait until everything sent so far has been handled: an unknown method is refused in its turn."""
        self._ask("bench/barrier", {})

    def warm(self, uri: str) -> None:
        """Have the server parse the text, by asking for what needs a parse; whether it can answer does not matter."""
        self._ask("textDocument/diagnostic", {"textDocument": {"uri": uri}})

    def _ask(self, method: str, params: object) -> dict[str, Any]:
        self._number += 1
        self.send(id=self._number, method=method, params=params)
        while True:
            message = self._receive()
            if "method" in message:
                if "id" in message:
                    self.send(id=message["id"], result=None)
            elif message.get("id") == self._number:
                return message

    def _receive(self) -> dict[str, Any]:
        length = 0
        while line := self._from.readline():
            if line == b"\r\n":
                message: dict[str, Any] = json.loads(self._from.read(length))
                return message
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        raise NotAnswered("the server closed its output")

    def initialize(self) -> None:
        """Shake hands."""
        self.request("initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES})
        self.send(method="initialized", params={})

    def open(self, uri: str, text: str, language: str) -> None:
        """Open a text as version 0."""
        document = {"uri": uri, "languageId": language, "version": 0, "text": text}
        self.send(method="textDocument/didOpen", params={"textDocument": document})

    def code_action(self, uri: str, line: int, character: int) -> object:
        """The code actions at a position."""
        at = {"line": line, "character": character}
        params = {"textDocument": {"uri": uri}, "range": {"start": at, "end": at}, "context": {"diagnostics": []}}
        return self.request("textDocument/codeAction", params)


@contextmanager
def running(contender: Contender) -> Iterator[Connection]:
    """Start a server; it is killed in the end."""
    # An installed package has its bytecode, and so has whoever starts the server for the second time.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        contender.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    )
    try:
        yield Connection(process)
    finally:
        process.kill()
        process.communicate()


def framed(message: Mapping[str, object]) -> bytes:
    """A message with its header."""
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def insertion(uri: str, version: int, line: int, character: int, text: str) -> dict[str, object]:
    """The `didChange` of something typed."""
    at = {"line": line, "character": character}
    change = {"range": {"start": at, "end": at}, "text": text}
    params = {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]}
    return {"method": "textDocument/didChange", "params": params}


def rust_text(lines: int) -> str:
    """A Rust file of about this many lines: methods with bodies, each tenth of them a hole; ten lines an impl."""
    pieces = []
    for number in range(lines // 10):
        body = 'todo!("fill me")' if number % 10 == 5 else f"self.value.wrapping_mul({number}).rotate_left(3)"
        pieces.append(
            f"/// Number {number}.\n"
            f"pub struct Thing{number} {{\n"
            "    value: u64,\n"
            "}\n"
            "\n"
            f"impl Thing{number} {{\n"
            f"    pub fn compute(&self) -> u64 {{ {body} }}\n"
            '    pub fn name(&self) -> &\'static str { "thing" }\n'
            "}\n"
            "\n"
        )
    return "".join(pieces)


def hole_line(lines: int) -> int:
    """The line of a hole about the middle of `rust_text(lines)`."""
    middle = lines // 20
    return (middle - middle % 10 + 5) * 10 + 6


def options(description: str, rounds: int) -> argparse.Namespace:
    """The command line that all of these share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds over all servers (default {rounds})")
    return parser.parse_args()


def take_turns(
    contenders: Sequence[Contender], measure: Callable[[Contender], float], rounds: int
) -> dict[str, float | str]:
    """The median of each contender in milliseconds, or why there is none."""
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    excuses: dict[str, str] = {}
    for _ in range(rounds):
        for contender in contenders:
            if contender.name in excuses:
                continue
            try:
                times[contender.name].append(measure(contender) * 1000)
            except (NotAnswered, OSError) as error:
                excuses[contender.name] = str(error)
    return {name: excuses[name] if name in excuses else statistics.median(taken) for name, taken in times.items()}


def table(title: str, reference: str, results: Mapping[str, float | str], goal: str = "") -> None:
    """Print medians in milliseconds, each with its ratio to the reference of the same rounds."""
    base = results[reference]
    print(f"\n{title}" + (f"   (goal: {goal})" if goal else ""))
    print(f"{'':24} {'median ms':>10}   x {reference}")
    for name, median in results.items():
        if isinstance(median, str):
            print(f"{name:24} {'-':>10}   {median}")
        else:
            ratio = f"{median / base:.3f}" if isinstance(base, float) and base else "-"
            print(f"{name:24} {median:>10.4f}   {ratio}")
