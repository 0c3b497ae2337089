"""One target folder for the crates of a test run's worker, because each build of an empty crate costs a second."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def build_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where cargo builds, outside of every crate; fresh, because two crates of one name must not share it."""
    return tmp_path_factory.mktemp("build")
