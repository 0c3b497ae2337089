"""A workspace is read anew when what it was read from changes, wherever that lies, and knows where its user builds."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from opencrates_lsp.app import App
from opencrates_lsp.app.workspaces import Launch
from opencrates_lsp.home import Home

MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    home = Home(tmp_path / "config", tmp_path / "data", tmp_path / "cache")
    env = {**os.environ, "CARGO_TARGET_DIR": str(tmp_path / "elsewhere")}
    app = await App.open(home, Launch(env, trusted=True), lambda text: None)
    yield app
    await app.close()


async def test_what_lies_above_the_root_is_part_of_what_a_workspace_is_read_from(app: App, tmp_path: Path) -> None:
    for name, more in {"a": '[dependencies]\nb = { path = "../b" }\n', "b": "", "c": "", "patched": ""}.items():
        (tmp_path / name / "src").mkdir(parents=True)
        (tmp_path / name / "src/lib.rs").touch()
        (tmp_path / name / "Cargo.toml").write_text(MANIFEST.format(name=name) + more)
    path = tmp_path / "a/src/lib.rs"
    first = await app.workspaces.of(path, None)
    assert first.layout.target_directory == tmp_path / "elsewhere"
    assert first.layout.outside == (tmp_path / "b",)
    assert await app.workspaces.of(path, None) is first
    # The dependency gets one of its own, and a folder above a patch.
    with (tmp_path / "b/Cargo.toml").open("a") as manifest:
        manifest.write('[dependencies]\nc = { path = "../c" }\n')
    second = await app.workspaces.of(path, None)
    assert second.layout.outside == (tmp_path / "b", tmp_path / "c")
    (tmp_path / ".cargo").mkdir()
    (tmp_path / ".cargo/config.toml").write_text('[patch.crates-io]\nserde = { path = "patched" }\n')
    third = await app.workspaces.of(path, None)
    assert set(third.layout.outside) == {tmp_path / "b", tmp_path / "c", tmp_path / "patched"}
