"""Edits on their way into the editor: typed over, skipped, answered early, asked about, left to the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from editor import Editor, recorded
from scripted_core import ScriptedCore, filled

from opencrates_lsp.actions.base import Request
from opencrates_lsp.face import Face
from opencrates_lsp.values import Change, Create, Level, Replace, Span, Subject, Usage, Verdict

TEXT = "fn f() -> u8 {\n    todo!()\n}\n"
DONE = TEXT.replace("todo!()", "1")
EDITORS = ["vscode-1.139", "neovim-0.11", "helix-25.07", "emacs-28-eglot-1.9", "emacs-30-eglot-1.17"]

Run = Callable[[Request, Face], Awaitable[Change]]


async def plain(request: Request, face: Face) -> Change:
    return filled(request, "1")


class Case:
    """One editor with one file, and a core that fills it."""

    def __init__(self, editor: Editor, core: ScriptedCore, uri: str, folder: Path) -> None:
        self.editor, self.core, self.uri, self.folder = editor, core, uri, folder

    async def fill(self) -> dict[str, Any]:
        return await self.editor.command("fill", uri=self.uri, position={"line": 1, "character": 4})

    @property
    def text(self) -> str:
        return self.editor.text(self.uri)

    def sent(self) -> list[dict[str, Any]]:
        return self.editor.told("workspace/applyEdit")


@asynccontextmanager
async def editing(folder: Path, name: str = "neovim-0.11", run: Run = plain, text: str = TEXT) -> AsyncIterator[Case]:
    core = ScriptedCore(run)
    editor = Editor(core.open)
    await editor.initialize(recorded(name))
    uri = editor.open(folder / "lib.rs", text)
    try:
        yield Case(editor, core, uri, folder)
    finally:
        await editor.session.close()


@pytest.mark.parametrize("answer_first", [True, False])
@pytest.mark.parametrize("name", EDITORS)
async def test_every_editor_gets_its_edit(tmp_path: Path, name: str, answer_first: bool) -> None:
    async with editing(tmp_path, name) as case:
        case.editor.answer_first = answer_first
        assert (await case.fill())["state"] == "applied"
        assert case.text == DONE
        [sent] = case.sent()
        [edit] = sent["edit"]["documentChanges"]
        assert edit["textDocument"] == {"uri": case.uri, "version": 1}
        assert sent["label"] == "Fill `f`"
        assert case.core.states() == ["applied"]


async def test_typing_during_the_work_moves_the_edit_along(tmp_path: Path) -> None:
    async def typed_over(request: Request, face: Face) -> Change:
        case.editor.type(case.uri, "// new\n\n")
        await case.editor.session.documents.becomes(tmp_path / "lib.rs", b"// new\n\n" + TEXT.encode(), 5)
        return filled(request, "1")

    async with editing(tmp_path, run=typed_over) as case:
        assert (await case.fill())["state"] == "applied"
        assert case.text == "// new\n\n" + DONE


@pytest.mark.parametrize("says", [True, False])
async def test_an_edit_that_the_editor_skips_is_settled_and_sent_again(tmp_path: Path, says: bool) -> None:
    """The user types while the edit is on its way; Neovim says "applied" for what it skipped by version."""

    async with editing(tmp_path) as case:
        first = [True]

        def skip_once(params: dict[str, Any]) -> Any:
            if first:
                first.clear()
                case.editor.type(case.uri, "// new\n")
                return {"applied": says}
            return case.editor.apply(params)

        case.editor.handlers["workspace/applyEdit"] = skip_once
        assert (await case.fill())["state"] == "applied"
        assert case.text == "// new\n" + DONE
        versions = [sent["edit"]["documentChanges"][0]["textDocument"]["version"] for sent in case.sent()]
        assert versions == [1, 2]
        assert case.core.states() == ["not applied", "applied"]


async def test_the_user_may_type_on_at_once(tmp_path: Path) -> None:
    """The text was what it should be, if only for a moment."""

    async with editing(tmp_path) as case:

        def apply_and_type(params: dict[str, Any]) -> Any:
            answer = case.editor.apply(params)
            case.editor.type(case.uri, "// more\n")
            return answer

        case.editor.handlers["workspace/applyEdit"] = apply_and_type
        assert (await case.fill())["state"] == "applied"
        assert len(case.sent()) == 1
        assert case.text == "// more\n" + DONE


@pytest.mark.parametrize("how", [{"applied": False, "failureReason": "read only"}, {"applied": True}, "error", None])
async def test_an_editor_that_never_applies_is_believed_after_three_tries(tmp_path: Path, how: Any) -> None:
    async with editing(tmp_path) as case:
        if how == "error":
            del case.editor.handlers["workspace/applyEdit"]
        else:
            case.editor.handlers["workspace/applyEdit"] = lambda params: how
        answer = await case.fill()
        assert (answer["state"], len(case.sent()), case.text) == ("refused", 3, TEXT)
        assert case.core.states() == ["not applied"] * 3
        if isinstance(how, dict) and "failureReason" in how:
            assert "read only" in answer["reason"]


async def test_line_ends_are_the_buffers(tmp_path: Path) -> None:
    async def two_lines(request: Request, face: Face) -> Change:
        return filled(request, "let x = 1;\n    x")

    text = TEXT.replace("\n", "\r\n")
    async with editing(tmp_path, "vscode-1.139", two_lines, text) as case:

        def with_own_ends(params: dict[str, Any]) -> Any:
            [edit] = params["edit"]["documentChanges"][0]["edits"]
            edit["newText"] = edit["newText"].replace("\n", "\r\n")
            return case.editor.apply(params)

        case.editor.handlers["workspace/applyEdit"] = with_own_ends
        assert (await case.fill())["state"] == "applied"
        assert len(case.sent()) == 1


async def outside(request: Request, face: Face) -> Change:
    """Adds a line beside the item, and a file."""
    document = request.document
    return filled(
        request,
        "1",
        Replace(document.path, Span(0, 0), "mod m;\n", ""),
        Create(document.path.with_name("m.rs"), "//! m\n"),
    )


@pytest.mark.parametrize("yes", [True, False])
async def test_what_is_outside_is_asked_and_files_are_made_by_the_server(tmp_path: Path, yes: bool) -> None:
    async with editing(tmp_path, "emacs-30-eglot-1.17", outside) as case:
        case.editor.handlers["window/showMessageRequest"] = lambda params: params["actions"][0 if yes else 1]
        answer = await case.fill()
        [asked] = case.editor.told("window/showMessageRequest")
        assert "lib.rs, new m.rs" in asked["message"]
        made = tmp_path / "m.rs"
        if not yes:
            assert (answer["state"], case.text, made.exists(), case.sent()) == ("declined", TEXT, False, [])
            return
        assert (answer["state"], case.text, made.read_text()) == ("applied", "mod m;\n" + DONE, "//! m\n")
        assert any("new m.rs" in note for note in answer["notes"])
        assert "annotationId" not in str(case.sent())


@pytest.mark.parametrize("yes", [True, False])
async def test_an_editor_with_annotations_asks_itself(tmp_path: Path, yes: bool) -> None:
    async with editing(tmp_path, "vscode-1.139", outside) as case:
        if not yes:
            case.editor.handlers["workspace/applyEdit"] = lambda params: {"applied": False}
        answer = await case.fill()
        assert answer["state"] == ("applied" if yes else "declined")
        [sent] = case.sent()
        [annotation] = sent["edit"]["changeAnnotations"].values()
        assert annotation["needsConfirmation"]
        assert case.editor.told("window/showMessageRequest") == []
        assert not (tmp_path / "m.rs").exists(), "the editor makes it"


async def test_an_undo_is_not_asked_about_and_says_what_it_undid(tmp_path: Path) -> None:
    async with editing(tmp_path, "emacs-28-eglot-1.9") as case:
        document = case.editor.session.documents
        await case.editor.command("jobs")
        [now] = document.snapshots().values()
        whole = Subject(now.path, "all", Span(-1, len(now.text) + 1), Span(0, 0))
        edit = Replace(now.path, Span(0, 0), "// old\n", "")
        verdict = Verdict(Level.OFF, False, "as before")
        case.core.back = Change("back", "Undo: Fill `f`", (edit,), verdict, Usage("none", "none"), (now,), whole)
        answer = await case.editor.command("undo", id="first")
        assert (answer["state"], case.text, case.core.undone) == ("applied", "// old\n" + TEXT, "first")
        assert case.editor.shown() == ["Undone: Fill `f`"]


@pytest.mark.parametrize("yes", [True, False])
async def test_where_every_edit_is_confirmed(tmp_path: Path, yes: bool) -> None:
    async with editing(tmp_path) as case:
        case.core.confirming = True
        case.editor.handlers["window/showMessageRequest"] = lambda params: params["actions"][0 if yes else 1]
        answer = await case.fill()
        assert (answer["state"], case.text) == (("applied", DONE) if yes else ("declined", TEXT))
        [asked] = case.editor.told("window/showMessageRequest")
        assert asked["message"] == "Apply Fill `f`: cargo check: reached, 0 new errors, 1.2 s?\n1"


@pytest.mark.parametrize("name", ["emacs-28-eglot-1.9"])
async def test_files_that_cannot_be_made_or_are_not_wanted_leave_nothing(tmp_path: Path, name: str) -> None:
    async with editing(tmp_path, name, outside) as case:
        case.editor.handlers["window/showMessageRequest"] = lambda params: params["actions"][0]
        made = tmp_path / "m.rs"
        made.write_text("mine")
        answer = await case.fill()
        assert (answer["state"], made.read_text(), case.sent()) == ("refused", "mine", [])
        made.unlink()
        case.editor.handlers["workspace/applyEdit"] = lambda params: {"applied": False}
        assert (await case.fill())["state"] == "refused"
        assert not made.exists()


async def test_what_was_sent_before_the_cancellation_is_recorded(tmp_path: Path) -> None:
    async with editing(tmp_path) as case:
        sent = asyncio.Event()
        go = asyncio.Event()

        async def slowly(params: dict[str, Any]) -> Any:
            sent.set()
            await go.wait()
            return case.editor.apply(params)

        case.editor.handlers["workspace/applyEdit"] = slowly
        filling = asyncio.create_task(case.fill())
        await sent.wait()
        [job] = [one for one in case.core.jobs.running() if one.parent is None]
        await case.editor.command("cancel", job=job.id)
        assert (await filling)["state"] == "cancelled"
        go.set()
        await case.editor.until(lambda: any("undo takes it back" in shown for shown in case.editor.shown()))
        assert case.core.states() == ["applied"]


async def test_several_fills_at_once(tmp_path: Path) -> None:
    text = "".join(f"fn f{number}() -> u8 {{\n    todo!()\n}}\n" for number in range(4))
    async with editing(tmp_path, text=text) as case:
        places = [{"line": 3 * number + 1, "character": 4} for number in range(4)]
        answers = await asyncio.gather(*(case.editor.command("fill", uri=case.uri, position=place) for place in places))
        assert {answer["state"] for answer in answers} == {"applied"}
        assert case.text == text.replace("todo!()", "1")
