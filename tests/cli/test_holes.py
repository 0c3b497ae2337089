"""`opencrates holes` as a real process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RUN = [sys.executable, "-c", "from opencrates_lsp.cli import main; main()", "holes"]


def opencrates_holes(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *arguments], cwd=cwd, capture_output=True, encoding="utf-8", check=False)


def crate(root: Path) -> Path:
    (root / "src").mkdir()
    (root / "target").mkdir()
    (root / "target" / "build.rs").write_text("fn generated() { todo!() }")
    (root / "src" / "lib.rs").write_text(
        'struct S;\r\nimpl S {\r\n  fn größe(&self) -> u8 { /* ä */ todo!("messen") }\r\n}\r\n',
        encoding="utf-8",
        newline="",
    )
    (root / "src" / "full.rs").write_text("fn done() {}\n")
    return root


def test_places_are_told_in_lines_and_characters(tmp_path: Path) -> None:
    done = opencrates_holes(cwd=crate(tmp_path))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"{Path('src/lib.rs')}:3:35  S::größe  messen"]
    assert done.stderr == "1 hole\n"


def test_json_is_one_document(tmp_path: Path) -> None:
    done = opencrates_holes("--json", "src/lib.rs", cwd=crate(tmp_path))
    (hole,) = json.loads(done.stdout)["holes"]
    assert (hole["item"], hole["line"], hole["column"], hole["macro"]) == ("S::größe", 3, 35, "todo")


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = opencrates_holes("nowhere", cwd=tmp_path)
    assert done.returncode == 2
    assert "nowhere" in done.stderr
    assert done.stdout == ""


def test_a_wrong_option_is_wrong_usage(tmp_path: Path) -> None:
    assert opencrates_holes("--colour", cwd=tmp_path).returncode == 2
