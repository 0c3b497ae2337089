"""What a model is shown of the file: the most telling things first, whole, and within the budget."""

from __future__ import annotations

import pytest

from opencrates_lsp.rust.context import context
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.packing import tokens
from opencrates_lsp.rust.ranking import Beside, named_types
from opencrates_lsp.rust.syntax import error_spans, parse
from opencrates_lsp.values import Excerpt

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


def elsewhere(text: str, reason: str = "defines it", origin: str = "src/b.rs") -> Excerpt:
    return Excerpt(text, reason, origin)


BESIDE = Beside(
    related={
        "Customer": (
            elsewhere("pub struct Customer {\n    name: String,\n}"),
            elsewhere("impl Customer {\n    pub fn greet(&self);\n}"),
        ),
        "SoldOut": (elsewhere("pub struct SoldOut;"),),
        "Shop": (elsewhere("struct Shop;"),),
        "Entry": (elsewhere("impl Priced for Entry {\n    fn price(&self) -> Price;\n}"),),
    },
    calling=(
        elsewhere('fn elsewhere(shop: &mut Shop<u8>) {\n    shop.sell("milk", &guest());\n}', "calls it"),
        elsewhere("#[test]\nfn sells_milk() {}", "a test of it", "tests/shop.rs"),
    ),
    locked=(
        elsewhere("pub struct Price(u64);", "a type in the signature", "money 1.2.0"),
        elsewhere(
            "impl Price {\n    pub fn cents(self) -> u64;\n}",
            "methods of `Price`: a type in the signature",
            "money 1.2.0",
        ),
        elsewhere("pub trait Stocked {}", "a type in `Shop`", "money 1.2.0"),
    ),
)
# Below `LEAST_WITH_OUTLINE` there is no outline, and ranks alone decide.
RANKED = 999


def shown(limit: int = RANKED) -> str:
    return context(SOURCE, HOLE, BESIDE, limit).text


RANKS = {
    "the block that it stands in": (
        "pub fn sell(&mut self, name: &str, customer: &Customer) -> Result<Price, SoldOut>;",
    ),
    "the types of the signature": (
        "pub struct Customer {",
        "pub struct SoldOut;",
        "/// What is sold.\n#[derive(Debug)]\npub struct Shop<T> {",
        "// money 1.2.0\npub struct Price(u64);",
    ),
    "their methods and impls": (
        "impl<T> Drop for Shop<T> {\n    fn drop(&mut self);\n}",
        "impl Customer {\n    pub fn greet(&self);\n}",
        "impl Price {\n    pub fn cents(self) -> u64;\n}",
    ),
    "tests and callers": (
        "#[test]\nfn sells_one() {",
        "#[test]\nfn sells_milk() {}",
        "fn open<T: Clone>(shop: &mut Shop<T>) {",
        "fn close<T: Clone>(mut shop: Shop<T>) {",
        "fn elsewhere(",
    ),
    "what is near": (
        "use std::collections::HashMap;\npub(crate) use crate::money::Price;",
        "pub struct Entry {",
        "/// Rounds.\nfn rounded(cents: u32) -> u32;",
        "pub trait Stocked {}",
        "impl Entry {\n    fn is_empty(&self) -> bool;\n}",
        "impl Priced for Entry {",
        "fn unrelated();",
    ),
}


@pytest.mark.parametrize("rank", RANKS)
def test_each_rank_is_in_order_and_behind_the_ranks_before_it(rank: str) -> None:
    text = shown()
    ranks = list(RANKS)
    before = [text.find(part) for one in ranks[: ranks.index(rank)] for part in RANKS[one]]
    places = [text.find(part) for part in RANKS[rank]]
    assert -1 not in places, RANKS[rank][places.index(-1)]
    assert places == sorted(places)
    assert max(before, default=0) <= min(places)


def test_a_method_of_its_own_block_stands_where_the_block_does() -> None:
    assert shown().startswith("impl<T: Clone> Shop<T> {\n    pub fn sell(")
    assert "\n    pub fn new(tag: T) -> Self;\n}" in shown()


def test_what_there_is_no_room_for_gives_way_to_what_counts_more() -> None:
    """As the room shrinks, ranks are lost from the last one on."""
    full = context(SOURCE, HOLE, BESIDE, RANKED).pieces
    assert all(piece.shown for piece in full)
    half = context(SOURCE, HOLE, BESIDE, 250).pieces
    assert {(piece.reason, piece.origin) for piece in half} == {(piece.reason, piece.origin) for piece in full}
    assert all(
        piece.shown for piece in half if piece.reason in ("a type in the signature", "the block that it stands in")
    )
    left = [piece for piece in half if not piece.shown]
    assert left
    assert {"near it in the file", "a type in a field or the body"} & {piece.reason for piece in left}


def test_the_room_is_used_to_the_last_token() -> None:
    long = "struct C { " + ", ".join(f"field_{number}: u64" for number in range(20)) + " }"
    source = parse(f"struct A {{ b: u8 }}\nstruct B;\n{long}\nfn f(a: &A, b: B) -> C {{ todo!() }}\n".encode())
    (hole,) = holes(source)
    whole = context(source, hole, Beside(), RANKED)
    needed = tokens(whole.text)
    assert context(source, hole, Beside(), needed) == whole
    assert len(context(source, hole, Beside(), needed - 1).text) < len(whole.text)


def test_every_piece_says_why_it_is_there_and_whence() -> None:
    told = {(piece.reason, piece.origin) for piece in context(SOURCE, HOLE, BESIDE, RANKED).pieces}
    assert told >= {
        ("a type in the signature", "this file"),
        ("a type in the signature", "src/b.rs"),
        ("a type in the signature", "money 1.2.0"),
        ("a test of it", "tests/shop.rs"),
        ("calls it", "src/b.rs"),
        ("called in the body", "this file"),
    }


def test_what_does_not_help_is_left_out() -> None:
    text = shown()
    assert "todo!" not in text
    assert "struct Shop;" not in text, "the file's own definition goes before another file's"
    assert "use super::*" not in text
    assert "knows_nothing_of_it" not in text
    assert "Unrelated" not in text
    assert "cents / 100" not in text


def test_with_more_room_the_outline_comes_first_and_nothing_is_shown_twice() -> None:
    found = context(SOURCE, HOLE, BESIDE, 6000)
    assert found.text == f"{found.outline}\n\n{found.needs}"
    order = ["pub struct Shop<T> {", "pub struct Unrelated", "impl<T: Clone> Shop<T> {", "fn unrelated();", "use std::"]
    places = [found.outline.find(part) for part in order]
    assert places == sorted(places)
    assert -1 not in places
    assert "sells_one" not in found.outline
    assert "sells_one" in found.needs
    for once in ("pub struct Shop<T> {", "fn is_empty(&self) -> bool;", "fn unrelated();", "use std::"):
        assert found.text.count(once) == 1
    reasons = {piece.reason for piece in found.pieces}
    assert "a type in the signature, in the outline" in reasons


def test_it_is_rust() -> None:
    for limit in (RANKED, 6000):
        assert error_spans(parse(shown(limit).encode())) == []


def test_a_long_list_of_siblings_leaves_room_for_the_tests() -> None:
    many = "".join(
        f"    pub fn other_{number}(&self, first: u32, second: u32) -> u32 {{ 0 }}\n" for number in range(500)
    )
    text = SHOP.replace("    pub fn new(tag", many + "    pub fn new(tag").encode()
    source = parse(text)
    found = context(source, holes(source)[0], BESIDE, 2000)
    assert tokens(found.text) <= 2000
    assert "fn sells_one()" in found.text
    assert "fn other_499(" in found.text
    assert "fn other_0(" not in found.text


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
    assert context(source, holes(source)[0], Beside(), 500).text.startswith("/// Outer.\nfn outer(x: u8);")


def test_a_long_file_is_searched_and_not_read_item_by_item() -> None:
    filler = "".join(f"fn filler_{number}(shop: &Shop<u8>) -> u8 {{ {number} }}\n" for number in range(8000))
    source = parse((filler + SHOP + filler.replace("filler_", "more_")).encode())
    (hole,) = holes(source)
    found = context(source, hole, BESIDE, 6000).text
    assert "fn sells_one()" in found
    assert "fn filler_7999(" in found
    assert "fn filler_0(" not in found
