"""cargo's own settings, wherever they are made: a proof obeys them, and writes nowhere that they name."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prover import MANIFEST, Provers, lay

from opencrates_lsp.errors import Missing
from opencrates_lsp.terms import Configuration

pytestmark = pytest.mark.proof

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"
WRONG = '{ let x: u8 = "wrong"; x }'
HOST = "x86_64-unknown-linux-gnu"
LOGGING = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/log"\nexec "$@"\n'
LINKING = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/log"\nexec cc "$@"\n'
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="The target that the settings name is Linux's.")


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.rglob("*")) if path.is_file()
    }


TARGETS = {
    "repository": ({"w/a/.cargo/config.toml": '[build]\ntarget-dir = "out"\n'}, {}),
    "above": ({"w/.cargo/config.toml": '[build]\ntarget-dir = "out"\n'}, {}),
    "home": ({"home/config.toml": '[build]\ntarget-dir = "OUT"\n'}, {"CARGO_HOME": "HOME"}),
    "variable": ({}, {"CARGO_TARGET_DIR": "OUT"}),
    "long-variable": ({}, {"CARGO_BUILD_TARGET_DIR": "OUT"}),
    "inside-variable": ({}, {"CARGO_TARGET_DIR": "OUT/../w/a/src/out"}),
    "build-dir": ({"w/a/.cargo/config.toml": '[build]\nbuild-dir = "OUT/{workspace-path-hash}/x"\n'}, {}),
    "build-dir-variable": ({}, {"CARGO_BUILD_BUILD_DIR": "OUT"}),
    "target": ({"w/a/.cargo/config.toml": f'[build]\ntarget = "{HOST}"\ntarget-dir = "out"\n'}, {}),
    "several-targets": ({"w/a/.cargo/config.toml": f'[build]\ntarget = ["{HOST}"]\n'}, {}),
}


@on_linux
@pytest.mark.parametrize(("files", "env"), TARGETS.values(), ids=TARGETS)
async def test_what_the_user_built_is_taken_over_from_where_he_builds_it(
    provers: Provers, files: Mapping[str, str], env: Mapping[str, str]
) -> None:
    """The dependency was built by the user's own cargo, into a place of his own; it is not built again for the proof.

    Nothing is written there, and his next check builds nothing.
    """
    out = str(provers.folder / "out")
    home = str(provers.folder / "home")
    given = {name: text.replace("HOME", home).replace("OUT", out) for name, text in env.items()}
    lay(provers.folder, {name: text.replace("OUT", out) for name, text in files.items()})
    crate = {"Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n[workspace]\n', "src/lib.rs": F}
    crate |= {"b/Cargo.toml": MANIFEST.format(name="b"), "b/src/lib.rs": "pub fn b() -> u8 { 1 }\n"}
    prover = await provers(crate, root="w/a", env=given, checked=True)
    before = everything(provers.folder)
    proof = await prover.prepare()
    assert (proof.reached, proof.reason) == (True, None)
    assert proof.analysed is not None
    assert proof.analysed.baseline.compiled == {prover.root}
    assert proof.configuration == f"default features, {HOST if HOST in str(files) else 'host'}"
    assert proof.analysed.baseline.built == {prover.root, prover.root / "b"}
    assert [(await prover.judge(proof, body)).passed for body in (WRONG, "{ b::b() }")] == [False, True]
    after = everything(provers.folder)
    assert {path for path in after if path not in before and str(prover.cache) not in path} == set()
    assert {path: after[path] for path in before} == before
    assert b'"fresh":false' not in provers.users_check(prover.root, given)


@dataclass(frozen=True)
class Case:
    """A crate whose item is only there, or only right, with a setting of cargo's."""

    files: dict[str, str]
    env: dict[str, str] = field(default_factory=dict)
    right: str = "{ 1 }"
    configuration: Configuration | None = None


FLAGGED = {"Cargo.toml": A, "src/lib.rs": f"#[cfg(flagged)]\n{F}"}
SEEN = {"Cargo.toml": A, "src/lib.rs": F}
CASES = {
    "rustflags": Case({**FLAGGED, ".cargo/config.toml": '[build]\nrustflags = ["--cfg", "flagged"]\n'}),
    "rustflags-above": Case({**FLAGGED, "../.cargo/config.toml": '[build]\nrustflags = "--cfg flagged"\n'}),
    "rustflags-old-name": Case({**FLAGGED, ".cargo/config": '[build]\nrustflags = "--cfg flagged"\n'}),
    "rustflags-of-target": Case(
        {**FLAGGED, ".cargo/config.toml": '[target.\'cfg(unix)\']\nrustflags = ["--cfg", "flagged"]\n'}),
    "RUSTFLAGS": Case(FLAGGED, {"RUSTFLAGS": "--cfg flagged"}),
    "CARGO_ENCODED_RUSTFLAGS": Case(FLAGGED, {"CARGO_ENCODED_RUSTFLAGS": "--cfg\x1fflagged"}),
    "CARGO_BUILD_RUSTFLAGS": Case(FLAGGED, {"CARGO_BUILD_RUSTFLAGS": "--cfg flagged"}),
    "in-cargo-home": Case({**FLAGGED, "../home/config.toml": '[build]\nrustflags = "--cfg flagged"\n'},
                          {"CARGO_HOME": "HERE/../home"}),
    "env": Case({**SEEN, ".cargo/config.toml": '[env]\nTHREE = "abc"\n'},
                right='{ const _: [u8; 3] = [0; env!("THREE").len()]; 1 }'),
    "env-relative": Case(
        {**SEEN, ".cargo/config.toml": '[env]\nPLACE = { value = "data", relative = true }\n', "data/x.txt": "abc"},
        right='{ const _: [u8; 3] = *include_bytes!(concat!(env!("PLACE"), "/x.txt")); 1 }'),
    "env-relative-above": Case(
        {**SEEN, "../.cargo/config.toml": '[env]\nPLACE = { value = "data", relative = true }\n',
         "../data/x.txt": "abc"},
        right='{ const _: [u8; 3] = *include_bytes!(concat!(env!("PLACE"), "/x.txt")); 1 }'),
    "profile": Case(
        {**SEEN, ".cargo/config.toml": "[profile.dev]\ndebug-assertions = false\nopt-level = 2\n"},
        right="{ const _: [u8; 0] = [0; cfg!(debug_assertions) as usize]; 1 }"),
    "unstable": Case({**SEEN, ".cargo/config.toml": "[unstable]\nmtime-on-use = true\n[net]\noffline = true\n"}),
    "quiet": Case({**SEEN, ".cargo/config.toml": '[term]\nquiet = true\ncolor = "always"\nverbose = false\n'}),
    "no-incremental": Case({**SEEN, ".cargo/config.toml": "[build]\nincremental = false\njobs = 1\n"}),
    "alias": Case({**SEEN, ".cargo/config.toml": '[alias]\nb = "check"\n'}),
    "denied-warnings": Case({**SEEN, "src/lib.rs": "#![deny(warnings)]\n" + F}),
    "toolchain-file": Case({**SEEN, "rust-toolchain.toml": '[toolchain]\nchannel = "stable"\n'}),
    "jobserver-of-make": Case(SEEN, {"MAKEFLAGS": " -j --jobserver-auth=98,99", "CARGO_MAKEFLAGS": "-j"}),
    "logging": Case(SEEN, {"CARGO_LOG": "error", "RUST_BACKTRACE": "full"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_proof_obeys_the_settings_of_cargo(provers: Provers, case: Case) -> None:
    env = {name: text.replace("HERE", str(provers.folder / "w/a")) for name, text in case.env.items()}
    prover = await provers(case.files, root="w/a", env=env, configuration=case.configuration)
    proof = await prover.prepare()
    assert (proof.reached, proof.reason) == (True, None)
    wrong, right = [await prover.judge(proof, body) for body in (WRONG, case.right)]
    assert [error.code for error in wrong.new_errors] == ["E0308"]
    assert (right.passed, right.new_errors) == (True, ())


COMPILES = "--crate-name a"


async def test_the_toolchain_that_a_file_names_is_the_one(provers: Provers) -> None:
    files = {"rust-toolchain.toml": '[toolchain]\nchannel = "nightly"\n', "Cargo.toml": A}
    files["src/lib.rs"] = "#![feature(never_type)]\npub type N = !;\n" + F
    try:
        prover = await provers(files, env={})
    except Missing:
        pytest.skip("The nightly toolchain is not installed.")
    proof = await prover.prepare()
    assert proof.analysed is not None
    assert (proof.reached, proof.analysed.baseline.errors) == (True, ())
    assert "nightly" in prover.ground.toolchain.version


PROGRAMS = {
    "wrapper": ({".cargo/config.toml": '[build]\nrustc-wrapper = "tools/p"\n', "tools/p": LOGGING}, {}, COMPILES),
    "wrapper-above": (
        {"../.cargo/config.toml": '[build]\nrustc-wrapper = "tools/p"\n', "../tools/p": LOGGING}, {}, COMPILES),
    "workspace-wrapper": (
        {".cargo/config.toml": '[build]\nrustc-workspace-wrapper = "tools/p"\n', "tools/p": LOGGING}, {}, COMPILES),
    "wrapper-variable": ({"tools/p": LOGGING}, {"RUSTC_WRAPPER": "HERE/tools/p"}, COMPILES),
    "wrapper-on-the-path": (
        {"../bin/wrapped": LOGGING, ".cargo/config.toml": '[build]\nrustc-wrapper = "wrapped"\n'},
        {"PATH": f"HERE/../bin:{os.environ['PATH']}"}, COMPILES),
    "linker": ({".cargo/config.toml": f'[target.{HOST}]\nlinker = "tools/p"\n', "tools/p": LINKING}, {}, "-o "),
    "linker-by-flag": (
        {".cargo/config.toml": f'[target.{HOST}]\nrustflags = ["-C", "linker=HERE/tools/p"]\n', "tools/p": LINKING},
        {}, "-o "),
    "linker-variable": (
        {"tools/p": LINKING}, {"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER": "HERE/tools/p"}, "-o "),
}  # fmt: skip


@on_linux
@pytest.mark.parametrize(("files", "env", "said"), PROGRAMS.values(), ids=PROGRAMS)
async def test_a_program_that_is_set_in_front_is_used_and_hides_nothing(
    provers: Provers, files: Mapping[str, str], env: Mapping[str, str], said: str
) -> None:
    """A wrapper like sccache, and another linker; what they write beside themselves is not in the user's folders."""
    here = str(provers.folder / "w/a")
    crate = {"Cargo.toml": A, "src/lib.rs": F, "build.rs": "fn main() {}\n"}
    lay(provers.folder / "w/a", {name: text.replace("HERE", here) for name, text in {**crate, **files}.items()})
    programs = [place for place in provers.folder.rglob("*") if place.name in ("p", "wrapped")]
    for place in programs:
        place.chmod(0o755)
    prover = await provers(root="w/a", env={name: text.replace("HERE", here) for name, text in env.items()})
    proof = await prover.prepare()
    assert (proof.reached, proof.reason) == (True, None)
    assert [(await prover.judge(proof, body)).passed for body in (WRONG, "{ 1 }")] == [False, True]
    logs = [place for folder in (provers.folder / "w", prover.cache) for place in folder.rglob("log")]
    assert any(said in place.read_text() for place in logs)
    own = provers.folder / "w"
    if not env and "HERE" not in str(files):
        assert [place for place in logs if place.is_relative_to(own)] == []


@pytest.mark.skipif(shutil.which("sccache") is None, reason="sccache is not installed.")
async def test_sccache_hands_out_no_old_result(provers: Provers) -> None:
    """The real one, which keeps what rustc made for the same texts: a wrong candidate stays wrong beside it."""
    env = {"RUSTC_WRAPPER": "sccache", "SCCACHE_DIR": str(provers.folder / "kept"), "SCCACHE_SERVER_PORT": str(_port())}
    crate = {"Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n[workspace]\n', "src/lib.rs": F}
    crate |= {"b/Cargo.toml": MANIFEST.format(name="b"), "b/src/lib.rs": "pub fn b() -> u8 { 1 }\n"}
    try:
        prover = await provers(crate, env=env, checked=True)
        proof = await prover.prepare()
        assert (proof.reached, proof.reason) == (True, None)
        bodies = (WRONG, "{ b::b() }", WRONG, "{ b::b() }")
        assert [(await prover.judge(proof, body)).passed for body in bodies] == [False, True, False, True]
        assert b'"fresh":false' not in provers.users_check(prover.root, env)
    finally:
        await asyncio.to_thread(
            subprocess.run, ["sccache", "--stop-server"], env={**os.environ, **env}, capture_output=True, check=False
        )


def _port() -> int:
    """A port that is free; nobody else's sccache is spoken to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
