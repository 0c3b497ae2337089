"""What is kept from models: ignore files of every folder on the way, and the setting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opencrates_lsp.workspace.ignore import Ignored
from opencrates_lsp.workspace.reading import read_index


def lay(root: Path) -> Path:
    files = {
        ".gitignore": "/generated/\n*.tmp.rs\n!kept.tmp.rs\n",
        ".aiignore": "secret*.rs\n",
        "src/.aiexclude": "/keys.rs\n",
        "src/lib.rs": "pub struct Open;\n",
        "src/keys.rs": "pub struct Keys;\n",
        "src/secret_sauce.rs": "pub struct Sauce;\n",
        "src/a.tmp.rs": "",
        "src/kept.tmp.rs": "",
        "generated/all.rs": "pub struct Made;\n",
        "vendor/deep/lib.rs": "pub struct Vendored;\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("src/lib.rs", None),
        ("src/keys.rs", ".aiexclude"),
        ("keys.rs", None),
        ("src/secret_sauce.rs", ".aiignore"),
        ("src/a.tmp.rs", ".gitignore"),
        ("src/kept.tmp.rs", None),
        ("generated/all.rs", ".gitignore"),
        ("vendor/deep/lib.rs", "context.ignore"),
        ("../elsewhere/secret.rs", None),
    ],
)
def test_which_file_keeps_it(tmp_path: Path, name: str, by: str | None) -> None:
    root = lay(tmp_path / "root")
    assert Ignored(root, ("vendor/**",)).by(Path(os.path.normpath(root / name))) == by


def test_what_is_ignored_is_not_shown_as_a_definition(tmp_path: Path) -> None:
    root = lay(tmp_path)
    ignored = Ignored(root)
    index = read_index(root, lambda path: ignored.by(path) is not None)
    names = ["Open", "Keys", "Sauce", "Made", "Vendored"]
    assert set(index.related(names, root / "src" / "other.rs")) == {"Open", "Vendored"}


def test_the_ignore_files_of_the_repository_around_count_and_those_of_folders_outside(tmp_path: Path) -> None:
    root = lay(tmp_path / "repository" / "rust")
    beside = lay(tmp_path / "beside")
    (tmp_path / ".aiignore").write_text("*.rs\n")
    (tmp_path / "repository" / ".git").mkdir()
    (tmp_path / "repository" / ".aiignore").write_text("/rust/src/lib.rs\n")
    ignored = Ignored(root, ("vendor/**",), outside=(beside,))
    assert ignored.by(root / "src" / "lib.rs") == ".aiignore"
    assert ignored.by(root / "src" / "kept.tmp.rs") is None
    assert ignored.by(beside / "src" / "keys.rs") == ".aiexclude"
    assert ignored.by(beside / "vendor" / "deep" / "lib.rs") is None
    assert ignored.by(tmp_path / "elsewhere" / "secret.rs") is None
