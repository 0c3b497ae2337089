"""What happens at the same time: typing, closing, several fills, cancelling, dying; an edit is never misplaced."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
from drive import ANSWER, FILLED, LIB, Editor, Gate, crate, editor, history, nothing_changes, texts, until
from lsp import as_json
from lsprotocol import types
from model_server import ModelServer, Reply, Request, Say, model_server

from opencrates_lsp.server.headless import NotApplied
from opencrates_lsp.values import Span

ASTRAL = "// \U0001d400\U0001f980 both of two units\n"
THREE = (
    "".join(f"pub fn {name}(x: u32) -> u32 {{\n    todo!()\n}}\n\n" for name in ("twice", "thrice", "square")).rstrip(
        "\n"
    )
    + "\n"
)
BODIES = {"twice": "x * 2", "thrice": "x * 3", "square": "x * x"}


def gated(text: str) -> Say:
    """An answer that comes when the test lets it."""
    return Say(text, gated=True, piece_characters=1 << 20)


def answer_to(request: Request) -> Reply:
    """The right answer for each function of `THREE`, when the test lets it."""
    name = next(name for name in BODIES if f"in `{name}` of" in request.body["messages"][1]["content"])
    return gated(f"```rust\npub fn {name}(x: u32) -> u32 {{\n    {BODIES[name]}\n}}\n```")


def nobody(message: str, choices: Sequence[str]) -> str | None:
    """The user who is not there."""
    return None


def opened(user: Editor, name: str = "lib") -> Path:
    path = user.root / "src" / f"{name}.rs"
    user.open(path)
    return path


async def answered(future: asyncio.Future[Any]) -> dict[str, Any]:
    """The answer of a request, which comes within a minute."""
    return as_json(await asyncio.wait_for(future, 60))


async def test_typing_elsewhere_moves_the_edit_along(tmp_path: Path) -> None:
    """In UTF-16, with characters of two units before the place and on its line."""
    lib = f"{ASTRAL}pub fn crab() -> char {{\n    '\U0001f980'\n}}\n\n{LIB}"
    root = crate(tmp_path / "tiny", lib.replace("todo!()", "/* \U0001f980 */ todo!()"))
    async with model_server([gated(ANSWER)]) as server, editor(root, tmp_path / "home", model=server.url) as user:
        path = opened(user)
        filling = user.begin_fill(path)
        await server.until(lambda: server.requests)
        user.insert(path, "// \U0001d400", f"/* \U0001f680 */ {ASTRAL}")
        user.insert(path, "pub fn twice", "// \U0001d400 before\n\n")
        end = len(user.text(path).encode())
        user.type(path, Span(end, end), "\npub fn last() {}\n")
        typed = user.text(path)
        server.release()
        answer = await answered(filling)
        assert answer["state"] == "applied", answer["reason"]
        assert (answer["verdict"]["reached"], answer["verdict"]["new_errors"]) == (True, [])
        assert user.text(path) == typed.replace("/* \U0001f980 */ todo!()", "x * 2")


async def test_typing_in_the_very_moment_of_the_edit_only_delays_it(tmp_path: Path) -> None:
    """The editor refuses an edit of an old version; the next one is right, and only that one is applied."""
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with model_server([ANSWER]) as server, editor(root, home, model=server.url) as user:
        path = opened(user)

        def typing(edit: types.WorkspaceEdit) -> None:
            if len(user.edits) == 1:
                user.insert(path, "pub fn", ASTRAL)

        user.on_edit = typing
        answer = await user.fill(path)
        assert answer["state"] == "applied", answer["reason"]
        assert user.text(path) == ASTRAL + FILLED
        assert len(user.edits) == 2
    assert [change.state for change in await history(home)] == ["applied", "not applied"]


async def test_an_editor_that_types_faster_than_edits_arrive_keeps_its_text(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with model_server([ANSWER]) as server, editor(root, home, model=server.url) as user:
        path = opened(user)
        user.on_edit = lambda edit: user.insert(path, "pub fn", "// typed\n")
        answer = await user.fill(path)
        assert answer["state"] == "refused", answer
        assert "the editor did not apply the edit" in answer["reason"]
        assert user.shows(answer)
        assert user.text(path) == "// typed\n" * len(user.edits) + LIB
        assert (await user.ask("jobs"))["jobs"] == []
    assert {change.state for change in await history(home)} == {"not applied"}


async def test_of_two_fills_of_one_hole_one_is_applied(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with (
        model_server([gated(ANSWER), gated(ANSWER.replace("x * 2", "x + x"))]) as server,
        editor(root, home, model=server.url, answer=nobody) as user,
    ):
        path = opened(user)
        begun = [user.begin_fill(path, number=number) for number in ("one", "two")]
        await asked(server, 2)
        server.release(2)
        answers = [await answered(one) for one in begun]
        assert sorted(answer["state"] for answer in answers) == ["applied", "offered"], answers
        assert user.text(path) in (FILLED, FILLED.replace("x * 2", "x + x"))
    assert [change.state for change in await history(home)].count("applied") == 1


@pytest.mark.parametrize("what", ["body", "signature", "gone", "filled by hand"])
async def test_what_is_typed_into_the_item_is_never_lost(what: str, tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", f"pub fn one() -> u32 {{\n    1\n}}\n\n{LIB}")
    async with (
        model_server([gated(ANSWER)]) as server,
        editor(root, tmp_path / "home", model=server.url, answer=nobody) as user,
    ):
        path = opened(user)
        filling = user.begin_fill(path)
        await server.until(lambda: server.requests)
        text = user.text(path)
        whole = Span(text.index("pub fn twice"), len(text))
        if what == "body":
            user.insert(path, "todo!", "let y = x;\n    ")
        elif what == "signature":
            user.insert(path, "x: u32", "_more: u8, ")
        elif what == "gone":
            user.type(path, whole, "")
        else:
            user.type(path, whole, FILLED.replace("x * 2", "x + x"))
        async with nothing_changes(user):
            server.release()
            answer = await answered(filling)
            assert answer["state"] == ("refused" if what == "gone" else "offered"), answer
            assert "edited meanwhile" in answer["reason"] or "changed under the work" in answer["reason"]
            await until(lambda: any(answer["reason"].split(" (/")[0] in message for message in user.messages))
            await user.ask("cancel", job=answer["job"])
    assert all(change.state == "not applied" for change in await history(tmp_path / "home"))


async def test_a_file_that_was_closed_meanwhile_is_edited_as_it_is_on_disk(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with model_server([gated(ANSWER)]) as server, editor(root, tmp_path / "home", model=server.url) as user:
        path = opened(user)
        filling = user.begin_fill(path)
        await server.until(lambda: server.requests)
        user.close(path)
        server.release()
        answer = await answered(filling)
        assert answer["state"] == "applied", answer["reason"]
        assert path.read_text() == FILLED
        assert user.edits[0].document_changes[0].text_document.version is None


async def test_a_file_that_was_closed_without_being_saved_is_not_touched_on_disk(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", "pub fn one() -> u32 {\n    1\n}\n")
    async with model_server([gated(ANSWER)]) as server, editor(root, tmp_path / "home", model=server.url) as user:
        path = opened(user)
        user.insert(path, "pub fn one", f"{LIB}\n")
        filling = user.begin_fill(path)
        await server.until(lambda: server.requests)
        user.close(path)
        async with nothing_changes(user):
            server.release()
            answer = await answered(filling)
            assert answer["state"] == "refused", answer
            assert user.shows(answer)


async def test_several_fills_at_once_each_find_their_place(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", f"mod other;\n{THREE}", other=THREE)
    async with model_server(answer_to) as server, editor(root, tmp_path / "home", model=server.url) as user:
        paths = opened(user), opened(user, "other")
        begun = [
            user.begin_fill(path, f"fn {name}", number=f"{path.stem} {name}") for name in BODIES for path in paths
        ][:4]
        await server.until(lambda: len(server.requests) == 4)
        server.release(4)
        answers = [await answered(one) for one in begun]
        assert [answer["state"] for answer in answers] == ["applied"] * 4, answers
        for path in paths:
            wanted = texts(root)[f"src/{path.name}"].decode()
            for name in ("twice", "thrice"):
                wanted = wanted.replace(
                    f"pub fn {name}(x: u32) -> u32 {{\n    todo!()",
                    f"pub fn {name}(x: u32) -> u32 {{\n    {BODIES[name]}",
                )
            assert user.text(path) == wanted
    assert [change.state for change in await history(tmp_path / "home")].count("applied") == 4


async def cancelled(user: Editor, how: str, filling: asyncio.Future[Any]) -> None:
    """Cancel in one of the ways of the protocol; what the user is told is that it was cancelled."""
    if how == "request":
        user.client.cancel_request(types.CancelParams("work"))
        with pytest.raises(Exception, match=r"(?i)cancel"):
            await asyncio.wait_for(filling, 60)
    elif how == "progress":
        token = await until(lambda: user.tokens and user.tokens[0])
        user.client.window_work_done_progress_cancel(types.WorkDoneProgressCancelParams(token))
        assert (await answered(filling))["state"] == "cancelled"
    else:
        job = (await user.ask("jobs"))["jobs"][0]["job"]
        assert await user.ask("cancel", job=job) == {"cancelled": True}
        assert (await answered(filling))["state"] == "cancelled"
        assert (await user.ask("jobs", job=job))["state"] == "cancelled"
    await until(lambda: any("was cancelled" in message for message in user.messages))


async def asked(server: ModelServer, number: int) -> None:
    """Wait for so many requests."""
    await server.until(lambda: len(server.requests) >= number)


@pytest.mark.parametrize("how", ["request", "progress", "command"])
async def test_cancelling_ends_the_request_and_cargo_and_changes_nothing(how: str, tmp_path: Path) -> None:
    """While the model thinks and rustc runs; and again, when the model has answered and rustc runs."""
    gate = Gate(tmp_path / "gate")
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with (
        model_server([gated(ANSWER), ANSWER, ANSWER]) as server,
        editor(root, home, model=server.url, env=gate.env) as user,
    ):
        path = opened(user)
        for number, thinking in ((1, True), (2, False)):
            async with nothing_changes(user):
                with gate.closed():
                    filling = user.begin_fill(path)
                    await asked(server, number)
                    await gate.held()
                    children = user.children()
                    assert any(child.name() == "cargo" for child in children)
                    if not thinking:
                        await server.until(lambda: server.requests[1].answered)
                    await cancelled(user, how, filling)
                    await all_gone(children)
                    assert user.children() == []
                    if thinking:
                        await server.until(lambda: server.requests[0].gone)
            user.messages.clear()
            user.tokens.clear()
        assert (await user.fill(path))["state"] == "applied"
        assert user.text(path) == FILLED
    assert [change.state for change in await history(home)] == ["applied"]


@pytest.mark.parametrize("seen", ["saved", "in the buffer", "never", "half"])
async def test_a_server_that_is_killed_between_edit_and_answer_knows_afterwards(seen: str, tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with model_server([ANSWER]) as server, editor(root, home, model=server.url) as user:
        path = opened(user)

        def kill(edit: types.WorkspaceEdit) -> None:
            user.process.send_signal(signal.SIGKILL)
            if seen == "never":
                raise NotApplied

        user.on_edit = kill
        with pytest.raises(RuntimeError, match="exited"):
            await user.fill(path)
        await user.process.wait()
        if seen == "never":
            buffer = LIB
        else:
            buffer = await until(lambda: user.text(path) if user.text(path) != LIB else None)
            assert buffer == FILLED
    if seen == "saved":
        path.write_text(buffer)
    elif seen == "half":
        path.write_text(buffer.replace("2", "3"))
    assert [change.state for change in await history(home)] == ["open"]
    async with editor(root, home) as user:
        user.open(path, buffer if seen in ("saved", "in the buffer") else None)
        await user.ask("jobs")
        wanted = {"saved": "applied", "in the buffer": "applied", "never": "not applied", "half": "unknown"}[seen]
        assert [change["state"] for change in (await user.ask("history"))["changes"]] == [wanted]
        assert any("interrupted" in message for message in user.messages) == (seen == "half")
        answer = await user.ask("undo")
        assert answer["state"] == ("applied" if wanted == "applied" else "refused"), answer
        if wanted == "applied":
            assert user.text(path) == LIB


async def test_undo_takes_back_what_it_wrote_wherever_it_stands_now_or_nothing(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny", f"{LIB}\npub fn one() -> u32 {{\n    1\n}}\n"), tmp_path / "home"
    async with model_server([ANSWER]) as server, editor(root, home, model=server.url) as user:
        path = opened(user)
        assert (await user.fill(path))["state"] == "applied"
        user.insert(path, "pub fn twice", ASTRAL)
        user.insert(path, "    1", "    // one\n")
        user.insert(path, "x * 2", "x + ")
        async with nothing_changes(user):
            answer = await user.ask("undo")
            assert answer["state"] == "refused"
            assert user.shows(answer)
        at = len(user.text(path)[: user.text(path).index("x + x")].encode())
        user.type(path, Span(at, at + len("x + ")), "")
        before = user.text(path)
        answer = await user.ask("undo")
        assert answer["state"] == "applied", answer["reason"]
        assert user.text(path) == before.replace("x * 2", "todo!()")
        async with nothing_changes(user):
            assert (await user.ask("undo"))["state"] == "refused"
        # What passed once is remembered: it is proved again, and nobody is asked.
        answer = await user.fill(path)
        assert (answer["state"], answer["usage"]["cached"], len(server.requests)) == ("applied", True, 1)
        assert "(openai/test-model, remembered)" in user.messages[-1]
    assert sorted(change.state for change in await history(home)) == ["applied", "applied", "undone"]


async def test_two_editors_of_one_home_prove_side_by_side_and_take_back_their_own(tmp_path: Path) -> None:
    """Two of one crate and one of another; the store and the mirrors are shared."""
    home = tmp_path / "home"
    ours, theirs = crate(tmp_path / "ours" / "tiny"), crate(tmp_path / "theirs" / "tiny")
    async with (
        model_server(lambda request: gated(ANSWER)) as server,
        editor(ours, home, model=server.url) as one,
        editor(ours, home, model=server.url) as two,
        editor(theirs, home, model=server.url) as three,
    ):
        editors = (one, two, three)
        begun = [user.begin_fill(opened(user)) for user in editors]
        await asked(server, 3)
        server.release(3)
        for user, filling in zip(editors, begun, strict=True):
            answer = await answered(filling)
            assert answer["state"] == "applied", answer["reason"]
            (text,) = (bytes(document.text) for document in user.documents.values())
            assert text == FILLED.encode()
        for user in (three, one):
            assert (await user.ask("undo"))["state"] == "applied"
            assert user.text(user.root / "src" / "lib.rs") == LIB
        async with nothing_changes(three):
            answer = await three.ask("undo")
            assert answer["state"] == "refused"
            assert "no change to take back" in answer["reason"]


@pytest.mark.parametrize(("way", "code"), [("exit", 1), ("shutdown", 0), ("closed", 1), ("term", 143)])
async def test_however_the_editor_goes_no_cargo_stays(way: str, code: int, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with model_server([gated(ANSWER)]) as server, editor(root, home, model=server.url, env=gate.env) as user:
        path = opened(user)
        before = texts(root)
        with gate.closed():
            filling = user.begin_fill(path)
            await server.until(lambda: server.requests)
            await gate.held()
            children = user.children()
            assert any(child.name() == "cargo" for child in children)
            begun = time.monotonic()
            await leave(user, way)
            assert await asyncio.wait_for(user.process.wait(), 20) == code
            # The promise is a second; a busy machine gets one more.
            assert time.monotonic() - begun < 2
            await all_gone(children)
            await server.until(lambda: server.requests[0].gone)
        filling.cancel()
        assert (texts(root), user.text(path)) == (before, LIB)
    assert await history(home) == []


async def leave(user: Editor, way: str) -> None:
    assert user.process.stdin is not None
    if way == "shutdown":
        await user.client.shutdown_async(None)
    if way in ("exit", "shutdown"):
        user.client.exit(None)
    elif way == "closed":
        user.process.stdin.close()
    else:
        user.process.send_signal(signal.SIGTERM)


async def all_gone(processes: Sequence[psutil.Process]) -> None:
    """Wait until none of them runs any more; who reaps them is of no matter."""
    await until(lambda: all(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in processes))
