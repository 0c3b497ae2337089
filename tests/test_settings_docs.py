"""docs/settings.md says what the models say."""

from __future__ import annotations

import os
from pathlib import Path

from opencrates_lsp.settings.keys import settings_by_key
from opencrates_lsp.settings.reference import reference

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_the_page_is_the_models() -> None:
    if os.environ.get("UPDATE_DOCS") == "1":
        PAGE.write_text(reference(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == reference(), "run this test with UPDATE_DOCS=1"


def test_every_setting_is_described() -> None:
    for key, setting in settings_by_key().items():
        assert setting.description.endswith("."), key
        assert f"`{key[-1]}`" in reference(), key
