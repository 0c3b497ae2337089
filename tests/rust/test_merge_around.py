"""What an answer brings beside the asked item: imports, helpers, fields, members of a block, attributes."""

from __future__ import annotations

import pytest
from laid import laid, refusal, text

BODY = "fn f() { todo!() }\n"
DONE = "fn f() { g() }\n"


@pytest.mark.parametrize(
    ("before", "answer", "after"),
    [
        ("use a::b;\n", "use a::b;", "use a::b;\n"),
        ("use a::b;\n", "use a::{b, c};", "use a::{b, c};\n"),
        ("use a::{b, d};\n", "use a::c;", "use a::{b, c, d};\n"),
        ("use a::{d, b};\n", "use a::c;", "use a::{d, b, c};\n"),
        ("use a::{self, B, c};\n", "use a::{D, e};", "use a::{self, B, D, c, e};\n"),
        ("use a::*;\n", "use a::b;", "use a::*;\n"),
        ("use a::b as c;\n", "use a::b;", "use a::b as c;\nuse a::b;\n"),
        ("use std::fmt::Write;\n", "use std::fmt::Write as _;", "use std::fmt::Write;\n"),
        ("use std::{collections::HashMap, io};\n", "use std::collections::HashMap;\nuse std::io;", None),
        (
            "use std::io::Read;\nuse std::io::Seek;\n",
            "use std::io::Write;",
            "use std::io::Read;\nuse std::io::Seek;\nuse std::io::Write;\n",
        ),
        (
            "use std::fmt;\n\nuse crate::x;\n",
            "use std::collections::{HashMap, HashSet};\nuse crate::y::Z;",
            "use std::collections::{HashMap, HashSet};\nuse std::fmt;\n\nuse crate::x;\nuse crate::y::Z;\n",
        ),
        (
            "use a::{\n    b,\n    c,\n};\n",
            "use a::d;",
            "use a::{\n    b,\n    c,\n    d,\n};\n",
        ),
        ("#[cfg(test)]\nuse a::b;\n", "use a::b;", "#[cfg(test)]\nuse a::b;\nuse a::b;\n"),
        ("", "use a::b;", "use a::b;\n\n"),
        ("//! Docs.\n#![no_std]\n\n", "use a::b;", "//! Docs.\n#![no_std]\n\nuse a::b;\n\n"),
        ("// License.\n\n", "use a::b;", "// License.\n\nuse a::b;\n\n"),
        ("// About f.\n", "use a::b;", "use a::b;\n\n// About f.\n"),
        ("extern crate alloc;\n\n", "use alloc::vec::Vec;", "extern crate alloc;\n\nuse alloc::vec::Vec;\n\n"),
        ("\ufeff", "use a::b;", "\ufeffuse a::b;\n\n"),
        # A file need not import what it defines.
        ("struct S;\n", "use crate::S;\nuse super::S;", "struct S;\n"),
    ],
)
def test_imports_are_merged_and_not_doubled(before: str, answer: str, after: str | None) -> None:
    assert text(before + BODY, f"```rust\n{answer}\n\n{DONE}```") == (before if after is None else after) + DONE


def test_imports_go_to_the_module_of_the_asked_item() -> None:
    file = "use std::io;\n\nmod inner {\n    fn f() {\n        todo!()\n    }\n}\n"
    done = "use std::io;\n\nmod inner {\n    use std::fmt;\n\n    fn f() {\n        g()\n    }\n}\n"
    assert text(file, "```rust\nuse std::fmt;\n\nfn f() {\n    g()\n}\n```") == done
    more = done.replace("use std::io;\n", "use std::io;\nuse std::rc::Rc;\n")
    assert text(file, f"```rust\n{more}```") == more
    with_extras = "```rust\nuse std::fmt;\n```\nand\n```rust\ng()\n```"
    assert text(file, with_extras) == done


FILE = """\
impl A {
    fn f(&self) {
        todo!()
    } // here

    fn last(&self) {}
}

impl Clone for A {
    fn clone(&self) -> A { A }
}

mod other {
    fn x() {}
}
"""


@pytest.mark.parametrize(
    ("extra", "at", "becomes"),
    [
        ("fn h(&self) {}", "    } // here\n", "    } // here\n\n    fn h(&self) {}\n"),
        ("fn h() -> Self { A }", "    } // here\n", "    } // here\n\n    fn h() -> Self { A }\n"),
        (
            "fn h(x: u8) {\n    x;\n}",
            "    fn last(&self) {}\n}\n",
            "    fn last(&self) {}\n}\n\nfn h(x: u8) {\n    x;\n}\n",
        ),
        (
            "// Why.\n/// Doc.\nstruct H;",
            "    fn last(&self) {}\n}\n",
            "    fn last(&self) {}\n}\n\n// Why.\n/// Doc.\nstruct H;\n",
        ),
        ("impl Copy for A {}", "    fn last(&self) {}\n}\n", "    fn last(&self) {}\n}\n\nimpl Copy for A {}\n"),
        ("impl A {\n    fn h() {}\n}", "    } // here\n", "    } // here\n\n    fn h() {}\n"),
        ("impl Clone for A {\n    fn h() {}\n}", "-> A { A }\n", "-> A { A }\n\n    fn h() {}\n"),
        ("mod other {\n    fn h() {}\n}", "    fn x() {}\n", "    fn x() {}\n\n    fn h() {}\n"),
        (
            "#[cfg(test)]\nmod tests {\n    fn h() {}\n}",
            "    fn x() {}\n}\n",
            "    fn x() {}\n}\n\n#[cfg(test)]\nmod tests {\n    fn h() {}\n}\n",
        ),
        ("fn last(&self) { 1 }", "", ""),
    ],
)
def test_new_items_go_beside_the_asked_one(extra: str, at: str, becomes: str) -> None:
    done = FILE.replace("todo!()", "1").replace(at, becomes, 1)
    merged = laid(FILE, f"```rust\nfn f(&self) {{\n    1\n}}\n\n{extra}\n```")
    assert merged.text.decode() == done
    assert merged.body_only == (at == "")


def test_a_helper_that_is_called_by_the_type_belongs_to_it_and_new_ones_keep_their_order() -> None:
    done = text(
        FILE, "```rust\nfn f(&self) { A::one(); two() }\n\nfn one() {}\n\nfn two() {}\n\nfn three(&self) {}\n```"
    )
    assert [line.strip() for line in done.split("\n") if "fn " in line][:6] == [
        "fn f(&self) { A::one(); two() } // here",
        "fn one() {}",
        "fn three(&self) {}",
        "fn last(&self) {}",
        "fn two() {}",
        "fn clone(&self) -> A { A }",
    ]


ITERATOR = """\
impl<T: Copy> Iterator for It<T>
where
    T: Eq,
{
    fn next(&mut self) -> Option<T> {
        todo!()
    }
}
"""


def test_a_helper_of_a_trait_impl_gets_an_impl_of_its_own() -> None:
    step = "fn step(&mut self) -> Option<T> {\n    None\n}"
    answer = f"```rust\nfn next(&mut self) -> Option<T> {{\n    self.step()\n}}\n\n{step}\n```"
    assert text(ITERATOR, answer) == ITERATOR.replace("todo!()", "self.step()") + (
        "\nimpl<T: Copy> It<T>\nwhere\n    T: Eq,\n{\n    fn step(&mut self) -> Option<T> {\n        None\n    }\n}\n"
    )
    inside = "impl<T> Iterator for It<T> {\n    fn next(&mut self) -> Option<T> { None }\n    fn size_hint(&self) {}\n}"
    assert text(ITERATOR, inside).count("impl") == 1


@pytest.mark.parametrize(
    ("before", "answer", "after"),
    [
        ("struct S { a: u8 }", "struct S { a: u8, b: u8 }", "struct S { a: u8, b: u8 }"),
        ("struct S { a: u8, }", "struct S { b: u8, a: u8, c: u8, d: u8 }", "struct S { b: u8, a: u8, c: u8, d: u8, }"),
        (
            "/// S.\n#[derive(Debug)]\npub struct S {\n    /// A.\n    pub a: u8, // the first\n    z: u8\n}",
            "#[derive(Debug, Eq)]\nstruct S {\n  a: u8,\n  /// New.\n  #[x]\n  b: u8,\n  z: u8,\n  y: u8,\n}",
            """\
/// S.
#[derive(Debug, Eq)]
pub struct S {
    /// A.
    pub a: u8, // the first
    /// New.
    #[x]
    b: u8,
    z: u8,
    y: u8,
}""",
        ),
        ("struct S {}", "struct S {\n    a: u8,\n}", "struct S {\n    a: u8,\n}"),
        ("struct S;", "struct S {\n    a: u8,\n}", "struct S {\n    a: u8,\n}"),
        ("struct S(u8);", "struct S(u8, u16);", "struct S(u8, u16);"),
        (
            "enum S {\n    A,\n    B(u8),\n}",
            "enum S { A, C { x: u8 }, B(u8) }",
            "enum S {\n    A,\n    C { x: u8 },\n    B(u8),\n}",
        ),
        ("struct S { a: u8 }", "struct S { a: u8 }", "struct S { a: u8 }"),
    ],
)
def test_structs_and_enums_grow(before: str, answer: str, after: str) -> None:
    file = f"{before}\n\n{BODY}"
    assert text(file, f"```rust\n{answer}\n\n{DONE}```") == f"{after}\n\n{DONE}"
    crlf = text(file.replace("\n", "\r\n"), f"```rust\n{answer}\n\n{DONE}```")
    assert crlf == f"{after}\n\n{DONE}".replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("before", "answer", "reason"),
    [
        ("struct S { a: u8, b: u8 }", "struct S { a: u8 }", "drops the field `b` of `struct S`"),
        ("enum E { A, B }", "enum E { B, C }", "drops the variant `A` of `enum E`"),
        ("struct S(u8, u8);", "struct S(u8);", "drops fields of `struct S`"),
        ("struct S { a: u8 }", "struct S;", "drops fields of `struct S`"),
    ],
)
def test_fields_and_variants_are_not_dropped(before: str, answer: str, reason: str) -> None:
    assert reason in refusal(f"{before}\n{BODY}", f"```rust\n{answer}\n\n{DONE}```")
    assert reason in refusal(f"$0{before}\n", f"```rust\n{answer}\n```")


@pytest.mark.parametrize(
    ("before", "answer", "reason"),
    [
        ("struct S { a: u8 }", "struct S { a: u16 }", "changes the field `a` of `struct S`"),
        ("struct S(u8);", "struct S(u16);", "changes fields of `struct S`"),
    ],
)
def test_only_an_asked_struct_may_change_its_fields(before: str, answer: str, reason: str) -> None:
    assert reason in refusal(f"{before}\n{BODY}", f"```rust\n{answer}\n\n{DONE}```")
    assert text(f"$0{before}\n", f"```rust\n{answer}\n```") == f"{answer}\n"


@pytest.mark.parametrize(
    ("lead", "given", "after"),
    [
        ("", "/// Does f.\n", "/// Does f.\n"),
        ("#[a]\n", "/// Does f.\n", "/// Does f.\n#[a]\n"),
        ("/// Does f.\n", "/// Does f.\n///\n/// Well.\n", "/// Does f.\n///\n/// Well.\n"),
        ("/// Does f.\n", "/// Something else.\n", "/// Does f.\n"),
        ("/// Does f.\n#[inline]\n", "#[inline]\n#[must_use]\n", "/// Does f.\n#[inline]\n#[must_use]\n"),
        ('#[must_use = "x"]\n', "#[must_use]\n", '#[must_use = "x"]\n'),
        ("#[allow(a)]\n", "#[allow(b)]\n", "#[allow(a)]\n#[allow(b)]\n"),
    ],
)
def test_doc_comments_and_attributes_stay_and_grow(lead: str, given: str, after: str) -> None:
    assert text(lead + BODY, f"```rust\n{given}{DONE}```") == after + DONE
    nested = "mod m {\n" + "".join(f"    {line}\n" for line in (lead + BODY).splitlines()) + "}\n"
    done = "mod m {\n" + "".join(f"    {line}\n" for line in (after + DONE).splitlines()) + "}\n"
    assert text(nested, f"```rust\n{given}{DONE}```") == done


IMPL = """\
impl Shape for Square {
    /// The area.
    fn area(&self) -> f64 { 0.0 }
    fn name(&self) -> String { todo!() }
}
"""


def test_a_whole_block_is_merged_member_by_member_and_loses_none() -> None:
    done = IMPL.replace("0.0", "1.0").replace("todo!()", "n()").replace("n() }\n", "n() }\n\n    fn extra(&self) {}\n")
    file = "$0" + IMPL.replace("todo!()", "String::new()")
    members = "fn area(&self) -> f64 { 1.0 }\nfn name(&self) -> String { n() }\nfn extra(&self) {}\n"
    assert text(file, f"```rust\nimpl Shape for Square {{\n{members}}}\n```") == done
    assert text(file, f"```rust\n{members}```") == done
    assert text(file, "```rust\nimpl Shape for Square {\n    fn area(&self) -> f64 { 1.0 }\n}\n```") == (
        IMPL.replace("0.0", "1.0").replace("todo!()", "String::new()")
    )


TWINS = """\
#[cfg(unix)]
mod inner {
    use a::b;

    struct S { x: u8 }

    impl de::Error for S {
        fn custom() -> u8 { todo!() }
    }

    impl ser::Error for S {
        fn custom() -> u8 { 2 }
    }
}

#[cfg(windows)]
mod inner {
    use a::c;

    struct S { y: u8 }

    impl de::Error for S {
        fn custom() -> u8 { 3 }
    }
}
"""


def test_twins_under_other_conditions_and_other_traits_of_the_same_name_stay_apart() -> None:
    done = TWINS.replace("todo!()", "1")
    assert text(TWINS, f"```rust\n{done}```") == done
    assert text(TWINS, f"```rust\n{done.replace('{ 2 }', '{ 20 }').replace('{ 3 }', '{ 30 }')}```") == done
    assert text(TWINS, "```rust\nimpl de::Error for S {\n    fn custom() -> u8 { 1 }\n}\n```") == done
    assert text(TWINS, "```rust\nfn custom() -> u8 { 1 }\n```") == done


def test_a_body_may_define_a_function_of_the_same_name() -> None:
    body = "    return f(x.into());\n\n    fn f(x: u16) -> u16 {\n        x\n    }"
    done = f"fn f(x: u8) -> u16 {{\n{body}\n}}\n"
    assert text("fn f(x: u8) -> u16 { todo!() }\n", f"```rust\n{body}\n```") == done
