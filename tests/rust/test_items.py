"""Items, their identities and their spans; holes, wherever Rust takes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.rust.holes import hole_at, holes, subject
from opencrates_lsp.rust.items import Identity, find, item_at, items, qualified_name
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Span

CRATE = b"""
use std::fmt::{self, Display};

/// A stack.
#[derive(Debug)]
pub struct Stack<T> { items: Vec<T> }

impl<T> Stack<T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize { todo!("count them") }
}

impl<T: Display>  Display for Stack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { unimplemented!() }
    fn len(&self) -> usize { 0 }
}

#[cfg(feature = "extra")]
mod inner {
    pub const LIMIT: usize = std::todo![];
    #[cfg(test)]
    mod tests {
        #[test]
        fn works() { let all = vec![todo!(), 1]; }
    }
}
"""


def marked(text: str) -> tuple[bytes, int]:
    before, after = text.split("$0")
    return (before + after).encode(), len(before.encode())


def test_identities_tell_equal_names_apart() -> None:
    found = {qualified_name(item): item.identity for item in items(parse(CRATE)) if item.identity.kind == "function"}
    assert found["Stack::fmt"] == Identity((), "impl<T: Display> Display for Stack<T>", "function", "fmt")
    lengths = [item.identity.header for item in items(parse(CRATE)) if item.identity.name == "len"]
    assert lengths == ["impl<T> Stack<T>", "impl<T: Display> Display for Stack<T>"]


def test_an_item_knows_its_attributes_tests_and_conditions() -> None:
    source = parse(CRATE)
    length = find(source, Identity((), "impl<T> Stack<T>", "function", "len"))
    assert length is not None
    assert CRATE[length.span.start :].startswith(b"/// How many")
    assert CRATE[slice(*length.signature)] == b"pub fn len(&self) -> usize"
    works = find(source, Identity(("inner", "tests"), "", "function", "works"))
    assert works is not None
    assert works.is_test
    assert works.cfgs == ('feature = "extra"', "test")


def test_an_item_is_found_again_after_the_text_above_it_grew() -> None:
    identity = Identity(("inner",), "", "const", "LIMIT")
    old, new = find(parse(CRATE), identity), find(parse(b"// new line\n" + CRATE), identity)
    assert old is not None
    assert new is not None
    assert new.span.start - old.span.start == len("// new line\n")


def test_every_hole_is_found_once_with_its_item_and_message() -> None:
    found = [(hole.macro, hole.message, qualified_name(hole.item)) for hole in holes(parse(CRATE))]
    assert found == [
        ("todo", "count them", "Stack::len"),
        ("unimplemented", "", "Stack::fmt"),
        ("todo", "", "LIMIT"),
        ("todo", "", "works"),
    ]


@pytest.mark.parametrize(
    "body",
    [
        "let f = |x: u8| -> u8 { todo!() };",
        'match x { 1 => todo!("{}", x), _ => {} }',
        "assert_eq!(vec![todo!()], vec![1]);",
        "core::unimplemented! { }",
        "if let Some(_) = y { ::std::todo!() }",
    ],
)
def test_holes_stand_wherever_rust_takes_a_call(body: str) -> None:
    text = f"fn f(x: u8) {{ {body} }}".encode()
    (hole,) = holes(parse(text))
    assert subject(parse(text), Path("a.rs"), hole.item).probe == Span(text.index(b"{"), len(text))


@pytest.mark.parametrize("body", ['"todo!()"', "/* todo!() */ 1", "mine::todo!()", "todo", "todos!()"])
def test_what_only_looks_like_a_hole_is_none(body: str) -> None:
    assert holes(parse(f"fn f() {{ {body}; }}\n/// todo!()\nfn g() {{}}".encode())) == ()


def test_the_cursor_chooses_the_hole_and_falls_back_to_the_first_of_its_function() -> None:
    text, at = marked('fn a() { todo!("1") }\nfn b() { let x = todo!("2"); todo$0!("3") }\nfn c() {}')
    source = parse(text)
    chosen = hole_at(source, Span(at, at))
    assert chosen is not None
    assert chosen.message == "3"
    start = text.index(b"fn b")
    first = hole_at(source, Span(start, start))
    assert first is not None
    assert first.message == "2"
    assert hole_at(source, Span(len(text) - 2, len(text) - 2)) is None


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CRATE)), st.integers(0, 40), st.binary(max_size=6))
def test_broken_rust_never_raises(at: int, length: int, new: bytes) -> None:
    text = CRATE[:at] + new + CRATE[at + length :]
    source = parse(text)
    for item in items(source):
        assert 0 <= item.span.start <= item.node_span.start <= item.node_span.end == item.span.end <= len(text)
    for hole in holes(source):
        assert hole.item.node_span.start <= hole.span.start < hole.span.end <= hole.item.node_span.end
    item_at(source, at)
    hole_at(source, Span(at, at))
