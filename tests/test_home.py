"""Where OpenCrates keeps its own files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opencrates_lsp.home import Home, find_home

SHOW = """
import os
from opencrates_lsp.home import find_home
home = find_home(os.environ)
print(home.config, home.data, home.cache, sep="\\n")
"""


def test_one_variable_moves_all_three_and_makes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "home"
    assert find_home({"OPENCRATES_HOME": str(root)}) == Home(root / "config", root / "data", root / "cache")
    assert not root.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of the platform are those of Linux here")
@pytest.mark.parametrize("empty", [{}, {"OPENCRATES_HOME": " "}])
def test_without_it_the_platforms_folders_hold(empty: dict[str, str], tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "OPENCRATES_"))}
    env |= {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "elsewhere"), **empty}
    shown = subprocess.run([sys.executable, "-c", SHOW], env=env, check=True, capture_output=True, text=True)
    assert shown.stdout.split() == [
        str(tmp_path / ".config" / "opencrates"),
        str(tmp_path / "elsewhere" / "opencrates"),
        str(tmp_path / ".cache" / "opencrates"),
    ]


def test_a_relative_home_is_made_absolute() -> None:
    assert find_home({"OPENCRATES_HOME": "here"}).data == Path.cwd() / "here" / "data"
