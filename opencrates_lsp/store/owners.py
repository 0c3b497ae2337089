"""Who owns unfinished work: a process of a machine, told from a later one with the same number."""

from __future__ import annotations

import os
import platform
from pathlib import Path

HOURS_OF_STRANGERS = 24.0
"""Whether a process of another machine lives cannot be seen: its unfinished work counts as left after so long."""


def this_process() -> str:
    """The owner that stands for this process: machine, number and moment of its start."""
    return _owner(os.getpid())


def is_gone(owner: str | None, hours: float) -> bool:
    """Whether nobody will finish the work; `hours` is how long ago it was begun."""
    if owner is None:
        return True
    machine, number, _started = owner.rsplit(":", 2)
    if machine != platform.node() or os.name != "posix":
        return hours > HOURS_OF_STRANGERS
    process = int(number)
    return not _exists(process) or _owner(process) != owner


def _owner(process: int) -> str:
    return f"{platform.node()}:{process}:{_started(process)}"


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(process: int) -> str:
    """When the process began, in the kernel's ticks; empty where there is no /proc."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    # The name stands in brackets and may hold anything, brackets too.
    return stat.rpartition(")")[2].split()[19]
