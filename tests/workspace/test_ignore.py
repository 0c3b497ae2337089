"""What is kept from models: ignore files of every folder on the way, and the setting."""

from __future__ import annotations

import os
from collections.abc import Callable
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


def test_that_an_ignore_file_came_went_or_changed_is_noticed(tmp_path: Path) -> None:
    root = lay(tmp_path)

    def changed(change: Callable[[], object]) -> bool:
        ignored = Ignored(root)
        assert ignored.by(root / "vendor" / "deep" / "lib.rs") is None
        assert not ignored.have_changed()
        change()
        return ignored.have_changed()

    new = root / "vendor" / "deep" / ".aiignore"
    assert changed(lambda: new.write_text("*.r\n"))
    assert changed(lambda: new.write_text("*.rsx\n"))
    assert changed(new.unlink)


@pytest.mark.parametrize("folder", ["src", "linked"])
def test_a_link_is_what_it_leads_to(tmp_path: Path, folder: str) -> None:
    root = lay(tmp_path / "real")
    (tmp_path / "other.rs").write_text("pub struct Other;\n")
    (root / "src" / "to_keys.rs").symlink_to("keys.rs")
    (root / "src" / "to_lib.rs").symlink_to("lib.rs")
    (root / "src" / "out.rs").symlink_to(tmp_path / "other.rs")
    (root / "linked").symlink_to("src")
    (tmp_path / "root").symlink_to(root)
    for seen in (root, tmp_path / "root"):
        ignored = Ignored(seen)
        assert ignored.by(seen / folder / "to_keys.rs") == ".aiexclude"
        assert ignored.by(seen / folder / "keys.rs") == ".aiexclude"
        assert not ignored.leaves_out(seen / folder / "to_lib.rs")
        assert ignored.by(seen / folder / "out.rs") is None, "the user's own file may be a link"
        assert ignored.leaves_out(seen / folder / "out.rs"), "no other file is shown through one"


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
