"""Tests that ended in a hole before it was filled: they speak against an answer, and yet blame it for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import Filling, fenced, filling

from opencrates_lsp.actions.proving import APPLY_UNMET
from opencrates_lsp.errors import Refused

ITEM = "pub fn twice(x: u32) -> u32 {\n    todo!()\n}\n"
TESTS = """
#[cfg(test)]
mod tests {
    #[test]
    fn three() {
        assert_eq!(super::twice(3), 6, "three twice");
    }
}
"""
TRACED = {"RUST_BACKTRACE": "1"}
HOLD = {"verify__level": "test", "verify__sandbox": "off"}


def answer(body: str) -> str:
    return fenced(ITEM.replace("todo!()", body))


def filled(crate: Filling) -> str:
    return (crate.root / "src" / "lib.rs").read_text()


async def test_an_answer_that_fails_them_is_repaired_with_what_they_said(tmp_path: Path) -> None:
    async with filling(
        tmp_path, {"src/lib.rs": ITEM + TESTS}, [answer("x + 2"), answer("x * 2")], TRACED, **HOLD
    ) as crate:
        change = await crate.fill()
        assert crate.text(change) == (ITEM + TESTS).replace("todo!()", "x * 2")
        assert change.verdict.attempts == 2
        assert change.verdict.tests is not None
        assert (change.verdict.tests.passed, change.verdict.tests.waiting) == (1, ())
        told = crate.prompts[1]
        assert "three twice" in told
        assert "assert_eq!(super::twice(3), 6" in told
        assert "tests that waited for it fail" in told
        assert "backtrace" not in told


@pytest.mark.parametrize("takes", [True, False])
async def test_who_never_passes_them_is_left_to_the_user(takes: bool, tmp_path: Path) -> None:
    wrong = [answer(f"x + {number}") for number in (2, 4)]
    async with filling(tmp_path, {"src/lib.rs": ITEM + TESTS}, wrong, **HOLD, verify__max_repairs="1") as crate:
        crate.face.answers += [APPLY_UNMET] if takes else []
        if not takes:
            with pytest.raises(Refused, match=r"`tests::three`, which waited for `twice`, fails with it: assertion"):
                await crate.fill()
            return
        change = await crate.fill()
        assert change.verdict.passed
        assert change.verdict.tests is not None
        assert [name for name, _ in change.verdict.tests.waiting] == ["tests::three"]
        assert "nothing fails that passed before" in crate.face.asked[0]


@pytest.mark.parametrize(
    ("tests", "others"),
    [
        # It comes to the next hole now, which is no fault of this one's.
        ("assert_eq!(super::twice(super::other(3)), 6);", "pub fn other(x: u32) -> u32 {\n    todo!()\n}\n"),
        # It had failed for a reason of its own, before it came to the hole.
        ("assert_eq!(1, 2); super::twice(1);", ""),
    ],
)
async def test_what_ended_elsewhere_speaks_against_nobody(tests: str, others: str, tmp_path: Path) -> None:
    text = ITEM + others + TESTS.replace('assert_eq!(super::twice(3), 6, "three twice");', tests)
    async with filling(tmp_path, {"src/lib.rs": text}, [answer("x + 2")], **HOLD) as crate:
        change = await crate.fill()
        assert change.verdict.attempts == 1
        assert change.verdict.tests is not None
        assert change.verdict.tests.failing_before == ("tests::three",)
        assert change.verdict.tests.waiting == ()
