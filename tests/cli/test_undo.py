"""`opencrates undo` and `opencrates history`, on what `opencrates fill` did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import ANSWER_KEYS, FILLED, POINT, crate, opencrates, told


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """A crate whose holes were filled one after the other: `new`, then `x`."""
    crate(tmp_path / "tiny")
    where = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    for place in ("src/lib.rs:8", "src/lib.rs:12"):
        done = opencrates("fill", place, "--trust", **where)
        assert done.returncode == 0, done.stderr
    assert library(where).read_text() == FILLED
    return where


def library(run: dict[str, Any]) -> Path:
    return Path(run["cwd"]) / "src" / "lib.rs"


def history(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    changes = told(opencrates("history", "--json", **run))["changes"]
    return [(change["id"], change["state"], change["title"]) for change in changes]


def test_changes_are_taken_back_one_by_one(run: dict[str, Any]) -> None:
    assert "\n-        self.x\n+        todo!()\n" in opencrates("undo", "--dry-run", **run).stdout
    assert library(run).read_text() == FILLED
    done = opencrates("undo", "--json", **run)
    assert (done.returncode, set(told(done))) == (0, ANSWER_KEYS)
    assert library(run).read_text() == FILLED.replace("self.x", "todo!()")
    assert opencrates("undo", **run).stdout == "Undone: Fill `Point::new`\n"
    assert library(run).read_text() == POINT
    over = opencrates("undo", **run)
    assert (over.returncode, over.stdout) == (2, "")
    assert "no change to take back" in over.stderr
    assert library(run).read_text() == POINT


def test_an_earlier_change_is_taken_back_by_its_id(run: dict[str, Any]) -> None:
    first = history(run)[1][0]
    assert opencrates("undo", first, **run).returncode == 0
    assert library(run).read_text() == POINT.replace("todo!()", "self.x", 2).replace("self.x", "todo!()", 1)
    again = opencrates("undo", first, **run)
    assert again.returncode == 1
    assert "undone" in again.stderr
    assert opencrates("undo", "0" * 32, **run).returncode == 2


def test_only_a_change_of_this_workspace_is_taken_back_unnamed(run: dict[str, Any], tmp_path: Path) -> None:
    crate(tmp_path / "other")
    other = {**run, "cwd": tmp_path / "other"}
    assert opencrates("fill", "src/lib.rs:8", "--trust", **other).returncode == 0
    filled = library(other).read_text()
    # The newest change is the other crate's; here it is ours that is meant, from a folder below as well.
    assert opencrates("undo", **{**run, "cwd": tmp_path / "tiny" / "src"}).returncode == 0
    assert library(run).read_text() == FILLED.replace("self.x", "todo!()")
    assert library(other).read_text() == filled


def test_what_was_edited_since_is_left_alone(run: dict[str, Any]) -> None:
    text = FILLED.replace("self.x", "self.x + 1")
    library(run).write_text(text)
    done = opencrates("undo", "--json", **run)
    assert (done.returncode, told(done)["state"]) == (1, "refused")
    assert library(run).read_text() == text
    assert [state for _, state, _ in history(run)] == ["applied", "applied"]


def test_what_was_edited_elsewhere_is_kept(run: dict[str, Any]) -> None:
    library(run).write_text(f"// Mine.\n{FILLED}")
    assert opencrates("undo", **run).returncode == 0
    assert library(run).read_text() == f"// Mine.\n{FILLED.replace('self.x', 'todo!()')}"
