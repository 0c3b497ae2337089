"""Who is asked whether code may run without a sandbox, when, and what becomes of the answer."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from check import ScriptedFace

from opencrates_lsp.app.consent import LEAVE, RUN, Consent
from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.store import Store
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Level, Verdict
from opencrates_lsp.verify.toolchain import find_toolchain
from opencrates_lsp.verify.trial import Ground
from opencrates_lsp.verify.verifier import Verifier
from opencrates_lsp.workspace.layout import load_layout

LIBRARY = "pub fn f() -> u8 { 1 }\n#[test]\nfn t() { assert_eq!(f(), 1); }\n"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(tmp_path / "store.sqlite")
    yield store
    await store.close()


@pytest.mark.parametrize(("answer", "may", "asked"), [(RUN, True, 1), (LEAVE, False, 1), (None, False, 2)])
async def test_it_is_asked_once_a_workspace(
    store: Store, tmp_path: Path, answer: str | None, may: bool, asked: int
) -> None:
    face = ScriptedFace([answer] if answer is not None else [])
    for _ in range(2):
        consent = Consent(store, tmp_path, face)
        assert await consent(True) is may
        # Whoever did not answer is not asked again in the same job.
        assert await consent(True) is may
    assert len(face.asked) == asked
    assert await Consent(store, tmp_path, face)(False) is may
    assert len(face.asked) == asked
    assert await Consent(store, tmp_path / "other", face)(False) is False


@pytest.fixture
async def ground(tmp_path: Path) -> Ground:
    """A crate with a test, on a machine that has no bubblewrap on its PATH."""
    root = tmp_path / "a"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text('[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n')
    (root / "src" / "lib.rs").write_text(LIBRARY)
    toolchain = await find_toolchain(root, Configuration(), dict(os.environ))
    linker = shutil.which("cc", path=toolchain.env["PATH"])
    assert linker is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cc").symlink_to(linker)
    path = os.pathsep.join([str(toolchain.cargo.parent), str(tmp_path / "bin")])
    toolchain = replace(toolchain, env={**toolchain.env, "PATH": path})
    layout = await load_layout(root, cargo=[str(toolchain.cargo)], env=toolchain.env, trusted=True)
    return Ground(layout, toolchain, Configuration())


@pytest.mark.parametrize(
    ("level", "sandbox", "answer", "asked", "ran"),
    [
        (Level.TEST, "auto", RUN, 1, True),
        (Level.TEST, "auto", LEAVE, 1, False),
        (Level.TEST, "auto", None, 1, False),
        (Level.TEST, "require", RUN, 0, False),
        (Level.TEST, "off", LEAVE, 0, True),
        (Level.CHECK, "auto", RUN, 0, False),
        (Level.AUTO, "auto", RUN, 0, False),
    ],
)
async def test_it_is_asked_when_code_is_about_to_run(
    store: Store,
    ground: Ground,
    tmp_path: Path,
    level: Level,
    sandbox: Literal["auto", "require", "off"],
    answer: str | None,
    asked: int,
    ran: bool,
) -> None:
    """Not before, not where it must not, and not for tests that `auto` can do without."""
    face = ScriptedFace([answer] if answer is not None else [])
    root = ground.layout.root
    ground = replace(ground, sandbox=sandbox, consent=Consent(store, root, face))
    verifier = Verifier(tmp_path / "cache", max_gb=1)
    try:
        verdict = await judged(verifier, ground, level, root / "src" / "lib.rs")
    finally:
        await verifier.close()
    assert len(face.asked) == asked
    assert verdict.passed
    assert (verdict.tests is not None) is ran, verdict
    if sandbox == "require":
        assert 'verify.sandbox = "require"' in verdict.sandbox
    elif ran:
        assert verdict.sandbox.startswith("none; ")


async def judged(verifier: Verifier, ground: Ground, level: Level, path: Path) -> Verdict:
    source = parse(LIBRARY.encode())
    proof = await verifier.prepare(ground, subject(source, path, items(source)[0]), level, {})
    after = {path: LIBRARY.replace("{ 1 }", "{ 2 - 1 }").encode()}
    return await verifier.judge(proof, after, whole_workspace=False)
