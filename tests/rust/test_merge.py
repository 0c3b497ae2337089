"""An answer laid into a file: the asked item in every shape of answer, and all else byte for byte as it was."""

from __future__ import annotations

import pytest
from laid import laid, refusal, text

STACK = """\
//! Stacks.

use std::fmt;

/// A stack.
pub struct Stack<T> {
    items: Vec<T>,
}

impl<T> Stack<T> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!("count")
    }

    fn first(&self) -> Option<&T> { self.items.first() }
}

impl<T: fmt::Debug> fmt::Display for Stack<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:?}", self.items) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works() { assert!(true); }
}
"""
HOLE = 'todo!("count")'
METHOD = "fn len(&self) -> usize {\n    self.items.len()\n}"
DONE = STACK.replace(HOLE, "self.items.len()")


@pytest.mark.parametrize(
    "answer",
    [
        f"Sure:\n```rust\n{METHOD}\n```\nDone.",
        f"```rust\npub {METHOD}\n```",
        f"```rust\n/// How many there are.\n#[must_use]\npub {METHOD}\n```",
        f"```rust\n/// Another text.\npub {METHOD}\n```",
        f"```rust\nimpl<T> Stack<T> {{\n    pub {METHOD.replace(chr(10), chr(10) + '    ')}\n}}\n```",
        f"```rust\nimpl Stack {{\n    pub {METHOD.replace(chr(10), chr(10) + '    ')}\n}}\n```",
        "```rust\n        pub fn len(&self) -> usize {\n            self.items.len()\n        }\n```",
        "```rust\npub fn len(&self) -> usize {\n        self.items.len()\n    }\n```",
        f"```rust\n{DONE}```",
        f"~~~\n{DONE}~~~".replace("\n", "\r\n"),
        "self.items.len()",
        "```rust\n{\n    self.items.len()\n}\n```",
        "```\n    self.items.len()\n```",
        f"<think>\n```rust\nfn len(&self) -> usize {{ 0 }}\n```\n</think>\n```rust\n{METHOD}\n```",
        f"At first:\n```rust\n{METHOD}\n```\nIt was:\n```rust\nfn len(&self) -> usize {{ todo!() }}\n```",
        f"```rust\n{METHOD}\n```\nUse it so:\n```rust\nlet s = Stack::new();\nassert_eq!(s.len(), 0);\n```",
        f"```rust\n{METHOD}\n\nfn main() {{\n    println!();\n}}\n```",
        # What the answer makes of other items was not asked for.
        f"```rust\n{DONE.replace('self.items.first()', 'None').replace('assert!(true)', 'assert!(false)')}```",
    ],
)
def test_every_shape_of_answer_gives_the_same_file(answer: str) -> None:
    merged = laid(STACK, answer)
    assert merged.text.decode() == DONE
    assert merged.body_only
    assert not merged.suspect
    assert len(merged.edits) == 1


def test_the_file_keeps_its_line_ends() -> None:
    assert text(STACK.replace("\n", "\r\n"), f"```rust\n{METHOD}\n```") == DONE.replace("\n", "\r\n")


def test_tabs_and_strings_over_several_lines() -> None:
    file = "mod a {\n\tfn f() -> &'static str {\n\t\ttodo!()\n\t}\n}\n"
    answer = '```rust\nfn f() -> &\'static str {\n    if x {\n        "one\n    two"\n    }\n}\n```'
    done = 'mod a {\n\tfn f() -> &\'static str {\n\t\tif x {\n\t\t\t"one\n    two"\n\t\t}\n\t}\n}\n'
    assert text(file, answer) == done


@pytest.mark.parametrize(
    ("file", "answer", "done"),
    [
        ("const N: usize = todo!();", "const N: usize = 3;", "const N: usize = 3;"),
        ("const N: usize = todo!();", "3", "const N: usize = 3;"),
        ("static N: [u8; 2] = [todo!(), 1];", "static N: [u8; 2] = [\n    0,\n    1,\n];", None),
        ("const N: u8 = [1, todo!()][0];", "2", "const N: u8 = [1, 2][0];"),
        ("fn f(x: u8) -> u8 { match x { 1 => 2, _ => todo!() } }", "x * 2", None),
        (
            "fn f(x: u8) -> u8 {\n    let y = x;\n    g(y, vec![todo!()])\n}",
            "```\nfn f(x: u8) -> u8 {\n    let y = x;\n    g(y, vec![1])\n}\n```",
            "fn f(x: u8) -> u8 {\n    let y = x;\n    g(y, vec![1])\n}",
        ),
        ("fn f() { let c = |x: u8| -> u8 { todo!() }; }", "x", "fn f() { let c = |x: u8| -> u8 { x }; }"),
        ("fn f() -> u8 { a(); todo!() * 2 }", "x + 1", "fn f() -> u8 { a(); (x + 1) * 2 }"),
        ("fn f() { first_step(1); todo!(); }", "a();\nb();", "fn f() { first_step(1); a();\nb(); }"),
        (
            "fn f() { let number = todo!(); }",
            "let a = 1;\na",
            "fn f() { let number = {\n    let a = 1;\n    a\n}; }",
        ),
        (
            "macro_rules! m {\n    (a) => { 1 };\n    (b) => { todo!() };\n}",
            "```rust\nmacro_rules! m {\n    (a) => { 1 };\n    (b) => { 2 };\n}\n```",
            "macro_rules! m {\n    (a) => { 1 };\n    (b) => { 2 };\n}",
        ),
        ("macro_rules! m { () => { todo!() }; }", "1 + 1", "macro_rules! m { () => { 1 + 1 }; }"),
        (
            "thread_local! { static A: u8 = const { 1 }; }\nthread_local! { static N: u8 = todo!(); }",
            "thread_local! { static N: u8 = 3; }",
            "thread_local! { static A: u8 = const { 1 }; }\nthread_local! { static N: u8 = 3; }",
        ),
    ],
)
def test_holes_that_are_no_whole_function(file: str, answer: str, done: str | None) -> None:
    at = file.index("todo!")
    result = text(file[:at] + "$0" + file[at:], answer)
    if done is None:
        done = file.replace("todo!()", answer) if answer == "x * 2" else answer
    assert result == done


@pytest.mark.parametrize(
    "signature",
    [
        "pub(crate) async fn f<'a, T>(x: &'a T) -> &'a T\nwhere\n    T: Copy,\n",
        "const fn f<const N: usize>() -> [u8; N] ",
        "pub unsafe fn f() ",
        'pub extern "C" fn f(x: i32) -> i32 ',
        '#[no_mangle]\npub unsafe extern "C" fn f() ',
        "#[inline]\n#[allow(dead_code)]\n/// Docs.\nfn f(mut x: impl Fn(&str) -> u8 + 'static) ",
    ],
)
def test_a_signature_stays_as_it_is_spelled(signature: str) -> None:
    answer = " ".join(signature.replace("\n", " ").split()) + " { done() }"
    answer = answer.replace("/// Docs.", "").replace("T: Copy,", "T: Copy")
    assert text(f"{signature}{{ todo!() }}\n", f"```\n{answer}\n```") == f"{signature}{{ done() }}\n"


def test_a_changed_signature_is_laid_in_for_the_policy_to_judge() -> None:
    merged = laid("pub fn f(_x: u8) -> u8 { todo!() }", "fn f(x: u8) -> u8 { x }")
    assert merged.text == b"pub fn f(x: u8) -> u8 { x }"
    assert not merged.body_only


def test_equal_names_are_told_apart_by_module_and_impl() -> None:
    file = """\
fn get(n: u8) -> u8 { 0 }
mod a {
    mod b {
        pub struct S;
        impl S {
            fn get(&self) -> u8 { 1 }
        }
        impl super::Get for S {
            fn get(&self) -> u8 { $0todo!() }
        }
    }
    fn get() -> u8 { 2 }
}
"""
    done = file.replace("$0todo!()", "3")
    whole = done.replace("{ 0 }", "{ 10 }").replace("{ 1 }", "{ 11 }").replace("{ 2 }", "{ 12 }")
    for answer in (
        whole,
        "impl super::Get for S {\n    fn get(&self) -> u8 { 3 }\n}",
        "impl Get for S {\n    fn get(&self) -> u8 { 3 }\n}",
        "fn get(&self) -> u8 { 3 }",
        "mod b {\n    impl super::Get for S {\n        fn get(&self) -> u8 { 3 }\n    }\n}",
    ):
        assert text(file, f"```rust\n{answer}\n```") == done
    for other in ("impl S {\n    fn get(&self) -> u8 { 3 }\n}", "impl Get for T {\n    fn get(&self) -> u8 { 3 }\n}"):
        assert "does not have `fn get`" in refusal(file, f"```rust\n{other}\n```")


def test_a_cfg_tells_twins_apart() -> None:
    file = "#[cfg(unix)]\nfn f() -> u8 { 1 }\n#[cfg(windows)]\nfn f() -> u8 { todo!() }\n"
    done = file.replace("todo!()", "2")
    assert text(file, f"```rust\n{done.replace('{ 1 }', '{ 3 }')}```") == done
    assert text(file, "```rust\nfn f() -> u8 { 2 }\n```") == done
    assert "does not have `fn f`" in refusal(file, "```rust\n#[cfg(unix)]\nfn f() -> u8 { 2 }\n```")


def test_rust_that_the_grammar_does_not_know_is_laid_in_and_suspect() -> None:
    file = 'unsafe extern "C" {\n    safe fn known();\n}\n\nfn f() {\n    todo!()\n}\n'
    merged = laid(file, '```rust\nunsafe extern "C" {\n    safe fn abs(x: i32) -> i32;\n}\nfn f() { abs(-1); }\n```')
    assert merged.text.decode() == (
        'unsafe extern "C" {\n    safe fn known();\n\n    safe fn abs(x: i32) -> i32;\n}\n\nfn f() { abs(-1); }\n'
    )
    assert merged.suspect
    assert not laid(file, "```rust\nfn f() { known() }\n```").suspect


def test_a_local_item_and_a_local_subject() -> None:
    file = "fn outer() {\n    fn inner() -> u8 {\n        $0todo!()\n    }\n    inner();\n}\n"
    done = file.replace("$0todo!()", "1")
    assert text(file, "fn inner() -> u8 {\n    1\n}") == done
    assert text(file, f"```rust\n{done}```") == done
    assert "drops `fn inner`" in refusal("fn outer() {\n    fn inner() {}\n    todo!()\n}", "fn outer() { inner() }")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("```rust\nfn main() {}\n\nstruct Point;\n```", "does not have `fn len`, only `fn main`, `struct Point`"),
        ("```rust\nuse std::fmt;\n```", "does not have `fn len`"),
        ("```rust\nfn len(&self) -> usize;\n```", "only the signature of `fn len`"),
        ("```rust\nfn len(&self) -> usize { todo!() }\n```", "leaves `todo!` in `len`"),
        ("todo!()", "leaves `todo!` in `len`"),
        (
            "```rust\nfn len(&self) -> usize { h() }\nfn h() -> usize { unimplemented!() }\n```",
            "`unimplemented!` in `h`",
        ),
        ("```rust\nfn len(&self) -> usize {\n    // ... existing code ...\n}\n```", "leaves code out"),
        ("```rust\nimpl<T> Stack<T> {\n    // ...\n    fn len(&self) -> usize { 1 }\n}\n```", "leaves code out"),
        ("```rust\nfn len(&self) -> usize {\n    self.items", "is cut off"),
        ("```rust\nfn len(&self) -> usize {\n    1\n}\n\nfn next(", "is cut off"),
        ("```\ndef len(self):\n    return self.items.length\n```", "cannot be read as Rust"),
        ("```rust\nI am sorry, but I can't\n```", "cannot be read as Rust"),
        ("As an AI model, I can't help with that.", "no Rust code"),
    ],
)
def test_what_cannot_be_laid_in_is_refused_with_the_reason(answer: str, reason: str) -> None:
    assert reason in refusal(STACK, answer)
