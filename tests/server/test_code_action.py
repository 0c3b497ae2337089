"""What is offered, told to each editor as far as it understands."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from editor import Editor, recorded
from scripted_core import ScriptedCore

from opencrates_lsp.actions.base import Offer, Request, Tools
from opencrates_lsp.rust.holes import hole_at
from opencrates_lsp.server.log import EditorHandler
from opencrates_lsp.values import Change, Note

LIB = Path("/project/src/lib.rs")
TEXT = "// é𝄞\nfn f() -> u8 { /* 𝄞 */ todo!() }\nfn g() {}\n"
FILL = "refactor.rewrite.opencrates.fill"
FILE = "source.opencrates.fillFile"


class Fills:
    """An action as `fill` is one; without a model it cannot."""

    id = "fills"
    kinds = (FILL, FILE)

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def find(self, request: Request) -> Sequence[Offer]:
        self.asked.append(request)
        hole = hole_at(request.source, request.span)
        if hole is None:
            return ()
        disabled = None if request.provider != "offline" else "no model"
        return (
            Offer("Fill `f`", FILL, "opencrates.fill", hole.span, disabled, preferred=True),
            Offer("Fill every hole", FILE, "opencrates.fillFile", hole.span),
        )

    async def run(self, request: Request, tools: Tools) -> Change | Note:
        raise NotImplementedError


class Fails(Fills):
    """An action that cannot even be asked."""

    id = "fails"

    def find(self, request: Request) -> Sequence[Offer]:
        raise ZeroDivisionError


@asynccontextmanager
async def editing(
    name: str, provider: str | None = None, actions: Sequence[Any] = (Fails(), Fills())
) -> AsyncIterator[Editor]:
    core = ScriptedCore()
    core.provider = provider
    editor = Editor(core.open, actions)
    await editor.initialize(recorded(name))
    if provider is not None:
        await editor.session.opened()
    editor.open(LIB, TEXT)
    try:
        yield editor
    finally:
        await editor.session.close()


def asked(line: int, character: int = 3, only: Sequence[str] | None = None) -> dict[str, Any]:
    at = {"line": line, "character": character}
    context: dict[str, Any] = {"diagnostics": []} | ({} if only is None else {"only": list(only)})
    return {"textDocument": {"uri": LIB.as_uri()}, "range": {"start": at, "end": at}, "context": context}


async def offers(editor: Editor, **place: Any) -> list[dict[str, Any]]:
    return await editor.request("textDocument/codeAction", asked(**{"line": 1, **place})) or []


@pytest.mark.parametrize(("name", "column"), [("vscode-1.139", 24), ("neovim-0.11", 26), ("emacs-30-eglot-1.17", 23)])
async def test_an_offer_is_a_command_with_one_object_in_the_editors_own_units(name: str, column: int) -> None:
    async with editing(name) as editor:
        fill, file = await offers(editor)
        position = {"line": 1, "character": column}
        assert fill["command"] == {
            "title": "Fill `f`",
            "command": "opencrates.fill",
            "arguments": [{"uri": LIB.as_uri(), "position": position}],
        }
        assert (fill["kind"], fill["isPreferred"]) == (FILL, True)
        assert file["command"]["arguments"] == [{"uri": LIB.as_uri()}]
        assert not {"edit", "data"} & (fill.keys() | file.keys())
        assert (fill.get("tags"), "disabled" in fill) == ([1] if "vscode" in name else None, False)


@pytest.mark.parametrize(
    ("name", "told"),
    [("vscode-1.139", True), ("helix-25.07", True), ("neovim-0.11", False), ("emacs-28-eglot-1.9", False)],
)
async def test_what_cannot_run_is_disabled_or_left_out(name: str, told: bool) -> None:
    async with editing(name, "offline") as editor:
        found = {action["kind"]: action for action in await offers(editor)}
        assert found.keys() == ({FILL, FILE} if told else {FILE})
        if told:
            assert found[FILL]["disabled"] == {"reason": "no model"}
            assert "command" not in found[FILL]


@pytest.mark.parametrize(
    ("only", "kinds"),
    [
        ([], []),
        ([""], [FILL, FILE]),
        (["refactor"], [FILL]),
        (["refactor.rewrite.opencrates"], [FILL]),
        (["quickfix", "source"], [FILE]),
        (["refactor.re", "sourc"], []),
    ],
)
async def test_only_the_kinds_that_were_asked_for(only: Sequence[str], kinds: Sequence[str]) -> None:
    action = Fills()
    async with editing("vscode-1.139", actions=(action,)) as editor:
        assert [one["kind"] for one in await offers(editor, only=only)] == kinds
        assert bool(action.asked) == bool(kinds)


async def test_one_action_fails_and_the_others_are_offered() -> None:
    handler = EditorHandler()
    async with editing("vscode-1.139") as editor:
        logging.root.addHandler(handler)
        try:
            assert len(await offers(editor)) == 2
        finally:
            logging.root.removeHandler(handler)
        [log] = await editor.until(lambda: editor.told("window/logMessage"))
        assert "fails" in log["message"]
        assert "ZeroDivisionError" in log["message"]


async def test_nothing_is_offered_where_nothing_is_and_resolve_is_not_advertised() -> None:
    editor = Editor(ScriptedCore().open, (Fills(),))
    result = await editor.initialize(recorded("vscode-1.139"))
    assert not result["capabilities"]["codeActionProvider"].get("resolveProvider")
    assert await editor.request("textDocument/codeAction", asked(1)) is None
    editor.open(LIB, TEXT)
    assert await editor.request("textDocument/codeAction", asked(2)) == []
    await editor.session.close()


async def test_an_editor_without_literals_gets_commands() -> None:
    editor = Editor(ScriptedCore().open, (Fills(),))
    await editor.initialize({"processId": None, "rootUri": None, "capabilities": {}})
    editor.open(LIB, TEXT)
    assert [one["command"] for one in await offers(editor)] == ["opencrates.fill", "opencrates.fillFile"]
    await editor.session.close()


async def test_offers_do_not_wait_for_the_core() -> None:
    action = Fills()
    async with editing("vscode-1.139", actions=(action,)) as editor:
        await offers(editor)
        assert editor.session.core is None
        assert action.asked[0].provider is None
        # Then the core is opened in the background, and the workspace of the open file is read.
        await editor.session.opened()
        await offers(editor)
        assert action.asked[1].provider is None
        core = editor.session.core
        assert isinstance(core, ScriptedCore)
        core.provider = "openai"
        await offers(editor)
        assert action.asked[2].provider == "openai"
