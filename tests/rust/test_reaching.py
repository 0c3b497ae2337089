"""Which tests name what was edited, or what names it in turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.reaching import Found, Reached, edited_at, edited_items, reaching, written_tests
from opencrates_lsp.rust.skimming import skim
from opencrates_lsp.rust.syntax import parse

LIB = Path("/a/src/lib.rs")
OTHER = Path("/a/tests/t.rs")


def reached(library: str, name: str, other: str = "", documents: dict[str, bytes] | None = None) -> Reached:
    """What reaches the last item of this name in the library, whose tests may be in another file."""
    texts = {LIB: library.encode(), OTHER: other.encode()}
    source = parse(texts[LIB])
    item = [one for one in items(source) if one.identity.name == name][-1]
    edited = edited_at(source, LIB, item.name_span.start)
    return reaching(texts, [edited], lambda path: skim(texts[path]), documents or {})


def by(found: Reached, kind: str = "test") -> set[str]:
    return {one.by for one in found.found if one.kind == kind}


TWO = "#[test] fn yes() { %s }\n#[test] fn no() { let n = 1; }\n"
STACK = "pub struct Stack; pub fn make() -> Stack { Stack }\nimpl Stack { pub fn new() -> Self { Stack } "
STACK += "pub fn push(&self) {} }\n"


@pytest.mark.parametrize(
    ("library", "name", "other"),
    [
        ("pub fn f() {}\n", "f", TWO % "a::f();"),
        ("fn f() {}\nfn g() { f() }\npub fn h() { g() }\n", "f", TWO % "a::h();"),
        ("pub fn f() {}\nmacro_rules! m { () => { f() } }\n", "f", TWO % "m!();"),
        ("pub fn f() {}\npub use f as renamed;\n", "f", TWO % "a::renamed();"),
        (STACK, "new", TWO % "Stack::new();"),
        (STACK, "push", TWO % "a::make().push();"),
        (STACK + "type Pile = Stack;\n", "new", TWO % "Pile::new();"),
        (STACK + "impl std::fmt::Display for Stack { fn fmt(&self) {} }\n", "fmt", TWO % 'format!("{}", a::make());'),
        (STACK + "impl std::ops::Add for Stack { fn add(self) {} }\n", "add", TWO % "Stack + Stack;"),
        (STACK + "pub struct Deep(Stack);\nimpl Stack { fn deep(&self) {} }\n", "deep", TWO % "Deep::of().deep();"),
        (
            "pub trait T { fn m(&self); }\nstruct X;\nimpl T for X { fn m(&self) {} }\n",
            "m",
            TWO % "let t: &dyn T; t.m();",
        ),
        ("trait T { fn m(&self) {} }\nimpl<U: Copy> T for U { fn m(&self) {} }\n", "m", TWO % "1.m();"),
        ("pub const C: u8 = 1;\n", "C", TWO % "a::C;"),
        ("pub fn f() { fn inner() {} inner() }\n", "f", TWO % "a::f();"),
        ("lazy_static! { static ref X: u8 = f(); }\nfn f() -> u8 { 1 }\n", "f", TWO % "a::X;"),
        ("#[proc_macro_derive(Shown)] pub fn shown() {}\n", "shown", "#[derive(Shown)] struct S;\n" + TWO % "S;"),
        ("pub fn f() {}\n", "f", "fn helper() { a::f() }\n" + TWO % "helper();"),
    ],
)
def test_who_names_it_or_what_names_it(library: str, name: str, other: str) -> None:
    found = reached(library, name, other)
    assert (by(found), found.everything) == ({"yes"}, False)


@pytest.mark.parametrize(
    ("library", "name", "other"),
    [
        ("pub fn f() {}\npub fn g() {}\n", "f", TWO % "a::g();"),
        # Another type's method of the same name.
        (STACK + "pub struct Other;\n", "push", TWO % "Vec::new().push(1);"),
        (STACK, "new", TWO % "Vec::new();"),
        ("pub struct Other;\nimpl Other { pub fn push(&self) {} }\n" + STACK, "push", TWO % "Other.push();"),
        # Another type with the same trait of somebody else's.
        (
            STACK + "impl std::fmt::Display for Stack { fn fmt(&self, f: &mut std::fmt::Formatter) {} }\n",
            "fmt",
            "struct Y; impl std::fmt::Display for Y { fn fmt(&self, f: &mut std::fmt::Formatter) {} }\n" + TWO % "Y;",
        ),
    ],
)
def test_who_does_not_is_left_alone(library: str, name: str, other: str) -> None:
    found = reached(library, name, other)
    assert (by(found), found.everything) == (set(), False)


@pytest.mark.parametrize(
    ("test", "told"),
    [
        ("#[test] fn t() { f() }", "t"),
        ("mod inner { #[tokio::test] async fn t() { f().await } }", "inner::t"),
        ("#[rstest] #[case(1)] fn t(#[case] x: u8) { f() }", "t"),
        ('#[test_case(1; "one")] fn t(x: u8) { f() }', "t"),
        ("#[test_strategy::proptest] fn t(x: u8) { f() }", "t"),
        ("#[cfg_attr(not(wasm), test)] fn t() { f() }", "t"),
        ("mod m { proptest! { #[test] fn t(x in 0..9u8) { f() } } }", "m::t"),
        ("#[cfg(test)] mod m { cases! { one => f(), two => f() } }", "m::"),
        ("#[cfg(test)] mod m {} cases! { one => f() }", ""),
        ("fn main() { f() }", None),
    ],
)
def test_by_what_a_test_is_found(test: str, told: str | None) -> None:
    assert by(reached("pub fn f() {}\n", "f", test)) == (set() if told is None else {told})


def test_a_program_that_reaches_it_is_a_test_itself_or_is_run_by_some() -> None:
    assert by(reached("pub fn f() {}\n", "f", "fn main() { f() }"), "main") == {""}
    runs = '#[test] fn t() { std::process::Command::new(env!("CARGO_BIN_EXE_a")); }'
    assert by(reached("fn f() {}\nfn main() { f() }\n", "f", runs)) == {""}


@pytest.mark.parametrize(
    ("library", "name", "told"),
    [
        ("/// ```\n/// a::other();\n/// ```\npub fn f() {}\n", "f", {"f"}),
        ("pub fn f() {}\n/// ```\n/// a::f();\n/// ```\npub fn g() {}\n", "f", {"g"}),
        ("//! ```\n//! a::f();\n//! ```\npub fn f() {}\n", "f", {""}),
        ("pub fn f() {}\n/// ```text\n/// a::f();\n/// ```\npub fn g() {}\n", "f", set()),
        ("pub fn f() {}\n/// See [`f`].\npub fn g() {}\n", "f", set()),
        ('#![doc = include_str!("../README.md")]\npub fn f() {}\n', "f", {""}),
        ("pub fn f() {}\n/** ```\na::f();\n``` */\npub fn g() {}\n", "f", {"g"}),
        ("pub fn f() {}\n/// For example:\n///\n///     a::f();\npub fn g() {}\n", "f", {"g"}),
    ],
)
def test_documentation_that_runs_it(library: str, name: str, told: set[str]) -> None:
    documents = {"README.md": b"# a\n\n```\na::f();\n```\n"}
    assert by(reached(library, name, documents=documents), "doc") == told


@pytest.mark.parametrize("library", ["use std::fmt;\n", "make! { fn f() {} }\n", "mod m { fn f() {} }\n"])
def test_what_nobody_names_may_reach_everything(library: str) -> None:
    source = parse(library.encode())
    edited = edited_at(source, LIB, items(source)[0].name_span.start)
    assert reaching({LIB: library.encode()}, [edited], lambda path: skim(library.encode()), {}).everything


def test_an_edited_test_is_its_own() -> None:
    found = reached("#[cfg(test)]\nmod tests {\n    #[test]\n    fn t() {}\n}\n", "t")
    assert found.found == {Found(LIB, "tests::t")}


def test_what_an_edit_changes_and_what_it_writes() -> None:
    before = b"fn f() { 1 }\nfn g() {}\nfn gone() {}\n#[test] fn t() { assert_eq!(f(), 1) }\n"
    after = b"fn f() { 2 }\nfn g() {}\nfn new() {}\n#[test] fn t() { assert_eq!(f(), 2) }\n#[test] fn u() {}\n"
    edited = edited_items(parse(before), parse(after), LIB)
    assert [one.around[-1].identity.name for one in edited] == ["f", "gone", "t"]
    assert written_tests(before, after) == {"t", "u"}
    assert written_tests(before, before) == set()
