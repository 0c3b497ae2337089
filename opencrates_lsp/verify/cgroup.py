"""A cgroup (v2) for each run of code that nobody vouches for, where this process may make one.

It is made beside or above our own group, wherever that is allowed and the controllers are handed down: as root below
the slice that we run in, else in the part of the tree that systemd delegates to the user.
Nothing is changed but what we made ourselves, and each is removed with all that runs in it; what a killed process left
behind is removed by the next one.
https://docs.kernel.org/admin-guide/cgroup-v2.html
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.verify.bounds import Bounds, out_of_memory, too_many_processes

WANTED = frozenset({"memory", "pids", "cpu"})
_PREFIX = "opencrates-"
_PATIENCE_SECONDS = 2.0
_CPU_WEIGHT = 50
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Group:
    """One cgroup; `controllers` are those that bound something in it."""

    folder: Path
    controllers: frozenset[str]

    def entering(self, argv: Sequence[str]) -> list[str]:
        """The command, in this group with everything that it starts; it is not run where it cannot enter."""
        script = 'echo 0 > "$1" && shift && exec "$@"'
        return ["/bin/sh", "-c", script, "sh", str(self.folder / "cgroup.procs"), *argv]

    def complaint(self, bounds: Bounds) -> str | None:
        """Which bound was reached, in one clause."""
        if _counted(self.folder / "memory.events", "oom_kill") or _counted(self.folder / "memory.events", "oom"):
            return out_of_memory(bounds)
        if _counted(self.folder / "pids.events", "max"):
            return too_many_processes(bounds)
        return None

    def kill(self) -> None:
        """Kill all that is in it, and wait until they are gone."""
        until = time.monotonic() + _PATIENCE_SECONDS
        while _counted(self.folder / "cgroup.events", "populated") and time.monotonic() < until:
            if not _write(self.folder / "cgroup.kill", "1"):
                # Before Linux 5.14 each is killed by its id.
                for pid in _read(self.folder / "cgroup.procs").split():
                    with contextlib.suppress(OSError):
                        os.kill(int(pid), 9)
            time.sleep(0.002)

    def close(self) -> None:
        """Kill what is left in it, and remove it."""
        self.kill()
        with contextlib.suppress(OSError):
            self.folder.rmdir()


@dataclass(frozen=True, slots=True)
class Parent:
    """A cgroup in which we may make others, and the controllers that it hands down."""

    folder: Path
    controllers: frozenset[str]

    def make(self, bounds: Bounds) -> Group | None:
        """A new group with these bounds; None when it cannot be made."""
        folder = self.folder / f"{_own_name()}-{next(_numbers)}"
        try:
            folder.mkdir()
        except OSError:
            return None
        held = {
            "memory": _write(folder / "memory.max", str(bounds.memory)),
            "pids": _write(folder / "pids.max", str(bounds.processes)),
            "cpu": _write(folder / "cpu.weight", str(_CPU_WEIGHT)),
        }
        _write(folder / "memory.swap.max", "0")
        # Of a run that is out of memory nothing is to go on, half of it missing.
        _write(folder / "memory.oom.group", "1")
        return Group(folder, frozenset(name for name, is_held in held.items() if is_held))

    def sweep(self) -> None:
        """Remove the groups of processes that are gone, with what runs in them."""
        for left in self.folder.glob(f"{_PREFIX}{_namespace()}-*"):
            pid, started = left.name.removeprefix(f"{_PREFIX}{_namespace()}-").split("-")[:2]
            if _started(pid) != started:
                Group(left, frozenset()).close()


def find(own: Path = Path("/proc/self")) -> Parent | None:
    """Where groups can be made for us: the nearest place that bounds the most; None where there is none.

    A group that has processes of its own hands no controllers down, so it is mostly the one above ours.
    """
    found: Parent | None = None
    for folder in _above(own):
        handed = frozenset(_read(folder / "cgroup.subtree_control").split()) & WANTED
        if found is not None and len(handed) <= len(found.controllers):
            continue
        if not (os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)):
            continue
        found = Parent(folder, handed)
    return found


def _above(own: Path) -> list[Path]:
    """The group of the process and those around it, as far as they are seen here."""
    path = next((line[3:] for line in _read(own / "cgroup").splitlines() if line.startswith("0::")), None)
    if path is None:
        return []
    for line in _read(own / "mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        if not right.startswith("cgroup2 "):
            continue
        shown, mount = left.split()[3:5]
        if Path(path).is_relative_to(shown):
            top = Path(mount)
            folder = top / Path(path).relative_to(shown)
            return [one for one in (folder, *folder.parents) if one.is_relative_to(top)]
    return []


def _own_name() -> str:
    return f"{_PREFIX}{_namespace()}-{os.getpid()}-{_started(str(os.getpid()))}"


def _namespace() -> str:
    """What our process ids count in: another container's mean other processes."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)  # noqa: PTH116 - a link that leads to no path.
    except OSError:
        return "0"


def _started(pid: str) -> str:
    """When the process was started, as the kernel counts; "" when it is gone. An id alone may be somebody else's."""
    words = _read(Path("/proc") / pid / "stat").rpartition(")")[2].split()
    return words[19] if len(words) > 19 and words[0] not in "ZX" else ""


def _counted(file: Path, name: str) -> int:
    """The number behind a name in a file of such lines; 0 where there is none."""
    for line in _read(file).splitlines():
        words = line.split()
        if words[:1] == [name] and words[1:] and words[1].isdigit():
            return int(words[1])
    return 0


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _write(file: Path, text: str) -> bool:
    try:
        # Not made where it is not there: a controller that is off has no file.
        with file.open("r+") as opened:
            opened.write(text)
    except OSError:
        return False
    return True
