"""Progress: only for what takes a moment, with phases, and cancellable from both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from editor import Editor, recorded
from scripted_core import ScriptedCore, filled

from opencrates_lsp.actions.base import Request
from opencrates_lsp.face import Face
from opencrates_lsp.values import Change

LIB = Path("/project/src/lib.rs")
TEXT = "fn f() -> u8 {\n    todo!()\n}\n"
PLACE = {"uri": LIB.as_uri(), "position": {"line": 1, "character": 4}}
FILL = {"command": "opencrates.fill", "arguments": [PLACE]}


class Slow:
    """A fill that waits for the test; it notes how it ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.ended = ""

    async def __call__(self, request: Request, face: Face) -> Change:
        face.progress("model", "7 tokens")
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        face.progress("check")
        return filled(request, "1")


@asynccontextmanager
async def editing(slow: Slow, name: str = "neovim-0.11", **options: Any) -> AsyncIterator[Editor]:
    editor = Editor(ScriptedCore(slow).open)
    await editor.initialize({**recorded(name), "initializationOptions": options})
    editor.open(LIB, TEXT)
    try:
        yield editor
    finally:
        slow.go.set()
        await editor.session.close()


def told(editor: Editor) -> list[dict[str, Any]]:
    return [params["value"] for params in editor.told("$/progress")]


async def test_progress_has_phases_and_ends() -> None:
    slow = Slow()
    async with editing(slow) as editor:
        filling = asyncio.create_task(editor.request("workspace/executeCommand", FILL))
        await editor.until(lambda: told(editor))
        begin = told(editor)[0]
        assert begin == {
            "kind": "begin",
            "title": "Fill `f`",
            "cancellable": True,
            "message": "asking the model 7 tokens",
        }
        slow.go.set()
        assert (await filling)["state"] == "applied"
        assert told(editor)[-1]["kind"] == "end"
        [created] = editor.told("window/workDoneProgress/create")
        assert {params["token"] for params in editor.told("$/progress")} == {created["token"]}


async def test_quick_work_shows_none() -> None:
    slow = Slow()
    slow.go.set()
    async with editing(slow) as editor:
        assert (await editor.request("workspace/executeCommand", FILL))["state"] == "applied"
        assert (editor.told("window/workDoneProgress/create"), told(editor)) == ([], [])


@pytest.mark.parametrize("token", [None, "mine", 7])
async def test_who_declares_no_progress_gets_it_with_a_token_only(token: str | int | None) -> None:
    slow = Slow()
    async with editing(slow, "emacs-28-eglot-1.9") as editor:
        params = FILL if token is None else {**FILL, "workDoneToken": token}
        filling = asyncio.create_task(editor.request("workspace/executeCommand", params))
        if token is None:
            await slow.begun.wait()
            assert (await filling)["state"] == "running"
        else:
            await editor.until(lambda: told(editor))
        assert editor.told("window/workDoneProgress/create") == []
        assert {params["token"] for params in editor.told("$/progress")} == ({token} if token is not None else set())
        slow.go.set()
        await filling


async def test_the_button_cancels_the_job() -> None:
    slow = Slow()
    async with editing(slow) as editor:
        filling = asyncio.create_task(editor.request("workspace/executeCommand", FILL))
        await editor.until(lambda: told(editor))
        [created] = editor.told("window/workDoneProgress/create")
        editor.send(method="window/workDoneProgress/cancel", params={"token": created["token"]})
        answer = await filling
        assert (answer["state"], slow.ended) == ("cancelled", "cancelled")
        assert told(editor)[-1]["kind"] == "end"
        assert editor.text(LIB.as_uri()) == TEXT
        # Pressed once more, and for a progress that never was: nothing happens.
        editor.send(method="window/workDoneProgress/cancel", params={"token": created["token"]})
        editor.send(method="window/workDoneProgress/cancel", params={"token": "never"})
        assert (await editor.command("jobs"))["jobs"] == []
        assert editor.shown() == ["Fill `f` was cancelled."]


async def test_cancelling_the_request_cancels_the_job() -> None:
    slow = Slow()
    async with editing(slow) as editor:
        filling = asyncio.create_task(editor.answer("workspace/executeCommand", FILL, number=99))
        await slow.begun.wait()
        editor.send(method="$/cancelRequest", params={"id": 99})
        assert (await filling)["error"]["code"] == -32800
        await editor.until(editor.shown)
        assert slow.ended == "cancelled"
        assert (await editor.command("jobs"))["jobs"] == []


@pytest.mark.parametrize("how", ["late", "refused"])
async def test_a_bar_that_is_made_late_or_never_holds_nothing_up(how: str) -> None:
    slow = Slow()
    release = asyncio.Event()

    async def create(params: dict[str, Any]) -> None:
        await release.wait()

    async with editing(slow) as editor:
        if how == "late":
            editor.handlers["window/workDoneProgress/create"] = create
        else:
            del editor.handlers["window/workDoneProgress/create"]
        filling = asyncio.create_task(editor.request("workspace/executeCommand", FILL))
        await editor.until(lambda: editor.told("window/workDoneProgress/create"))
        [job] = [one["job"] for one in (await editor.command("jobs"))["jobs"] if one["parent"] is None]
        assert (await editor.command("cancel", job=job)) == {"cancelled": True}
        assert (await filling)["state"] == "cancelled"
        release.set()
        await editor.command("jobs")
        assert told(editor) == []


async def test_shutdown_ends_the_work() -> None:
    slow = Slow()
    async with editing(slow, answer_within=0) as editor:
        assert (await editor.request("workspace/executeCommand", FILL))["state"] == "running"
        await slow.begun.wait()
        await editor.session.close()
        assert slow.ended == "cancelled"
