"""Edits between texts, and an edit carried from one text into a later one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.errors import Moved
from opencrates_lsp.rust.edits import composed, replaced, replacements
from opencrates_lsp.rust.rebase import overlaid, rebased, woven
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


ONE = "/// One.\nfn one() -> u8 {\n    todo!()\n}\n"
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
        # Another item has another name now, and another twin of that.
        (FILL_ONE, (("fn three() {}", "fn four() {}\n\nfn four() {}"),)),
        # The impl stands before the function now, with a second one of its header between them.
        (FILL_ONE, ((ONE, ""), ("fn three() {}", f"fn three() {{}}\n\nimpl Größe {{}}\n\n{ONE}"))),
        (FILL_TWO, ((ONE, ""), ("fn three() {}", f"fn three() {{}}\n\nimpl Größe {{}}\n\n{ONE}"))),
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


TWINS = """\
#[cfg(unix)]
fn it() -> u8 {
    todo!()
}

#[cfg(windows)]
fn it() -> u8 {
    todo!()
}
"""
FILL_UNIX = ((TWINS.partition("\n\n")[0], TWINS.partition("\n\n")[0].replace("todo!()", "1")),)
WINDOWS = TWINS.partition("\n\n")[2]


@pytest.mark.parametrize(
    "typed",
    [
        (("#[cfg(unix)]", "// new\n#[cfg(unix)]"),),
        # The other one was typed in, or went before this one.
        ((WINDOWS, WINDOWS.replace("todo!()", "2")),),
        ((WINDOWS, ""), ("#[cfg(unix)]", f"{WINDOWS}\n#[cfg(unix)]")),
    ],
)
def test_of_twins_the_one_of_the_same_cfg_is_meant(typed: tuple[tuple[str, str], ...]) -> None:
    now, after = changed(TWINS, *typed), changed(TWINS, *FILL_UNIX)
    moved = rebased(replacements(PATH, TWINS.encode(), after.encode()), parse(TWINS.encode()), parse(now.encode()))
    assert replaced(now.encode(), moved).decode() == changed(now, *FILL_UNIX)


@pytest.mark.parametrize(
    "typed",
    [
        # The cfg that told them apart is another one, there is a third, there is but one.
        (("#[cfg(unix)]", "#[cfg(windows)]"),),
        (("#[cfg(unix)]", f"{WINDOWS}\n#[cfg(unix)]"),),
        (("#[cfg(unix)]\nfn it() -> u8 {\n    todo!()\n}\n", ""),),
    ],
)
def test_twins_that_cannot_be_told_apart_are_refused(typed: tuple[tuple[str, str], ...]) -> None:
    now, after = changed(TWINS, *typed).encode(), changed(TWINS, *FILL_UNIX).encode()
    for lay in (rebased, woven, overlaid):
        with pytest.raises(Moved):
            lay(replacements(PATH, TWINS.encode(), after), parse(TWINS.encode()), parse(now))


@pytest.mark.parametrize(
    ("edit", "typed", "beside", "instead"),
    [
        # Elsewhere in the item, right at the edit, and where the edit is; and another edit that only moves along.
        (FILL_ONE, (("/// One.", "/// The one 𝄞."),), "    1\n", True),
        (FILL_ONE, (("    todo!()", "    todo!() + 1"),), "    1 + 1\n", True),
        (FILL_ONE, (("    todo!()", "    two();\n\n    todo!()"),), "    two();\n\n    1\n", True),
        (FILL_ONE, (("    todo!()", "    7"),), None, True),
        (FILL_ONE, (("    todo!()", "    todo!() + todo!()"),), None, True),
        (WITH_USE, (("-> u8", "-> u16"), ("fn three() {}", "fn four() {}")), "-> u16 {\n    1\n", True),
        # Nowhere.
        (FILL_ONE, (("fn one", "fn uno"),), None, False),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_an_edit_of_an_item_that_was_typed_in(
    edit: tuple[tuple[str, str], ...], typed: tuple[tuple[str, str], ...], beside: str | None, instead: bool, ends: str
) -> None:
    before, after, now = (text.replace("\n", ends) for text in (BASE, changed(BASE, *edit), changed(BASE, *typed)))
    edits = replacements(PATH, before.encode(), after.encode())
    base, later = parse(before.encode()), parse(now.encode())
    if beside is None:
        with pytest.raises(Moved):
            woven(edits, base, later)
    else:
        text = replaced(later.text, woven(edits, base, later)).decode()
        assert beside.replace("\n", ends) in text
        assert all(new.replace("\n", ends) in text for _, new in typed if "todo" not in new)
    if not instead:
        with pytest.raises(Moved):
            overlaid(edits, base, later)
        return
    text = replaced(later.text, overlaid(edits, base, later)).decode()
    assert changed(ONE, ("todo!()", "1")).replace("\n", ends) in text
    assert text.count("fn one") == 1
    assert ("use std::io;" in text, "fn four" in text) == (edit == WITH_USE, edit == WITH_USE)
