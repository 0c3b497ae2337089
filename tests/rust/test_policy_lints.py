"""New attributes that silence lints, and new panics where the crate's own lints are against them."""

from __future__ import annotations

import pytest
from judged import rules, told

from opencrates_lsp.rust.lint_levels import level_of
from opencrates_lsp.terms import LintLevel, Lints, Policy


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("fn f() { todo!() }", "#[allow(dead_code)]\nfn f() {}", "`f` gets `#[allow(dead_code)]`"),
        ("fn f() { todo!() }", "#[allow(clippy::unwrap_used, unused)]\nfn f() {}", "clippy::unwrap_used"),
        ("fn f() { todo!() }", "#[expect(unused)]\nfn f() {}", "`#[expect(unused)]`"),
        ("fn f() { todo!() }", "#[warn(unused_must_use)]\nfn f() {}", "`#[warn(unused_must_use)]`"),
        ("fn f() { todo!() }", "#[deny(unused)]\nfn f() {}", None),
        ("fn f() { todo!() }", "fn f() { #[allow(unused)] let x = 1; }", "`f` gets"),
        ("fn f() { todo!() }", "fn f() { #![allow(unused)] }", "`f` gets"),
        ("fn f() { todo!() }", "fn f() { match 1 { #[allow(unused)] _ => {} } }", "`f` gets"),
        ("fn f() { todo!() }", "#[cfg_attr(all(), allow(unused))]\nfn f() {}", "allow(unused)"),
        ("fn f() { todo!() }", "#[cfg_attr(a, cfg_attr(b, inline, allow(unused)))]\nfn f() {}", "allow(unused)"),
        ("fn f() { todo!() }", "fn f() { vec![#[allow(unused)] 1]; }", "allow(unused)"),
        ("fn f() { todo!() }", "fn f() { macro_rules! m { () => { #[allow(unused)] let x; } } m!() }", "allow(unused)"),
        ("fn f() { todo!() }", "#[r#allow(unused)]\nfn f() {}", "allow(unused)"),
        ("fn f() { todo!() }", "# /* a */ [ allow ( unused ) ]\nfn f() {}", "allow(unused)"),
        ("fn f() { todo!() }", "fn f() {}\n#[allow(unused)]\nfn help() {}", "`help` gets"),
        ("fn f() { todo!() }", "fn f() {}\nstruct S { #[allow(unused)] x: u8 }", "`S` gets"),
        ("fn f() { todo!() }", '#[allow(unused, reason = "so")]\nfn f() {}', "allow(unused)"),
        ("fn f() { todo!() }", '#[clippy::msrv = "1.0"]\nfn f() {}', "`#[clippy::msrv]`"),
        ("fn f() { todo!() }", "fn f() {}\n#[automatically_derived]\nimpl A {}", "`#[automatically_derived]`"),
        ("fn f() { todo!() }", 'fn f() { // #[allow(unused)]\n let x = "#[allow(unused)]"; }', None),
        ("fn f() { todo!() }", "fn f() { macro_rules! m { ($l:ident) => { #[$l(a)] let x; } } m!(allow) }", "`#[$…]`"),
        ("fn f() { todo!() }", "fn f() { macro_rules! m { ($m:meta) => { #[$m] let x; } } m!(allow(a)) }", "`#[$…]`"),
        ("fn f() { todo!() }", "#[doc(test(attr(allow(a))))]\nfn f() {}", "`#[doc(test(…))]`"),
        ("fn f() { todo!() }", "fn f() { let allow = [expect(1)]; a[allow(x)]; }", None),
        ("#[allow(unused)]\nfn f() { todo!() }", "#[allow(unused)]\nfn f() {}", None),
        ("#[allow(unused)]\nfn f() { todo!() }", "#[expect(unused)]\nfn f() {}", None),
        ("fn f() { #[allow(unused)] let x = todo!(); }", "fn f() { let y; #[allow(unused)] let x = 1; }", None),
        ("fn f() { #[allow(a)] let x = todo!(); }", "fn f() { #[allow(a)] let x; #[allow(a)] let y; }", "allow(a)"),
        ("#[allow(a)]\nfn g() {}\nfn f() { $0 }", "fn g() {}\n#[allow(a)]\nfn f() {}", "`f` gets"),
    ],
)
def test_no_attribute_that_silences_a_lint_comes_new(before: str, after: str, what: str | None) -> None:
    found = [line for line in told(before, after) if line.startswith("lints: ")]
    assert bool(found) == bool(what), found
    assert what is None or what in found[0]


def deny(*lints: str, level: LintLevel = "deny", **more: frozenset[str]) -> Lints:
    levels = tuple((lint, level) for lint in lints)
    return Lints(levels, levels, **more)


ALL = deny("clippy::restriction")
PANICS = [
    ("x.unwrap()", "unwrap_used", "`.unwrap()`"),
    ("x.unwrap_err()", "unwrap_used", "`.unwrap_err()`"),
    ("x.r#unwrap()", "unwrap_used", "`.unwrap()`"),
    ("x . /* a */ unwrap ( )", "unwrap_used", "`.unwrap()`"),
    ("Option::unwrap(x)", "unwrap_used", "`Option::unwrap`"),
    ("x.map(Result::unwrap)", "unwrap_used", "`Result::unwrap`"),
    ("<Option<u8>>::unwrap(x)", "unwrap_used", "`unwrap`"),
    ('x.expect("y")', "expect_used", "`.expect()`"),
    ("x.expect(MESSAGE)", "expect_used", "`.expect()`"),
    ('x.expect(&format!("{y}"))', "expect_used", "`.expect()`"),
    ("x.get(1).unwrap()", "get_unwrap", "`.get(…).unwrap()`"),
    ('panic!("y")', "panic", "`panic!`"),
    ("std::panic!()", "panic", "`panic!`"),
    ("::std::panic!()", "panic", "`panic!`"),
    ("use std::panic as p; p!()", "panic", "`panic!`"),
    ("use core as c; c::panic!()", "panic", "`panic!`"),
    ("unreachable!()", "unreachable", "`unreachable!`"),
    ("vec![x.unwrap()]", "unwrap_used", "`.unwrap()`"),
    ("macro_rules! m { ($x:expr) => { $x.unwrap() } } m!(x)", "unwrap_used", "`.unwrap()`"),
    ("let Some(a) = x else { panic!() };", "panic", "`panic!`"),
    ("x.unwrap_or_else(|| unreachable!())", "unreachable", "`unreachable!`"),
    ("xs[i]", "indexing_slicing", "the index `xs[i]`"),
    ("xs[i + 1..]", "indexing_slicing", "the index `xs[i+1..]`"),
    ("self.xs[i]", "indexing_slicing", "the index `xs[i]`"),
    ("xs()[0]", "indexing_slicing", "the index `…[0]`"),
    ("std::ops::Index::index(&xs, i)", "indexing_slicing", "`std::ops::Index::index`"),
    ("use std::ops::Index; xs.index(i)", "indexing_slicing", "`.index(…)`"),
    ("use std::option::Option as O; O::unwrap(x)", "unwrap_used", "`O::unwrap`"),
    ("Option::<u8>::unwrap(x)", "unwrap_used", "`Option::unwrap`"),
    ("macro_rules! m { ($m:ident) => { x.$m() } } m!(unwrap)", "unwrap_used", "`unwrap` as a macro's argument"),
    ("x.expect(MESSAGE); struct Z; impl Z { fn expect(&self) {} }", "expect_used", "`.expect()`"),
    ("assert!(false)", "panic", "`assert!`"),
    ("std::panic::panic_any(1)", "panic", "`std::panic::panic_any`"),
    ("let v = [1, 2]; let v = x(); v[1]", "indexing_slicing", "the index `v[1]`"),
    ("struct T { v: [u8; 4] } let v = g(); v[3]", "indexing_slicing", "the index `v[3]`"),
    ('println!("{}", xs[0])', "indexing_slicing", "the index `xs[0]`"),
]
HONEST = [
    "x.unwrap_or(0); x.unwrap_or_default(); x.unwrap_or_else(f); x?",
    'let unwrap = 1; "x.unwrap()"; // x.unwrap()\n',
    "x.get(1); x.get(1).copied().unwrap_or(2)",
    "x.panic(); panic; let panic = 1; panic != 2",
    "let a = [1, 2]; &a[..]; a[0] + a[1]",
    "let a: [u8; 3] = b; a[2]",
    'map["key"]; map[&key]',
    "self.expect(Token::Semi)?; self.expect(b';')",
    "html! { a [b] }; let x: [u8; 4]; let y = &[1]; for z in [1] {} return [1];",
    "assert!(x); assert_eq!(a, b); debug_assert!(c)",
    "#[inline] fn g() {} fn h(x: &[u8], y: &'a [u8]) -> [u8; 2] {}",
    "const N: u8 = Some(1).unwrap(); const { panic!() }; static S: u8 = [1][0];",
]


@pytest.mark.parametrize(("body", "lint", "what"), PANICS)
def test_no_panic_comes_new_where_the_lints_are_against_it(body: str, lint: str, what: str) -> None:
    before = "fn f() { todo!() }"
    after = f"fn f() {{ {body} }}"
    for level in ("deny", "forbid", "warn"):
        found = told(before, after, lints=deny(f"clippy::{lint}", level=level))
        assert found == [f"panics: `{found[0].split('`')[1]}` gets {what}, and `clippy::{lint}` is at `{level}` there."]
    assert rules(before, after, lints=ALL) == ["panics"]
    # Without a lint against it, a panic is nobody's business.
    assert rules(before, after) == []
    assert rules(before, after, lints=deny(f"clippy::{lint}", level="allow")) == []
    # What was there may stay, and may be written anew.
    assert rules(f"fn $0f() {{ {body} }}", f"fn f() {{ let z = 1; {body} }}", lints=ALL) == []


@pytest.mark.parametrize("body", HONEST)
def test_what_does_not_panic_is_no_panic(body: str) -> None:
    assert told("fn f() { todo!() }", f"fn f() {{ {body} }}", lints=ALL) == []


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        # The file's own attributes, outer and inner, the inner ones winning.
        ("#![deny(clippy::unwrap_used)]\nfn f() { $ }", None, True),
        ("#![deny(clippy::unwrap_used)]\n#[allow(clippy::unwrap_used)]\nfn f() { $ }", None, False),
        ("#[forbid(clippy::unwrap_used)]\nfn f() { $ }", None, True),
        ("#![forbid(clippy::unwrap_used)]\n#[allow(clippy::unwrap_used)]\nfn f() { $ }", None, True),
        ("mod m { #![warn(clippy::restriction)]\nfn f() { $ } }", None, True),
        ("#[deny(clippy::unwrap_used)]\nmod m { impl A { fn f() { $ } } }", None, True),
        ("#[deny(clippy::unwrap_used)]\nmod m { #[allow(clippy::unwrap_used)]\nimpl A { fn f() { $ } } }", None, False),
        ("#![deny(clippy::option_unwrap_used)]\nfn f() { $ }", None, True),
        ("#![deny(clippy::pedantic, clippy::all, warnings)]\nfn f() { $ }", None, False),
        ("#![warn(clippy::unwrap_used)]\n#![allow(warnings)]\nfn f() { $ }", None, False),
        ("#![cfg_attr(not(test), deny(clippy::unwrap_used))]\nfn f() { $ }", None, True),
        ('#![cfg_attr(feature = "strict", deny(clippy::unwrap_used))]\nfn f() { $ }', None, False),
        ("#![deny(clippy::unwrap_used)]\n#![cfg_attr(test, allow(clippy::unwrap_used))]\nfn f() { $ }", None, True),
        ("#![deny(clippy::unwrap_used)]\nfn f() { #[allow(clippy::unwrap_used)]\n{ $ } }", None, False),
        # In tests, what the tests of the file do already is usual there.
        ("#![deny(clippy::unwrap_used)]\n#[test]\nfn f() { $ }", None, True),
        ("#![deny(clippy::unwrap_used)]\n#[test]\nfn f() { $ }\n#[test]\nfn g() { y.unwrap(); }", None, False),
        ("#![deny(clippy::unwrap_used)]\nfn f() { $ }\n#[test]\nfn g() { y.unwrap(); }", None, True),
        ("#![cfg_attr(not(test), deny(clippy::unwrap_used))]\n#[test]\nfn f() { $ }", None, False),
        ("#![deny(clippy::unwrap_used)]\n#[test]\n#[allow(clippy::unwrap_used)]\nfn f() { $ }", None, False),
        # What another function has is not the asked one's to spend; what moves to a helper is.
        ("#![deny(clippy::unwrap_used)]\nfn f() { $ }\nfn g() { x.unwrap() }", None, True),
        (
            "#![deny(clippy::unwrap_used)]\nfn $0f() { x.unwrap() }",
            "#![deny(clippy::unwrap_used)]\nfn f() { g() }\nfn g() { x.unwrap() }",
            False,
        ),
        (
            "#![deny(clippy::unwrap_used)]\nfn $0f() { x.unwrap() }",
            "#![deny(clippy::unwrap_used)]\nfn f() { x.unwrap(); g() }\nfn g() { x.unwrap() }",
            True,
        ),
    ],
)
def test_the_level_is_that_of_the_place(before: str, after: str | None, broken: bool) -> None:
    after = after or before.replace("$", "x.unwrap()")
    assert rules(before.replace("$", "todo!()") if "$0" not in before else before, after) == ["panics"] * broken


def test_clippys_own_exceptions_hold() -> None:
    test = "#[cfg(test)]\nmod t { fn f() { todo!() } }"
    exempt = deny("clippy::restriction", exempt_in_tests=frozenset({"clippy::unwrap_used"}))
    assert rules(test, test.replace("todo!()", "x.unwrap()"), lints=exempt) == []
    assert rules(test, test.replace("todo!()", 'x.expect("y")'), lints=exempt) == ["panics"]
    constant = "const A: u8 = todo!();"
    checked = deny("clippy::restriction", checked_in_consts=frozenset({"clippy::unwrap_used"}))
    assert rules(constant, constant.replace("todo!()", "x.unwrap()"), lints=ALL) == []
    assert rules(constant, constant.replace("todo!()", "x.unwrap()"), lints=checked) == ["panics"]


def test_a_panic_in_a_function_that_returns_a_result_has_a_lint_of_its_own() -> None:
    lints = deny("clippy::panic_in_result_fn")
    before = "fn f() -> Result<u8, E> { todo!() }\nfn g() -> u8 { 1 }"
    assert rules(before, before.replace("todo!()", "panic!()"), lints=lints) == ["panics"]
    assert rules("fn f() -> u8 { todo!() }", "fn f() -> u8 { panic!() }", lints=lints) == []


def test_text_is_sliced_under_a_lint_of_its_own() -> None:
    before, after = "fn f(s: &str) { todo!() }", "fn f(s: &str) { &s[1..] }"
    assert rules(before, after, lints=deny("clippy::indexing_slicing")) == []
    assert rules(before, after, lints=deny("clippy::string_slice")) == ["panics"]
    assert (
        rules(before.replace("&str", "&[u8]"), after.replace("&str", "&[u8]"), lints=deny("clippy::string_slice")) == []
    )


@pytest.mark.parametrize("body", ["use std::todo as t; t!()", "use core as c; c::unimplemented!()"])
def test_a_hole_under_another_name_is_a_hole_whatever_the_lints(body: str) -> None:
    assert rules("fn f() { todo!() }", f"fn f() {{ {body} }}") == ["panics"]


def test_the_later_level_wins_and_none_lowers_a_forbid() -> None:
    name, groups = "clippy::unwrap_used", ("clippy::restriction",)
    table: list[tuple[list[tuple[str, LintLevel]], LintLevel]] = [
        ([], "allow"),
        ([("clippy::restriction", "deny"), (name, "allow")], "allow"),
        ([(name, "allow"), ("clippy::restriction", "warn")], "warn"),
        ([(name, "forbid"), (name, "allow")], "forbid"),
        ([(name, "warn"), ("warnings", "deny")], "deny"),
        ([("clippy::expect_used", "deny")], "allow"),
    ]
    for levels, expected in table:
        assert level_of(name, groups, levels) == expected


def test_each_rule_is_a_setting() -> None:
    before, after = "fn f() { todo!() }", '#[allow(x)]\nfn f() { y.unwrap(); include_str!("z"); }'
    assert rules(before, after, lints=ALL) == ["capabilities", "lints", "panics"]
    quiet = Policy(lints="allow", panics="allow", capabilities="allow")
    assert told(before, after, policy=quiet, lints=ALL) == []
