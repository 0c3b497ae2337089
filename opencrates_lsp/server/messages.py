"""How loud the editor shows an error."""

from __future__ import annotations

from opencrates_lsp.errors import Busy, Cancelled, Declined, Missing, OpenCratesError, Refused, WrongUsage


def weight_of(error: OpenCratesError) -> int:
    """The `MessageType` that an error is shown as: 3 is what the user wanted, 2 a result that was not good enough,
    1 what has to be mended first."""
    if isinstance(error, Cancelled | Declined):
        return 3
    if isinstance(error, Refused | Busy | WrongUsage):
        return 2
    return 1 if isinstance(error, Missing) else 2
