"""`opencrates history`."""

from __future__ import annotations

from pathlib import Path

from command_line import crate, opencrates, told


def test_changes_are_listed_newest_first_with_their_proof(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    run = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    nothing = opencrates("history", **run)
    assert (nothing.returncode, nothing.stdout, nothing.stderr) == (0, "", "Nothing was changed yet.\n")
    assert opencrates("fill", "src/lib.rs:8", "--trust", **run).returncode == 0
    assert opencrates("undo", **run).returncode == 0
    lines = [line.split(maxsplit=4) for line in opencrates("history", **run).stdout.splitlines()]
    assert [line[3:] for line in lines] == [
        ["applied", "Undo: Fill `Point::new`  src/lib.rs"],
        ["undone", "Fill `Point::new`  src/lib.rs"],
    ]
    elsewhere = opencrates("history", cwd=tmp_path / "home", home=tmp_path / "home", env={"HOME": str(tmp_path)})
    assert [line.split()[-1] for line in elsewhere.stdout.splitlines()] == ["~/tiny/src/lib.rs"] * 2
    newest, filled = told(opencrates("history", "--json", **run))["changes"]
    assert [newest["id"], filled["id"]] == [line[0] for line in lines]
    assert filled["verdict"]["reached"] is True
    assert filled["files"] == [str(library)]
    assert len(told(opencrates("history", "--json", "--limit", "1", **run))["changes"]) == 1


def test_a_home_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    done = opencrates("history", "--json", cwd=tmp_path, home=tmp_path / "home")
    assert done.returncode == 3
    assert str(tmp_path / "home") in told(done)["reason"]
    assert "Traceback" not in done.stderr
