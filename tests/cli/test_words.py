"""The words of a proof, which the terminal and the editor show alike."""

from __future__ import annotations

import pytest

from opencrates_lsp.faces.words import proved
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Level, Verdict
from opencrates_lsp.values import TestCount as Counted


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        (Configuration(), ""),
        (Configuration(all_targets=True), ""),
        (Configuration(features=("extra",)), " (default features + extra)"),
        (Configuration(features=("a", "hosting"), all_targets=True), " (default features + a, hosting)"),
        (Configuration(all_features=True, profile="release"), " (all features, profile release)"),
        (Configuration(target="x86_64-pc-windows-msvc"), " (default features, x86_64-pc-windows-msvc)"),
    ],
)
def test_a_configuration_that_is_not_the_plain_one_is_named(configuration: Configuration, told: str) -> None:
    verdict = Verdict(Level.CHECK, reached=True, configuration=configuration.describe(), seconds=1.2)
    assert proved(verdict) == f"cargo check{told}: reached, 0 new errors, 1.2 s"


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        (Counted(1, 0, 3), "1 test passed"),
        (Counted(0, 0, 0), "0 tests passed"),
        (Counted(2, 1, 0, failing_before=("t",)), "2 tests passed, 1 failed as before"),
        (Counted(2, 3, 0, failing_before=("src/lib.rs - f", "t")), "2 tests passed, 3 failed as before"),
        (Counted(0, 2, 0, broken=("t",), failing_before=("u",)), "2 tests failed"),
        (
            Counted(1, 2, 0, failing_before=("t", "u"), waiting=(("t", "no"),)),
            "1 test passed, 2 failed, 1 of them waited for it",
        ),
        (Counted(3, 0, 0, flaky=("t",)), "3 tests passed, 1 flaky"),
    ],
)
def test_the_tests_are_told_with_what_is_no_fault_of_the_edit(tests: Counted, told: str) -> None:
    verdict = Verdict(Level.TEST, True, "default features, host", tests=tests, seconds=1.2, skipped=("late",))
    assert proved(verdict) == f"cargo test: reached, 0 new errors, {told}, late, 1.2 s"


def test_at_clippy_warnings_count_too() -> None:
    verdict = Verdict(Level.CLIPPY, True, "default features, host", seconds=1.2)
    assert proved(verdict) == "cargo clippy: reached, 0 new errors and warnings, 1.2 s"


def test_of_what_was_left_out_the_first_is_told_and_the_rest_is_counted() -> None:
    for skipped, told in ((("late", "slow"), "late, 1 more is left out"), (("a", "b", "c"), "a, 2 more are left out")):
        verdict = Verdict(Level.CHECK, True, "default features, host", seconds=1.2, skipped=skipped)
        assert proved(verdict) == f"cargo check: reached, 0 new errors, {told}, 1.2 s"
