"""The user typed in the very item while a model thought: what cargo says of both together decides what is offered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from drive import ANSWER, LIB, MANIFEST, crate, editor, history, nothing_changes, until
from lsp import as_json
from lsprotocol import types
from model_server import Say, model_server

from opencrates_lsp.server.offers import LEAVE, SHOW, TAKE
from opencrates_lsp.values import Span

DONE = LIB.replace("todo!()", "x * 2")
OTHER = "\npub fn other() -> u32 {\n    1\n}\n"


@pytest.mark.parametrize(
    ("now", "taken"),
    [
        # Both hold: his typing stays.
        (LIB.replace("    todo", "    // mine\n    let _ = x;\n    todo"), "beside"),
        # With his new signature the body is no Rust, the item as it was is.
        (LIB.replace("x: u32)", "x: &str)"), "instead"),
        # He filled it himself.
        (LIB.replace("todo!()", "x + x"), "instead"),
        # He calls it by the new signature, so neither holds.
        (LIB.replace("x: u32)", "x: &str)") + 'pub fn calls() -> u32 {\n    twice("a")\n}\n', None),
    ],
)
async def test_what_cargo_passes_is_offered(tmp_path: Path, now: str, taken: str | None) -> None:
    root, home = crate(tmp_path / "tiny", LIB + OTHER), tmp_path / "home"
    path = root / "src" / "lib.rs"
    answers = [SHOW, TAKE]

    def answer(message: str, choices: Sequence[str]) -> str | None:
        assert tuple(choices) == (TAKE, SHOW, LEAVE)
        return answers.pop(0)

    async with (
        model_server([Say(ANSWER, gated=True, piece_characters=1 << 20)]) as server,
        editor(root, home, model=server.url, answer=answer, verify__max_repairs="0") as user,
    ):
        user.open(path)
        filling = user.begin_fill(path)
        await server.until(lambda: server.requests)
        user.type(path, Span(0, len(LIB)), now)
        if taken is None:
            async with nothing_changes(user):
                server.release()
                told = as_json(await filling)
                assert (told["state"], told["diff"]) == ("refused", None), told
                assert "no longer holds" in told["reason"]
            return
        server.release()
        told = as_json(await filling)
        assert told["state"] == "offered", told
        assert (
            f"-{'    todo!()' if taken == 'beside' else now.splitlines()[0 if '&str' in now else 1]}\n" in told["diff"]
        )
        await until(lambda: len(user.edits) == 1)
        while (last := await user.ask("jobs", job=told["job"]))["state"] != "applied":
            assert last["state"] in ("offered", "running"), last
        assert (last["verdict"]["reached"], last["verdict"]["new_errors"]) == (True, [])
        assert user.text(path) == (now.replace("todo!()", "x * 2") if taken == "beside" else DONE) + OTHER
        assert len(user.shown) == 1
    assert [change.state for change in await history(home)] == ["applied"]


async def test_a_file_under_another_name_is_another_file(tmp_path: Path) -> None:
    """Renamed while the model thinks: the edit is for the file of the old name, whatever stands there now."""
    root = tmp_path / "tiny"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text(MANIFEST)
    old, new, lib = (root / "src" / name for name in ("old.rs", "new.rs", "lib.rs"))
    lib.write_text("pub mod new;\n")
    old.write_text(LIB)
    async with (
        model_server([Say(ANSWER, gated=True, piece_characters=1 << 20)]) as server,
        editor(root, tmp_path / "home", model=server.url, verify__level="parse") as user,
    ):
        user.open(old)
        filling = user.begin_fill(old)
        await server.until(lambda: server.requests)
        user.close(old)
        old.rename(new)
        user.open(new)
        old_uri = types.FileRename(old_uri=old.as_uri(), new_uri=new.as_uri())
        user.client.workspace_did_rename_files(types.RenameFilesParams([old_uri]))
        async with nothing_changes(user):
            server.release()
            told = as_json(await filling)
            assert told["state"] == "refused", told
            assert "gone" in told["reason"]
