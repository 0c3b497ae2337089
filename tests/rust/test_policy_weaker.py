"""Tests stay as hard as they were: what an asked test may become, and what makes a test look elsewhere."""

from __future__ import annotations

import pytest
from judged import rules, told

OLD = "assert_eq!(double(2), 4);"
WEAKER = [
    "",
    "let _ = double(2);",
    "assert!(true);",
    "assert_eq!(4, 4);",
    "let x = double(2); assert_eq!(x, x);",
    "assert_eq!(double(2), double(2));",
    "assert!(double(2) > 0);",
    "assert_ne!(double(2), 0);",
    "assert!(double(2) == 4 || true);",
    "assert!(double(2) == 4 || double(2) == 5);",
    "debug_assert_eq!(double(2), 4);",
    "assert!(matches!(double(2), _));",
    "// assert_eq!(double(2), 4);",
    "return; assert_eq!(double(2), 4);",
    "if cfg!(windows) { return; } assert_eq!(double(2), 4);",
    "let Some(_) = probe() else { return }; assert_eq!(double(2), 4);",
    "if slow() { assert_eq!(double(2), 4); }",
    "match probe() { Some(x) => assert_eq!(double(x), 4), None => {} }",
    "while probe() { assert_eq!(double(2), 4); }",
    "let check = || assert_eq!(double(2), 4);",
    "fn check() { assert_eq!(double(2), 4); }",
    "for x in [] { assert_eq!(double(x), 4); }",
    "for x in 0..0 { assert_eq!(double(x), 4); }",
    "for x in Vec::<u8>::new() { assert_eq!(double(x), 4); }",
    "let _ = std::panic::catch_unwind(|| assert_eq!(double(2), 4));",
    'println!("assert_eq!(double(2), 4);");',
    "assert!((double(2) as f64 - 4.0).abs() < 1.0);",
    "assert_eq!(double(2).is_power_of_two(), 4u8.is_power_of_two());",
    "let expected = double(2); assert_eq!(double(2), expected);",
    "loop { break; assert_eq!(double(2), 4); }",
    "const { assert!(true) }",
    "'a: for x in [2] { loop { break 'a; } assert_eq!(double(x), 4); }",
    "std::thread::spawn(|| assert_eq!(double(2), 4));",
    "let _ = async { assert_eq!(double(2), 4); };",
    "macro_rules! same { ($a:expr, $b:expr) => {} } same!(double(2), 4);",
    "let double = |x: u8| 4; assert_eq!(double(2), 4);",
    "fn double(x: u8) -> u8 { 4 } assert_eq!(double(2), 4);",
    "macro_rules! assert_eq { ($($t:tt)*) => {} } assert_eq!(double(2), 4);",
    "use std::stringify as assert_eq; assert_eq!(double(2), 4);",
    "'a: { if probe() { break 'a; } assert_eq!(double(2), 4); }",
    "for x in 0..3 { if x < 3 { continue; } assert_eq!(double(x), 4); }",
    "drop(|| assert_eq!(double(2), 4));",
    "None::<u8>.map(|_| assert_eq!(double(2), 4));",
    "std::iter::empty::<u8>().for_each(|_| assert_eq!(double(2), 4));",
    "[0u8; 0].iter().for_each(|_| assert_eq!(double(2), 4));",
    "let _ = false && { assert_eq!(double(2), 4); true };",
    "struct Any; impl PartialEq<Any> for u8 { fn eq(&self, _: &Any) -> bool { true } } assert_eq!(double(2), Any);",
    "const FOUR: u8 = 4; assert_eq!(FOUR, 4);",
    'assert_eq!("a".len(), 1);',
    "#[cfg(windows)] assert_eq!(double(2), 4);",
    "#[cfg(any())] { assert_eq!(double(2), 4); }",
    "let _ = std::thread::spawn(|| { assert_eq!(double(2), 4); }).join();",
    "assert_eq!(double(2) as bool, 4 as bool);",
    "assert_eq!(double(2) & 0, 4 & 0);",
]
AS_HARD = [
    "assert_eq!(double(2), 4);",
    "assert_eq!(4, double(2));",
    "assert_eq!(double(2), 5);",
    'assert_eq!(double(2), 4, "twice");',
    "let four = double(2); assert_eq!(four, 4);",
    "assert_eq!(double(2), 4); assert_eq!(double(3), 6);",
    "assert!(double(2) == 4);",
    "for (x, y) in [(2, 4), (3, 6)] { assert_eq!(double(x), y); }",
    "let cases = [(2, 4)]; for (x, y) in cases.iter() { assert_eq!(double(*x), *y); }",
    "let check = |x, y| assert_eq!(double(x), y); check(2, 4);",
    "fn check(x: u8) { assert_eq!(double(x), 4); } check(2);",
    "match probe() { Some(x) => assert_eq!(double(x), 4), None => panic!() }",
    "if let Some(x) = probe() { assert_eq!(double(x), 4) } else { unreachable!() }",
    "[2].iter().for_each(|x| assert_eq!(double(*x), 4));",
    "let value = probe().unwrap(); assert_eq!(double(value), 4);",
    "{ assert_eq!(double(2), 4); }",
    "pretty_assertions::assert_eq!(double(2), 4);",
    "let wanted = 4; assert_eq!(double(2), wanted);",
    "let mut all = Vec::new(); all.push(2); for x in all { assert_eq!(double(x), 4); }",
    "let double = double(2); assert_eq!(double, 4);",
    "std::thread::spawn(|| assert_eq!(double(2), 4)).join().unwrap();",
    "let Some(_) = probe() else { panic!() }; assert_eq!(double(2), 4);",
    "for x in [2] { loop { break; } assert_eq!(double(x), 4); }",
    "#[allow_this] assert_eq!(double(2), 4);",
]


def written(body: str, lead: str = "#[test]\n") -> str:
    return f"fn double(x: u8) -> u8 {{ 2 * x }}\n{lead}fn $0works() {{ {body} }}"


def after(body: str, lead: str = "#[test]\n") -> str:
    return written(body, lead).replace("$0", "")


@pytest.mark.parametrize("body", WEAKER)
def test_a_test_that_was_asked_for_asserts_no_less(body: str) -> None:
    found = told(written(OLD), after(body))
    assert any(line.startswith("tests: ") for line in found), found


@pytest.mark.parametrize("body", AS_HARD)
def test_a_test_that_was_asked_for_may_be_written_anew(body: str) -> None:
    assert told(written(OLD), after(body)) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("assert!(a()); assert!(b());", "assert!(a());", "no longer asserts `assert!(b())`"),
        ("assert!(a() && b());", "assert!(a());", "no longer asserts"),
        ("assert!(a() && b());", "assert!(a()); assert!(b());", None),
        ("assert!(a());", "assert!(a() || b());", "no longer asserts `assert!(a())`"),
        ("assert!(x.is_ok());", "assert!(x.is_ok() || x.is_err());", "no longer asserts"),
        ("assert!(x.is_ok());", "assert_eq!(x, Ok(3));", None),
        ("assert!(matches!(x, Ok(3)));", "assert!(matches!(x, Ok(_)));", "no longer asserts"),
        ("assert!(v.len() > 2);", "assert!(v.len() >= 0);", "asserts nothing"),
        ("assert!(a());", "assert!(!false);", "asserts nothing"),
        ("assert!(a());", "assert!(!a());", None),
        ("f().unwrap();", "let _ = f();", "checks nothing any more"),
        ("if a() { assert_eq!(f(), 1); }", "a(); return; assert_eq!(f(), 1);", "no longer asserts"),
        ("f();", "let x = y; let x = x.z(); for a in x { f(); assert!(a); }", None),
        ("f();", "check!(-1.0); f();", None),
        ("f().unwrap();", 'f().expect("works");', None),
        ("f().unwrap();", "assert!(f().is_ok());", None),
        ("assert_eq!(f(), 1); return; ", "assert_eq!(f(), 1);", None),
        ("check(1, 2); check(2, 3);", "check(1, 2);", "no longer asserts"),
        ("check(1, 2);", "other(1, 2);", "no longer asserts"),
        ("for x in [1, 2, 3] { assert!(ok(x)); }", "for x in [1, 2] { assert!(ok(x)); }", "asserts less"),
        ("assert_eq!(f(1), 1); assert_eq!(f(2), 2);", "for x in [1, 2] { assert_eq!(f(x), x); }", None),
        ("todo!()", "assert!(f());", None),
        ("todo!()", "f();", None),
        ("todo!()", "if !supported() { return; } assert!(f());", None),
        ("assert!(a()); todo!()", "assert!(a()); assert_eq!(b(), 1);", None),
        ("assert!(a()); todo!()", "assert_eq!(b(), 1);", "no longer calls `a`"),
        ("todo!()", "assert!(true);", "asserts nothing"),
        ("todo!()", "", "is empty now"),
        ("todo!()", "f(); assert_eq!(4, 2 + 2);", "`assert_eq!(4, 2 + 2)` in `works` asserts nothing"),
        ("todo!()", "assert!(matches!(f(), _));", "asserts nothing"),
        ("assert!(a() < 3);", "assert_eq!(a(), 2);", None),
        ("assert_abs_diff_eq!(a(), 0.3);", "assert!((a() - 0.3).abs() < 1e-9);", None),
        ("assert_eq!(a(), 0.3);", "assert_abs_diff_eq!(a(), 0.3);", "no longer asserts"),
        ("assert!(Vec::<u8>::new().is_empty());", "assert!(<Vec<u8>>::new().is_empty());", None),
        ("assert_eq!(a(), b());", "assert_eq!(a(), b()); assert_eq!(a(), a());", None),
    ],
)
def test_strength_is_compared_not_words(old: str, new: str, message: str | None) -> None:
    found = told(written(old), after(new))
    assert bool(found) == bool(message), found
    assert message is None or any(message in line for line in found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("#[test]\n", "#[test]\n#[should_panic]\n", "`works` has to panic now"),
        ("#[test]\n#[should_panic]\n", '#[test]\n#[should_panic(expected = "x")]\n', None),
        ('#[test]\n#[should_panic(expected = "no x")]\n', "#[test]\n#[should_panic]\n", 'expects the panic "no x"'),
        ('#[test]\n#[should_panic(expected = "no x")]\n', '#[test]\n#[should_panic(expected = "")]\n', "no longer"),
        ('#[test]\n#[should_panic(expected = "no x")]\n', '#[test]\n#[should_panic(expected = "no y")]\n', None),
        ("#[test]\n#[should_panic]\n", "#[test]\n", "`#[should_panic]` of `works` is gone"),
        ("#[test]\n", "#[test]\n#[ignore]\n", "is ignored now"),
        ("#[test]\n", "#[test]\n#[cfg_attr(all(), ignore)]\n", "is ignored now"),
        ("#[test]\n", '#[test]\n#[cfg(feature = "slow")]\n', "another condition"),
        ("#[test]\n", '#[cfg_attr(feature = "slow", test)]\n', "is no test any more"),
        ("#[test]\n", "", "is no test any more"),
        ("#[test]\n", "#[tokio::test]\n", "`#[test]` of `works` is gone"),
        ('#[tokio::test(flavor = "multi_thread")]\n', "#[tokio::test]\n", "is gone"),
        ("#[test]\n#[timeout(100)]\n", "#[test]\n#[timeout(100000)]\n", "is gone"),
        ("#[rstest]\n#[case(1)]\n#[case(2)]\n", "#[rstest]\n#[case(1)]\n", "`#[case(2)]` of `works` is gone"),
        ("#[rstest]\n#[case(1)]\n", "#[rstest]\n#[case(1)]\n#[case(2)]\n", None),
        ("#[test]\n", "/// Says why.\n#[test]\n#[inline]\n", None),
    ],
)
def test_what_leads_a_test_keeps_it_running(old: str, new: str, message: str | None) -> None:
    found = told(written(OLD, old), after(OLD, new))
    assert bool(found) == bool(message), found
    assert message is None or any(message in line for line in found)
    assert not any(line.startswith("signatures") for line in found)


MODULE = """\
pub fn double(x: u8) -> u8 { todo!() }
#[cfg(test)]
mod tests {
    use super::*;
    const FOUR: u8 = 4;
    #[test]
    fn works() { assert_eq!(double(2), FOUR); }
}
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("todo!()", "2 * x", None),
        ("todo!()", "if cfg!(test) { 4 } else { x }", "`double` asks `cfg!(test)`"),
        ("todo!()", "if cfg!(any(test, doctest)) { 4 } else { x }", "asks"),
        ("todo!()", "#[cfg(test)] return 4; x", "has `#[cfg(test)]`"),
        ("todo!()", "cfg_if! { if #[cfg(test)] { 4 } else { x } }", "has `#[cfg(test)]`"),
        ("todo!()", "#![cfg(not(test))] x", "has `#[cfg(not(test))]`"),
        ("todo!()", "#[cfg(unix)] return 4; x", None),
        ("todo!()", "if cfg!(unix) { 2 * x } else { x + x }", None),
        ("FOUR: u8 = 4", "FOUR: u8 = 0", "The tests' own `FOUR` changes"),
        ("#[cfg(test)]", "#[cfg(all(test, windows))]", "under another condition"),
        ("mod tests {\n", "mod tests {\n    #![cfg(windows)]\n", "under another condition"),
        ("    use super::*;", "    use super::*;\n    fn double(x: u8) -> u8 { 4 }", "hides the `double`"),
        ("    use super::*;", "    use super::*;\n    use crate::fake::double;", "hides the `double`"),
        ("    use super::*;", "    use super::*;\n    use super::double;", None),
        ("    use super::*;", "    use super::*;\n    use crate::double;", None),
        ("#[cfg(test)]", "#[cfg(not(test))]\nfn half() {}\n#[cfg(test)]", "is not there in tests"),
        ("    use super::*;", "    use super::*;\n    impl PartialEq for A {}", "an equality of its own"),
        ("#[cfg(test)]", "struct A;\nimpl PartialEq for A {}\n#[cfg(test)]", None),
        ("    use super::*;", "    use super::*;\n    fn half(x: u8) -> u8 { 4 }", None),
        ("#[cfg(test)]", "macro_rules! assert_eq { ($($t:tt)*) => {} }\n#[cfg(test)]", "takes the place"),
        ("    use super::*;", "    use super::*;\n    use crate::none as assert_eq;", "takes the place"),
        ("    use super::*;", "    use super::*;\n    use pretty_assertions::assert_eq;", None),
        ("    use super::*;", "    use super::*;\n    use std::assert_eq;", None),
        ("todo!()", "#[cfg_attr(all(test, exhaustive), deny(x))] match x { y => y }", None),
        ("    use super::*;", "    use super::*;\n    use static_assertions::assert_ne;", None),
        (
            "    use super::*;",
            "    use super::*;\n    struct D; impl Drop for D { fn drop(&mut self) { assert!(true == x); } }",
            None,
        ),
        ("todo!()", "macro_rules! twice { ($x:expr) => { 2 * $x } } twice!(x)", None),
    ],
)
def test_nothing_stands_in_the_way_of_what_a_test_says(old: str, new: str, message: str | None) -> None:
    found = told(MODULE, MODULE.replace(old, new, 1))
    assert bool(found) == bool(message), found
    assert message is None or any(line.startswith("tests: ") and message in line for line in found)


DOCS = """\
//! The crate.
//! ```
//! assert!(here());
//! ```

/// Doubles.
///
/// ```
/// # use this::double;
/// assert_eq!(double(2), 4);
/// ```
/// ```should_panic
/// double(200);
/// ```
/// ```text
/// 2 -> 4
/// ```
pub fn double(x: u8) -> u8 { todo!() }
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("todo!()", "2 * x", None),
        ("/// Doubles.", "/// Doubles a number.", None),
        ("/// ```\n/// #", "/// ```rust\n/// #", None),
        ("/// assert_eq!(double(2), 4);", "/// assert_eq!(double(2), 4);\n/// assert_eq!(double(3), 6);", None),
        ("/// 2 -> 4", "/// 3 -> 6", None),
        ("/// ```\n/// #", "/// ```ignore\n/// #", "The example of `double` is marked `ignore` now"),
        ("/// ```\n/// #", "/// ```no_run\n/// #", "is marked `no_run` now"),
        ("/// ```\n/// #", "/// ```should_panic\n/// #", "is marked `should_panic` now"),
        ("/// ```\n/// #", "/// ```text\n/// #", "is gone, or no longer one of Rust"),
        ("/// ```\n/// #", "/// ```text\n/// ```\n/// #", "`double`"),
        ("/// assert_eq!(double(2), 4);", "/// double(2);", "no longer asserts `assert_eq!(double(2), 4)`"),
        ("/// assert_eq!(double(2), 4);", "/// // assert_eq!(double(2), 4);", "no longer asserts"),
        (DOCS[DOCS.index("/// ```\n/// #") : DOCS.index("/// ```should")], "", "An example of `double` is gone"),
        ("//! assert!(here());", "//! here();", "The example of the module no longer asserts"),
        ("//! ```\n//! assert!(here());\n//! ```\n", "", "An example of the module is gone"),
        (DOCS[DOCS.index("/// Doubles") : DOCS.index("pub fn")], "", "is gone"),
    ],
)
def test_examples_in_docs_are_tests(old: str, new: str, message: str | None) -> None:
    found = told(DOCS, DOCS.replace(old, new, 1))
    assert bool(found) == bool(message), found
    assert message is None or any(line.startswith("tests: ") and message in line for line in found)


def test_the_whole_of_a_long_example_is_looked_at() -> None:
    lines = "".join(f"//! assert!(f({number}));\n" for number in range(9))
    before = f"//! ```\n{lines}//! ```\n\nfn f() {{ todo!() }}"
    assert rules(before, before.replace("assert!(f(4))", "assert!(f(5))")) == []
    assert rules(before, before.replace("assert!(f(4))", "f(4)")) == ["tests"]


def test_examples_in_block_comments_and_files_count_too() -> None:
    before = "/** Doubles.\n * ```\n * assert!(f());\n * ```\n */\nfn f() { todo!() }"
    assert rules(before, before.replace("todo!()", "1")) == []
    assert rules(before, before.replace("assert!(f());", "f();")) == ["tests"]
    before = '#[doc = include_str!("a.md")]\nfn f() { todo!() }'
    assert rules(before, before.replace("todo!()", "1")) == []
    assert "tests" in rules(before, "fn f() { todo!() }")


def test_helpers_of_integration_tests_are_as_hard_too() -> None:
    before = "fn $0check(x: u8) { assert_eq!(double(x), 4); }"
    assert rules(before, "fn check(x: u8) { double(x); }", path="tests/all.rs") == ["tests"]
    assert rules(before, "fn check(x: u8) { double(x); }", path="src/lib.rs") == []
    assert rules(before, "fn check(x: u8) { double(x); }", path="/home/me/tests/one/src/lib.rs") == []
    assert rules(before, "fn check(x: u8) { double(x); }", path="/src/one/tests/common/mod.rs") == ["tests"]


def test_what_a_test_needs_is_as_asked_as_the_test() -> None:
    before = "#[cfg(test)]\nmod $0tests { #[test]\nfn works() { assert!(f()); } }"
    assert rules(before, before.replace("$0", "").replace("f()", "f() && g()")) == []
    assert rules(before, before.replace("$0", "").replace("assert!(f())", "f()")) == ["tests"]
    assert rules("fn $0f() {}", "fn f() {}\n#[test]\nfn works() { assert!(true); }") == ["tests"]
    assert rules("fn $0f() {}", "fn f() {}\n#[test]\nfn works() { assert!(f()); }") == []
    assert rules("#[test]\nfn $0f() { g() }", "#[test]\nfn f(x: u8) { g() }") == ["signatures"]
