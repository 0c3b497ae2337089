"""Commands: what they take, what they answer, and what the user reads."""

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
from opencrates_lsp.errors import Busy, Declined, Missing, OpenCratesError, Refused, Unreachable
from opencrates_lsp.face import Face
from opencrates_lsp.server.commands import COMMANDS
from opencrates_lsp.values import Change, Diagnostic, Question, Severity

LIB = Path("/project/src/lib.rs")
TEXT = "fn f() -> u8 {\n    todo!()\n}\n"
PLACE = {"uri": LIB.as_uri(), "position": {"line": 1, "character": 4}}


@asynccontextmanager
async def editing(core: ScriptedCore, name: str = "neovim-0.11", **options: Any) -> AsyncIterator[Editor]:
    editor = Editor(core.open)
    params = recorded(name)
    await editor.initialize({**params, "initializationOptions": {**params["initializationOptions"], **options}})
    editor.open(LIB, TEXT)
    try:
        yield editor
    finally:
        await editor.session.close()
        assert core.closed == bool(core.setups)


async def test_a_fill_is_applied_answered_and_told() -> None:
    core = ScriptedCore()
    async with editing(core) as editor:
        answer = await editor.command("fill", **PLACE)
        assert editor.text(LIB.as_uri()) == TEXT.replace("todo!()", "1")
        [job, change] = answer.pop("job"), answer.pop("change")
        assert answer.pop("verdict") | {"level": "check", "reached": True, "new_errors": []} is not None
        assert answer == {
            "state": "applied",
            "title": "Fill `f`",
            "files": [LIB.as_uri()],
            "usage": {
                "provider": "openai",
                "model": "gpt-5",
                "input_tokens": 10,
                "output_tokens": 5,
                "cost_usd": 0.01,
                "cached": False,
            },
            "reason": None,
            "notes": [],
            "diff": None,
        }
        assert editor.shown() == ["Filled `f`: cargo check: reached, 0 new errors, 1.2 s (openai/gpt-5)"]
        assert core.record == [(change, "open"), (change, "applied")]
        assert (await editor.command("jobs", job=job))["state"] == "applied"


async def test_fill_file_fills_what_is_not_open_too(tmp_path: Path) -> None:
    core = ScriptedCore()
    closed = tmp_path / "a.rs"
    closed.write_text("fn a() { todo!() }\nfn b() { todo!() }\n")
    async with editing(core) as editor:
        answer = await editor.command("fillFile", uri=closed.as_uri())
        assert (answer["state"], answer["files"]) == ("applied", [closed.as_uri()])
        [sent] = editor.told("workspace/applyEdit")
        [edit] = sent["edit"]["documentChanges"]
        assert (edit["textDocument"]["version"], len(edit["edits"])) == (None, 2)


@pytest.mark.parametrize(
    ("command", "argument", "named"),
    [
        ("fill", {}, ["uri: is missing", "position: is missing"]),
        (
            "fill",
            {"uri": 7, "position": {"line": -1, "character": 0}},
            ["uri: has to be a", "position: has to be"],
        ),
        ("fill", {**PLACE, "instructions": "x"}, ["instructions: there is no such field"]),
        ("fill", {**PLACE, "uri": "untitled:1"}, ["uri: untitled:1"]),
        ("history", {"limit": True}, ["limit: has to be a number"]),
        ("jobs", {"job": "nothing"}, ["job: there is no job"]),
        ("showAttempt", {"job": "nothing"}, ["job: nothing that was refused"]),
        ("selectProvider", {"name": "x"}, ["name: there is no provider"]),
        ("newCrate", {"name": 3, "kinds": "lib"}, ["name: is not a text", "kinds: no such field"]),
    ],
)
async def test_wrong_arguments_are_named(command: str, argument: dict[str, Any], named: list[str]) -> None:
    async with editing(ScriptedCore()) as editor:
        params = {"command": f"opencrates.{command}", "arguments": [argument]}
        error = (await editor.answer("workspace/executeCommand", params))["error"]
        assert error["code"] == -32602
        assert all(one in error["message"] for one in named), error["message"]
        params["arguments"] = [argument, argument]
        assert (await editor.answer("workspace/executeCommand", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("error", "state", "weight"),
    [
        (Refused("It does not compile.", remedy="Try again.", attempt="fn f() { x }"), "refused", 2),
        (Declined("You said no."), "declined", 3),
        (Busy("Too much.", remedy="Wait."), "refused", 2),
        (Missing("There is no cargo.", remedy="Install it.", place=LIB), "refused", 1),
        (Unreachable("No answer.", remedy="Start it."), "refused", 1),
        (ZeroDivisionError("oh"), "refused", 2),
    ],
)
async def test_what_fails_is_an_answer_and_a_message(error: Exception, state: str, weight: int) -> None:
    async def fails(request: Request, face: Face) -> Change:
        raise error

    core = ScriptedCore(fails)
    async with editing(core) as editor:
        answer = await editor.command("fill", **PLACE)
        assert (answer["state"], editor.text(LIB.as_uri())) == (state, TEXT)
        [shown] = editor.told("window/showMessage")
        assert (shown["type"], shown["message"]) == (weight, answer["reason"])
        # A message line is short: the file is named from its workspace folder on.
        assert "/project/" not in shown["message"]
        if isinstance(error, OpenCratesError):
            assert error.message in answer["reason"]
            assert error.remedy in answer["reason"]
        # The server lives on.
        core.act = ScriptedCore().act
        assert (await editor.command("fill", **PLACE))["state"] == "applied"


async def test_a_refused_attempt_can_be_looked_at() -> None:
    async def fails(request: Request, face: Face) -> Change:
        found = Diagnostic(Severity.ERROR, "mismatched types", LIB, None, "E0308", "error[E0308]")
        raise Refused("It does not compile.", diagnostics=(found,), attempt="fn f() { x }")

    async with editing(ScriptedCore(fails)) as editor:
        job = (await editor.command("fill", **PLACE))["job"]
        attempt = await editor.command("showAttempt", job=job)
        assert (attempt["text"], attempt["errors"][0]["code"]) == ("fn f() { x }", "E0308")


async def test_long_work_answers_running_and_ends_by_an_edit_and_a_message() -> None:
    go = asyncio.Event()

    async def waits(request: Request, face: Face) -> Change:
        face.progress("model", "half of it")
        await go.wait()
        return filled(request, "1")

    async with editing(ScriptedCore(waits), answer_within=0) as editor:
        answer = await editor.command("fill", **PLACE)
        job = answer["job"]
        assert (answer["state"], answer["verdict"], bool(job)) == ("running", None, True)
        assert (await editor.command("jobs", job=job))["state"] == "running"
        listed = (await editor.command("jobs"))["jobs"]
        assert [(one["title"], one["parent"]) for one in listed] == [("Fill `f`", None), ("fill inside", job)]
        assert (listed[0]["phase"], listed[0]["message"]) == ("model", "half of it")
        go.set()
        await editor.until(editor.shown)
        assert "1" in editor.text(LIB.as_uri())
        assert (await editor.command("jobs", job=job))["state"] == "applied"


@pytest.mark.parametrize(
    ("name", "options", "setting", "seconds"),
    [
        ("neovim-0.11", {}, None, 15),
        ("vscode-1.139", {}, None, 15),
        ("helix-25.07", {}, None, 15),
        ("emacs-30-eglot-1.17", {}, None, 15),
        ("emacs-28-eglot-1.9", {}, None, 2),
        ("neovim-0.11", {}, 4.0, 4),
        ("neovim-0.11", {"answer_within": 1}, 4.0, 1),
        ("neovim-0.11", {"lsp": {"answer_within": 3}}, None, 3),
    ],
)
async def test_how_long_an_editor_waits(
    name: str, options: dict[str, Any], setting: float | None, seconds: float
) -> None:
    async with editing(core := ScriptedCore(), name, **options) as editor:
        core.within = setting
        await editor.session.opened()
        assert editor.session.client.answer_within(core.answer_within()) == seconds


@pytest.mark.parametrize(("name", "can"), [("neovim-0.11", True), ("emacs-28-eglot-1.9", True), ("helix-25.07", False)])
@pytest.mark.parametrize("choice", ["yes", "no", None])
async def test_questions(name: str, can: bool, choice: str | None) -> None:
    """Whether an editor can ask is not what it declares: one that cannot answers with an error."""

    async def asks(request: Request, face: Face) -> Change:
        answer = await face.ask(Question("Really?", ("yes", "no"), "It matters."))
        raise Refused(f"said {answer}")

    async with editing(ScriptedCore(asks), name) as editor:
        if can:
            editor.handlers["window/showMessageRequest"] = lambda params: choice and {"title": choice}
        answer = await editor.command("fill", **PLACE)
        assert answer["reason"] == f"said {choice if can else None}"
        [asked] = editor.told("window/showMessageRequest")
        assert asked["message"] == "Really?\nIt matters."
        assert asked["actions"] == [{"title": "yes"}, {"title": "no"}]


async def test_settings_and_folders_reach_the_core() -> None:
    core = ScriptedCore()
    editor = Editor(core.open)
    said: list[Any] = [{"verify": {"level": "test"}}]
    editor.handlers["workspace/configuration"] = lambda params: said
    await editor.initialize({**recorded("vscode-1.139"), "initializationOptions": {"trusted": True, "token": "t"}})
    await editor.session.opened()
    assert core.setups[0].trusted is True
    assert core.setups[0].options == {"trusted": True}
    assert (core.setups[0].workspace, core.setups[0].folders) == (said[0], (Path("/project"),))
    core.notify("wrong key")
    core.notify("wrong key")
    said[0] = {"verify": {"level": "clippy"}}
    editor.send(method="workspace/didChangeConfiguration", params={"settings": None})
    await editor.until(lambda: len(editor.told("workspace/configuration")) == 2)
    folders = {"added": [{"uri": "file:///two", "name": "two"}], "removed": [{"uri": "file:///project", "name": "p"}]}
    editor.send(method="workspace/didChangeWorkspaceFolders", params={"event": folders})
    await editor.until(lambda: len(editor.told("workspace/configuration")) == 3)
    await editor.command("usage")
    assert [setup.workspace for setup in core.setups[1:]] == [{"verify": {"level": "clippy"}}] * 2
    assert core.setups[-1].folders == (Path("/two"),)
    assert editor.shown() == ["wrong key"]
    await editor.session.close()


async def test_a_core_that_cannot_open_is_told_and_tried_again() -> None:
    core = ScriptedCore()
    broken = [True]

    async def opening(*arguments: Any) -> Any:
        if broken:
            broken.clear()
            raise Missing("The data folder cannot be written.", remedy="Set OPENCRATES_HOME.")
        return await core.open(*arguments)

    editor = Editor(opening)
    await editor.initialize(recorded("neovim-0.11"))
    editor.open(LIB, TEXT)
    answer = await editor.command("fill", **PLACE)
    assert (answer["state"], "OPENCRATES_HOME" in answer["reason"]) == ("refused", True)
    assert (await editor.command("fill", **PLACE))["state"] == "applied"
    await editor.session.close()


async def test_what_is_advertised_is_what_runs() -> None:
    editor = Editor(ScriptedCore().open)
    result = await editor.initialize(recorded("neovim-0.11"))
    assert result["capabilities"]["executeCommandProvider"]["commands"] == list(COMMANDS)
    await editor.session.close()


async def test_saved_and_changed_files_reach_the_core(tmp_path: Path) -> None:
    core = ScriptedCore()
    async with editing(core, "vscode-1.139") as editor:
        await editor.session.opened()
        assert core.warmed == [] or core.warmed == [LIB]
        [registered] = await editor.until(lambda: editor.told("client/registerCapability"))
        assert registered["registrations"][0]["registerOptions"]["watchers"][0] == {"globPattern": "**/*.rs"}
        there, gone = tmp_path / "a.rs", tmp_path / "b.rs"
        there.write_text("fn a() {}")
        events = [{"uri": path.as_uri(), "type": 2} for path in (there, gone, LIB)]
        editor.send(method="workspace/didChangeWatchedFiles", params={"changes": events})
        editor.send(method="textDocument/didSave", params={"textDocument": {"uri": LIB.as_uri()}})
        async with asyncio.timeout(20):
            while len(core.texts) < 3:
                await core.news.wait()
                core.news.clear()
        # What is open is the editor's: its text on disk says nothing.
        assert core.texts == {there: b"fn a() {}", gone: None, LIB: TEXT.encode()}
        assert core.warmed == [LIB]


@pytest.mark.parametrize("name", ["neovim-0.11", "emacs-28-eglot-1.9"])
async def test_holes_go_where_they_are_not_wanted(name: str) -> None:
    core = ScriptedCore()
    core.holes_shown = False
    async with editing(core, name) as editor:
        if name == "neovim-0.11":
            editor.handlers["workspace/diagnostic/refresh"] = lambda params: None
            pulling = {"textDocument": {"uri": LIB.as_uri()}}
            assert len((await editor.request("textDocument/diagnostic", pulling))["items"]) == 1
            await editor.session.opened()
            assert (await editor.request("textDocument/diagnostic", pulling))["items"] == []
        else:
            await editor.session.opened()
            await editor.until(lambda: editor.told("textDocument/publishDiagnostics"))
            assert editor.told("textDocument/publishDiagnostics")[-1]["diagnostics"] == []


async def test_lists(tmp_path: Path) -> None:
    async with editing(ScriptedCore()) as editor:
        [hole] = (await editor.command("holes"))["holes"]
        assert (hole["uri"], hole["item"], hole["range"]["start"]) == (LIB.as_uri(), "f", PLACE["position"])
        assert (await editor.command("history", limit=3)) == {"limit": 3}
        assert (await editor.command("selectProvider", name="offline")) == {"selected": "offline"}
        shown = await editor.command("showPrompt", **PLACE)
        assert shown["messages"] == [{"role": "user", "content": "fill"}]
        assert shown["pieces"] == [{"reason": "calls it", "origin": "src/b.rs", "tokens": 7, "shown": False}]
        assert shown["left_out"] == [{"kind": "a key", "marker": "MARK"}]
        answer = await editor.command("undo")
        assert (answer["state"], "Change something first" in answer["reason"]) == ("refused", True)
