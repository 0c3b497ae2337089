"""Who calls a function, told from names and qualifiers."""

from __future__ import annotations

import pytest

from opencrates_lsp.rust.calls import callers
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.rust.syntax import parse

TEXT = """
fn parse(text: &str) -> u8 { parse(text) }
fn calls() { parse("1"); }
fn calls_by_module() { crate::inner::parse("1"); }
fn calls_with_types() { parse::<u8>("1"); }
fn hands_on(all: &[&str]) { all.iter().map(parse).count(); }
fn in_a_macro() { println!("{}", parse("1")); }
fn calls_a_method() { one.parse(); }
fn calls_the_type_s() { Config::parse("1"); }
fn only_says() { let parse = 1; "parse(1)"; /* parse(1) */ reparse("1"); parser(1); }
static LIMIT: u8 = parse("1");

struct Stack;
impl Stack {
    fn new() -> Self { Self::with(1) }
    fn with(n: u8) -> Self { Stack }
    fn push(&mut self, n: u8) { self.push_all(&[n]) }
    fn push_all(&mut self, all: &[u8]) { for one in all { self.push(*one) } }
}
impl Default for Stack { fn default() -> Self { Self::new() } }
struct Queue;
impl Queue { fn new() -> Self { Self::new() } }
fn makes() { let stack = super::Stack::new(); }
fn makes_generic() { let stack = Stack::<u8>::new(); }
fn makes_a_queue() { Queue::new(); }
fn pushes(stack: &mut Stack) { stack.push(1); }
fn pushes_in_a_macro() { let mut stack: Stack = todo!(); assert!(stack.push(1) == ()); }
fn pushes_elsewhere(all: &mut Vec<u8>) { all.push(1); }
"""


@pytest.mark.parametrize(
    ("name", "owner", "expected"),
    [
        ("parse", "", ["calls", "calls_by_module", "calls_with_types", "hands_on", "in_a_macro", "LIMIT"]),
        ("parse", "Config", ["calls_the_type_s"]),
        ("new", "Stack", ["Stack::default", "makes", "makes_generic"]),
        ("with", "Stack", ["Stack::new"]),
        ("push", "Stack", ["Stack::push_all", "pushes", "pushes_in_a_macro"]),
        ("nothing", "", []),
        ("", "", []),
    ],
)
def test_who_calls(name: str, owner: str, expected: list[str]) -> None:
    assert [qualified_name(item) for item in callers(parse(TEXT.encode()), name, owner)] == expected


def test_the_places_that_are_looked_at_are_bounded() -> None:
    text = "".join(f"fn caller_{number}() {{ target(); }}\n" for number in range(100))
    found = callers(parse(text.encode()), "target", limit=7)
    assert [item.identity.name for item in found] == [f"caller_{number}" for number in range(7)]


def test_broken_and_foreign_text_is_no_trouble() -> None:
    assert callers(parse("fn größe() { maß(ä) }\nfn x( { maß(".encode()), "maß")[0].identity.name == "größe"
    assert callers(parse(b"\xff\xfe target( \xff"), "target") == ()
