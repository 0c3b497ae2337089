"""What holds for every answer: nothing but `Refused` is raised, and what was not touched is there byte for byte."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from laid import PATH, asked, text

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.merge import merge
from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Policy

FILE = """\
//! Größe.
use std::{fmt, io::Read};

/// A stack — ünï.
#[derive(Debug)]
pub struct Stack<T> { items: Vec<T>, }

enum Kind { A, B(u8) }

impl<T> Stack<T> {
    pub fn len(&self) -> usize { 0 }
    pub fn top(&self) -> Option<&T> {
        let text = "ä
   raw";
        todo!("{}", text)
    }
}

mod inner {
    macro_rules! m { ($x:expr) => { $x }; }
    impl super::Show for u8 {
        fn show(&self) -> String { format!("{self}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn works() {}
}
"""
ANSWERS = (
    "```rust\nuse std::io::Write;\nfn top(&self) -> Option<&T> {\n    self.items.last()\n}\nfn help() {}\n```",
    FILE.replace('todo!("{}", text)', "None"),
    "Text\n```rust\nimpl<T> Stack<T> {\n    fn top(&self) -> Option<&T> { None }\n    fn new(&self) {}\n}\n```",
    "```rust\nstruct Stack<T> { items: Vec<T>, /* n */ n: u8 }\nenum Kind { A, B(u8), C }\nfn top() { x }\n```\n",
    "<think>\n// ...\n</think>\n~~~\nlet a = r#\"\n\"#; match a { _ => b'\\'' }\n~~~",
    'mod inner { use a::{b, c::*, d as e}; fn x() {} }\nunsafe extern "C" { safe fn top(); }',
)
PIECES = (
    "{",
    "}",
    "(",
    '"',
    "'",
    'r#"',
    "/*",
    "//",
    "```\n",
    "~~~",
    "<think>",
    "use ",
    "fn top",
    "impl ",
    "todo!()",
    "::",
    "#[",
    "...",
)


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(ANSWERS),
    st.integers(0, 400),
    st.integers(0, 60),
    st.one_of(st.sampled_from(PIECES), st.text(max_size=8)),
    st.sampled_from(("top", "Stack", "Kind", "inner", "works", "m", "show", "std")),
)
@example(ANSWERS[0], 0, 0, "\ud800\x00", "top")
@example(ANSWERS[5], ANSWERS[5].index("c::"), 1, "~~~", "inner")
def test_nothing_but_a_refusal_is_raised_whatever_the_answer(
    answer: str, at: int, cut: int, new: str, name: str
) -> None:
    source, subject = asked(FILE if name == "top" else FILE.replace(name, f"$0{name}", 1))
    try:
        merged = merge(PATH, source, subject, answer[:at] + new + answer[at + cut :])
    except Refused:
        return
    violations(source, parse(merged.text), subject, Policy(), frozenset())


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ANSWERS[:3]), st.booleans(), st.sampled_from(("    ", "\t", "  ")))
def test_untouched_items_are_the_same_byte_for_byte(answer: str, crlf: bool, step: str) -> None:
    file = FILE.replace("    ", step)
    file = file.replace("\n", "\r\n") if crlf else file
    after = text(file, answer).encode()
    assert (b"\r\n" in after) == crlf
    assert after.replace(b"\r\n", b"").count(b"\n") == (0 if crlf else after.count(b"\n"))
    before = {item.identity: file.encode()[slice(*item.span)] for item in items(parse(file.encode()))}
    now = {item.identity: after[slice(*item.span)] for item in items(parse(after))}
    for identity, piece in before.items():
        if identity.kind not in ("use", "impl") and identity.name != "top":
            assert now[identity] == piece


@pytest.mark.parametrize(
    "name", ["len", "Stack", "Kind", "inner", "tests", "works", "show", "impl super", "macro_rules"]
)
def test_an_items_own_text_changes_nothing(name: str) -> None:
    file = FILE.replace('todo!("{}", text)', "None")
    source, subject = asked(file.replace(name, f"$0{name}", 1))
    own = source.text[slice(*subject.item)].decode()
    for answer in (f"```rust\n{own}\n```", f"```rust\n{file}```"):
        merged = merge(PATH, source, subject, answer)
        assert merged.text.decode() == file
        assert merged.edits == ()
        assert merged.body_only


def test_a_file_of_ten_thousand_lines_is_quick() -> None:
    filler = "".join(
        f"/// Number {n}.\npub fn number_{n}(a: u32) -> u32 {{\n    let b = {n};\n    if b > 3 {{\n        return 1;\n"
        f"    }}\n    b\n}}\n\nimpl Show for T{n} {{\n    fn show(&self) {{}}\n}}\n\n"
        for n in range(800)
    )
    file = "use std::fmt;\n" + filler + "fn f() {\n    todo!()\n}\n" + filler.replace("number", "digit")
    answer = "```rust\nuse std::io;\nstruct New;\nfn f() {\n    g()\n}\nfn g() {}\n```"
    source, subject = asked(file)
    assert source.text.count(b"\n") > 10_000
    started = time.perf_counter()
    parse(source.text)
    once = time.perf_counter() - started
    started = time.perf_counter()
    merged = merge(PATH, source, subject, answer)
    took = time.perf_counter() - started
    assert took < 8 * once + 0.05, f"the merge took {took:.3f} s, one parse {once:.3f} s"
    assert sum(len(edit.expect) for edit in merged.edits) < 200
