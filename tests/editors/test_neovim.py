"""The real Neovim with the shipped configuration, as a script drives it: attach, holes, a fill, undo, the end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from lsp import SERVER
from nvim_user import HERE, RUNTIME, binary, crate, surroundings

pytestmark = pytest.mark.editors

LIBRARY = """\
pub struct Größe {
    teile: Vec<u8>,
}

impl Größe {
    pub fn len(&self) -> usize {
        /* 𝄞 */ todo!()
    }
}
"""


def test_a_hole_is_shown_and_goes_when_it_is_filled(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    done = subprocess.run(
        [
            *(binary(), "--headless", "-u", "NONE", "-n", "-i", "NONE", "-l", str(HERE / "script.lua")),
            *(str(RUNTIME), str(library), *SERVER),
        ],
        env=surroundings(tmp_path / "home"),
        capture_output=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )
    seen = json.loads(done.stdout)
    assert seen["shown"], done.stderr
    hole = seen["hole"]
    # The clef is four bytes of UTF-8, in which Neovim counts.
    assert (hole["lnum"], hole["col"], hole["code"], hole["source"]) == (6, 19, "hole", "opencrates")
    assert "Größe::len" in hole["message"]
    assert (seen["gone"], seen["back"]) == (True, True)
    assert seen["filled"], done.stderr
    assert "self.teile.len()" in seen["text"]
    assert (seen["undone"], seen["stopped"]) == (True, True)
    assert library.read_text(encoding="utf-8") == seen["text"]
    assert done.returncode == 0
