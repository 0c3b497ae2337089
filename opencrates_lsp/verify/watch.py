"""What a tree of processes uses up, looked at from outside while it runs: its memory, its processes, the disk.

A cgroup knows better, where there is one; this needs nothing but /proc, and binds root as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.verify.bounds import Bounds, out_of_memory, too_many_processes, too_much_written
from opencrates_lsp.verify.cgroup import Group

PAUSE_SECONDS = 0.1
_BETWEEN_DISKS_SECONDS = 0.2
_ENTRIES = 500_000
_RESERVE_BYTES = 512 << 20
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its parent, its threads, and the memory that it has now, in bytes."""

    pid: int
    parent: int
    threads: int
    resident: int


@dataclass(slots=True)
class Watch:
    """Looks at what one run uses up; `writable` are the folders that it may write to.

    What `group` bounds is asked of it.
    """

    bounds: Bounds
    writable: Sequence[Path]
    group: Group | None = None
    begun_ns: int = field(default_factory=time.time_ns)
    _free: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _disk_at: float = 0.0

    def __post_init__(self) -> None:
        self._free = {folder: _room(folder) for folder in self.writable}

    async def watch(self, pid: int) -> str:
        """Wait until a bound is reached; gives which one."""
        while True:
            await asyncio.sleep(PAUSE_SECONDS)
            found = await asyncio.to_thread(self.look, pid)
            if found is not None:
                return found

    def look(self, pid: int) -> str | None:
        """The bound that the tree below `pid` has reached, in one clause; None as long as it has reached none."""
        if self.group is not None and (told := self.group.complaint(self.bounds)) is not None:
            return told
        asked = self.group.controllers if self.group is not None else frozenset[str]()
        if sys.platform == "linux" and not {"memory", "pids"} <= asked:
            found = descendants(pid)
            if "pids" not in asked and sum(one.threads for one in found) > self.bounds.processes:
                return too_many_processes(self.bounds)
            if "memory" not in asked and self._is_out_of_memory(found):
                return out_of_memory(self.bounds)
        now = time.monotonic()
        if now - self._disk_at < _BETWEEN_DISKS_SECONDS:
            return None
        self._disk_at = now
        return too_much_written(self.bounds) if self._is_out_of_disk() else None

    def _is_out_of_memory(self, found: Sequence[Process]) -> bool:
        if sum(one.resident for one in found) <= self.bounds.memory:
            return False
        # Pages that are shared were counted in each process; their shares take longer to ask for.
        return sum(_share(one) for one in found) > self.bounds.memory

    def _is_out_of_disk(self) -> bool:
        """Whether too much was written; the folders are walked only where the file system has lost as much."""
        for folder, (free, entries) in self._free.items():
            left, entries_left = _room(folder)
            if left < min(_RESERVE_BYTES, free // 2):
                return True
            lost = free - left
            # Nested too deep to be walked, or written by somebody else: so much is not waited for.
            if lost > 2 * self.bounds.disk:
                return True
            if lost > self.bounds.disk or entries - entries_left > _ENTRIES:
                size, count = _written(self.writable, self.begun_ns)
                if size > self.bounds.disk or count > _ENTRIES:
                    return True
        return False


def descendants(pid: int) -> list[Process]:
    """The process and all below it. Whoever left its parent is found where a sandbox's first process adopted it."""
    below: dict[int, list[Process]] = {}
    found = []
    for one in _processes():
        below.setdefault(one.parent, []).append(one)
        if one.pid == pid:
            found.append(one)
    for one in found:
        found += below.get(one.pid, ())
    return found


async def end_inside(pid: int) -> None:
    """Kill the children of a sandbox's own process, and wait for it.

    They are the first of their namespace: the system kills all others with them, and only then does the process that
    waits for them end. Killed itself, it would be gone while they are still dying.
    """

    def kill() -> None:
        for child in [one.pid for one in _processes() if one.parent == pid]:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(child, signal.SIGKILL)

    if sys.platform == "linux":
        await asyncio.to_thread(kill)


def _processes() -> Iterator[Process]:
    page = os.sysconf("SC_PAGE_SIZE")
    for entry in os.scandir(_PROC):
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                # The name of the program stands in parentheses and may hold any others.
                words = (_PROC / entry.name / "stat").read_bytes().rpartition(b")")[2].split()
                yield Process(int(entry.name), int(words[1]), int(words[17]), int(words[21]) * page)


def _share(process: Process) -> int:
    """The memory of a process, of shared pages its share; all of it where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in (_PROC / str(process.pid) / "smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return process.resident


def _room(folder: Path) -> tuple[int, int]:
    """The bytes and the entries that the folder's file system has left; a file system without a count has enough."""
    if sys.platform == "win32":
        return 1 << 62, 1 << 62
    try:
        told = os.statvfs(folder)
    except OSError:
        return 1 << 62, 1 << 62
    return told.f_bavail * told.f_frsize, told.f_favail or 1 << 62


def _written(folders: Iterable[Path], since_ns: int) -> tuple[int, int]:
    """The bytes and the number of the files that were changed since."""
    size = count = 0
    for folder in folders:
        for above, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):
                    told = os.lstat(os.path.join(above, name))  # noqa: PTH118 - there may be a hundred thousand.
                    if told.st_ctime_ns >= since_ns:
                        size += told.st_blocks * 512
                        count += 1
    return size, count
