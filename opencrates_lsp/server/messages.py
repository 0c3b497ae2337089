"""How the editor shows an error: in which words, and how loud."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opencrates_lsp.errors import Busy, Cancelled, Declined, Missing, Moved, OpenCratesError, Refused, WrongUsage


def shown(error: OpenCratesError, title: str, folders: Sequence[Path]) -> str:
    """The error for a message line, which is short: the file is named from its workspace folder on.

    Several jobs may run, and what moved under one says only which file it was: `title` says which job.
    """
    place = error.place
    above = [folder for folder in folders if place is not None and place.is_relative_to(folder)]
    if place is not None and above:
        place = place.relative_to(above[0])
    message = f"{title} was not applied. {error.message}" if isinstance(error, Moved) else error.message
    return str(OpenCratesError(message, remedy=error.remedy, place=place))


def weight_of(error: OpenCratesError) -> int:
    """The `MessageType` that an error is shown as: 3 is what the user wanted, 2 a result that was not good enough,
    1 what has to be mended first."""
    if isinstance(error, Cancelled | Declined):
        return 3
    if isinstance(error, Refused | Busy | WrongUsage):
        return 2
    return 1 if isinstance(error, Missing) else 2
