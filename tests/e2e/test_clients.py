"""Editors as they are, by their recorded capabilities: what one cannot do is not asked of it, and all can fill."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from drive import ANSWER, FILLED, LIB, Editor, crate, editor, history, recorded, texts, until
from lsp import as_json
from lsprotocol import types
from model_server import Say, model_server

BEFORE = "// \U0001d400\U0001f980 é\n\n"
SPOILT = f"{BEFORE}{LIB.replace('todo!()', '/* 🦀 */ todo!()')}"
CLIENTS = ("emacs-28-eglot-1.9", "emacs-30-eglot-1.17", "helix-25.07", "neovim-0.11", "vscode-1.139")
BARE = types.ClientCapabilities()


def as_client(user: Editor, name: str) -> Editor:
    """The editor as this one; "bare" is one that declares nothing at all."""
    user.name, user.capabilities = ("", BARE) if name == "bare" else recorded(name)
    return user


async def offered(user: Editor, path: Path) -> list[types.CodeAction | types.Command]:
    """What the editor lists at the hole."""
    at = types.Position(**user.hole(path)["position"])
    uri = types.TextDocumentIdentifier(user.documents[path].uri)
    params = types.CodeActionParams(uri, types.Range(at, at), types.CodeActionContext([]))
    return list(await user.client.text_document_code_action_async(params) or ())


async def take(user: Editor, action: types.CodeAction | types.Command) -> dict[str, Any]:
    """Run an action's command."""
    command = action.command if isinstance(action, types.CodeAction) else action
    assert command is not None
    return as_json(await user.execute(command.command, *(command.arguments or ())))


@pytest.mark.parametrize("client", [*CLIENTS, "bare"])
async def test_every_editor_is_offered_what_it_can_take_and_can_fill_and_take_back(client: str, tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny", SPOILT), tmp_path / "home"
    async with (
        model_server([ANSWER]) as server,
        as_client(editor(root, home, model=server.url), client) as user,
    ):
        path = user.root / "src" / "lib.rs"
        version = user.open(path).version
        actions = await offered(user, path)
        assert actions[0].title == "Fill `twice` (OpenCrates)"
        assert all(isinstance(action, types.Command) for action in actions) == (client == "bare")
        answer = await take(user, actions[0])
        assert answer["state"] == "applied", answer["reason"]
        assert answer["verdict"]["reached"] is True
        assert user.text(path) == f"{BEFORE}{FILLED}"
        (edit,) = user.edits
        if client == "bare":
            assert edit.document_changes is None
        else:
            (change,) = edit.document_changes or ()
            assert isinstance(change, types.TextDocumentEdit)
            assert change.text_document.version == version
            assert edit.changes is None
        window = user.capabilities.window
        assert bool(user.tokens) == bool(window and window.work_done_progress)
        assert any("cargo check: reached" in message for message in user.messages)
        assert (await user.ask("undo"))["state"] == "applied"
        assert user.text(path) == SPOILT
        # What cannot run is shown with its reason where the editor knows of that, and left out elsewhere.
        await user.ask("selectProvider", name="offline")
        text = user.capabilities.text_document
        disabled = [action for action in await offered(user, path) if action.title.startswith("Fill `")]
        assert len(disabled) == bool(text and text.code_action and text.code_action.disabled_support)
        for action in disabled:
            assert isinstance(action, types.CodeAction)
            assert action.command is None
            assert "configure a model" in getattr(action.disabled, "reason", "")
    assert texts(root)["src/lib.rs"] == SPOILT.encode()
    assert sorted(change.state for change in await history(home)) == ["applied", "undone"]


@pytest.mark.parametrize("client", ["emacs-28-eglot-1.9", "bare"])
async def test_a_new_crate_needs_no_resource_operations(client: str, tmp_path: Path) -> None:
    root = tmp_path / "ws"
    crate(root / "one")
    (root / "one" / "Cargo.toml").write_text('[package]\nname = "one"\nversion = "0.1.0"\nedition = "2021"\n')
    manifest = '[workspace]\nresolver = "2"\nmembers = ["one"]\n'
    (root / "Cargo.toml").write_text(manifest)
    async with as_client(editor(root, tmp_path / "home"), client) as user:
        answer = await user.ask("newCrate", name="two")
        assert answer["state"] == "applied", answer["reason"]
        assert (root / "two" / "src" / "lib.rs").is_file()
        assert (root / "Cargo.toml").read_text() == manifest.replace('["one"]', '["one", "two"]')
        assert not any((edit.document_changes or edit.changes) is None for edit in user.edits)
        assert str(root / "two") in " ".join([*user.messages, *map(str, answer["files"])])


@pytest.mark.parametrize("seconds", [0, 0.05])
@pytest.mark.parametrize("good", [True, False])
async def test_slow_work_answers_running_and_goes_on(seconds: float, good: bool, tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    bad = ANSWER.replace("x * 2", '"two"')
    replies = [Say(ANSWER if good else bad, gated=True, piece_characters=4096), *([] if good else [bad])]
    async with (
        model_server(replies) as server,
        editor(root, home, model=server.url, options={"answer_within": seconds}) as user,
    ):
        path = user.root / "src" / "lib.rs"
        user.open(path)
        answer = await user.fill(path)
        assert answer["state"] == "running", answer
        job = answer["job"]
        assert job
        running = await user.ask("jobs", job=job)
        assert (running["state"], running["job"], running["title"]) == ("running", job, "Fill `twice`")
        assert [one["job"] for one in (await user.ask("jobs"))["jobs"] if one["parent"] is None] == [job]
        await server.until(lambda: server.requests)
        server.release()
        await until(lambda: any("twice" in message for message in user.messages))
        final = await user.ask("jobs", job=job)
        assert (final["state"], final["job"]) == ("applied" if good else "refused", job)
        assert user.text(path) == (FILLED if good else LIB)
        if good:
            assert final["verdict"]["reached"] is True
            await user.ask("undo", id=final["change"])
            await until(lambda: user.text(path) == LIB)
        else:
            assert user.shows(final)
            attempt = await user.ask("showAttempt", job=job)
            assert "mismatched types" in str(attempt)


async def test_an_editor_that_says_nothing_of_its_patience_waits_two_seconds(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with model_server([Say(ANSWER, gated=True)]) as server:
        user = as_client(editor(root, tmp_path / "home", model=server.url), "emacs-28-eglot-1.9")
        user.options = {"trusted": True}
        async with user:
            path = user.root / "src" / "lib.rs"
            user.open(path)
            await user.ask("jobs")
            begun = time.monotonic()
            answer = await user.fill(path)
            assert answer["state"] == "running"
            assert 1.9 < time.monotonic() - begun < 10
            assert await user.ask("cancel", job=answer["job"]) == {"cancelled": True}
            await server.until(lambda: server.requests[0].gone)
            await until(lambda: any("was cancelled" in message for message in user.messages))
            assert (await user.ask("jobs", job=answer["job"]))["state"] == "cancelled"
            assert user.text(path) == LIB
