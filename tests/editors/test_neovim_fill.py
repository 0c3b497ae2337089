"""Filling holes in a real Neovim: the list of actions, the edit, undo, and an answer that is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from model_server import model_server
from nvim_user import Neovim, crate

pytestmark = pytest.mark.editors

LIBRARY = """\
//! Wörter 𝄞.

/// A bag of things.
#[derive(Debug)]
pub struct Bag<T> {
    items: Vec<T>,
}

impl<T> Bag<T> {
    /// How many are in it.
    pub fn len(&self) -> usize {
        todo!()
    }
}

/// Counts each word; 𝄞 is one.
pub fn count(wörter: &str) -> usize {
    /* 𝄞 */ todo!("count the words")
}
"""
HOLES = ("todo!()", 'todo!("count')
COUNT = """\
Of course:

```rust
use std::collections::BTreeMap;

pub fn count(wörter: &str) -> usize {
    tally(wörter).values().sum()
}

fn tally(wörter: &str) -> BTreeMap<&str, usize> {
    let mut found = BTreeMap::new();
    for wort in wörter.split_whitespace() {
        *found.entry(wort).or_insert(0) += 1;
    }
    found
}
```
"""


def compiles(root: Path, target: Path) -> None:
    done = subprocess.run(
        ["cargo", "check", "--quiet", "--offline"],
        cwd=root,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_list_at_a_hole_says_what_can_be_done_and_why_not(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with Neovim(tmp_path / "demo", tmp_path / "home") as nvim:
        nvim.open(library)
        nvim.until("#vim.diagnostic.get(0) == 2")
        nvim.go(HOLES[0])
        nvim.type("gra")
        nvim.until("#user.asked == 1")
        [listed] = nvim.asked
        assert listed["shown"] == ["Fill `Bag::len` (OpenCrates)", "Fill every hole of this file (OpenCrates)"]
        assert listed["kinds"] == ["refactor.rewrite.opencrates.fill", "source.opencrates.fillFile"]
        # Nothing was picked.
        assert nvim.text == LIBRARY
        # A Neovim that cannot show a disabled action is not given one; fillFile goes on to say why nothing came of it.
        nvim.go(HOLES[1])
        capabilities = nvim.lua("return vim.lsp.protocol.make_client_capabilities().textDocument.codeAction")
        if not capabilities.get("disabledSupport"):
            nvim.lua("user.run('opencrates.providers')")
            [left] = nvim.lua("return user.actions()")
            assert left["title"] == "Fill every hole of this file (OpenCrates)"
        nvim.go("Wörter")
        assert nvim.lua("return user.actions()") == []


def test_what_cannot_be_done_is_listed_with_its_reason_where_the_editor_shows_it(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with Neovim(tmp_path / "demo", tmp_path / "home") as nvim:
        nvim.lua(
            """
            local able = { textDocument = { codeAction = { disabledSupport = true } } }
            vim.lsp.config('opencrates', { capabilities = able })
            """
        )
        nvim.open(library)
        nvim.go(HOLES[1])
        # Which provider answers is known when the settings are read, as they are for any command.
        nvim.lua("user.run('opencrates.providers')")
        first, _ = nvim.lua("return user.actions()")
        assert first["title"] == "Fill `count` (OpenCrates)"
        assert "nothing provable offline" in first["disabled"]["reason"]
        assert "ai.provider" in first["disabled"]["reason"]
        assert "command" not in first


def test_a_fill_is_one_step_to_undo_and_compiles(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    library = crate(root, LIBRARY)
    with (
        model_server([COUNT]) as server,
        Neovim(root, tmp_path / "home", model=server.url, screen=120) as nvim,
    ):
        nvim.open(library)
        nvim.fill(HOLES[1], "Apply")
        said = nvim.told("Filled `count`")
        # What is outside of the function was asked about.
        assert "It also changes what was not asked for: `" in nvim.asked[1]["prompt"]
        assert "` in lib.rs" in nvim.asked[1]["prompt"]
        assert "cargo check: reached, 0 new errors" in said or "cargo test: reached, 0 new errors" in said
        # No "Press ENTER" after each fill.
        assert not nvim.blocked
        filled = nvim.text
        # Three places, one step.
        assert filled.count("use std::collections::BTreeMap;") == 1
        assert "fn tally(" in filled
        assert "tally(wörter).values().sum()" in filled
        assert nvim.lua("return vim.bo.modified")
        nvim.type("u")
        nvim.until("user.text() .. '\\n' == ...", LIBRARY)
        nvim.type("<C-r>")
        nvim.until("user.text() .. '\\n' == ...", filled)
        nvim.until("#vim.diagnostic.get(0) == 1")
        nvim.command("write")
    assert library.read_text(encoding="utf-8") == filled
    compiles(root, tmp_path / "target")


def test_without_a_model_what_is_known_is_filled(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    library = crate(root, LIBRARY)
    with Neovim(root, tmp_path / "home") as nvim:
        nvim.open(library)
        nvim.fill(HOLES[0])
        nvim.told("Filled `Bag::len`")
        assert nvim.text == LIBRARY.replace("todo!()", "self.items.len()")
        # The other hole has to say why it stays, and what to do about it.
        nvim.go(HOLES[1])
        nvim.answers("every hole")
        nvim.type("gra")
        said = nvim.told("Nothing is provable offline")
        assert "ai.provider" in said
        nvim.type("u")
        nvim.until("user.text() .. '\\n' == ...", LIBRARY)


def test_an_answer_that_does_not_compile_is_refused_with_the_reason(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    wrong = [f"```rust\npub fn count(wörter: &str) -> usize {{\n    {body}\n}}\n```" for body in ("wörter", "None")]
    with (
        model_server(wrong) as server,
        Neovim(tmp_path / "demo", tmp_path / "home", model=server.url, verify__max_repairs="1") as nvim,
    ):
        nvim.open(library)
        before = nvim.lua("return vim.b.changedtick")
        nvim.fill(HOLES[1])
        said = nvim.told("`count` was not changed: rustc finds a new error, [E0308]")
        assert "mismatched types" in said
        assert nvim.text == LIBRARY
        assert nvim.lua("return vim.b.changedtick") == before
        assert not nvim.lua("return vim.bo.modified")
        # The compiler's words went to the model before.
        assert "E0308" in server.requests[1].prompt
