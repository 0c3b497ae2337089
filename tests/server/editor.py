"""An editor for tests, in the same process as the server: real messages, recorded capabilities, its own texts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from opencrates_lsp.actions.base import Action
from opencrates_lsp.faces.uris import uri_of
from opencrates_lsp.server.core import OpenCore
from opencrates_lsp.server.documents import OpenDocument, Place, TextChange
from opencrates_lsp.server.serve import build
from opencrates_lsp.server.session import Session

Handler = Callable[[dict[str, Any]], Any]


def recorded(name: str) -> dict[str, Any]:
    """The `initialize` parameters of a real editor."""
    params: dict[str, Any] = json.loads((Path(__file__).parent / "capabilities" / f"{name}.json").read_text())
    return {**params, "processId": None}


class Editor:
    """Open texts, what was shown, and answers to the server's requests.

    `handlers` answer requests by method; what has none is answered MethodNotFound, as real editors do.
    A handler may return an awaitable, or raise.
    """

    def __init__(self, open_core: OpenCore, actions: Sequence[Action] = (), token: str = "") -> None:
        self.session: Session = build(open_core, lambda: actions, token)
        self.session.protocol.set_writer(self)  # type: ignore[arg-type]  # It has all of a writer that is used.
        self.session.protocol.exited = self._exited
        self.exit_code: int | None = None
        self.handlers: dict[str, Handler] = {
            "workspace/applyEdit": self.apply,
            "window/workDoneProgress/create": lambda params: None,
            "workspace/configuration": lambda params: [None],
            "client/registerCapability": lambda params: None,
        }
        self.received: list[dict[str, Any]] = []
        self.texts: dict[str, OpenDocument] = {}
        self.answer_first = False
        self._answers: dict[object, asyncio.Future[dict[str, Any]]] = {}
        self._number = 0
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def _exited(self, code: int) -> None:
        self.exit_code = code

    # What the server writes.

    def write(self, data: bytes) -> None:
        """Take one message of the server."""
        message = json.loads(data.partition(b"\r\n\r\n")[2])
        self.received.append(message)
        task = asyncio.get_running_loop().create_task(self._handle(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """The other side is gone."""

    async def _handle(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            future = self._answers.get(message["id"])
            if future is not None and not future.done():
                future.set_result(message)
        async with self._news:
            self._news.notify_all()
        if "method" in message and "id" in message:
            await self._answer(message)
            async with self._news:
                self._news.notify_all()

    async def _answer(self, message: dict[str, Any]) -> None:
        handler = self.handlers.get(message["method"])
        if handler is None:
            self.send(id=message["id"], error={"code": -32601, "message": "no such method"})
            return
        result = handler(message["params"])
        if asyncio.iscoroutine(result):
            result = await result
        self.send(id=message["id"], result=result)

    # What the editor says.

    def send(self, **message: Any) -> None:
        """Send one message, as the wire does: as soon as the server's loop reads."""
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        asyncio.get_running_loop().call_soon(self.session.protocol.receive, body)

    async def request(self, method: str, params: Any = None) -> Any:
        """The result; an error is an AssertionError."""
        answer = await self.answer(method, params)
        assert "error" not in answer, answer["error"]
        return answer.get("result")

    async def answer(self, method: str, params: Any = None, number: int | None = None) -> dict[str, Any]:
        """The whole answer."""
        self._number += 1
        number = self._number if number is None else number
        self._answers[number] = asyncio.get_running_loop().create_future()
        self.send(id=number, method=method, params=params)
        return await asyncio.wait_for(self._answers[number], 20)

    async def initialize(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Shake hands."""
        result: dict[str, Any] = await self.request("initialize", params)
        self.send(method="initialized", params={})
        return result

    def open(self, path: Path, text: str) -> str:
        """Open a text; answers its URI."""
        uri = uri_of(path)
        self.texts[uri] = OpenDocument(uri, text, 1, encoding=self.session.documents.encoding)
        document = {"uri": uri, "languageId": "rust", "version": 1, "text": text}
        self.send(method="textDocument/didOpen", params={"textDocument": document})
        return uri

    def type(self, uri: str, text: str, at: tuple[int, int] = (0, 0)) -> None:
        """Insert a text, and tell."""
        self.change(uri, [TextChange(text, Place(*at), Place(*at))])

    def change(self, uri: str, changes: Sequence[TextChange]) -> None:
        """Change a text, and tell."""
        document = self.texts[uri]
        document.apply(changes, document.version + 1)
        told = [
            {"text": text, "range": {"start": start._asdict(), "end": end._asdict()}}
            for text, start, end in changes
            if start is not None and end is not None
        ]
        identifier = {"uri": uri, "version": document.version}
        self.send(method="textDocument/didChange", params={"textDocument": identifier, "contentChanges": told})

    def text(self, uri: str) -> str:
        """What the editor shows."""
        return self.texts[uri].text.decode()

    async def command(self, name: str, /, **argument: Any) -> dict[str, Any]:
        """Run a command of ours and answer its result."""
        result: dict[str, Any] = await self.request(
            "workspace/executeCommand", {"command": f"opencrates.{name}", "arguments": [argument]}
        )
        return result

    # What the editor does.

    def apply(self, params: dict[str, Any]) -> Any:
        """Apply the edit as the protocol has it: all or nothing, and nothing of another version."""
        edits = self._edits(params["edit"])
        if any(version not in (None, self.texts[uri].version) for uri, version, _ in edits if uri in self.texts):
            return {"applied": False, "failureReason": "the version is another one"}
        if self.answer_first:
            asyncio.get_running_loop().call_soon(self._do, edits)
        else:
            self._do(edits)
        return {"applied": True}

    def _do(self, edits: Sequence[tuple[str, int | None, list[dict[str, Any]]]]) -> None:
        for uri, _, changes in edits:
            if uri in self.texts:
                last_first = sorted(changes, key=lambda one: tuple(one["range"]["start"].values()), reverse=True)
                self.change(uri, [_change(one) for one in last_first])

    @staticmethod
    def _edits(edit: Mapping[str, Any]) -> list[tuple[str, int | None, list[dict[str, Any]]]]:
        texts = [one for one in edit.get("documentChanges") or () if "textDocument" in one]
        return [
            *((uri, None, edits) for uri, edits in (edit.get("changes") or {}).items()),
            *((one["textDocument"]["uri"], one["textDocument"]["version"], one["edits"]) for one in texts),
        ]

    # What the test waits for.

    async def until(self, met: Callable[[], Any]) -> Any:
        """Wait until something holds; looked at after each message of the server."""
        async with self._news, asyncio.timeout(20):
            await self._news.wait_for(met)
        return met()

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all messages of this method so far."""
        return [message["params"] for message in self.received if message.get("method") == method]

    def shown(self) -> list[str]:
        """The messages shown so far."""
        return [params["message"] for params in self.told("window/showMessage")]


def _change(edit: Mapping[str, Any]) -> TextChange:
    start, end = edit["range"]["start"], edit["range"]["end"]
    return TextChange(edit["newText"], Place(start["line"], start["character"]), Place(end["line"], end["character"]))
