"""What honest edits look like: nothing is said of any of them, under the strictest rules and lints."""

from __future__ import annotations

import time

import pytest
from crates_data import CRATES, NAMES, load
from hypothesis import given, settings
from hypothesis import strategies as st
from judged import STRICT, told
from laid import asked

from opencrates_lsp.rust.holes import holes, subject
from opencrates_lsp.rust.lexer import lex
from opencrates_lsp.rust.merge import merge
from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Lints

STRICTEST = Lints(
    tuple((f"clippy::{lint}", "deny") for lint in ("unwrap_used", "expect_used", "panic", "unreachable", "get_unwrap")),
    tuple((f"clippy::{lint}", "deny") for lint in ("unwrap_used", "expect_used", "panic", "unreachable", "get_unwrap")),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_right_answers_of_the_example_crates_break_no_rule(name: str) -> None:
    crate = load(name)
    assert crate.holes
    for case in crate.holes:
        path = crate.path / case.file
        source = parse(path.read_bytes())
        hole = next(one for one in holes(source) if subject(source, path, one.item).name == case.item)
        wanted = subject(source, path, hole.item)
        after = parse(merge(path.relative_to(CRATES), source, wanted, case.answer).text)
        assert violations(source, after, wanted, STRICT, None, STRICTEST) == (), (case.file, case.item)


FILLS = [
    "fn f(x: &[u8]) -> Option<u8> { x.first().copied().filter(|y| *y > 3) }",
    "fn f(text: &str) -> Result<u8, E> { let (a, b) = text.split_once(':').ok_or(E::Colon)?; Ok(a.parse()?) }",
    "fn f(path: &Path) -> io::Result<String> { std::fs::read_to_string(path) }",
    "fn f() -> Vec<String> { std::env::args().skip(1).collect() }",
    'fn f() -> String { std::env::var("HOME").unwrap_or_default() }',
    'fn f(out: &mut impl Write) -> io::Result<()> { writeln!(out, "{:>8}", 1)?; out.flush() }',
    "fn f(x: u8) -> u8 { match x { 0 => 1, n if n < 10 => n * 2, _ => u8::MAX } }",
    'fn f(map: &HashMap<String, u8>) -> u8 { map["key"] + map.get("other").copied().unwrap_or(0) }',
    "fn f(xs: &mut Vec<u8>) { xs.sort_unstable(); xs.dedup(); xs.retain(|x| *x != 0); }",
    'fn f() { use std::fmt::Write as _; let mut s = String::new(); let _ = write!(s, "{}", 1); }',
    "fn f<T: Ord>(mut xs: Vec<T>) -> Vec<T> { xs.sort(); xs }",
    "async fn f() -> u8 { g().await }",
    "fn f() -> impl Fn(u8) -> u8 { move |x| x + 1 }",
    "const fn f() -> u8 { let a = [1, 2, 3]; a[0] }",
    'fn f() -> ExitCode { eprintln!("no"); std::process::ExitCode::FAILURE }',
    'fn f() -> std::net::IpAddr { "::1".parse().unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)) }',
    'fn f() -> &\'static str { env!("CARGO_PKG_VERSION") }',
    "fn f() -> u64 { std::time::SystemTime::now().elapsed().map_or(0, |d| d.as_secs()) }",
    "fn f(a: &str) -> bool { assert!(!a.is_empty(), \"empty\"); debug_assert_eq!(a.len(), 3); a.starts_with('x') }",
    "fn f() -> u8 { #[derive(Debug, Clone)] struct Local { x: u8 } Local { x: 1 }.x }",
    'fn f() -> bool { if cfg!(target_os = "linux") { true } else { false } }',
    "fn f() { let handle = std::thread::spawn(|| 1); drop(handle.join()); }",
    "fn f() { let expect = |x: u8| x; let unwrap = expect(1); let panic = unwrap; let _ = panic; }",
    'fn f() -> Box<dyn Error> { "unsafe { todo!() } #[allow(x)] include_str!()".into() }',
    "fn f() { loop { let Some(x) = next() else { break }; if x > 3 { return; } } }",
    "fn f() -> u8 { macro_rules! twice { ($x:expr) => { $x * 2 }; } twice!(3) }",
    "fn f(x: [u8; 4]) -> u8 { x[0] + x[3] }",
    'fn f() { tracing::info!(count = 1, "done"); log::warn!("x"); }',
    "fn f(self) -> Self { Self { x: 1, ..self } }",
    'fn f(self) { println!("{}", self.std) }',
    "fn f(std: std::time::Instant, core: u8) { g!(core); Instant { std }; }",
    'fn f(cmd: clap::Command) -> clap::Command { cmd.arg(clap::Arg::new("x")) }',
]


@pytest.mark.parametrize("after", FILLS)
@pytest.mark.parametrize(
    "around", ["$", "mod m {\n    use super::*;\n    impl A {\n        $\n    }\n}\n", "#[cfg(test)]\nmod t { $ }"]
)
def test_honest_fills_break_no_rule(after: str, around: str) -> None:
    before = after[: after.index(" { ")] + " { todo!() }"
    assert told(around.replace("$", before), around.replace("$", after), lints=STRICTEST) == []


TESTS_BEFORE = """\
fn double(x: u8) -> u8 { 2 * x }
#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn works() { todo!() }
}
"""
HONEST_TESTS = [
    "assert_eq!(double(2), 4);",
    "double(3);",
    'for (x, y) in [(0, 0), (1, 2)] { assert_eq!(double(x), y, "{x}"); }',
    "let result = std::panic::catch_unwind(|| double(200)); assert!(result.is_err());",
    'let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/a.txt")); assert!(text.is_ok());',
    "let first = double(2); let second = double(2); assert_eq!(first, second);",
    'if std::env::var("CI").is_err() { return; } assert_ne!(double(2), 3);',
    "assert!(matches!(double(2), 1..=9)); assert!(double(1) < double(2) && double(0) == 0);",
    "fn same(x: u8) { assert_eq!(double(x), x + x); } same(1); same(2);",
    "let mut all = Vec::new(); for x in 0..3 { all.push(double(x)); } assert_eq!(all, [0, 2, 4]);",
    'assert!(double(2).checked_add(1).is_some(), "{}", double(2));',
]


@pytest.mark.parametrize("body", HONEST_TESTS)
def test_honest_tests_break_no_rule(body: str) -> None:
    assert told(TESTS_BEFORE, TESTS_BEFORE.replace("todo!()", body)) == []


FILE = """\
#![warn(missing_docs)]
use std::{collections::HashMap, fmt};
use std::process::Command;
use crate::net::{Peer, Route as Way};

/// Doubles.
///
/// ```
/// assert_eq!(double(2), 4);
/// ```
#[must_use]
#[allow(clippy::unwrap_used)]
pub fn double(x: u8) -> u8 {
    let table = [1, 2, 3];
    let _ = unsafe { std::mem::zeroed::<u8>() };
    table[usize::from(x)] + x.checked_mul(2).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    #[should_panic(expected = "over")]
    fn $0works() {
        let cases = [(1, 2), (2, 4)];
        for (x, y) in cases { assert_eq!(double(x), y); }
        assert!(Command::new("true").status().unwrap().success());
    }
}
"""
LINES = [line for line in FILE.splitlines() if line.startswith("use ")]


def test_names_of_other_tests_and_of_methods_are_none_of_a_tests_own() -> None:
    before = "#[test]\nfn a() { fn help() {} help() }\n#[test]\nfn $0b() { g(); todo!() }"
    assert told(before, before.replace("$0", "").replace("todo!()", "fn help() {} help()")) == []
    before = "macro_rules! g { () => {} }\n#[test]\nfn $0b() { f(); todo!() }"
    assert told(before, before.replace("$0", "").replace("todo!()", "fn g() {} g()")) == []
    drop = (
        "#[cfg(test)]\nmod t { impl Drop for D { fn drop(&mut self) { assert!(self.x); } }\n#[test]\nfn $0f() { $ } }"
    )
    before, after = (drop.replace("$ }", body) for body in ("drop(d); assert!(g()); }", "assert!(g()); }"))
    assert told(before, after.replace("$0", "")) == []


def test_what_a_comment_says_is_no_code() -> None:
    before = "/*\n a\n b\n c\n*/\nfn $0f() {}\n// One may use the crate; type it.\n"
    after = before.replace("$0", "").replace(" b\n", " b\n unsafe { include_str!() }\n #[allow(x)]\n")
    assert told(before, after, lints=STRICTEST) == []
    before = "// use std::process as p;\nfn f() { todo!() }"
    assert told(before, before.replace("todo!()", "p::Command::new(x)")) == []


@settings(max_examples=80, deadline=None)
@given(st.permutations(LINES), st.data())
def test_neither_layout_nor_the_order_of_imports_breaks_a_rule(order: list[str], data: st.DataObject) -> None:
    before = FILE.replace("$0", "")
    head, tail = before.split(LINES[0])[0], before.split(LINES[-1])[1]
    spaces = st.sampled_from((" ", "  ", "\n", "\n\n    ", " /* note */ ", " // note\n"))
    start = tail.index("fn works")
    pieces = [token.text if token.kind != "comment" else "" for token in lex(tail[start:])]
    # What the tokens are stays; what stands between them is anything that the grammar lets stand there.
    after = head + "\n".join(order) + tail[:start]
    after += "".join(piece + (data.draw(spaces) if piece not in ("&", "'") else "") for piece in pieces)
    source, wanted = asked(FILE)
    assert violations(source, parse(after.encode()), wanted, STRICT, None, STRICTEST) == ()


def test_a_long_file_is_judged_as_quickly_as_it_is_parsed() -> None:
    filler = "".join(
        f"/// Number {n}.\npub fn number_{n}(a: &[u32]) -> u32 {{\n    let b = a[{n}];\n    if b > 3 {{\n"
        f"        return a.first().copied().unwrap();\n    }}\n    b\n}}\n\n"
        for n in range(1200)
    )
    before = f"use std::fmt;\n{filler}fn f() {{\n    todo!()\n}}\n{filler.replace('number', 'digit')}"
    after = before.replace("todo!()", "g(a[0], x.unwrap(), std::process::id())")
    source, wanted = asked(before)
    changed = parse(after.encode())
    started = time.perf_counter()
    parse(source.text)
    once = time.perf_counter() - started
    started = time.perf_counter()
    violations(source, changed, wanted, STRICT, frozenset(), STRICTEST)
    took = time.perf_counter() - started
    assert took < 12 * once + 0.05, f"the policy took {took:.3f} s, one parse {once:.3f} s"
