"""Who is asked whether a folder is trusted, and what becomes of the answer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from check import ScriptedFace

from opencrates_lsp.app import App
from opencrates_lsp.app.consent import LEAVE, RUN, Consent
from opencrates_lsp.app.workspaces import NO_TRUST, TRUST, Launch
from opencrates_lsp.home import Home
from opencrates_lsp.values import Level


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    home = Home(tmp_path / "config", tmp_path / "data", tmp_path / "cache")
    app = await App.open(home, Launch(dict(os.environ)), lambda text: None)
    yield app
    await app.close()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    root = tmp_path / "tiny"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n')
    (root / "opencrates.toml").write_text('[policy]\nnew_dependencies = "deny"\n')
    (root / "src" / "lib.rs").write_text("pub fn f() -> u8 { todo!() }\n")
    return root / "src" / "lib.rs"


async def test_a_no_means_no_program_and_no_project_file_and_is_asked_once(app: App, library: Path) -> None:
    face = ScriptedFace([NO_TRUST])
    for _ in range(2):
        workspace = await app.workspaces.of(library, face)
        assert (workspace.level, workspace.toolchain) == (Level.PARSE, None)
        # The project's file tightens nothing either, because it is not read.
        assert workspace.settings.policy.new_dependencies == "confirm"
    assert len(face.asked) == 1


async def test_a_yes_is_remembered(app: App, library: Path) -> None:
    face = ScriptedFace([TRUST])
    for _ in range(2):
        workspace = await app.workspaces.of(library, face)
        assert workspace.level is Level.AUTO
        assert workspace.settings.policy.new_dependencies == "deny"
    assert len(face.asked) == 1


async def test_no_answer_is_no_trust_and_asks_again(app: App, library: Path) -> None:
    face = ScriptedFace()
    for _ in range(2):
        assert (await app.workspaces.of(library, face)).level is Level.PARSE
    assert len(face.asked) == 2


async def test_trusting_it_once_by_hand_takes_a_remembered_no_back(app: App, library: Path) -> None:
    await app.workspaces.of(library, ScriptedFace([NO_TRUST]))
    launch = app.workspaces.launch
    app.workspaces.launch = replace(launch, trusted=True)
    face = ScriptedFace([TRUST])
    assert (await app.workspaces.of(library, face)).level is Level.AUTO
    assert not face.asked
    app.workspaces.launch = launch
    assert (await app.workspaces.of(library, face)).level is Level.AUTO
    assert len(face.asked) == 1


async def test_distrusting_it_once_by_hand_takes_a_remembered_yes_back_and_the_word_on_running_with_it(
    app: App, library: Path
) -> None:
    async def may_run(face: ScriptedFace) -> bool:
        workspace = await app.workspaces.of(library, ScriptedFace([TRUST]))
        return await Consent(app.store, workspace.layout.root, face)(ask=True)

    assert await may_run(ScriptedFace([RUN]))
    launch = app.workspaces.launch
    app.workspaces.launch = replace(launch, trusted=False)
    assert (await app.workspaces.of(library, ScriptedFace())).level is Level.PARSE
    app.workspaces.launch = launch
    face = ScriptedFace([TRUST])
    await app.workspaces.of(library, face)
    assert len(face.asked) == 1
    assert not await may_run(ScriptedFace([LEAVE]))


async def test_reading_it_for_offers_asks_nobody(app: App, library: Path) -> None:
    await app.warm(library)
    known = app.workspaces.known(library)
    assert known is not None
    assert known.toolchain is None
