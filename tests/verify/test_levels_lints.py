"""Lints: which warnings count, what an older error kept from sight, and which reasons lie beyond an answer."""

from __future__ import annotations

import pytest
from prover import MANIFEST, Provers

from opencrates_lsp.values import Level

A = MANIFEST.format(name="a")
F = "pub fn f(x: Option<u8>) -> u8 { x.map_or(0, |y| y) }\n"
OLD = "pub fn old(x: Option<u8>) -> u8 { return x.unwrap() }\n"
BANS = 'disallowed-methods = ["std::env::var"]\n'


@pytest.mark.parametrize(
    ("files", "body", "codes"),
    [
        ({}, "{ x.unwrap_or(0) }", []),
        ({}, "{ return x.unwrap_or(0); }", ["clippy::needless_return"]),
        ({}, "{ x.unwrap() }", []),
        ({"Cargo.toml": A + '[lints.clippy]\nunwrap_used = "warn"\n'}, "{ x.unwrap() }", ["clippy::unwrap_used"]),
        ({"Cargo.toml": A + '[lints.clippy]\nneedless_return = "allow"\n'}, "{ return x.unwrap_or(0); }", []),
        ({"src/lib.rs": "#![warn(clippy::unwrap_used)]\n" + F}, "{ x.unwrap() }", ["clippy::unwrap_used"]),
        ({"src/lib.rs": "#![deny(clippy::unwrap_used)]\n" + F}, "{ x.unwrap() }", ["clippy::unwrap_used"]),
        ({"clippy.toml": BANS}, '{ drop(std::env::var("X")); x.unwrap_or(0) }', ["clippy::disallowed_methods"]),
        ({}, '{ drop(std::env::var("X")); x.unwrap_or(0) }', []),
        # rustc's own lints are on as well, or off.
        ({}, "{ let mut y = x; y.unwrap_or(0) }", ["unused_mut"]),
        ({"Cargo.toml": A + '[lints.rust]\nunused_mut = "allow"\n'}, "{ let mut y = x; y.unwrap_or(0) }", []),
        # What was there before is not counted, wherever it stands by now.
        ({"src/lib.rs": F + OLD}, "{\n\n x.unwrap_or(0) }", []),
    ],
)
async def test_at_clippy_no_lint_that_is_on_may_warn_anew(
    provers: Provers, files: dict[str, str], body: str, codes: list[str]
) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F} | files)
    if not prover.ground.toolchain.has_clippy:
        pytest.skip("This toolchain has no clippy.")
    verdict = await prover.judge(await prover.prepare(item="f", level=Level.CLIPPY), body)
    assert ([error.code for error in verdict.new_errors], verdict.passed) == (codes, not codes)
    assert (verdict.level, verdict.reached, verdict.tests) == (Level.CLIPPY, True, None)


WRONG = '{ let y: u8 = ""; y }'


@pytest.mark.parametrize(
    ("library", "old", "body", "codes"),
    [
        # The error in `f` keeps rustc from telling of these; no body of `f` has to do with them.
        ("#![deny(unused_imports)]\nuse std::fmt;\n", WRONG, "{ 1 }", []),
        ("#![deny(dead_code)]\nfn helper() -> u8 { 1 }\n", WRONG, "{ 1 }", []),
        ("#![deny(unused_variables)]\npub fn g(x: u8) {}\n", WRONG, "{ 1 }", []),
        ("#![deny(clippy::all)]\n#![deny(unused_mut)]\npub fn g() { let mut x = 1; drop(x) }\n", WRONG, "{ 1 }", []),
        # The body was the last to use it.
        ("#![deny(dead_code)]\nfn helper() -> u8 { 1 }\n", '{ let y: u8 = ""; y + helper() }', "{ 1 }", ["dead_code"]),
        ("#![deny(dead_code)]\nfn helper() -> u8 { 1 }\n", '{ let y: u8 = ""; y + helper() }', "{ helper() }", []),
        (
            "#![deny(unused_imports)]\nuse std::io::Read;\n",
            '{ let y: u8 = ""; std::io::empty().read(&mut [0]).map_or(y, |_| y) }',
            "{ 1 }",
            ["unused_imports"],
        ),
        # An error of the edit itself is its own, whatever comes to light.
        ("#![deny(unused_imports)]\nuse std::fmt;\n", WRONG, '{ let z: u8 = "other"; z }', ["E0308"]),
    ],
)
async def test_what_only_comes_to_light_is_no_fault_of_the_edit(
    provers: Provers, library: str, old: str, body: str, codes: list[str]
) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": f"{library}pub fn f() -> u8 {old}\n"})
    proof = await prover.prepare(item="f")
    assert proof.reached
    verdict = await prover.judge(proof, body)
    assert ([error.code for error in verdict.new_errors], verdict.passed) == (codes, not codes)


OVERFLOWING = "trait T {}\nstruct S<X>(X);\nimpl<X> T for S<X> where S<S<X>>: T {}\n"
FAR = "pub mod away;\npub mod broken;\n"
AWAY = {
    "pattern": ("pub const N: usize = 2;", "fn g(x: [u8; crate::N]) -> u8 { let [a, b] = x; a + b }", "3", "2"),
    "discriminant": ("pub const N: isize = 2;", "pub enum E { A = crate::N, B = 3 }", "3", "4"),
    "layout": (
        "pub const N: usize = 2;",
        "fn g(x: [u8; crate::N]) -> u16 { unsafe { std::mem::transmute(x) } }",
        "3",
        "1 + 1",
    ),
    "impls": ("pub const N: usize = 2;", "trait T {} impl T for [u8; crate::N] {} impl T for [u8; 3] {}", "3", "4"),
    # rustc has no code for this one.
    "auto-trait": (
        "pub async fn f() {}",
        "fn send<T: Send>(_: T) {} fn g() { send(crate::f()) }",
        "{ let x = std::rc::Rc::new(1); std::future::ready(()).await; drop(x); }",
        "{ std::future::ready(()).await; }",
    ),
}


@pytest.mark.parametrize(("item", "away", "wrong", "right"), AWAY.values(), ids=AWAY)
async def test_what_a_value_breaks_elsewhere_counts_beside_an_older_error(
    provers: Provers, item: str, away: str, wrong: str, right: str
) -> None:
    broken = 'pub fn broken() -> u8 {\n    "older"\n}\n'
    prover = await provers(
        {"Cargo.toml": A, "src/lib.rs": f"{FAR}{item}\n", "src/away.rs": f"{away}\n", "src/broken.rs": broken}
    )
    proof = await prover.prepare(item="N" if "N" in item else "f")
    assert [(await prover.judge(proof, body)).passed for body in (wrong, right)] == [False, True]


@pytest.mark.parametrize(
    ("files", "file", "body", "beyond", "reason"),
    [
        ({}, "src/lib.rs", "{ 0 }", False, None),
        ({}, "src/lib.rs", '{ "" }', False, None),
        ({}, "src/lib.rs", '{ #[cfg(windows)] { "" } 0 }', False, "the edit puts code behind"),
        ({"src/lib.rs": "#[cfg(windows)]\n" + F}, "src/lib.rs", "{ 0 }", True, "it is behind #[cfg(windows)]"),
        ({"src/orphan.rs": F}, "src/orphan.rs", "{ 0 }", True, "no `mod` reaches src/orphan.rs"),
        ({"src/lib.rs": F + "mod gone;\nfn other( {\n"}, "src/lib.rs", "{ 0 }", True, "rustc stops at an error in"),
        ({"src/lib.rs": OVERFLOWING + F}, "src/lib.rs", "{ 0 }", True, "rustc stops at an error in src/lib.rs:"),
        ({"b/Cargo.toml": "[package\n"}, "src/lib.rs", "{ 0 }", True, "cargo stops before it"),
    ],
)
async def test_a_reason_that_no_other_answer_can_help_is_said_to_be_one(
    provers: Provers, files: dict[str, str], file: str, body: str, beyond: bool, reason: str | None
) -> None:
    texts = {"Cargo.toml": A, "src/lib.rs": F}
    if "b/Cargo.toml" in files:
        texts |= {
            "Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n',
            "b/src/lib.rs": "",
            "b/Cargo.toml": MANIFEST.format(name="b"),
        }
    prover = await provers(texts | {name: text for name, text in files.items() if name != "b/Cargo.toml"})
    if "b/Cargo.toml" in files:
        (prover.root / "b/Cargo.toml").write_text(files["b/Cargo.toml"])
    verdict = await prover.judge(await prover.prepare(file, "f"), body)
    assert verdict.beyond_answer is beyond
    assert (verdict.reason or "").startswith(reason or "")
    assert verdict.passed is (body == "{ 0 }" and not beyond)
