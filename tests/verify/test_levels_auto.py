"""The tests that reach an edit, found and run by real cargo: a wrong body that compiles is caught by them alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prover import MANIFEST, Prover, Provers, lay

from opencrates_lsp.values import Level, Verdict
from opencrates_lsp.verify.proof import Proof
from opencrates_lsp.verify.testing import UNREACHED

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { 1 }\n"
# So many that not all of them are run for being few.
MANY = "#[cfg(test)] mod many {" + "".join(f" #[test] fn n{at}() {{}}" for at in range(60)) + " }\n"
UNIT = "#[cfg(test)] mod tests { use super::*; #[test] fn holds() { assert_eq!(%s, 1); } }\n"
IT = "#[test] fn t() { assert_eq!(%s, 1); }\n"
MEMBERS = {
    "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n',
    "a/Cargo.toml": A,
    "a/src/lib.rs": F + MANY,
}
B = MANIFEST.format(name="b") + '[dependencies]\na = { path = "../a" }\n'
SHOWN = """pub struct S(u8);
pub fn make() -> S { S(1) }
impl std::fmt::Display for S {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{}", self.0) }
}
"""
WRONG = "{ 2 }"

CAUGHT = {
    "unit": ({"src/lib.rs": F + MANY + UNIT % "f()"}, "f", WRONG, "tests::holds", "a --lib"),
    "caller": (
        {"src/lib.rs": F + MANY + "pub fn g() -> u8 { f() }\n" + UNIT % "g()"},
        "f",
        WRONG,
        "tests::holds",
        "a --lib",
    ),
    "integration": ({"src/lib.rs": F + MANY, "tests/it.rs": IT % "a::f()"}, "f", WRONG, "t", "a --test it"),
    "documentation": (
        {"src/lib.rs": MANY + "/// ```\n/// assert_eq!(a::f(), 1);\n/// ```\n" + F},
        "f",
        WRONG,
        "src/lib.rs - f",
        "a --doc",
    ),
    "documentation-of-another": (
        {"src/lib.rs": F + MANY + "pub mod m {\n/// ```\n/// assert_eq!(a::f(), 1);\n/// ```\npub struct S;\n}\n"},
        "f",
        WRONG,
        "src/lib.rs - m::S",
        "a --doc",
    ),
    "display": (
        {"src/lib.rs": SHOWN + MANY, "tests/it.rs": '#[test] fn t() { assert_eq!(a::make().to_string(), "1"); }\n'},
        "fmt",
        '{ write!(f, "2") }',
        "t",
        "a --test it",
    ),
    "module-elsewhere": (
        {
            "src/lib.rs": F + MANY + '#[cfg(test)] #[path = "../elsewhere/t.rs"] mod tests;\n',
            "elsewhere/t.rs": "use super::*; " + IT % "f()",
        },
        "f",
        WRONG,
        "tests::t",
        "a --lib",
    ),
    "made-by-a-macro": (
        {
            "src/lib.rs": F
            + MANY
            + "#[cfg(test)] mod made { macro_rules! case { ($n:ident, $w:expr) => "
            + "{ #[test] fn $n() { assert_eq!(super::f(), $w); } } }\ncase!(one, 1);\n}\n"
        },
        "f",
        WRONG,
        "made::one",
        "a --lib",
    ),
    "program": (
        {
            "src/lib.rs": MANY,
            "src/main.rs": 'fn f() -> u8 { 1 }\nfn main() { print!("{}", f()); }\n',
            "tests/it.rs": '#[test] fn t() { let out = std::process::Command::new(env!("CARGO_BIN_EXE_a")).output();'
            ' assert_eq!(out.unwrap().stdout, b"1"); }\n',
        },
        "f",
        WRONG,
        "t",
        "a --test it",
    ),
    "without-libtest": (
        {
            "Cargo.toml": A + '[[test]]\nname = "own"\nharness = false\n',
            "src/lib.rs": F + MANY,
            "tests/own.rs": "fn main() { assert!(std::env::args().count() == 1); assert_eq!(a::f(), 1); }\n",
        },
        "f",
        WRONG,
        "cargo test",
        "a --test own",
    ),
    "member": (
        MEMBERS | {"b/Cargo.toml": B, "b/src/lib.rs": "", "b/tests/it.rs": IT % "a::f()"},
        "f",
        WRONG,
        "t",
        "b --test it",
    ),
}


async def auto(provers: Provers, files: dict[str, str], **changed: object) -> Prover:
    """A prover of the files, where tests may run for as long as a busy machine needs."""
    prover = await provers({"Cargo.toml": A} | files)
    prover.ground = replace(prover.ground, consent=True, test_budget_seconds=300.0)
    return prover


@pytest.mark.parametrize(("files", "item", "wrong", "test", "program"), CAUGHT.values(), ids=list(CAUGHT))
async def test_only_a_test_catches_it(
    provers: Provers, files: dict[str, str], item: str, wrong: str, test: str, program: str
) -> None:
    prover = await auto(provers, files)
    file = next(name for name in ("a/src/lib.rs", "src/main.rs", "src/lib.rs") if name in files)
    proof = await prover.prepare(file, item, level=Level.AUTO)
    assert proof.reached
    verdict = await prover.judge(proof, wrong)
    assert verdict.tests is not None, verdict
    assert (verdict.level, verdict.passed, verdict.new_errors, verdict.skipped) == (Level.TEST, False, (), ())
    assert (verdict.tests.broken, verdict.tests.programs) == ((test,), (program,))
    # Nothing else was run.
    assert set(verdict.tests.ran) == ({test} - {"cargo test"})
    assert "tests again without the edit" in [step.name for step in verdict.steps]


async def test_what_holds_passes_with_the_tests_that_were_run(provers: Provers) -> None:
    prover = await auto(provers, {"src/lib.rs": F + MANY + UNIT % "f()"})
    proof = await prover.prepare(item="f", level=Level.AUTO)
    verdict = await prover.judge(proof, "{ 0 + 1 }")
    assert verdict.passed
    assert verdict.tests is not None
    assert (verdict.tests.passed, verdict.tests.failed, verdict.tests.ran) == (1, 0, ("tests::holds",))
    steps = [step.name for step in verdict.steps]
    assert "tests before" in steps
    assert "tests again" not in steps
    # What the failing ones printed is for whoever writes the next answer.
    wrong = await prover.judge(proof, WRONG)
    assert wrong.tests is not None
    assert "left: 2" in wrong.tests.printed[0]


async def test_of_few_tests_all_are_run_and_of_many_those_that_reach_it(provers: Provers) -> None:
    more = "#[cfg(test)] mod others { #[test] fn other() {} }\n"
    prover = await auto(provers, {"src/lib.rs": F + more + UNIT % "f()"})
    verdict = await prover.judge(await prover.prepare(item="f", level=Level.AUTO), "{ 0 + 1 }")
    assert verdict.tests is not None
    assert set(verdict.tests.ran) == {"tests::holds", "others::other"}


async def test_where_no_test_reaches_it_none_is_built(provers: Provers) -> None:
    prover = await auto(provers, {"src/lib.rs": F + MANY + "pub fn g() -> u8 { 1 }\n" + UNIT % "g()"})
    verdict = await prover.judge(await prover.prepare(item="f", level=Level.AUTO), WRONG)
    assert (verdict.level, verdict.passed, verdict.tests, verdict.skipped) == (Level.CHECK, True, None, (UNREACHED,))
    assert not (prover.mirrors()[0] / "exposed").exists()


@pytest.mark.parametrize(("level", "runs"), [(Level.AUTO, False), (Level.TEST, True)])
async def test_the_budget_is_that_of_auto_alone(provers: Provers, level: Level, runs: bool) -> None:
    prover = await auto(provers, {"src/lib.rs": F + UNIT % "f()"})
    prover.ground = replace(prover.ground, test_budget_seconds=0)
    verdict = await prover.judge(await prover.prepare(item="f", level=level), WRONG)
    assert verdict.passed is not runs
    assert verdict.skipped == (() if runs else ("no test was run, because verify.test_budget_seconds is 0",))


async def test_a_test_that_is_edited_must_pass_though_it_failed_before(provers: Provers) -> None:
    holes = "#[cfg(test)] mod tests {\n    use super::*;\n    #[test]\n    fn holds() { todo!() }\n"
    holes += "    #[test]\n    fn other() { todo!() }\n}\n"
    prover = await auto(provers, {"src/lib.rs": F + MANY + holes})
    proof = await prover.prepare(item="holds", level=Level.AUTO)
    wrong = await prover.judge(proof, "{ assert_eq!(f(), 2) }")
    assert wrong.tests is not None
    assert (wrong.passed, wrong.tests.broken, wrong.tests.ran) == (False, ("tests::holds",), ("tests::holds",))
    right = await prover.judge(proof, "{ assert_eq!(f(), 1) }")
    assert right.passed
    assert right.tests is not None
    assert right.tests.ran == ("tests::holds",)


async def test_further_items_that_an_edit_changes_are_looked_at_too(provers: Provers) -> None:
    library = F + MANY + "pub fn g() -> u8 { 1 }\n" + UNIT % "g()"
    prover = await auto(provers, {"src/lib.rs": library})
    proof = await prover.prepare(item="f", level=Level.AUTO)
    after = library.replace("fn g() -> u8 { 1 }", "fn g() -> u8 { 2 }").encode()
    verdict = await prover.verifier.judge(proof, {proof.subject.path: after}, whole_workspace=False)
    assert verdict.tests is not None
    assert verdict.tests.broken == ("tests::holds",)


BROKEN_IT = "#[test] fn t() { a::gone(); }\n"


async def test_tests_that_do_not_build_blame_nobody(provers: Provers) -> None:
    prover = await auto(provers, {"src/lib.rs": F + MANY + UNIT % "f()", "tests/it.rs": BROKEN_IT + IT % "a::f()"})
    lay(prover.root, {"tests/it.rs": "#[test] fn t() { a::gone(a::f()); }\n"})
    verdict = await prover.judge(await prover.prepare(item="f", level=Level.AUTO), "{ 0 + 1 }")
    assert (verdict.passed, verdict.level, verdict.tests) == (True, Level.CHECK, None)
    assert verdict.skipped == ("`cargo test -p a --lib --test it` does not build, without the edit neither",)


async def test_tests_that_an_edit_keeps_from_building_are_its_errors(provers: Provers) -> None:
    sent = "fn sent<T: Send>(_: T) {}\n#[test] fn t() { sent(a::f()); }\n"
    prover = await auto(provers, {"src/lib.rs": "pub async fn f() {}\n" + MANY, "tests/it.rs": sent})
    proof: Proof = await prover.prepare(item="f", level=Level.AUTO)
    held = "{ let held = std::rc::Rc::new(1); std::future::ready(()).await; drop(held); }"
    verdict: Verdict = await prover.judge(proof, held)
    assert (verdict.passed, verdict.reason) == (False, None)
    assert "cannot be sent between threads safely" in verdict.new_errors[0].message
    assert "tests/it.rs" in verdict.new_errors[0].rendered
