"""What a plain check does not compile, and an edit can break: tests, examples, what macros make, hidden code."""

from __future__ import annotations

import pytest
from prover import MANIFEST, Provers

from opencrates_lsp.verify.doubles import doubled
from opencrates_lsp.verify.felt import concerns_tests

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"
TRAIT = "pub trait T {\n    fn g(&self) -> u8 { todo!() }\n}\n"
MOCK = "#[cfg(test)]\nmod tests {\n    struct M;\n    impl super::T for M {}\n}\n"
FROM = "pub struct W(i64);\nimpl From<i64> for W {\n    fn from(x: i64) -> W { todo!() }\n}\n"
SHOWN = "fn main() { let _ = a::W::from(1); }\n"
NEW_FROM = "impl From<u8> for W {\n    fn from(x: u8) -> W { W(x.into()) }\n}\n"
GLOBS = (
    "#[cfg(test)]\nmod other { pub fn help() {} }\n"
    "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::other::*;\n    #[test] fn t() { help() }\n}\n"
)
LATER = "#[cfg(test)]\nmod later {\n    #[test] fn t() { let _: Vec<u8> = vec![1]; }\n}\n"
VEC = "macro_rules! vec { ($($t:tt)*) => { 1u8 } }\n"
# The library before, who else uses it, and the library with a wrong edit and with a right one.
WIDE = {
    "trait-asks-for-more": (
        TRAIT + MOCK, {},
        TRAIT.replace("{ todo!() }", "{ self.h() }\n    fn h(&self) -> u8;") + MOCK,
        TRAIT.replace("{ todo!() }", "{ self.h() }\n    fn h(&self) -> u8 { 1 }") + MOCK,
    ),
    "one-more-impl": (
        FROM, {"examples/e.rs": SHOWN}, FROM.replace("todo!()", "W(x)") + NEW_FROM,
        FROM.replace("todo!()", "W(x)") + NEW_FROM.replace("From<u8>", "From<i32>").replace("x: u8", "x: i32"),
    ),
    "attribute": (
        "pub struct W { pub a: u8 }\n", {"tests/t.rs": "fn t() { let _ = a::W { a: 1 }; }\n"},
        "#[non_exhaustive]\npub struct W { pub a: u8 }\n", "/// Words.\npub struct W { pub a: u8 }\n",
    ),
    "two-globs": (
        F + GLOBS, {}, "pub fn f() -> u8 { help() }\nfn help() -> u8 { 1 }\n" + GLOBS,
        "pub fn f() -> u8 { other_help() }\nfn other_help() -> u8 { 1 }\n" + GLOBS,
    ),
    "macro": (
        F + LATER, {}, VEC + F.replace("todo!()", "vec![]") + LATER,
        VEC.replace("vec", "one") + F.replace("todo!()", "one![]") + LATER,
    ),
    "helper-of-the-tests": (
        F + "#[cfg(test)]\nmod tests {\n}\n", {},
        'pub fn f() -> u8 { 1 }\n#[cfg(test)]\nmod tests {\n    fn h() -> u8 { "" }\n}\n',
        "pub fn f() -> u8 { 1 }\n#[cfg(test)]\nmod tests {\n    fn h() -> u8 { 1 }\n}\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("library", "users", "wrong", "right"), WIDE.values(), ids=WIDE)
async def test_an_edit_that_others_see_is_held_against_what_only_tests_compile(
    provers: Provers, library: str, users: dict[str, str], wrong: str, right: str
) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": library, **users})
    proof = await prover.prepare(item=next(name for name in ("g", "from", "W", "f") if f" {name}" in library))
    path = prover.root / "src/lib.rs"
    verdicts = [
        await prover.verifier.judge(proof, {path: text.encode()}, whole_workspace=True) for text in (wrong, right)
    ]
    assert [verdict.passed for verdict in verdicts] == [False, True], verdicts
    assert verdicts[0].new_errors


@pytest.mark.parametrize(
    ("before", "after", "users", "concerned"),
    [
        (F, "fn g() {} pub fn f() -> u8 { g(); 1 }", [b"use a::*; use b::*; fn h() {}"], False),
        (F, "use std::fmt; pub fn f() -> u8 { 1 }", [], False),
        # One line imports more; nothing is gone.
        ("use std::fmt;\n" + F, "use std::{fmt, io};\n" + F, [], False),
        ("use std::{fmt, io};\n" + F, "use std::fmt;\n" + F, [], True),
        ("pub use std::fmt;\n" + F, "use std::fmt;\n" + F, [], True),
        ("struct S; impl S {}\n", "struct S; impl S { fn len(&self) {} }\n", [b"x.len()"], True),
        ("struct S; impl S {}\n", "struct S; impl S { fn len(&self) {} }\n", [b"x.length()"], False),
        ("#[derive(Clone)] struct S;\n", "struct S;\n", [], True),
        ("#[inline] fn f() {}\n", "/// Doc.\n#[inline(always)] fn f() {}\n", [], False),
        ("fn f() {}\n", "fn f(x: impl Copy) {}\n", [], True),
        ("fn f() {}\n", "fn f() {}\nfn g(x: impl Copy) {}\n", [], False),
        ("fn f() {}\n", "fn f() { struct S; impl Clone for super::S {} }\n", [], True),
        ("fn f() {}\n", "fn f() {}\nderive_all!(S);\n", [], True),
    ],
)
def test_what_concerns_tests(before: str, after: str, users: list[bytes], concerned: bool) -> None:
    assert concerns_tests(before.encode(), after.encode(), users) is concerned


async def test_a_name_that_means_something_else_in_tests_is_looked_at_in_both(provers: Provers) -> None:
    twins = "#[cfg(not(test))]\nmod real { pub fn now() -> u8 { 1 } }\n#[cfg(not(test))]\nuse real as clock;\n"
    twins += "#[cfg(test)]\nmod clock { pub fn other() -> u8 { 1 } }\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": "mod m;\n" + twins, "src/m.rs": F})
    proof = await prover.prepare("src/m.rs")
    assert (await prover.judge(proof, "{ 1 }")).configuration == "default features, host"
    assert not (await prover.judge(proof, "{ crate::clock::now() }")).passed
    beside = await prover.prepare("src/m.rs", buffers={"src/m.rs": b"use crate::clock;\n" + F.encode()})
    assert beside.configuration == "default features, host, all targets"
    assert not (await prover.judge(beside, "{ clock::now() }")).passed


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("#[cfg(not(test))] fn now() {} #[cfg(test)] fn then() {}", {"now"}),
        ("#[cfg(all(unix, not(test)))] use a::{b as c, d};", {"c", "d"}),
        ("#[double] use crate::Client;", {"Client"}),
        ("cfg_if! { if #[cfg(test)] { use m::A; } else { struct B; } }", {"A", "B"}),
        ("cfg_if! { if #[cfg(unix)] { struct A; } }", set()),
        ("#![cfg_attr(not(test), no_std)] fn f() {}", set()),
        ("#[cfg(not(test))] #[panic_handler] fn panic() {} #[cfg(not(test))] fn main() {}", set()),
    ],
)
def test_names_that_are_doubled(text: str, names: set[str]) -> None:
    assert {name.decode() for name in doubled(text.encode())} == names


async def test_what_a_macro_makes_is_held_against_its_own_tests(provers: Provers) -> None:
    library = (
        "use proc_macro::TokenStream;\n#[proc_macro]\npub fn m(_: TokenStream) -> TokenStream { make() }\n"
        "fn make() -> TokenStream { todo!() }\n"
    )
    files = {"Cargo.toml": A + "[lib]\nproc-macro = true\n", "src/lib.rs": library}
    prover = await provers({**files, "tests/t.rs": "fn t() { let _: u8 = a::m!(); }\n"})
    prover.ground = prover.consenting()
    proof = await prover.prepare()
    assert [(await prover.judge(proof, f"{{ {text}.parse().unwrap() }}")).passed for text in ('r#""x""#', '"1u8"')] == [
        False,
        True,
    ]


HIDDEN = 'pub fn f() -> u8 {\n    #[cfg(feature = "x")]\n    {\n        return 2;\n    }\n    todo!()\n}\n'


@pytest.mark.parametrize(
    ("library", "body", "passed"),
    [
        (HIDDEN, '{ #[cfg(feature = "x")] { return "no"; } 1 }', False),
        (HIDDEN, '{ #[cfg(feature = "x")]{ return 2; } 1 }', True),
        (F, '{ # [cfg(windows)] let _: () = 1; 1 }', False),
        (F, '{ #[/* so */ cfg(windows)] let _: () = 1; 1 }', False),
        (F, '{ #[cfg_attr(all(), cfg(any()))] let _: () = 1; 1 }', False),
        (F, '{ #[cfg_attr(windows, cfg(any()))] let _: u8 = 1; 1 }', True),
        (F, '{ match 1u8 { #[cfg(windows)] 1 => "", _ => 1 } }', False),
        # Words are no conditions.
        (F, '{ let _ = "#[cfg(windows)]"; /* #[cfg(windows)] */ 1 }', True),
    ],
)  # fmt: skip
async def test_code_that_is_not_compiled_is_not_taken_on_trust(
    provers: Provers, library: str, body: str, passed: bool
) -> None:
    prover = await provers({"Cargo.toml": A + "[features]\nx = []\n", "src/lib.rs": library})
    proof = await prover.prepare(item="f")
    assert (await prover.judge(proof, body)).passed is passed
