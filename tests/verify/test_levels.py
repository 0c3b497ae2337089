"""Tests before and after an edit, new crates without a baseline, and the toolchain that all of it runs with."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from prover import MANIFEST, Prover, Provers, lay

from opencrates_lsp.errors import Missing
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Level, Verdict
from opencrates_lsp.verify.libtest import compared, read_tests
from opencrates_lsp.verify.sandbox import probe
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain
from opencrates_lsp.workspace.layout import load_layout

A = MANIFEST.format(name="a")
TESTED = """
pub fn f(x: u8) -> u8 { let _ = x; todo!() }
/// ```
/// assert_eq!(a::zero(), 0);
/// ```
pub fn zero() -> u8 { 0 }
#[cfg(test)]
mod tests {
    #[test] fn one_more() { assert_eq!(super::f(1), 2); }
    #[test] fn holds() { assert_eq!(super::zero(), 0); }
    #[test] fn never_held() { assert_eq!(super::zero(), 1); }
    #[test] #[ignore] fn slow() {}
}
"""


async def test_a_test_that_passed_must_pass(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": TESTED})
    prover.ground = replace(prover.ground, consent=True)
    proof = await prover.prepare(level=Level.TEST)
    right = await prover.judge(proof, "{ x + 1 }")
    assert right.tests is not None
    assert (right.passed, right.tests.passed, right.tests.failed, right.tests.ignored) == (True, 3, 1, 1)
    zero = await prover.prepare(item="zero", level=Level.TEST)
    wrong = await prover.judge(zero, "{ 1 }")
    assert wrong.tests is not None
    assert set(wrong.tests.broken) == {"tests::holds", "src/lib.rs - zero"}
    assert (wrong.passed, wrong.new_errors) == (False, ())
    assert "tests" in [step.name for step in wrong.steps]


@pytest.mark.parametrize("level", [Level.TEST, Level.AUTO])
async def test_without_sandbox_and_consent_no_test_runs_and_it_is_said(
    provers: Provers, tmp_path: Path, level: Level
) -> None:
    """The same ground, on a machine where bubblewrap is not on the PATH."""
    ran = tmp_path / "ran"
    library = TESTED.replace(
        "fn holds() {", f'fn holds() {{ std::fs::write({str(ran)!r}, "").unwrap();'.replace("'", '"')
    )
    prover = await provers({"Cargo.toml": A, "src/lib.rs": library})
    prover.ground = replace(prover.ground, toolchain=without_bubblewrap(prover.ground.toolchain, tmp_path / "bin"))
    proof = await prover.prepare(level=level)
    verdict = await prover.judge(proof, "{ x + 1 }")
    assert (verdict.level, verdict.passed, verdict.tests) == (Level.CHECK, True, None)
    assert verdict.skipped[0].startswith("the tests were not run: bubblewrap")
    assert verdict.sandbox == (verdict.skipped[0] if level is Level.TEST else "none")
    assert not ran.exists()


async def test_no_word_of_a_program_makes_it_run_outside_of_the_sandbox(provers: Provers, tmp_path: Path) -> None:
    """cargo says "offline" when it misses a package, and so may a test."""
    ran = tmp_path / "ran"
    prover = await provers(
        {"Cargo.toml": A, "src/lib.rs": "pub fn f() -> u8 { 1 }\n#[test]\nfn t() { assert!(f() < 2) }\n"}
    )
    if await probe(prover.ground.toolchain.env) is None:
        pytest.skip("bubblewrap does not work on this machine.")
    proof = await prover.prepare(item="f", level=Level.TEST)
    said = 'std::io::Write::write_all(&mut std::io::stderr(), b"offline\\n").unwrap();'
    verdict = await prover.judge(proof, f'{{ {said} let _ = std::fs::write("{ran}", ""); 3 }}')
    assert verdict.tests is not None
    assert (verdict.tests.broken, verdict.sandbox.startswith("bubblewrap; ")) == (("t",), True)
    assert not ran.exists()


async def test_a_build_script_of_the_model_runs_in_the_sandbox_or_not_at_all(provers: Provers, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": "", "build.rs": "fn main() { todo!() }\n"})
    body = f'{{ std::fs::write("{ran}", "").unwrap(); }}'
    sandbox = await probe(prover.ground.toolchain.env)
    if sandbox is not None:
        verdict = await prover.judge(await prover.prepare("build.rs"), body)
        assert (verdict.passed, verdict.sandbox.startswith("bubblewrap; ")) == (True, True)
        assert not ran.exists()
    prover = await provers(root="a", cache="other")
    prover.ground = replace(prover.ground, toolchain=without_bubblewrap(prover.ground.toolchain, tmp_path / "bin"))
    verdict = await prover.judge(await prover.prepare("build.rs"), body)
    assert verdict.reason is not None
    assert "to check it is to run it" in verdict.reason
    assert not ran.exists()
    prover.ground = replace(prover.ground, consent=True)
    verdict = await prover.judge(await prover.prepare("build.rs"), body)
    assert verdict.passed
    assert ran.exists()


def without_bubblewrap(toolchain: Toolchain, folder: Path) -> Toolchain:
    """The same toolchain, on a PATH that has a linker and no bubblewrap."""
    linker = shutil.which("cc", path=toolchain.env["PATH"])
    assert linker is not None
    folder.mkdir()
    (folder / "cc").symlink_to(linker)
    return replace(toolchain, env={**toolchain.env, "PATH": f"{toolchain.cargo.parent}{os.pathsep}{folder}"})


LIBRARY = {"Cargo.toml": A, "src/lib.rs": "mod m;\npub use m::one;\n", "src/m.rs": "pub fn one() -> u8 {\n    1\n}\n"}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, None),
        ({"src/m.rs": 'pub fn one() -> u8 {\n    ""\n}\n'}, "mismatched types"),
        ({"tests/t.rs": "#[test]\nfn t() {\n    a::two();\n}\n"}, "cannot find function `two` in crate `a`"),
        ({"src/m.rs": "pub fn one() -> u8 {\n    return 1;\n}\n"}, "unneeded `return` statement"),
        ({"tests/t.rs": "#[test]\nfn t() {\n    assert_eq!(a::one(), 2);\n}\n"}, "broken: t"),
        ({"src/orphan.rs": ""}, "no `mod` reaches src/orphan.rs"),
        ({"Cargo.toml": A + '[dependencies]\nno-such-crate-here = { path = "nowhere" }\n'}, "failed to "),
    ],
    ids=["good", "error", "error-in-tests", "clippy", "failing-test", "orphan", "manifest"],
)
async def test_of_a_new_crate_every_error_counts(provers: Provers, files: dict[str, str], said: str | None) -> None:
    prover = await provers(LIBRARY)
    prover.ground = replace(prover.ground, consent=True)
    lay(prover.root, files)
    verdict = await prover.verifier.prove_folder(prover.root, Level.TEST, prover.ground)
    assert verdict.passed is (said is None)
    assert said is None or said in told(verdict)
    assert not (prover.root / "target").exists()
    await prover.verifier.close()
    assert list((prover.cache / "stagings").iterdir()) == []


def told(verdict: Verdict) -> str:
    broken = f"broken: {', '.join(verdict.tests.broken)}" if verdict.tests is not None else ""
    return "\n".join([*(error.message for error in verdict.new_errors), verdict.reason or "", broken])


async def test_a_new_crate_that_is_mended_is_compiled_again(provers: Provers) -> None:
    """Also when the mend has an older time than the last run."""
    prover = await provers(LIBRARY)
    prover.ground = replace(prover.ground, consent=True)
    bad = 'pub fn one() -> u8 {\n    ""\n}\n'
    for text, passes in ((LIBRARY["src/m.rs"], True), (bad, False), (LIBRARY["src/m.rs"], True), (bad, False)):
        os.utime(lay(prover.root, {"src/m.rs": text}) / "src/m.rs", ns=(10**18, 10**18))
        verdict = await prover.verifier.prove_folder(prover.root, Level.CHECK, prover.ground)
        assert verdict.passed is passes


async def test_what_the_edit_itself_puts_behind_a_condition_is_no_proof(provers: Provers) -> None:
    prover: Prover = await provers({"Cargo.toml": A, "src/lib.rs": "pub fn f() -> u8 { todo!() }\n"})
    proof = await prover.prepare()
    for body, passes in (
        ('{ #[cfg(windows)] { let x: u8 = ""; } 1 }', False),
        ("{ #[cfg(not(windows))] { return 2; } #[allow(unreachable_code)] 1 }", True),
    ):
        verdict = await prover.judge(proof, body)
        assert verdict.passed is passes, verdict
    text = proof.subject.path.read_bytes()
    hidden = await prover.verifier.judge(proof, {proof.subject.path: b"#[cfg(windows)]\n" + text}, whole_workspace=True)
    assert (hidden.passed, hidden.reached) == (False, False)


async def test_a_file_that_is_saved_during_the_check_is_not_passed_over(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": "mod m;\npub fn f() -> u8 { todo!() }\n", "src/m.rs": ""})
    proof = await prover.prepare()
    lay(prover.root, {"src/m.rs": "pub fn g() -> u8 { 2 }\n"})
    verdict = await prover.judge(proof, "{ m::g() }")
    assert verdict.passed
    assert "prepared again" in [step.name for step in verdict.steps]


LOGGED = "pub fn f() -> u8 { todo!() }\n"


@pytest.mark.parametrize(
    ("library", "more", "counts"),
    [
        (LOGGED, {}, False),
        (LOGGED + 'pub const LOG: &[u8] = include_bytes!("../data/x.log");\n', {}, True),
        (LOGGED, {"build.rs": "fn main() {}\n"}, True),
    ],
    ids=["unread", "included", "build-script"],
)
async def test_a_log_that_grows_makes_another_state_only_where_it_may_be_read(
    provers: Provers, library: str, more: dict[str, str], counts: bool
) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": library, "data/x.log": "1", "data/x.db": "1", **more})
    proof = await prover.prepare()
    assert proof.reached
    lay(prover.root, {"data/x.log": "12", "data/x.db-wal": "1"})
    verdict = await prover.judge(proof, "{ 1 }")
    assert verdict.passed
    assert ("prepared again" in [step.name for step in verdict.steps]) is counts
    lay(prover.root, {"data/x.log": "123"})
    (prover.root / "data/x.db-wal").unlink()
    again = await prover.prepare()
    assert (again.state[0] != proof.state[0]) is counts
    assert again.state[1] != proof.state[1]


@pytest.mark.parametrize("other", ["", "use no::thing;\n"], ids=["good", "bad"])
async def test_a_log_that_the_edit_includes_is_read_as_it_is_now(provers: Provers, other: str) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": LOGGED + other, "data/x.log": "1"})
    proof = await prover.prepare()
    lay(prover.root, {"data/x.log": "12"})
    body = '{ const _: [u8; 1] = *include_bytes!("../data/x.log"); 1 }'
    verdict = await prover.judge(proof, body)
    assert [error.code for error in verdict.new_errors] == ["E0308"]


def test_the_outcomes_of_programs_are_told_apart() -> None:
    err = "   Running unittests src/lib.rs (x)\n   Running tests/t.rs (y)\n   Doc-tests a\n"
    out = "running 2 tests\ntest a ... ok\ntest b - should panic ... ok\n\nrunning 1 test\ntest a ... {} \n\n"
    out += "running 1 test\ntest src/lib.rs - x (line {}) ... ok\n"
    before = read_tests(out.format("ok", 3), err, 0)
    after = read_tests(out.format("FAILED", 5), err, 101)
    assert (before.passed.total(), after.failed.total()) == (5, 1)
    count = compared(before, after)
    assert (count.passed, count.failed, count.broken) == (3, 1, ("a",))
    assert compared(after, after).broken == ()
    # A program that crashed says nothing of its tests, and what it does not say did not pass.
    assert set(compared(before, read_tests("", err, 101)).broken) == {"a", "b - should panic"[:1], "src/lib.rs - x"}


@pytest.mark.skipif(sys.platform == "win32", reason="a script stands in for rustup's shim")
async def test_the_toolchain_is_the_folders_own(toolchain: Toolchain, tmp_path: Path) -> None:
    env = {**os.environ, "CARGO_TARGET_DIR": "/nowhere", "RUST_RECURSION_COUNT": "1", "RUSTUP_TOOLCHAIN": "wrong"}
    found = await find_toolchain(tmp_path, Configuration(extra_env=(("MINE", "1"),)), env)
    assert found.cargo == toolchain.cargo
    assert "CARGO_TARGET_DIR" not in found.env
    assert found.env["MINE"] == "1"
    with pytest.raises(Missing, match="no cargo on the PATH"):
        await find_toolchain(tmp_path, Configuration(), {"PATH": str(tmp_path)})
    if toolchain.cargo.parents[2].name == "toolchains":
        lay(tmp_path, {"rust-toolchain.toml": '[toolchain]\nchannel = "1.12.0"\n'})
        with pytest.raises(Missing, match=r"1\.12\.0.* not installed"):
            await find_toolchain(tmp_path, Configuration(), os.environ)


async def test_a_foreign_file_is_told(provers: Provers, tmp_path: Path) -> None:
    prover = await provers(
        {"Cargo.toml": '[workspace]\nmembers = ["b"]\n', "b/Cargo.toml": MANIFEST.format(name="b")}
        | {"b/src/lib.rs": "", "loose.rs": "fn f() { todo!() }"}
    )
    assert (await prover.prepare("loose.rs")).reason == "its file belongs to no package of the workspace"
    layout = await load_layout(prover.root, cargo=[], env={}, trusted=False)
    prover.ground = replace(prover.ground, layout=layout)
    proof = await prover.prepare("loose.rs")
    assert (proof.level, proof.reason) == (Level.PARSE, "the folder is not trusted, so no program of it may run")
