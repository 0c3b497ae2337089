"""The one error tree; each face translates it in one place.

OpenCratesError                 something for the user: what, where, and what to do about it
├── Refused                     the result is not good enough, or may not be applied; the buffer is untouched
│   ├── Moved                   the text changed under the work
│   ├── Declined                the user said no
│   └── Cancelled               the user, or the editor, ended the work
├── WrongUsage                  arguments or settings that cannot mean anything
├── Missing                     the environment lacks something: cargo, a key, a provider, a manifest
│   └── Unreachable             a provider, a database or a cache does not answer, or answers nonsense
└── Busy                        too much at once, or a budget is used up
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opencrates_lsp.values import Diagnostic, Verdict


class OpenCratesError(Exception):
    """`message` is one sentence for the user; `remedy` one that says what to do; `place` names the file."""

    def __init__(self, message: str, *, remedy: str = "", place: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.place = place

    def __str__(self) -> str:
        where = f" ({self.place})" if self.place and str(self.place) not in self.message else ""
        return f"{self.message}{where}" + (f" {self.remedy}" if self.remedy else "")


class Refused(OpenCratesError):
    """`verdict`, `diagnostics` and `attempt` (the refused text) say what was tried, where something was.

    `diff` is a patch of what may still be taken.
    """

    def __init__(
        self,
        message: str,
        *,
        remedy: str = "",
        place: Path | None = None,
        verdict: Verdict | None = None,
        diagnostics: Sequence[Diagnostic] = (),
        attempt: str = "",
        diff: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, place=place)
        self.verdict = verdict
        self.diagnostics = tuple(diagnostics)
        self.attempt = attempt
        self.diff = diff


class Moved(Refused):
    """The item changed under the work."""


class Declined(Refused):
    """The user was asked and said no."""


class Cancelled(Refused):
    """The user, or the editor, ended the work."""


class WrongUsage(OpenCratesError):
    """Arguments or settings that cannot mean anything."""


class Missing(OpenCratesError):
    """The environment lacks something."""


class Unreachable(Missing):
    """A service does not answer, or answers nonsense."""


class Busy(OpenCratesError):
    """Too much at once, or a budget is used up."""
