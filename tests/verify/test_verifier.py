"""Candidates are held against the same state without them: what is new counts, what was there does not."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import psutil
import pytest
from prover import MANIFEST, Provers, lay

from opencrates_lsp.values import Level, Severity
from opencrates_lsp.verify.locks import Lock

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"
WRONG = '{ let x: u8 = "wrong"; x }'
WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["base", "app"]\nresolver = "2"\n',
    "base/Cargo.toml": MANIFEST.format(name="base"),
    "base/src/lib.rs": f"{F}pub const N: usize = 2;\n",
    "app/Cargo.toml": MANIFEST.format(name="app") + '[dependencies]\nbase = { path = "../base" }\n',
    "app/src/lib.rs": "pub fn g() -> u8 { base::f() }\npub const A: [u8; 2] = [0; base::N];\n",
}


async def test_errors_that_were_there_are_not_blamed_on_the_edit(provers: Provers) -> None:
    old = 'fn old() -> u8 { "no" }\nfn c<T: Copy>(_: T) {}\nfn older(s: String) { c(move || s.len()) }\n'
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F + old})
    proof = await prover.prepare()
    # The old errors move down by two lines, one of them with a position in its message.
    right = await prover.judge(proof, "{\n\n1 }")
    assert (right.passed, right.new_errors, right.baseline_errors) == (True, (), 2)
    assert proof.analysed is not None
    assert any("src/lib.rs:4:" in error.diagnostic.message for error in proof.analysed.baseline.errors)
    # The same error once more is one more.
    wrong = await prover.judge(proof, '{ fn old() -> u8 { "no" } 1 }')
    assert [error.message for error in wrong.new_errors] == ["mismatched types"]
    assert not wrong.passed


async def test_the_restored_original_is_compiled_again(provers: Provers) -> None:
    """A bad candidate, the original, the bad one again: cargo must not take one for the other."""
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    proof = await prover.prepare()
    verdicts = [await prover.judge(proof, body) for body in (WRONG, "{ 1 }", WRONG, "{ todo!() }", WRONG, "{ 2 }")]
    assert [verdict.passed for verdict in verdicts] == [False, True, False, True, False, True]


@pytest.mark.parametrize("head", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
async def test_spans_are_bytes_of_the_file_as_it_is(provers: Provers, head: str, newline: str) -> None:
    lines = [f"{head}// größer: 👩‍🚀", "pub fn größe() -> u8 {", '    let ß = "é"; drop(ß);', "    todo!()", "}", ""]
    text = newline.join(lines).encode()
    prover = await provers({"Cargo.toml": A, "src/lib.rs": text})
    proof = await prover.prepare()
    body = newline.join(["{", '    let ß = "é👩‍🚀"; drop(ß);', '    "wröng"', "}"])
    verdict = await prover.judge(proof, body)
    after = text[: proof.subject.probe.start] + body.encode() + text[proof.subject.probe.end :]
    (error,) = verdict.new_errors
    assert (error.path, error.code, error.severity) == (proof.subject.path, "E0308", Severity.ERROR)
    assert error.span is not None
    assert after[error.span.start : error.span.end].decode() == '"wröng"'
    assert str(prover.cache) not in error.rendered


async def test_suggestions_carry_what_they_replace(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": "// ß\r\npub fn f(x: &str) -> String { todo!() }\r\n"})
    proof = await prover.prepare()
    verdict = await prover.judge(proof, "{ x }")
    edits = [edit for error in verdict.new_errors for one in error.suggestions for edit in one.replacements]
    assert [(edit.path, edit.text, edit.expect) for edit in edits] == [(proof.subject.path, ".to_string()", "")]
    after = b"// \xc3\x9f\r\npub fn f(x: &str) -> String { x }\r\n"
    assert after[: edits[0].span.start].endswith(b"{ x")


async def test_who_sees_the_edit_is_checked_too(provers: Provers) -> None:
    prover = await provers(WORKSPACE)
    path = prover.root / "base/src/lib.rs"
    proof = await prover.prepare("base/src/lib.rs", "f")
    assert proof.analysed is not None
    assert proof.analysed.scope.packages == ("base@0.1.0",)
    after = path.read_bytes().replace(b"f() -> u8 { todo!() }", b"f() -> u16 { 1 }")
    narrow = await prover.verifier.judge(proof, {path: after}, whole_workspace=False)
    wide = await prover.verifier.judge(proof, {path: after}, whole_workspace=True)
    assert narrow.passed
    assert [(error.path, error.code) for error in wide.new_errors] == [(prover.root / "app/src/lib.rs", "E0308")]
    # The value of a constant is seen by others, though its body is all that changes.
    constant = await prover.prepare("base/src/lib.rs", "N")
    assert [(await prover.judge(constant, value)).passed for value in ("2", "3", "2")] == [True, False, True]


async def test_a_changed_signature_is_held_against_the_tests_that_call_it(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F, "tests/t.rs": "#[test] fn t() { let _: u8 = a::f(); }"})
    proof = await prover.prepare()
    path = prover.root / "src/lib.rs"
    added = await prover.verifier.judge(proof, {path: b"fn g() {} pub fn f() -> u8 { g(); 1 }"}, whole_workspace=True)
    assert (added.passed, added.configuration) == (True, "default features, host")
    changed = await prover.verifier.judge(proof, {path: b"pub fn f() -> u16 { 1 }"}, whole_workspace=True)
    assert [error.path for error in changed.new_errors] == [prover.root / "tests/t.rs"]


async def test_open_buffers_are_what_is_proved(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": "mod m;\n" + F, "src/m.rs": ""})
    buffers = {"src/m.rs": b"pub fn unsaved() -> u8 { 1 }\n", "src/new.rs": b"pub const X: u8 = 1;\n"}
    buffers["src/lib.rs"] = b"mod new;\nmod m;\n" + F.encode()
    proof = await prover.prepare(buffers=buffers)
    assert (await prover.judge(proof, "{ m::unsaved() + new::X }")).passed
    # Closed without being saved, they are gone.
    again = await prover.prepare()
    verdict = await prover.judge(again, "{ m::unsaved() }")
    assert [error.code for error in verdict.new_errors] == ["E0425"]


async def test_a_proof_is_made_anew_when_the_files_moved_on(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": "mod m;\n" + F, "src/m.rs": ""})
    proof = await prover.prepare()
    lay(prover.root, {"src/m.rs": "pub fn g() -> u8 { 2 }\n"})
    assert (await prover.prepare()).reached
    verdict = await prover.judge(proof, "{ m::g() }")
    assert verdict.passed
    assert "prepared again" in [step.name for step in verdict.steps]


async def test_another_type_at_the_place_of_an_old_error_is_new_and_another_line_is_not(provers: Provers) -> None:
    old = "\nfn shown<T: std::fmt::Display>(_: T) {}\npub fn old() { shown(|| 1) }\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": 'pub fn f() -> u8 { let s = ""; let x: u8 = s; x }' + old})
    proof = await prover.prepare(item="f")
    assert proof.analysed is not None
    closure = proof.analysed.baseline.errors[-1]
    assert re.search(r"closure@src/lib.rs:\d", closure.diagnostic.rendered)
    same = await prover.judge(proof, '{\n let s = ""; let x: u8 = s;\n\n x }')
    other = await prover.judge(proof, "{\n let s = 1u16; let x: u8 = s;\n x }")
    assert [[error.code for error in verdict.new_errors] for verdict in (same, other)] == [[], ["E0308"]]


async def test_clippy_counts_what_is_new(provers: Provers) -> None:
    lint = "pub fn old(x: &Vec<u8>) -> usize { x.len() }\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": lint + F})
    proof = await prover.prepare(level=Level.CLIPPY)
    assert (await prover.judge(proof, "{ 1 }")).passed
    verdict = await prover.judge(proof, "{ return 1; }")
    assert [error.code for error in verdict.new_errors] == ["clippy::needless_return"]


@pytest.mark.parametrize("level", [Level.OFF, Level.PARSE])
async def test_without_a_compiler_nothing_runs_and_it_is_said(provers: Provers, level: Level) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    proof = await prover.prepare(level=level)
    verdict = await prover.judge(proof, WRONG)
    assert (verdict.level, verdict.reached, verdict.passed) == (level, False, True)
    assert verdict.sandbox == "no program was run"
    assert not prover.cache.exists()


async def test_cancelling_leaves_no_process(provers: Provers) -> None:
    """A build script that never ends, and what it started, end with the work that waits for them."""
    root = lay(provers.folder / "a", {"Cargo.toml": A, "src/lib.rs": F})
    started = root / "started"
    script = (
        'fn main() { let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();'
        f" std::fs::write({str(started)!r}, child.id().to_string()).unwrap(); child.wait().unwrap(); }}\n"
    ).replace("'", '"')
    prover = await provers({"build.rs": script})
    work = asyncio.create_task(prover.prepare())
    while not started.exists() or not started.read_text():
        assert not work.done(), work.result()
        await asyncio.sleep(0.01)
    sleeping = psutil.Process(int(started.read_text()))
    family = [sleeping, *sleeping.parents()[: [one.pid for one in sleeping.parents()].index(os.getpid())]]
    assert len(family) >= 3
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE] == []


async def test_a_wait_for_cargos_lock_is_told(provers: Provers, tmp_path: Path) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    proof = await prover.prepare()
    target = prover.mirrors()[0] / "target/debug/.cargo-lock"
    lock = Lock.take(target)
    assert lock is not None
    told = asyncio.Event()
    said: list[str] = []

    def progress(phase: str, message: str) -> None:
        said.append(f"{phase}: {message}")
        if phase == "waiting":
            told.set()

    text = proof.subject.path.read_bytes().replace(b"todo!()", b"1")
    judging = asyncio.create_task(
        prover.verifier.judge(proof, {proof.subject.path: text}, whole_workspace=False, progress=progress)
    )
    await asyncio.wait_for(told.wait(), 20)
    lock.release()
    assert (await judging).passed
    assert "waiting: another cargo holds the lock on build directory" in said


async def test_two_proofs_of_one_workspace_take_turns(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    proof = await prover.prepare()
    bodies = ("{ 1 }", WRONG, "{ 2 }", WRONG)
    verdicts = await asyncio.gather(*(prover.judge(proof, body) for body in bodies))
    assert [verdict.passed for verdict in verdicts] == [True, False, True, False]
