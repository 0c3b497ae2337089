"""Whom a failing test blames: nobody for what failed before, for chance, or for what takes too long anyway."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from prover import MANIFEST, Provers, lay

from opencrates_lsp.values import Level
from opencrates_lsp.verify.libtest import is_written, read_tests, suspects
from opencrates_lsp.verify.slow import Slow
from opencrates_lsp.verify.verifier import Verifier

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { 1 }\n"
UNIT = "#[cfg(test)] mod tests { use super::*; #[test] fn holds() { assert_eq!(f(), 1); } }\n"
# The number of the run is kept where cargo lets integration tests write.
COUNTING = """#[test]
fn t() {
    let place = concat!(env!("CARGO_TARGET_TMPDIR"), "/runs");
    let run = std::fs::read_to_string(place).map_or(0, |text| text.len());
    std::fs::write(place, "x".repeat(run + 1)).unwrap();
    assert!(a::f() > 0);
    assert!(!([RUNS].contains(&run)), "run {run}");
}
"""


@pytest.mark.parametrize(
    ("failing", "passed", "broken", "flaky", "known"),
    [
        # Runs: before the edit, with it, with it once more, without it once more.
        ("1", True, (), ("t",), ()),
        ("1, 2, 3", True, (), ("t",), ()),
        ("1, 2", False, ("t",), (), ()),
        ("0, 1, 2, 3", True, (), (), ("t",)),
        ("0", True, (), (), ()),
    ],
    ids=["once", "ever-since", "only-with-the-edit", "always", "only-before"],
)
async def test_a_failure_is_believed_when_it_comes_only_with_the_edit(
    provers: Provers,
    failing: str,
    passed: bool,
    broken: tuple[str, ...],
    flaky: tuple[str, ...],
    known: tuple[str, ...],
) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F, "tests/it.rs": COUNTING.replace("RUNS", failing)})
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=300.0)
    verdict = await prover.judge(await prover.prepare(level=Level.AUTO, item="f"), "{ 0 + 1 }")
    assert verdict.tests is not None
    assert (verdict.passed, verdict.tests.broken, verdict.tests.flaky) == (passed, broken, flaky)
    assert verdict.tests.failing_before == known


async def test_a_file_that_is_saved_meanwhile_does_not_have_the_tests_run_once_more_before(provers: Provers) -> None:
    library = F + "pub mod m;\n"
    files = {"Cargo.toml": A, "src/lib.rs": library, "src/m.rs": "", "tests/it.rs": COUNTING.replace("RUNS", "3")}
    prover = await provers(files)
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=300.0)
    proof = await prover.prepare(level=Level.AUTO, item="f")
    lay(prover.root, {"src/m.rs": "pub fn g() {}\n"})
    verdict = await prover.judge(proof, "{ 0 + 1 }")
    assert "prepared again" in [step.name for step in verdict.steps]
    assert verdict.tests is not None
    # The tests ran before the edit, with it, and with it in the new state; the fourth run would fail.
    assert (verdict.passed, verdict.tests.flaky) == (True, ())


async def test_what_is_mended_meanwhile_and_broken_by_the_edit_is_its_fault(provers: Provers) -> None:
    files = {"Cargo.toml": A, "src/lib.rs": F + "pub mod m;\n", "src/m.rs": "pub fn g() -> u8 { 0 }\n"}
    prover = await provers(files | {"tests/it.rs": "#[test] fn t() { assert_eq!(a::f() + a::m::g(), 2); }\n"})
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=300.0)
    proof = await prover.prepare(level=Level.AUTO, item="f")
    lay(prover.root, {"src/m.rs": "pub fn g() -> u8 { 1 }\n"})
    verdict = await prover.judge(proof, "{ 3 }")
    assert verdict.tests is not None
    assert verdict.tests.broken == ("t",)


async def test_a_test_that_the_edit_hangs_is_killed_and_broken(provers: Provers) -> None:
    more = "#[cfg(test)] mod others { #[test] fn other() { assert!(super::f() > 0) } }\npub fn g() {}\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F + UNIT + more})
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=300.0)
    proof = await prover.prepare(item="f", level=Level.AUTO)
    proof = replace(proof, ground=replace(proof.ground, test_budget_seconds=0.1))
    verdict = await prover.judge(proof, '{ if std::env::var_os("PATH").is_some() { loop {} } 1 }')
    assert verdict.tests is not None
    assert not verdict.passed
    # Alone and one after the other, the first of them is the one that hangs.
    assert verdict.tests.broken == ("others::other",)
    right = await prover.judge(proof, "{ 0 + 1 }")
    assert right.passed, right


async def test_tests_that_get_slow_where_they_failed_before_are_said_to_be_cut_short(provers: Provers) -> None:
    waits = "#[cfg(test)] mod tests { use super::*; #[test] fn holds() { f(); loop {} } }\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F.replace("1", "todo!()") + waits})
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=300.0)
    proof = await prover.prepare(item="f", level=Level.AUTO)
    verdict = await prover.judge(replace(proof, ground=replace(proof.ground, test_budget_seconds=0.1)), "{ 2 }")
    told = "`cargo test -p a --lib` was stopped with the edit, because it took longer than 5 s"
    assert (verdict.passed, verdict.skipped) == (True, (told,))


async def test_tests_that_are_too_slow_before_are_left_out_and_not_waited_for_again(provers: Provers) -> None:
    hangs = "#[cfg(test)] mod tests { use super::*; #[test] fn holds() { loop { assert_eq!(f(), 1); } } }\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F + hangs})
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=0.5)
    verdict = await prover.judge(await prover.prepare(item="f", level=Level.AUTO), "{ 2 }")
    limit = "0.5 s (verify.test_budget_seconds)"
    told = f"`cargo test -p a --lib` was stopped before the edit, because it took longer than {limit}"
    assert (verdict.passed, verdict.level, verdict.skipped) == (True, Level.CHECK, (told,))
    # Another process, too, knows it.
    await prover.verifier.close()
    prover.verifier = Verifier(prover.cache, max_gb=1)
    provers.verifiers.append(prover.verifier)
    proof = await prover.prepare(item="f", level=Level.AUTO)
    again = await prover.judge(proof, "{ 2 }")
    told = f"`cargo test -p a --lib` was not run, because it took longer than {limit} a short while ago"
    assert (again.passed, again.level, again.skipped) == (True, Level.CHECK, (told,))
    assert next(step.seconds for step in proof.steps if step.name == "tests before") < 0.5


def test_slowness_is_forgotten_after_a_while_and_with_more_time(provers: Provers) -> None:
    slow = Slow(provers.folder)
    slow.add("a --lib", 5.0)
    assert slow.is_known("a --lib", 5.0)
    assert not slow.is_known("a --lib", 6.0)
    assert not slow.is_known("a --doc", 5.0)
    (provers.folder / "slow-tests.json").write_text(f'{{"a --lib": [5.0, {time.time() - 4000}]}}')
    assert not slow.is_known("a --lib", 5.0)
    (provers.folder / "slow-tests.json").write_text("[")
    assert not slow.is_known("a --lib", 5.0)


def test_what_a_program_that_stops_in_the_middle_has_not_told_is_suspect() -> None:
    err = "   Running unittests src/lib.rs (x)\n"
    whole = "running 3 tests\ntest a ... ok\ntest b ... ok\ntest c ... FAILED\n\ntest result: FAILED.\n"
    before = read_tests(whole, err, 101)
    crashed = read_tests("running 3 tests\ntest a ... ok\ntest b ... ", err, 101)
    assert (crashed.unfinished, crashed.interrupted) == (True, "unittests src/lib.rs: b")
    assert suspects(before, crashed) == ["unittests src/lib.rs: b"]
    stopped = read_tests("running 3 tests\ntest a ... ok\n", err, -9, timed_out=True)
    assert suspects(before, stopped) == ["unittests src/lib.rs: b"]
    # What only failed before is as it was, unless the edit wrote it.
    assert suspects(before, before) == []
    assert suspects(before, before, frozenset({"c"})) == ["unittests src/lib.rs: c"]
    assert not before.unfinished
    assert read_tests("", err, -9, timed_out=True).unfinished


@pytest.mark.parametrize(
    ("name", "written"), [("unit: m::tests::t", True), ("tests::t::case_1", True), ("tests::t2", False), ("t", False)]
)
def test_a_written_test_is_known_by_the_end_of_its_name(name: str, written: bool) -> None:
    assert is_written(name, frozenset({"tests::t"})) is written
