"""Edits whose item the user typed in, or which nobody said yes to: offered, and his to take or to leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pytest
from scripted_core import filled
from test_apply import DONE, EDITORS, TEXT, Case, editing

from opencrates_lsp.actions.base import Request
from opencrates_lsp.face import Face
from opencrates_lsp.server.documents import Place, TextChange
from opencrates_lsp.server.offers import LEAVE, SHOW, TAKE
from opencrates_lsp.values import Change

ASK = "window/showMessageRequest"
NOTED = TEXT.replace("    todo", "    // mine\n    todo")


async def typed(case: Case, text: str) -> None:
    """The user makes it this text, and the server has heard of it."""
    case.editor.change(case.uri, [TextChange(text, Place(0, 0), Place(99, 0))])
    assert await case.editor.session.documents.becomes(case.folder / "lib.rs", text.encode(), 5)


@asynccontextmanager
async def typing(folder: Path, now: str, name: str = "neovim-0.11", body: str = "1") -> AsyncIterator[Case]:
    """An editor whose user makes the text `now` while each fill is made; he is asked when the test answers."""

    async def run(request: Request, face: Face) -> Change:
        change = filled(request, body)
        await typed(case, now)
        return change

    async with editing(folder, name, run) as case:
        yield case


async def final(case: Case, job: str) -> dict[str, Any]:
    """The job's answer, once it is no offer any more."""
    while (answer := await case.editor.command("jobs", job=job))["state"] in ("offered", "running"):
        await asyncio.sleep(0)
    return answer


@pytest.mark.parametrize(
    ("now", "taken"),
    [
        # Beside what was typed: a comment, the signature, the doc comment, right at the hole.
        (NOTED, NOTED.replace("todo!()", "1")),
        (TEXT.replace("f()", "f(_: u8)"), DONE.replace("f()", "f(_: u8)")),
        ("/// Größe 𝄞.\n" + TEXT, "/// Größe 𝄞.\n" + DONE),
        (TEXT.replace("todo!()", "todo!() + 1"), DONE.replace("1", "1 + 1")),
        (TEXT.replace("todo!()", "todo!();\n    todo!()"), DONE.replace("1", "todo!();\n    1")),
        # In the place of it: the hole is gone, or which it was cannot be told.
        (TEXT.replace("todo!()", "2"), DONE),
        (TEXT.replace("todo!()", "todo!() + todo!()"), DONE),
        # Somebody moved what was typed in, too.
        ("fn g() {}\n" + TEXT.replace("todo!()", "2 + 2"), "fn g() {}\n" + DONE),
    ],
)
@pytest.mark.parametrize("name", EDITORS)
async def test_what_was_typed_in_is_offered_and_taken(tmp_path: Path, name: str, now: str, taken: str) -> None:
    said = asyncio.Event()

    async def yes(params: dict[str, Any]) -> Any:
        await said.wait()
        return {"title": TAKE}

    async with typing(tmp_path, now, name) as case:
        case.editor.handlers[ASK] = yes
        answer = await case.fill()
        assert (answer["state"], case.text, case.sent()) == ("offered", now, [])
        assert "`f` was edited meanwhile" in answer["reason"]
        assert "+++ b/lib.rs" in answer["diff"]
        assert (await case.editor.command("jobs", job=answer["job"])) == answer
        said.set()
        told = await final(case, answer["job"])
        assert (told["state"], told["job"], told["diff"]) == ("applied", answer["job"], None)
        assert case.text == taken
        assert case.core.states() == ["applied"]
        [asked] = case.editor.told(ASK)
        assert ("beside what you typed" in asked["message"]) == (not taken.endswith(DONE) or "///" in taken)


@pytest.mark.parametrize(
    "now",
    [
        # It is gone, it stands there already, it is another module's, and nobody can tell where it ends.
        "",
        TEXT.replace("fn f", "fn g"),
        DONE,
        f"mod m {{\n{TEXT}}}\n",
        TEXT.replace("todo!()", "2 }"),
    ],
)
async def test_what_cannot_be_laid_in_is_refused(tmp_path: Path, now: str) -> None:
    async with typing(tmp_path, now) as case:
        answer = await case.fill()
        assert (answer["state"], answer["diff"], case.text) == ("refused", None, now)
        assert case.editor.told(ASK) == []
        assert case.editor.session.offers == {}


@pytest.mark.parametrize("how", ["leave", "cancel", "nothing", "cannot"])
async def test_an_offer_that_is_not_taken_leaves_the_text_and_may_be_taken_later(tmp_path: Path, how: str) -> None:
    async with typing(tmp_path, NOTED) as case:
        if how != "cannot":
            case.editor.handlers[ASK] = lambda params: {"title": LEAVE} if how == "leave" else None
        answer = await case.fill()
        job = answer["job"]
        attempt = await case.editor.command("showAttempt", job=job)
        assert (attempt["text"], attempt["diff"]) == (NOTED.replace("todo!()", "1"), answer["diff"])
        if how in ("leave", "cancel"):
            if how == "cancel":
                assert await case.editor.command("cancel", job=job) == {"cancelled": True}
            assert (await final(case, job))["state"] == "declined"
            error = await case.editor.answer(
                "workspace/executeCommand", {"command": "opencrates.takeOffer", "arguments": [{"job": job}]}
            )
            assert error["error"]["code"] == -32602
            assert case.text == NOTED
            return
        await case.editor.until(lambda: any("stays offered" in shown for shown in case.editor.shown()))
        assert (await case.editor.command("jobs", job=job))["state"] == "offered"
        assert (await case.editor.command("takeOffer", job=job))["state"] == "applied"
        assert (await case.editor.command("jobs", job=job))["state"] == "applied"
        assert case.text == NOTED.replace("todo!()", "1")


async def test_who_types_on_is_asked_again(tmp_path: Path) -> None:
    """The yes was to another text: elsewhere that is no matter, in the item it is."""
    later = [NOTED.replace("mine", "all mine"), "// else\n" + NOTED.replace("mine", "all mine")]

    async def yes(params: dict[str, Any]) -> Any:
        if later:
            await typed(case, later.pop(0))
        return {"title": TAKE}

    async with typing(tmp_path, NOTED) as case:
        case.editor.handlers[ASK] = yes
        answer = await case.fill()
        await case.editor.until(lambda: len(case.sent()) == 1)
        assert (await final(case, answer["job"]))["state"] == "applied"
        assert len(case.editor.told(ASK)) == 2
        assert case.text == "// else\n" + NOTED.replace("mine", "all mine").replace("todo!()", "1")


async def test_the_difference_is_shown_as_a_file_that_goes_with_the_session(tmp_path: Path) -> None:
    shown: list[Path] = []

    def show(params: dict[str, Any]) -> Any:
        shown.append(Path(unquote(urlparse(params["uri"]).path)))
        return {"success": True}

    async with typing(tmp_path, NOTED, "vscode-1.139") as case:
        answers = [SHOW, TAKE]
        case.editor.handlers[ASK] = lambda params: {"title": answers.pop(0)}
        case.editor.handlers["window/showDocument"] = show
        answer = await case.fill()
        assert (await final(case, answer["job"]))["state"] == "applied"
        [path] = shown
        assert path.read_text() == answer["diff"]
        assert "\n-    todo!()\n+    1\n" in answer["diff"]
    assert not path.parent.exists()


async def test_questions_that_nobody_answers_hold_up_no_job(tmp_path: Path) -> None:
    never = asyncio.Event()

    async def silent(params: dict[str, Any]) -> Any:
        await never.wait()

    async with typing(tmp_path, NOTED) as case:
        case.editor.handlers[ASK] = silent
        jobs = []
        await case.editor.command("jobs")
        for _ in range(6):
            await typed(case, TEXT)
            answer = await case.fill()
            assert answer["state"] == "offered"
            jobs.append(answer["job"])
        assert (await case.editor.command("jobs"))["jobs"] == []
        # One is taken while its question stands; the others are old by then, and ask again.
        assert (await case.editor.command("takeOffer", job=jobs[0]))["state"] == "applied"
        assert (await case.editor.command("takeOffer", job=jobs[1]))["state"] == "offered"
        assert case.text == NOTED.replace("todo!()", "1")
        never.set()


@pytest.mark.parametrize("yes", [True, None])
async def test_as_long_as_a_question_is_not_answered_the_command_is_offered(tmp_path: Path, yes: bool | None) -> None:
    said = asyncio.Event()

    async def slowly(params: dict[str, Any]) -> Any:
        await said.wait()
        return params["actions"][0] if yes else None

    async with editing(tmp_path) as case:
        case.core.confirming = True
        case.core.within = 0.0
        case.editor.handlers[ASK] = slowly
        asked = asyncio.create_task(case.editor.until(lambda: case.editor.told(ASK)))
        answer = await case.fill()
        job = answer["job"]
        await asked
        now = await case.editor.command("jobs", job=job)
        assert (now["state"], now["phase"], now["message"]) == ("offered", "waiting", "your answer")
        assert now["reason"].startswith("Apply Fill `f`")
        said.set()
        if yes:
            assert (await final(case, job))["state"] == "applied"
            return
        # Nobody said no: the proved edit stays.
        while not (now := await case.editor.command("jobs", job=job))["diff"]:
            await asyncio.sleep(0)
        assert (now["state"], case.text) == ("offered", TEXT)
        case.core.confirming = False
        await case.editor.command("takeOffer", job=job)
        assert (await final(case, job))["state"] == "applied"
        assert case.text == DONE
