"""`opencrates new`, with real cargo and no model."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from command_line import ANSWER_KEYS, crate, opencrates, told


@pytest.mark.parametrize(("kind", "main"), [("lib", "lib.rs"), ("bin", "main.rs")])
def test_a_crate_lands_tested(kind: str, main: str, tmp_path: Path) -> None:
    run = {"cwd": tmp_path, "home": tmp_path / "home"}
    done = opencrates("new", "deep/../made", "--kind", kind, "--json", **run)
    answer = told(done)
    assert done.returncode == 0, done.stderr
    assert set(answer) == ANSWER_KEYS | {"path"}
    assert (answer["state"], answer["path"]) == ("applied", str(tmp_path / "made"))
    assert (tmp_path / "made" / "src" / main).as_uri() in answer["files"]
    assert answer["verdict"]["level"] == "test"
    assert answer["verdict"]["tests"]["passed"] > 0
    manifest = tomllib.loads((tmp_path / "made" / "Cargo.toml").read_text())
    assert manifest["package"]["name"] == "made"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "made"]


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "keep").write_text("me")
    done = opencrates("new", "mine", cwd=tmp_path, home=tmp_path / "home")
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["keep"]


def test_a_workspace_gains_a_member_that_undo_takes_out_again(tmp_path: Path) -> None:
    root = tmp_path / "space"
    crate(root / "first", "", name="first")
    before = '[workspace]\nresolver = "2"\nmembers = ["first"] # Those that count.\n'
    (root / "Cargo.toml").write_text(before)
    run = {"cwd": root, "home": tmp_path / "home"}
    unasked = opencrates("new", "second", **run)
    assert (unasked.returncode, (root / "second").exists()) == (1, False)
    dry = opencrates("new", "second", "--trust", "--dry-run", **run)
    assert dry.returncode == 0, dry.stderr
    assert sorted(path.name for path in root.iterdir()) == ["Cargo.toml", "first"]
    copy = shutil.copytree(root, tmp_path / "copy")
    subprocess.run(["git", "init", "-q", "."], cwd=copy, check=True)
    subprocess.run(["git", "apply", "-"], cwd=copy, input=dry.stdout, encoding="utf-8", check=True)
    done = opencrates("new", "second", "--trust", **run)
    assert done.returncode == 0, done.stderr
    assert "cargo test: reached, 0 new errors" in done.stdout
    assert (root / "Cargo.toml").read_text() == before.replace('"first"', '"first", "second"')
    subprocess.run(
        ["cargo", "metadata", "--offline", "--no-deps", "--quiet"], cwd=root, check=True, capture_output=True
    )
    assert opencrates("undo", **run).returncode == 0
    assert (root / "Cargo.toml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["9lives"], "9lives", 2),
        (["fine", "--kind", "boat"], "boat", 2),
        (["fine", "--edition", "1999"], "1999", 2),
        (["no/such/fine"], "no folder", 2),
    ],
)
def test_what_cannot_be_made_is_named(arguments: list[str], said: str, code: int, tmp_path: Path) -> None:
    done = opencrates("new", *arguments, "--json", cwd=tmp_path, home=tmp_path / "home")
    assert (done.returncode, told(done)["state"]) == (code, "refused")
    assert said in told(done)["reason"]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_kind_that_is_not_there_is_told_before_trust_is_asked(tmp_path: Path) -> None:
    root = tmp_path / "space"
    crate(root, "")
    run = {"cwd": root, "home": tmp_path / "home"}
    done = opencrates("new", "fine", "--kind", "boat", **run)
    assert done.returncode == 2
    assert "'boat' is none of bin, lib" in done.stderr
    own = root / ".opencrates" / "templates" / "crates" / "boat"
    own.mkdir(parents=True)
    (own / "Cargo.toml").write_text("")
    done = opencrates("new", "fine", "--kind", "boat", **run)
    assert done.returncode == 1
    assert "Trust" in done.stderr


def test_without_cargo_there_is_no_crate(tmp_path: Path) -> None:
    done = opencrates("new", "fine", cwd=tmp_path, home=tmp_path / "home", env={"PATH": str(tmp_path)})
    assert (done.returncode, (tmp_path / "fine").exists()) == (3, False)
    assert "rustup.rs" in done.stderr
