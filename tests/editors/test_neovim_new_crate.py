"""A new crate from Neovim, and the question of trust."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from nvim_user import Neovim, crate

pytestmark = pytest.mark.editors

LIBRARY = """\
pub struct Bag {
    items: Vec<u8>,
}

impl Bag {
    pub fn len(&self) -> usize {
        todo!()
    }

    pub fn is_empty(&self) -> bool {
        todo!()
    }
}
"""


def test_a_new_crate_lands_proved_and_is_opened(tmp_path: Path) -> None:
    root = tmp_path / "work"
    library = crate(root / "demo", LIBRARY)
    (root / "Cargo.toml").write_text('[workspace]\nmembers = ["demo"]\nresolver = "2"\n')
    with Neovim(root, tmp_path / "home") as nvim:
        nvim.open(library)
        nvim.command("LspOpenCratesNew 9lives")
        nvim.told("cannot be a package's name")
        nvim.command("LspOpenCratesNew words Counts words in a text.")
        said = nvim.told("Made crate `words`")
        assert "cargo test: reached, 0 new errors" in said
        # The edit of the workspace's manifest is in a buffer, as every edit of files that are there is.
        assert "Save Cargo.toml" in said
        assert nvim.until("vim.fn.expand('%:p')") == str(root / "words" / "src" / "lib.rs")
        nvim.until("user.attached()")
        assert nvim.lua("return vim.bo.filetype") == "rust"
        assert "Counts words in a text." in nvim.text
        nvim.command("wall")
    told = subprocess.run(
        ["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    assert {package["name"] for package in json.loads(told.stdout)["packages"]} == {"demo", "words"}


@pytest.mark.parametrize(
    ("said", "proof"),
    [
        ("Trust this folder", "cargo check: reached, 0 new errors"),
        ("Syntax check only", "syntax check only, nothing was compiled"),
    ],
)
def test_the_user_is_asked_once_whether_cargo_may_run(tmp_path: Path, said: str, proof: str) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with Neovim(tmp_path / "demo", tmp_path / "home", options={}) as nvim:
        nvim.open(library)
        nvim.fill("todo!()", said)
        assert proof in nvim.told("Filled `Bag::len`")
        nvim.fill("todo!()")
        # In the same words again, and without a question.
        assert nvim.told("Filled `Bag::is_empty`").count(proof) == 2
        actions, question, _ = nvim.asked
        assert actions["kinds"][0] == "refactor.rewrite.opencrates.fill"
        assert "Trust demo?" in question["prompt"]
        assert question["shown"] == ["Trust this folder", "Syntax check only"]
        assert "todo!()" not in nvim.text
