"""Edits between texts, and an edit carried from one text into a later one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.errors import Moved
from opencrates_lsp.rust.edits import composed, replaced, replacements
from opencrates_lsp.rust.rebase import rebased
from opencrates_lsp.rust.syntax import parse

PATH = Path("/crate/src/lib.rs")
BASE = """\
use std::fmt;

/// One.
fn one() -> u8 {
    todo!()
}

impl Größe {
    fn two(&self) -> u8 {
        todo!()
    }
}

fn three() {}
"""


@settings(max_examples=400, deadline=None)
@given(
    st.text(alphabet="ab ö𝄞\n\r{}", max_size=40),
    st.text(alphabet="ab ö𝄞\n\r{}", max_size=40),
)
def test_replacements_make_the_one_text_from_the_other(before: str, after: str) -> None:
    old, new = before.encode(), after.encode()
    edits = replacements(PATH, old, new)
    assert replaced(old, edits) == new
    for edit in edits:
        assert edit.expect != edit.text
        # No edit tears a line end apart.
        for at in edit.span:
            assert old[at - 1 : at + 1] != b"\r\n" or at == 0


def test_an_edit_of_an_item_lies_inside_the_item() -> None:
    before = b"mod m {\n    fn f() -> u8 { todo!() }\n    fn g() {}\n}\n"
    after = before.replace(b"todo!()", b"7")
    (edit,) = replacements(PATH, before, after)
    assert before[slice(*edit.span)] == b"todo!()"
    assert edit.text == "7"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.text(alphabet="ab ö𝄞\n{}", max_size=30), min_size=2, max_size=5))
def test_steps_are_composed_to_edits_of_the_first_text(texts: list[str]) -> None:
    versions = [text.encode() for text in texts]
    steps = [replacements(PATH, old, new) for old, new in pairwise(versions)]
    edits = composed(PATH, versions[0], steps)
    assert replaced(versions[0], edits) == versions[-1]


def test_what_was_done_to_neighbours_stays_apart() -> None:
    first = b"fn a() -> u8 { todo!() }\nfn b() -> u8 { todo!() }\n"
    second = first.replace(b"todo!()", b"1", 1)
    third = second.replace(b"todo!()", b"2", 1)
    edits = composed(PATH, first, [replacements(PATH, first, second), replacements(PATH, second, third)])
    assert [(first[slice(*edit.span)], edit.text) for edit in edits] == [(b"todo!()", "1"), (b"todo!()", "2")]


def changed(text: str, *swaps: tuple[str, str]) -> str:
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new, 1)
    return text


FILL_ONE = (("fn one() -> u8 {\n    todo!()", "fn one() -> u8 {\n    1"),)
FILL_TWO = (("        todo!()", "        2"),)
WITH_HELPER = (*FILL_TWO, ("2\n    }\n}\n", "2\n    }\n}\n\nfn helper() {}\n"))
WITH_USE = (*FILL_ONE, ("use std::fmt;\n", "use std::fmt;\nuse std::io;\n"))


@pytest.mark.parametrize(
    ("edit", "typed"),
    [
        (FILL_ONE, (("use std::fmt;", "use std::fmt;\nuse std::io;\n\nfn zero() { /* 𝄞 */ }"),)),
        (FILL_TWO, (("/// One.\n", "/// One,\n/// and more.\n"),)),
        (FILL_TWO, (("impl Größe {\n", "impl Größe {\n    fn first() {}\n\n"),)),
        (WITH_HELPER, (("fn one() -> u8 {\n    todo!()", "fn one() -> u8 {\n    11"),)),
        (WITH_USE, (("fn three() {}", "fn three() { two(); }"),)),
    ],
)
def test_an_edit_follows_what_is_typed_elsewhere(
    edit: tuple[tuple[str, str], ...], typed: tuple[tuple[str, str], ...]
) -> None:
    before, after = BASE.encode(), changed(BASE, *edit).encode()
    now = changed(BASE, *typed).encode()
    moved = rebased(replacements(PATH, before, after), parse(before), parse(now))
    assert replaced(now, moved) == changed(changed(BASE, *typed), *edit).encode()


@pytest.mark.parametrize(
    "typed",
    [
        # In the item itself.
        (("fn one() -> u8 {\n    todo!()", "fn one() -> u8 {\n    todo!() + 1"),),
        # Its signature.
        (("fn one() -> u8", "fn one() -> u16"),),
        # A twin: which of the two was meant cannot be told.
        (("fn three() {}", "fn one() -> u8 {\n    todo!()\n}"),),
        # It is gone.
        (("fn one", "fn uno"),),
        # It moved into another module.
        (("/// One.\nfn one() -> u8 {\n    todo!()\n}", "mod inner {\n/// One.\nfn one() -> u8 {\n    todo!()\n}\n}"),),
    ],
)
def test_an_edit_whose_item_changed_is_refused(typed: tuple[tuple[str, str], ...]) -> None:
    before, after = BASE.encode(), changed(BASE, *FILL_ONE).encode()
    with pytest.raises(Moved) as error:
        rebased(replacements(PATH, before, after), parse(before), parse(changed(BASE, *typed).encode()))
    assert error.value.place == PATH
