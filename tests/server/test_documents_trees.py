"""The tree of an open document against a fresh one, after edits that break the text and mend it again."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Node

from opencrates_lsp.faces.line_index import LineIndex
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.server.documents import Encoding, OpenDocument, Place, TextChange

RUST = """//! docs
use std::fmt;
/// A point.
#[derive(Debug)]
pub struct Point<T> { pub x: T, größe: T }
impl<T: Copy> Point<T> {
    fn name(&self) -> &'static str { "größe 𝄞 \\n" }
    fn raw(&self) -> &str { r#"raw " str"# }
}
/* block /* nested */ */
mod inner { pub fn g(a: i32) -> i32 { let v = vec![todo!()]; if a < 3 && a > 1 { a } else { -a } } }
macro_rules! m { ($a:expr) => { $a + 1 }; }
const N: usize = 3 * 0x_ff;
async fn h() -> Result<(), E> { for i in 0..10 { println!("{i}"); } Ok(()) }
fn c() { let c = |x: i32| -> i32 { x as i32 }; match c(1)? { _ if true => 1.0, _ => unimplemented!("a") } }
"""
PIECES = [
    *"{}()\"';/*!#<>=.x \n\r\f\v",
    *("\r\n", "\u2028", "\x85", "\ufeff", "é", "𝄞", "/*", "*/", "//", 'r#"', '"#', "'a", "todo!()", "1.", "..", "::<"),
    *("fn z() {}\n", "impl T for S {\r\n fn g() {}\r\n}\n", "mod n;", "unsafe ", "|x|", "macro_rules! q { () => {} }"),
]
Shape = list[tuple[str, int, int, tuple[int, int], tuple[int, int], bool]]


def shape(root: Node) -> Shape:
    """Every node with its bytes and tree-sitter's own points."""
    found: Shape = []
    pending = [root]
    while pending:
        node = pending.pop()
        found.append((node.type, *node.byte_range, node.start_point, node.end_point, node.is_missing))
        pending.extend(node.children)
    return found


def plain_starts(text: bytes) -> list[int]:
    """Where lines begin, by the definition."""
    return [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", text))]


def edited(document: OpenDocument, where: int, length: int, new: str) -> TextChange:
    """Replace some bytes about `where` (taken round the end), and return the change that takes it back."""
    first = where % (len(document.text) + 1)
    start, end = document.places(document.span(document.place(first), document.place(first + length)))
    span = document.span(start, end)
    old = document.text[span.start : span.end].decode()
    document.apply([TextChange(new, start, end)], document.version + 1)
    return TextChange(old, document.place(span.start), document.place(span.start + len(new.encode())))


edits = st.lists(
    st.tuples(
        st.integers(0, 5000),
        st.sampled_from([0, 0, 0, 1, 1, 2, 7, 40]),
        st.lists(st.sampled_from(PIECES), max_size=2).map("".join),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=2000, deadline=None)
@given(
    edits,
    st.sampled_from(["utf-8", "utf-16", "utf-32"]),
    st.sampled_from([RUST, RUST.replace("\n", "\r\n"), "\ufeff" + RUST, RUST.replace("\n", "\r"), RUST[:200], ""]),
)
def test_the_tree_of_an_edited_text_is_the_one_of_a_fresh_parse(
    history: list[tuple[int, int, str, bool, bool]], encoding: Encoding, text: str
) -> None:
    document = OpenDocument("file:///a.rs", text, 0, encoding=encoding)
    given_away = [(document.source(), shape(document.source().tree.root_node))]
    for where, length, new, takes_back, asks in history:
        back = edited(document, where, length, new)
        if asks:
            given_away.append((document.source(), shape(document.source().tree.root_node)))
        # A `\r` before a `\n` that is typed later joins it, and then the place of one of them is no position any more.
        if takes_back and "\r" not in new and b"\r" not in document.text:
            document.apply([back], document.version + 1)
        assert list(document._lines) == plain_starts(bytes(document.text))
        fresh = parse(bytes(document.text))
        incremental = document.source()
        assert incremental.text == fresh.text
        if not fresh.tree.root_node.has_error:
            assert shape(incremental.tree.root_node) == shape(fresh.tree.root_node)
        else:
            assert shape(document.exact_source().tree.root_node) == shape(fresh.tree.root_node)
    for source, before in given_away:
        assert shape(source.tree.root_node) == before


def test_a_source_is_made_once_for_a_text() -> None:
    document = OpenDocument("file:///a.rs", RUST, 0)
    source = document.source()
    assert document.source() is source
    assert document.exact_source() is source
    assert document.snapshot().text is source.text
    document.apply([TextChange("x", Place(0, 4), Place(0, 4))], 1)
    assert document.source() is not source
    assert source.text == RUST.encode()


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 20_000), st.sampled_from([0, 1, 3, 4000]), st.sampled_from(["", "x", "a\nb"]))),
    st.integers(0, 3000),
)
def test_the_line_index_of_a_long_text(changes: list[tuple[int, int, str]], lines: int) -> None:
    """Long enough for several chunks, some of which are split, emptied and joined."""
    text = bytearray(b"a b\r\n" * lines)
    index = LineIndex(text)
    for where, length, new in changes:
        start = min(where, len(text))
        end = min(start + length, len(text))
        inserted = new.encode() * (400 if length == 4000 else 1)
        text[start:end] = inserted
        index.replaced(text, start, end, start + len(inserted))
        starts = plain_starts(bytes(text))
        assert list(index) == starts
        assert len(index) == len(starts)
        for line in range(0, len(starts), 97):
            assert index.start(line) == starts[line]
            assert index.line(starts[line]) == line


def test_half_a_surrogate_pair_counts_as_one_unit() -> None:
    document = OpenDocument("file:///a.rs", "\ud800x", 0, encoding="utf-16")
    assert document.text == "\ufffdx".encode()
    assert document.offset(Place(0, 1)) == 3
