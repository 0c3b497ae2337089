"""`opencrates fill`: what is written, what is said, and what is left alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import ANSWER_KEYS, FILLED, POINT, RUN, crate, opencrates, told, variables

SHORT = "pub struct S(u8);\nimpl S {\n    pub fn new(n: u8) -> Self {\n        todo!()\n    }\n}\n"
SHORT_FILLED = SHORT.replace("todo!()", "Self(n)")


def test_a_file_is_filled_as_one_change_that_compiles(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    done = opencrates("fill", "src/lib.rs", "--trust", cwd=tmp_path / "tiny", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert library.read_text() == FILLED
    first, *notes, remedy = done.stdout.splitlines()
    assert first.startswith("Filled lib.rs: cargo check: reached, 0 new errors")
    assert [note.split(":")[0] for note in notes] == ["left"]
    assert notes[0].startswith("left: `Point::magic`: Nothing is provable offline here")
    assert remedy.startswith("Configure a model")
    # A line for each item, whatever its phases.
    assert done.stderr.splitlines() == ["1/3 `Point::new`", "2/3 `Point::x`", "3/3 `Point::magic`"]


def test_a_place_that_holes_tells_is_the_hole_that_is_filled(tmp_path: Path) -> None:
    library = crate(
        tmp_path / "tiny",
        "\ufeffpub struct S { größe: u8, b: u8 } impl S { pub fn größe(&self) -> u8 { todo!() } pub fn b(&self) -> u8 "
        "{ todo!() } }",
    )
    run = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    hole = told(opencrates("holes", "--json", **run))["holes"][1]
    assert (hole["line"], hole["item"]) == (1, "S::b")
    place = f"src/lib.rs:{hole['line']}:{hole['column']}"
    done = opencrates("fill", place, "--trust", **run)
    assert done.returncode == 0, done.stderr
    assert "self.b" in library.read_text()
    assert library.read_text().count("todo!()") == 1


def test_a_patch_is_taken_by_git_and_nothing_is_written(tmp_path: Path) -> None:
    root = tmp_path / "tiny"
    crate(root, SHORT.replace("\n", "\r\n"))
    library = (root / "src" / "lib.rs").rename(root / "src" / "a früh one.rs")
    (root / "src" / "lib.rs").write_text('#[path = "a früh one.rs"]\nmod one;\n')
    before = library.read_bytes()
    # In bytes: the text mode of a pipe would turn the line ends.
    dry = subprocess.run(
        [*RUN, "fill", "src/a früh one.rs", "--trust", "--dry-run"],
        cwd=root,
        env=variables(tmp_path / "home"),
        capture_output=True,
        check=True,
    )
    assert library.read_bytes() == before
    assert b"Not written: Fill a fr" in dry.stderr
    subprocess.run(["git", "init", "-q", "."], cwd=root, check=True)
    subprocess.run(["git", "apply", "-"], cwd=root, input=dry.stdout, check=True)
    assert library.read_bytes() == SHORT_FILLED.replace("\n", "\r\n").encode()


def test_json_is_one_document_with_what_scripts_rely_on(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    run = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    dry = told(opencrates("fill", "src/lib.rs:8", "--trust", "--json", "--dry-run", **run))
    assert (dry["state"], dry["change"], library.read_text()) == ("offered", None, POINT)
    done = opencrates("fill", "src/lib.rs:8", "--trust", "--json", **run)
    answer = told(done)
    assert done.stderr == ""
    assert set(answer) == ANSWER_KEYS
    assert (answer["state"], answer["files"]) == ("applied", [library.as_uri()])
    assert answer["verdict"] | {"reached": True, "level": "check", "new_errors": []} == answer["verdict"]
    assert told(opencrates("history", "--json", **run))["changes"][0]["id"] == answer["change"]


def test_what_is_refused_leaves_the_file_alone(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    run = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    done = opencrates("fill", "src/lib.rs:16", "--trust", "--json", **run)
    assert done.returncode == 1
    assert set(told(done)) == ANSWER_KEYS
    assert told(done)["state"] == "refused"
    assert told(done)["reason"] in done.stderr
    assert library.read_text() == POINT
    assert told(opencrates("history", "--json", **run))["changes"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fill"], "Missing argument"),
        (["fill", "src/none.rs"], "no such file"),
        (["fill", "src"], "`src` is a folder"),
        (["fill", "."], "`.` is a folder"),
        (["fill", "Cargo.toml"], "`Cargo.toml` is not a Rust file"),
        (["fill", "Cargo.toml:1"], "not a Rust file"),
        (["fill", "src/lib.rs:1", "--trust"], "no hole at line 1"),
        (["fill", "src/lib.rs:99", "--trust"], "no line 99"),
        (["fill", "src/lib.rs:8:99", "--trust"], "no column 99"),
        (["fill", "src/lib.rs:0"], "count from 1"),
        (["fill", "src/lib.rs", "-i", "quickly"], "PATH:LINE"),
        (["fill", "src/lib.rs", "--colour"], "No such option"),
        (["frob"], "No such command"),
    ],
)
def test_wrong_usage_ends_with_two(arguments: list[str], said: str, tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    done = opencrates(*arguments, cwd=tmp_path / "tiny", home=tmp_path / "home")
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert library.read_text() == POINT


def test_without_cargo_nothing_lands_that_should_be_proved(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    run = {"cwd": tmp_path / "tiny", "home": tmp_path / "home", "env": {"PATH": str(tmp_path)}}
    done = opencrates("fill", "src/lib.rs", "--trust", **run)
    assert (done.returncode, library.read_text()) == (3, POINT)
    assert "no cargo" in done.stderr
    assert "rustup.rs" in done.stderr
    done = opencrates("fill", "src/lib.rs", "--no-trust", **run)
    assert (done.returncode, library.read_text()) == (0, FILLED)
    assert "nothing was compiled" in done.stdout


def test_where_nobody_can_be_asked_it_says_how_to_answer(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    done = opencrates("fill", "src/lib.rs", cwd=tmp_path / "tiny", home=tmp_path / "home")
    assert (done.returncode, library.read_text()) == (1, POINT)
    assert "Trust tiny?" in done.stderr
    assert "--trust" in done.stderr


@pytest.mark.parametrize(
    "shaped",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=["crlf", "bom", "no last line end"],
)
def test_the_shape_of_a_file_stays(shaped: Callable[[str], str], tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny", shaped(SHORT))
    library.chmod(0o640)
    done = opencrates("fill", "src/lib.rs", "--trust", cwd=tmp_path / "tiny", home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert library.read_bytes() == shaped(SHORT_FILLED).encode()
    assert library.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in library.parent.iterdir()] == ["lib.rs"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny", SHORT)
    real = library.rename(tmp_path / "tiny" / "real.rs")
    library.symlink_to("../real.rs")
    done = opencrates("fill", "tiny/../tiny/src/lib.rs", "--trust", cwd=tmp_path, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert library.is_symlink()
    assert real.read_text() == SHORT_FILLED


def test_a_read_only_file_is_left_alone_but_for_a_patch(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny", SHORT)
    library.chmod(0o444)
    run = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    done = opencrates("fill", "src/lib.rs", "--trust", **run)
    assert (done.returncode, library.read_text()) == (3, SHORT)
    assert "read-only" in done.stderr
    assert opencrates("fill", "src/lib.rs", "--trust", "--dry-run", **run).returncode == 0
