"""The words of a proof, which the terminal and the editor show alike."""

from __future__ import annotations

import pytest

from opencrates_lsp.faces.words import proved
from opencrates_lsp.values import Configuration, Level, Verdict


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
