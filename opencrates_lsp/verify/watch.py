"""What a tree of processes uses up, looked at from outside while it runs: its memory, its processes, the disk.

A cgroup knows better, where there is one; this needs nothing but /proc, and binds root as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.verify.bounds import Bounds, out_of_memory, too_many_processes, too_much_written
from opencrates_lsp.verify.cgroup import Group

PAUSE_SECONDS = 0.05
_BETWEEN_PROCESSES_SECONDS = 1.0
_BETWEEN_DISKS_SECONDS = 0.2
_SURELY = 4
_PATIENCE_SECONDS = 2.0
_CHILD = re.compile(rb'"child-pid": *(\d+)[,\s}]')
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


class Watch:
    """Looks after one run: `bounds` are what it may use up, `writable` the folders that it may write to.

    What `group` bounds is asked of it. `info` is the file descriptor, not blocking, at which bubblewrap tells the first
    process of its namespace: the system kills all others with it.
    """

    def __init__(
        self, bounds: Bounds, writable: Sequence[Path], group: Group | None = None, info: int | None = None
    ) -> None:
        self._bounds = bounds
        self._writable = writable
        self._group = group
        self._info = info
        self._told = b""
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._begun_ns = time.time_ns()
        self._room = {folder: _room(folder) for folder in writable}
        self._tasks, self._available = _tasks(), _available()
        self._first: int | None = None
        self._processes_at = self._disk_at = 0.0

    async def watch(self, pid: int) -> str:
        """Wait until the tree below `pid` has reached a bound, and kill it; gives which one, in one clause."""
        loop = asyncio.get_running_loop()
        told: asyncio.Future[str] = loop.create_future()

        def tell(found: str) -> None:
            if not told.done():
                told.set_result(found)

        def work() -> None:
            _hurry(threading.get_native_id())
            while not self._over.wait(PAUSE_SECONDS):
                found = self.look(pid)
                if found is not None:
                    # From here, because an event loop among so many processes may come too late.
                    self._kill(pid)
                    with contextlib.suppress(RuntimeError):
                        loop.call_soon_threadsafe(tell, found)
                    return

        # A thread of its own, because those of the pool may be at work for seconds.
        self._thread = threading.Thread(target=work, name="opencrates-watch", daemon=True)
        self._thread.start()
        return await told

    def close(self) -> None:
        """Stop looking; the run has ended. What was read from may be closed then."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    async def end(self, pid: int) -> bool:
        """Kill all that the run has started; tells whether its own process ends by that."""
        return await asyncio.to_thread(self._kill, pid)

    def look(self, pid: int) -> str | None:
        """The bound that has been reached; None as long as none is."""
        bounds, now = self._bounds, time.monotonic()
        if self._group is not None and (found := self._group.complaint(bounds)) is not None:
            return found
        asked = self._group.controllers if self._group is not None else frozenset[str]()
        if sys.platform == "linux" and not {"memory", "pids"} <= asked:
            more, less = _tasks() - self._tasks, self._available - _available()
            # So many at once are not counted one by one any more: that takes longer than they take to double.
            if "pids" not in asked and more > _SURELY * bounds.processes:
                return too_many_processes(bounds)
            due = now - self._processes_at >= _BETWEEN_PROCESSES_SECONDS
            if due or more > bounds.processes or less > bounds.memory // 2:
                self._processes_at = now
                found = self._count(pid, asked)
                if found is not None:
                    return found
        if now - self._disk_at < _BETWEEN_DISKS_SECONDS:
            return None
        self._disk_at = now
        return too_much_written(bounds) if self._is_out_of_disk() else None

    def _count(self, pid: int, asked: frozenset[str]) -> str | None:
        """The bound of processes or memory that has been reached, by counting them."""
        found = descendants(pid)
        if "pids" not in asked and sum(one.threads for one in found) > self._bounds.processes:
            return too_many_processes(self._bounds)
        if "memory" in asked or sum(one.resident for one in found) <= self._bounds.memory:
            return None
        # Pages that are shared were counted in each process; their shares take longer to ask for.
        return out_of_memory(self._bounds) if sum(map(_share, found)) > self._bounds.memory else None

    def _kill(self, pid: int) -> bool:
        if self._group is not None:
            self._group.kill()
            return True
        first = self._first_inside()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # bubblewrap waits for this one: killed itself, it would be gone before the others are.
            if first is not None and _parent_of(first) == pid:
                # It is the one that has to come to its end among so many.
                _hurry(first)
                os.kill(first, signal.SIGKILL)
        return first is not None

    def settle(self) -> None:
        """Wait until all of the sandbox is gone: its first process ends last, and bubblewrap does not wait for that."""
        first = self._first_inside()
        if sys.platform == "linux" and first is not None:
            with contextlib.suppress(OSError):
                handle = os.pidfd_open(first)
                try:
                    select.select([handle], [], [], _PATIENCE_SECONDS)
                finally:
                    os.close(handle)

    def _first_inside(self) -> int | None:
        """The id of the first process in the sandbox; None as long as bubblewrap has not told it."""
        if self._first is None and self._info is not None:
            with contextlib.suppress(OSError):
                self._told += os.read(self._info, 4096)
            match = _CHILD.search(self._told)
            self._first = int(match[1]) if match is not None else None
        return self._first

    def _is_out_of_disk(self) -> bool:
        """Whether too much was written; the folders are walked only where the file system has lost as much."""
        for folder, (free, entries) in self._room.items():
            left, entries_left = _room(folder)
            if left < min(_RESERVE_BYTES, free // 2):
                return True
            if free - left > self._bounds.disk or entries - entries_left > _ENTRIES:
                size, count, is_all = _written(self._writable, self._begun_ns)
                # Nested too deep to be walked: somebody hides what he writes.
                if size > self._bounds.disk or count > _ENTRIES or not is_all:
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


def _hurry(task: int) -> None:
    """Let a thread or process come before all others, where the user may do that: root, whose forks nothing bounds."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, task, -20)


def _tasks() -> int:
    """How many processes and threads the whole machine has."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((_PROC / "loadavg").read_bytes().split()[3].partition(b"/")[2])
    return 0


def _available() -> int:
    """The memory that the whole machine has left, in bytes."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((_PROC / "meminfo").read_bytes().partition(b"MemAvailable:")[2].split()[0]) * 1024
    return 0


def _parent_of(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((_PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return 0


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


def _written(folders: Iterable[Path], since_ns: int) -> tuple[int, int, bool]:
    """The bytes and the number of the files that were changed since, and whether all could be seen."""
    size = count = 0
    deep: list[OSError] = []

    def failed(error: OSError) -> None:
        if error.errno == errno.ENAMETOOLONG:
            deep.append(error)

    for folder in folders:
        for above, _, names in os.walk(folder, onerror=failed):
            for name in names:
                with contextlib.suppress(OSError):
                    told = os.lstat(os.path.join(above, name))  # noqa: PTH118 - there may be a hundred thousand.
                    if told.st_ctime_ns >= since_ns:
                        size += told.st_blocks * 512
                        count += 1
    return size, count, not deep
