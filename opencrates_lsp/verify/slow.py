"""Tests that took longer than the budget, remembered with the mirror, so that the next job does not wait for them."""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path

_FORGOTTEN_SECONDS = 3600.0
"""What was compiled when the time was up is there for the next try, which may well be quick enough."""


class Slow:
    """What was too slow, by the names of the runs, in a file of its own in the mirror's folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "slow-tests.json"

    def is_known(self, name: str, budget_seconds: float) -> bool:
        """Whether the run took longer than this a short while ago."""
        over, since = self._read().get(name, (0.0, 0.0))
        return over >= budget_seconds and time.time() - since < _FORGOTTEN_SECONDS

    def add(self, name: str, budget_seconds: float) -> None:
        """The run has taken longer than this."""
        known = {**self._read(), name: (budget_seconds, time.time())}
        new = self._file.with_suffix(".new")
        with contextlib.suppress(OSError):
            new.write_text(json.dumps(known), "utf-8")
            new.replace(self._file)

    def _read(self) -> dict[str, tuple[float, float]]:
        try:
            known = json.loads(self._file.read_text("utf-8"))
            return {str(name): (float(over), float(since)) for name, (over, since) in known.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
