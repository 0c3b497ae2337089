"""What a model is shown of the file: the most telling things first, whole, and within the budget."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.rust.context import context, named_types, tokens
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.syntax import error_spans, parse

SHOP = """\
use std::collections::HashMap;
pub(crate) use crate::money::Price;

/// What is sold.
#[derive(Debug)]
pub struct Shop<T> {
    stock: HashMap<String, Entry>,
    tag: T,
}

pub struct Entry {
    count: u32,
}

pub struct Unrelated {
    nothing: u8,
}

impl<T: Clone> Shop<T> {
    pub fn new(tag: T) -> Self {
        Self { stock: HashMap::new(), tag }
    }

    /// Takes one out of the stock.
    ///
    /// Fails when it is sold out.
    #[must_use]
    pub fn sell(&mut self, name: &str, customer: &Customer) -> Result<Price, SoldOut> {
        let entry = rounded(1);
        todo!("sell one")
    }
}

impl Entry {
    fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T> Drop for Shop<T> {
    fn drop(&mut self) {
        println!("closed");
    }
}

/// Rounds.
fn rounded(cents: u32) -> u32 {
    cents / 100 * 100
}

fn open<T: Clone>(shop: &mut Shop<T>) {
    shop.sell("bread", &Customer::default());
}

fn unrelated() {}

#[cfg(not(test))]
fn close<T: Clone>(mut shop: Shop<T>) {
    shop.sell("rest", &Customer::default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sells_one() {
        let mut shop = Shop::new(1u8);
        assert!(shop.sell("bread", &Customer::default()).is_ok());
    }

    #[test]
    fn knows_nothing_of_it() {
        assert_eq!(1, 1);
    }
}
"""
SOURCE = parse(SHOP.encode())
(HOLE,) = holes(SOURCE)
RELATED = {
    "Customer": ("pub struct Customer {\n    name: String,\n}",),
    "SoldOut": ("pub struct SoldOut;",),
    "Shop": ("struct Shop;",),
}
CALLERS = ('fn elsewhere(shop: &mut Shop<u8>) {\n    shop.sell("milk", &guest());\n}',)


def shown(limit: int = 6000) -> str:
    return context(SOURCE, HOLE, RELATED, limit, CALLERS)


def test_the_most_telling_things_come_first() -> None:
    text = shown()
    order = [
        "/// Takes one out of the stock.",
        "#[must_use]",
        "pub fn sell(&mut self, name: &str, customer: &Customer) -> Result<Price, SoldOut>;",
        "pub fn new(tag: T) -> Self;",
        "pub struct Customer {",
        "pub struct SoldOut;",
        "/// What is sold.\n#[derive(Debug)]\npub struct Shop<T> {",
        "use std::collections::HashMap;\npub(crate) use crate::money::Price;",
        "impl<T> Drop for Shop<T> {\n    fn drop(&mut self);\n}",
        "#[test]\nfn sells_one() {",
        "fn elsewhere(",
        "fn open<T: Clone>(shop: &mut Shop<T>) {",
        "fn close<T: Clone>(mut shop: Shop<T>) {",
        "pub struct Entry {",
        "impl Entry {\n    fn is_empty(&self) -> bool;\n}",
        "/// Rounds.\nfn rounded(cents: u32) -> u32;",
        "fn unrelated();",
    ]
    places = [text.find(part) for part in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


def test_what_does_not_help_is_left_out() -> None:
    text = shown()
    assert "todo!" not in text
    assert "struct Shop;" not in text, "the file's own definition goes before another file's"
    assert "use super::*" not in text
    assert "knows_nothing_of_it" not in text
    assert "Unrelated" not in text
    assert "cents / 100" not in text


def test_it_is_rust_and_always_the_same() -> None:
    assert error_spans(parse(shown().encode())) == []
    assert shown() == context(parse(SHOP.encode()), holes(parse(SHOP.encode()))[0], RELATED, 6000, CALLERS)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700))
def test_the_budget_is_kept_and_a_bigger_one_never_shows_less_of_the_item(limit: int) -> None:
    text = shown(limit)
    assert tokens(text) <= max(limit, 1)
    if limit >= 100:
        assert "/// Fails when it is sold out." in text
    elif limit >= 45:
        assert "pub fn sell(" in text


def test_a_long_list_of_siblings_leaves_room_for_the_tests() -> None:
    many = "".join(
        f"    pub fn other_{number}(&self, first: u32, second: u32) -> u32 {{ 0 }}\n" for number in range(500)
    )
    text = SHOP.replace("    pub fn new(tag", many + "    pub fn new(tag").encode()
    source = parse(text)
    found = context(source, holes(source)[0], RELATED, 2000)
    assert tokens(found) <= 2000
    assert "fn sells_one()" in found
    assert "fn other_499(" in found
    assert "fn other_0(" not in found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "fn f<K: Hash, const N: usize>(k: [K; N]) -> io::Result<Out> { Made::go(); todo!() }",
            "Hash Result Out Made",
        ),
        ("struct A { b: B }\nimpl Go for A { fn go(&self) -> Self { todo!() } }", "Go A B"),
        ("fn f() { let x: Vec<Item> = vec![Thing::A]; m!(Other(1)); todo!() }", "Vec Item Thing Other"),
        ("const X: Kind = todo!();", "Kind"),
    ],
)
def test_the_types_that_an_item_names(text: str, names: str) -> None:
    source = parse(text.encode())
    assert [name for name in named_types(source, holes(source)[0].item) if name != "A::Go"] == names.split()


def test_a_function_in_a_function_is_shown_with_the_one_around_it() -> None:
    source = parse(b"/// Outer.\nfn outer(x: u8) { fn inner(y: u8) -> u8 { todo!() } inner(x); }")
    assert context(source, holes(source)[0], {}, 500).startswith(
        "fn inner(y: u8) -> u8;\n\n/// Outer.\nfn outer(x: u8);"
    )


def test_a_long_file_is_searched_and_not_read_item_by_item() -> None:
    filler = "".join(f"fn filler_{number}(shop: &Shop<u8>) -> u8 {{ {number} }}\n" for number in range(8000))
    source = parse((filler + SHOP + filler.replace("filler_", "more_")).encode())
    (hole,) = holes(source)
    found = context(source, hole, RELATED, 6000)
    assert "fn sells_one()" in found
    assert "fn filler_7999(" in found
    assert "fn filler_0(" not in found
