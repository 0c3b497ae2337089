"""What is built from the tree works where the tree is not."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from command_line import FILLED, crate, variables

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that was built from that."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


def run(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a program to its good end; what it wrote on standard output."""
    done = subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_wheel_holds_all_that_is_read_at_run_time(built: Path) -> None:
    [wheel] = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    package = [path for path in (ROOT / "opencrates_lsp").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    wanted = {path.relative_to(ROOT).as_posix() for path in package}
    wanted |= {f"opencrates_lsp/_templates/{path.relative_to(ROOT / 'templates').as_posix()}" for path in templates}
    assert {"opencrates_lsp/py.typed", "opencrates_lsp/_templates/crates/lib/Cargo.toml.j2"} <= wanted
    assert not wanted - names
    strange = {name for name in names - wanted if ".dist-info/" not in name}
    assert not strange
    [source] = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        tops = {name.split("/")[1] for name in archive.getnames()}
    assert tops == {
        *("opencrates_lsp", "templates", "pyproject.toml", "README.md", "CHANGELOG.md", "PKG-INFO", ".gitignore"),
        *("LICENSE-MIT", "LICENSE-APACHE"),
    }


def test_the_installed_programs_fill_and_make_crates(built: Path, tmp_path: Path) -> None:
    [wheel] = built.glob("*.whl")
    programs = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv", cwd=tmp_path)
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check", "--quiet"]
    run(*pip, "install", wheel, cwd=tmp_path)
    library = crate(tmp_path / "tiny")
    env = variables(tmp_path / "home")
    env.pop("PYTHONPATH", None)
    env["PATH"] = os.pathsep.join([str(programs), env["PATH"]])

    def said(*arguments: str) -> str:
        # By name, so that PATH decides, as it does for cargo.
        return run(programs / arguments[0], *arguments[1:], cwd=tmp_path, env=env)

    version = said("opencrates", "--version").split()[-1]
    assert version in wheel.name
    assert said("opencrates-lsp", "--version") == f"opencrates-lsp {version}\n"
    holes = said("opencrates", "holes", "tiny")
    assert holes.count("tiny/src/lib.rs:") == 3
    assert run("cargo", "opencrates", "holes", "tiny", cwd=tmp_path, env=env) == holes
    assert "cargo check: reached" in said("opencrates", "fill", "tiny/src/lib.rs", "--trust")
    assert library.read_text() == FILLED
    assert "cargo test: reached" in said("opencrates", "new", "made", "--kind", "bin")
    assert (tmp_path / "made" / "src" / "main.rs").is_file()
    assert (tmp_path / "made" / ".gitignore").is_file()
