"""What code that nobody vouches for may use up: time, memory, processes, disk, output."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

if sys.platform != "win32":
    import resource

GIB = 1 << 30
_MIB = 1 << 20


def _memory() -> int:
    """Half of the machine's memory, so that an editor keeps the other; the largest crates need 2 GiB to compile."""
    try:
        return max(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2, 2 * GIB)
    except (ValueError, OSError, AttributeError):
        return 4 * GIB


def _processes() -> int:
    """cargo runs a compiler a core, a compiler some threads a core, and so do tests."""
    return 1024 + 64 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of one run; sizes are in bytes.

    `memory` and `processes` (threads are counted) are those of all that it starts together.
    `disk` is what it may write to the folders that are shown to it as writable, `file` the size of one file,
    `temporary` that of each of the folders that are gone when it ends.
    `output` is what it may print.
    """

    deadline_seconds: float = 900.0
    memory: int = field(default_factory=_memory)
    processes: int = field(default_factory=_processes)
    disk: int = 16 * GIB
    file: int = 4 * GIB
    temporary: int = GIB
    output: int = 64 * _MIB

    def rlimits(self, *, processes: bool) -> list[str]:
        """The words for util-linux's prlimit; none of them raises what the user has.

        RLIMIT_DATA and not RLIMIT_AS: compilers and runtimes map files, and reserve room that they never use.
        `processes` is for where the kernel counts those of the sandbox alone; it is a backstop, and the bound proper
        is held by a cgroup or by the watch, which can say that it was reached.
        """
        if sys.platform == "win32":
            return []
        wanted = {
            "core": (resource.RLIMIT_CORE, 0),
            "data": (resource.RLIMIT_DATA, self.memory),
            "fsize": (resource.RLIMIT_FSIZE, self.file),
            "nofile": (resource.RLIMIT_NOFILE, 1 << 16),
        }
        if processes:
            wanted["nproc"] = (resource.RLIMIT_NPROC, self.processes + self.processes // 8)
        words = []
        for name, (kind, most) in wanted.items():
            soft, hard = (most if one == resource.RLIM_INFINITY else min(most, one) for one in resource.getrlimit(kind))
            words.append(f"--{name}={soft}:{hard}")
        return words


def counts_by_namespace(release: str) -> bool:
    """Whether this Linux counts the processes of a user namespace apart from its user's others (since 5.14)."""
    parts = release.split("-", maxsplit=1)[0].split(".")
    return sys.platform == "linux" and [int(part) for part in parts[:2] if part.isdigit()] >= [5, 14]


def limited(prlimit: str | None, bounds: Bounds, argv: Sequence[str], *, processes: bool) -> list[str]:
    """The command with its rlimits set first."""
    return [prlimit, *bounds.rlimits(processes=processes), "--", *argv] if prlimit is not None else [*argv]


def sized(count: int) -> str:
    """A size for people: "2 GiB", "300 MiB"."""
    unit, name = (GIB, "GiB") if count >= GIB else (_MIB, "MiB")
    return f"{count / unit:.3g} {name}"


def out_of_time(seconds: float) -> str:
    return f"it ran longer than {seconds:g} s and was killed"


def out_of_memory(bounds: Bounds) -> str:
    return f"it wanted more than the {sized(bounds.memory)} of memory that it may use"


def too_many_processes(bounds: Bounds) -> str:
    return f"it started more than {bounds.processes} processes and threads and was killed"


def too_much_written(bounds: Bounds) -> str:
    return f"it wrote more than {sized(bounds.disk)} to the disk and was killed"


def too_large_file(bounds: Bounds) -> str:
    return f"it wrote a file of more than {sized(bounds.file)}"


def too_much_output(count: int) -> str:
    return f"it printed more than {sized(count)} and was killed"
