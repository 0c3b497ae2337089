"""What an edit may change without being asked: a table of edits for each rule."""

from __future__ import annotations

import pytest
from laid import asked

from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Policy

STRICT = Policy(new_dependencies="deny")
CRATES = frozenset({"serde", "once-cell"})


def told(before: str, after: str, policy: Policy = STRICT, crates: frozenset[str] | None = CRATES) -> list[str]:
    """The violations as "rule: message"."""
    source, subject = asked(before)
    found = violations(source, parse(after.encode()), subject, policy, crates)
    return [f"{violation.rule}: {violation.message}" for violation in found]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("fn f() { todo!() }", "fn f() { 1; }\n\nfn helper() {}\n\nstruct Private { pub x: u8 }"),
        ("fn f(_x: u8, _: u8) { todo!() }", "fn f(x: u8, mut y: u8) { x + y }"),
        ("pub fn f<T>(self, a: T,) where T: Copy { todo!() }", "pub fn f<T>(mut self, a: T) where T: Copy, { 1; }"),
        ("struct S { a: u8 }\nfn f() { todo!() }", "struct S { a: u8, b: u8 }\nfn f() {}"),
        ("#[derive(Debug)]\nstruct S;\nfn f() { todo!() }", "#[derive(Debug, Clone)]\nstruct S;\nfn f() {}"),
        ("/// Old.\nfn f() { todo!() }", "/// New.\n#[inline]\nfn f() {}"),
        ("fn f() { todo!() }", "fn f() {}\nstruct P;\nimpl P { pub fn new() -> P { P } }"),
        ("fn f() { todo!() }", "fn f() {}\nmod h { pub fn g() {} }\npub(crate) fn i() {}"),
        ("use a::b;\nfn f() { todo!() }", "use a::{b, c};\nfn f() {}"),
        ("impl A { fn f() { todo!() } }", "impl A { fn f() {} }\nimpl Clone for A { fn clone(&self) -> A { A } }"),
    ],
)
def test_what_is_nobody_elses_business_is_allowed(before: str, after: str) -> None:
    assert told(before, after, crates=None) == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("pub fn f() { todo!() }", "fn f() {}", "The signature of `f` changes from `pub fn f()` to `fn f()`."),
        ("fn f(x: u8) { todo!() }", "fn f(y: u8) {}", "`fn f(x: u8)` to `fn f(y: u8)`"),
        ("fn f(x: &u8) { todo!() }", "fn f(x: &mut u8) {}", "The signature of `f`"),
        ("fn f() { todo!() }", "async fn f() {}", "The signature of `f`"),
        ("fn f() { todo!() }\nfn g() {}", "fn f() {}", "`g` is gone."),
        ("fn f() { todo!() }\nfn g() {}", "fn f() {}\nfn h() {}", "`g` is gone."),
        ("fn f() { todo!() }\nfn g() {}", "fn f() {}\nfn g(x: u8) {}", "The signature of `g`"),
        (
            "mod a { mod b { fn f() { todo!() }\nconst C: u8 = 1; } }",
            "mod a { mod b { fn f() {} } }",
            "`C` is gone.",
        ),
        ("impl A { fn f() { todo!() } fn g() {} }", "impl A { fn f() {} }", "`A::g` is gone."),
        ("impl A { fn f() { todo!() } }", "impl A<u8> { fn f() {} }", "`A::f` is gone."),
        ("fn f() { todo!() }", "fn f() {}\npub fn g() {}", "`g` is new and public."),
        ("impl A { fn f() { todo!() } }", "impl A { fn f() {} pub fn g() {} }", "`A::g` is new and public."),
        ("fn f() { todo!() }", "fn f() {}\npub mod h { pub fn g() {} }", "`h` is new and public."),
        ("fn f() { todo!() }", "pub use a::b;\nfn f() {}", "The import `a::b` is new and public."),
        ("use a::{b, c};\nfn f() { todo!() }", "use a::b;\nfn f() {}", "The import `a::c` is gone."),
        ("fn f() { todo!() }", "fn f() {}\n#[macro_export]\nmacro_rules! m { () => {} }", "`m` is new and public."),
        ("trait T { fn f() { todo!() } }", "trait T { fn f() {} fn g() {} }", "`T::g` is a new member of a trait."),
        ("#[must_use]\nfn f() { todo!() }", "fn f() {}", "The attribute `#[must_use]` of `f` is gone."),
        ("fn f() { todo!() }", "#[cfg(unix)]\nfn f() {}", "`f` gets the attribute `#[cfg(unix)]`."),
        ("#[cfg(unix)]\nfn g() {}\nfn f() { todo!() }", "fn g() {}\nfn f() {}", "`#[cfg(unix)]` of `g` is gone."),
        ("#![no_std]\nfn f() { todo!() }", "#![feature(x)]\nfn f() {}", "inner attributes of the file"),
        ("struct S { a: u8 }\nfn f() { todo!() }", "struct S { b: u8 }\nfn f() {}", "`a` of `S` is gone."),
        ("struct S { a: u8 }\nfn f() { todo!() }", "struct S { a: u16 }\nfn f() {}", "`a` of `S` changes to `a: u16`."),
        (
            "pub struct S {}\nfn f() { todo!() }",
            "pub struct S { pub a: u8 }\nfn f() {}",
            "field `a` of `S` is new and public.",
        ),
        (
            "pub enum E { A }\nfn f() { todo!() }",
            "pub enum E { A, B }\nfn f() {}",
            "variant `B` of the public `E` is new.",
        ),
        ("struct S(u8);\nfn f() { todo!() }", "struct S(u8, u8);\nfn f() {}", "The fields of `S` change."),
    ],
)
def test_signatures_are_kept(before: str, after: str, message: str) -> None:
    found = told(before, after, crates=None)
    assert all(line.startswith("signatures: ") for line in found)
    assert any(message in line for line in found)


TESTS = """\
fn f() { todo!() }
#[cfg(test)]
mod tests {
    fn help() {}
    #[test]
    fn works() { assert!(f()); }
}
"""


@pytest.mark.parametrize(
    ("old", "new", "messages"),
    [
        ("todo!()", "1", []),
        ("    #[test]", "    #[test]\n    fn more() {}\n    #[test]", []),
        ("assert!(f())", "assert!(true)", ["The test `works` changes."]),
        ("assert!(f());", " assert!(f());", ["The test `works` changes."]),
        ("fn help() {}", "fn help() { exit() }", ["The test `help` changes."]),
        ("    #[test]\n", "", ["`works` is no test any more."]),
        (
            "    #[test]\n",
            "    #[test]\n    #[ignore]\n",
            ["The test `works` changes.", "`works` is ignored"],
        ),
        (
            "    #[test]",
            '    #[test]\n    #[ignore = "slow"]\n    fn more() {}\n    #[test]',
            ["`more` is ignored now."],
        ),
        ("fn works", "fn worked", ["The test `works` is gone."]),
        ("#[cfg(test)]\n", "", ["`tests` is no longer compiled for tests alone."]),
        (TESTS[TESTS.index("#[cfg") :], "", ["The test module `tests` is gone."]),
    ],
)
def test_tests_are_kept(old: str, new: str, messages: list[str]) -> None:
    found = told(TESTS, TESTS.replace(old, new, 1))
    assert all(message.startswith("tests: ") for message in found)
    for message, expected in zip(found, messages, strict=False):
        assert expected in message
    assert bool(found) == bool(messages)


def test_a_test_that_was_asked_for_may_change_but_stays_a_test() -> None:
    before = "#[test]\nfn works() { todo!() }"
    assert told(before, "#[test]\nfn works() { assert!(f()) }") == []
    assert any("no test any more" in message for message in told(before, "fn works() { assert!(true) }"))
    assert any("ignored now" in message for message in told(before, "#[test]\n#[ignore]\nfn works() {}"))


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("fn f() { todo!() }", 'fn f() { print("unsafe"); /* unsafe */ }', None),
        ("fn f() { todo!() }", "fn f() { let g: unsafe fn() = h; }", None),
        ("unsafe fn f() { todo!() }", "unsafe fn f() { 1; }", None),
        ("fn f() { unsafe { todo!() } }", "fn f() { unsafe { g() } }", None),
        ("#![forbid(unsafe_code)]\nfn f() { todo!() }", "#![forbid(unsafe_code)]\nfn f() {}", None),
        ("fn f() { todo!() }", "fn f() { unsafe { g() } }", "`f` has an `unsafe` block"),
        ("fn f() { unsafe { todo!() } }", "fn f() { unsafe { g() }; unsafe { h() } }", "`f` has an `unsafe` block"),
        (
            "fn f() { unsafe { g() } }\nfn h() { $0todo!() }",
            "fn f() {}\nfn h() { unsafe { g() } }",
            "`h` has an `unsafe`",
        ),
        ("fn f() { todo!() }", "fn f() { vec![unsafe { g() }]; }", "`f` has an `unsafe` in a macro"),
        ("fn f() { todo!() }", "fn f() {}\nunsafe fn g() {}", "`g` has an `unsafe` in its header"),
        (
            "fn f() { todo!() }",
            "fn f() {}\nunsafe impl Send for A {}",
            "`impl Send for A` has an `unsafe` in its header",
        ),
        ("fn f() { todo!() }", 'fn f() {}\nunsafe extern "C" { fn g(); }', "has an `unsafe` in its header"),
        ("fn f() { todo!() }", "#[unsafe(no_mangle)]\nfn f() {}", "`f` has an unsafe attribute"),
        ("fn f() { todo!() }", "#[no_mangle]\nfn f() {}", "`f` has an unsafe attribute"),
        ("mod a { fn f() { todo!() } }", "mod a { fn f() { fn g() { unsafe { h() } } } }", "has an `unsafe` block"),
    ],
)
def test_unsafe_does_not_come_new(before: str, after: str, message: str | None) -> None:
    found = [line for line in told(before, after, crates=None) if line.startswith("unsafe: ")]
    assert bool(found) == bool(message)
    assert message is None or message in found[0]


SCOPE = """\
use std::{fmt, io};
use serde::de;
mod local;
enum Kind { A }
type word = u8;
fn f() { todo!() }
"""


@pytest.mark.parametrize(
    ("body", "crate"),
    [
        ("io::Read::read(&mut x); fmt::Write::write(y); de::Error::custom(z)", None),
        ("std::mem::take(x); core::mem::take(x); crate::a::b(); self::c(); super::d(); Self::e()", None),
        ("local::g(); Kind::A; word::MAX; u8::MAX; str::from_utf8(x); f64::consts::PI; char::from(1)", None),
        ("serde::de::x(); once_cell::sync::Lazy::new(g)", None),
        ("x.parse::<u8>(); size_of::<u8>(); <T as a::B>::c()", "a"),
        ('print("regex::Regex"); /* regex::Regex */ // regex::Regex\n', None),
        ("let c = 'a'; let d: Vec<'a, u8>; b'x'", None),
        ("#[rustfmt::skip] let a = 1; #[deny(clippy::pedantic)] let b = 2;", None),
        ("use std::collections::hash_map; hash_map::Entry::x()", None),
        ("use std::{rc::Rc, sync::{mpsc::channel, atomic}}; atomic::fence()", None),
        ("use rand as dice;", "rand"),
        ("use regex::Regex; Regex::new(x)", "regex"),
        ("use regex::{self, Regex}; regex::escape(x)", "regex"),
        ("use ::regex::Regex;", "regex"),
        ("::rand::random()", "rand"),
        ("::local::x()", "local"),
        ("rand::random::<u8>()", "rand"),
        ("vec![rand::random()]", "rand"),
        ("let x: &dyn tokio::io::AsyncRead = y;", "tokio"),
        ("extern crate libc;", "libc"),
        ("for i in 0..rand::random() {}", "rand"),
        ("#[derive(thiserror::Error)] struct E;", "thiserror"),
        ("m!($crate::x, $t::new())", None),
    ],
)
def test_new_dependencies_are_told(body: str, crate: str | None) -> None:
    found = told(SCOPE, SCOPE.replace("todo!()", body))
    assert [line.split("uses")[1] for line in found] == (
        [f" the crate `{crate}`, which is no dependency."] if crate else []
    )
    assert told(SCOPE, SCOPE.replace("todo!()", body), crates=None) == []
    nested = SCOPE.replace("fn f() { todo!() }", "fn f() { todo!() }\nmod inner { use super::*; fn g() {} }")
    assert bool(told(nested, nested.replace("fn g() {}", f"fn g() {{ {body} }}"))) == bool(crate)


def test_a_crate_that_was_named_before_is_not_new_and_globs_from_elsewhere_leave_it_open() -> None:
    before = "use regex::Regex;\nfn f() { todo!() }"
    assert told(before, before.replace("todo!()", "regex::escape(x)")) == []
    commented = "// regex::Regex\nfn f() { todo!() }"
    assert told(commented, commented.replace("todo!()", "regex::escape(x)")) != []
    for glob in ("use super::*;", "use crate::prelude::*;", "use rayon::prelude::*;"):
        before = f"{glob}\nfn f() {{ todo!() }}"
        assert [line for line in told(before, before.replace("todo!()", "prop::any(x)")) if "prop" in line] == []


def test_what_is_allowed_is_left_out() -> None:
    before, after = "fn f() { todo!() }", "pub fn f() { unsafe { rand::random() } }\n#[test]\n#[ignore]\nfn t() {}"
    assert [line.split(":")[0] for line in told(before, after)] == ["signatures", "tests", "unsafe", "new_dependencies"]
    assert told(before, after, Policy("allow", "allow", "allow", "allow")) == []
    assert [line.split(":")[0] for line in told(before, after, Policy("confirm", "allow", "deny", "allow"))] == [
        "signatures",
        "unsafe",
    ]
