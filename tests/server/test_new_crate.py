"""A new crate on its way to the user."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from editor import Editor, recorded
from scripted_core import USAGE, VERDICT, ScriptedCore

from opencrates_lsp.errors import Refused
from opencrates_lsp.values import Replace, Span, Usage, Verdict

MANIFEST = '[workspace]\nmembers = ["a"]\n'


@dataclass
class Staged:
    """A crate that is ready."""

    target: Path
    manifest: Replace | None = None
    fails: bool = False
    verdict: Verdict = VERDICT
    usage: Usage = USAGE
    notes: tuple[str, ...] = ("left: `g`",)
    discarded: list[bool] = field(default_factory=list)

    def publish(self) -> None:
        if self.fails:
            raise Refused("Something stands there.", remedy="Choose another name.")
        (self.target / "src").mkdir(parents=True)
        (self.target / "src" / "lib.rs").write_text("//! new\n")

    def discard(self) -> None:
        self.discarded.append(True)


def joining(folder: Path) -> Replace:
    at = MANIFEST.index("]\n", 12)
    return Replace(folder / "Cargo.toml", Span(at, at), ', "new"', "")


async def made(editor: Editor, folder: Path) -> dict[str, Any]:
    uri = folder.as_uri()
    await editor.initialize({**recorded("neovim-0.11"), "workspaceFolders": [{"uri": uri, "name": "w"}]})
    return {}


@pytest.mark.parametrize("is_open", [True, False])
async def test_it_is_published_joined_shown_and_told(tmp_path: Path, is_open: bool) -> None:
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    core = ScriptedCore(staged=Staged(tmp_path / "new", joining(tmp_path)))
    editor = Editor(core.open)
    await made(editor, tmp_path)
    editor.handlers["window/showDocument"] = lambda params: {"success": True}
    later = "# mine\n" + MANIFEST
    if is_open:
        # What is unsaved counts, not the disk.
        uri = editor.open(tmp_path / "Cargo.toml", MANIFEST)
        (tmp_path / "Cargo.toml").write_text("other")
    answer = await editor.command("newCrate", name="new", description="A crate.")
    main = (tmp_path / "new" / "src" / "lib.rs").as_uri()
    assert answer["state"] == "applied"
    assert answer["files"] == [main, (tmp_path / "Cargo.toml").as_uri()]
    assert answer["verdict"]["reached"] is True
    assert [params["uri"] for params in editor.told("window/showDocument")] == [main]
    assert f"Made crate `new` in {tmp_path / 'new'}: cargo check" in editor.shown()[0]
    assert "left: `g`" in editor.shown()[0]
    if is_open:
        assert '"a", "new"]' in editor.text(uri)
        assert later
    await editor.session.close()


async def test_a_crate_that_cannot_be_published_is_discarded(tmp_path: Path) -> None:
    staged = Staged(tmp_path / "new", fails=True)
    editor = Editor(ScriptedCore(staged=staged).open)
    await made(editor, tmp_path)
    answer = await editor.command("newCrate", name="new")
    assert (answer["state"], staged.discarded) == ("refused", [True])
    assert "Choose another name." in editor.shown()[0]
    await editor.session.close()


async def test_a_workspace_that_it_cannot_join_is_told(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text(MANIFEST)
    editor = Editor(ScriptedCore(staged=Staged(tmp_path / "new", joining(tmp_path))).open)
    await made(editor, tmp_path)
    editor.handlers["workspace/applyEdit"] = lambda params: {"applied": False, "failureReason": "read only"}
    answer = await editor.command("newCrate", name="new")
    assert answer["state"] == "applied"
    assert "no member of the workspace yet" in editor.shown()[0]
    assert "read only" in editor.shown()[0]
    await editor.session.close()
