"""What bounds a run: cgroups where they may be made, rlimits, and what is left of those who were killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from opencrates_lsp.verify.bounds import Bounds, counts_by_namespace, limited, sized
from opencrates_lsp.verify.cgroup import Group, Parent, find
from opencrates_lsp.verify.leftovers import remove, standing, sweep

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="There are neither cgroups nor rlimits.")
_FOREVER = "while :; do sleep 1; done"


@pytest.fixture
def parent() -> Parent:
    found = find()
    if found is None:
        pytest.skip("No cgroup can be made here.")
    return found


@pytest.fixture
def group(parent: Parent) -> Iterator[Group]:
    made = parent.make(Bounds(memory=200 << 20, processes=20))
    if made is None:
        pytest.skip("No cgroup can be made here.")
    yield made
    made.close()


def test_all_that_is_started_in_a_group_ends_with_it(group: Group) -> None:
    script = f"setsid sh -c '{_FOREVER}' & {_FOREVER}"
    started = subprocess.Popen(group.entering(["/bin/sh", "-c", script]))
    try:
        own = psutil.Process(started.pid)
        inside = wait_for(lambda: own.children(recursive=True))
        group.close()
        assert started.wait(timeout=30) == -signal.SIGKILL
        assert psutil.wait_procs(inside, timeout=30)[1] == []
        assert not group.folder.exists()
    finally:
        started.kill()
        started.wait()


def test_a_program_that_cannot_enter_does_not_run(tmp_path: Path) -> None:
    group = Group(tmp_path / "gone", frozenset())
    ended = subprocess.run(group.entering(["/bin/echo", "ran"]), capture_output=True, text=True, check=False)
    assert (ended.returncode == 0, ended.stdout) == (False, "")


def test_the_groups_of_a_killed_server_are_removed_by_the_next(parent: Parent) -> None:
    """Their processes too; those of one that lives stay."""
    program = (
        "import subprocess, sys\nfrom opencrates_lsp.verify.cgroup import find\n"
        "from opencrates_lsp.verify.bounds import Bounds\ngroup = find().make(Bounds())\n"
        f"inside = subprocess.Popen(group.entering(['/bin/sh', '-c', '{_FOREVER}']), start_new_session=True)\n"
        "print(group.folder, inside.pid, flush=True)\nsys.stdin.read()\n"
    )
    server = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        folder, _, pid = server.stdout.readline().strip().rpartition(" ")
        left, inside = Path(folder), psutil.Process(int(pid))
        wait_for(lambda: (left / "cgroup.procs").read_text().split())
        parent.sweep()
        assert left.is_dir()
        assert inside.is_running()
        server.kill()
    parent.sweep()
    assert psutil.wait_procs([inside], timeout=30)[1] == []
    assert not left.exists()


@pytest.mark.parametrize(
    ("controller", "script", "said"),
    [
        ("memory", "x = bytearray(10**9)", "it wanted more than the 200 MiB of memory that it may use"),
        ("pids", "import os\nfor _ in range(60): os.fork() or os._exit(0)", "it started more than 20 processes"),
    ],
)
def test_a_group_bounds_what_runs_in_it(parent: Parent, group: Group, controller: str, script: str, said: str) -> None:
    if controller not in parent.controllers:
        pytest.skip(f"The controller {controller} is not handed down here.")
    bounds = Bounds(memory=200 << 20, processes=20)
    assert group.complaint(bounds) is None
    argv = group.entering([sys.executable, "-S", "-c", script])
    assert subprocess.run(argv, stderr=subprocess.DEVNULL, timeout=60, check=False).returncode != 0
    assert said in (group.complaint(bounds) or "")


def test_rlimits_hold_and_raise_nothing() -> None:
    script = "ulimit -c; ulimit -d; ulimit -H -n; ulimit -d unlimited"
    command = limited("prlimit", Bounds(memory=100 << 20), ["/bin/sh", "-c", script], processes=False)
    with contextlib.suppress(FileNotFoundError):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        core, data, files = ended.stdout.split()[:3]
        assert (core, data) == ("0", str(100 << 10))
        assert int(files) <= 1 << 16


@pytest.mark.parametrize(
    ("release", "told"), [("6.18.44-fc-v669", True), ("5.14.0", True), ("5.4.0-100-generic", False), ("4.19", False)]
)
def test_processes_are_counted_apart_since_linux_5_14(release: str, told: bool) -> None:
    assert counts_by_namespace(release) is (told and sys.platform == "linux")


def test_sizes_are_told_as_people_say_them() -> None:
    assert [sized(one) for one in (2 << 30, 700 << 20, 3 << 29)] == ["2 GiB", "700 MiB", "1.5 GiB"]


def test_what_was_there_stays_and_all_else_goes(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "kept").mkdir(parents=True)
    (tree / "kept/file").write_text("1")
    (tree / "changed").write_text("1")
    before = standing(tree)
    assert not sweep(tree, before, tmp_path / "grave")
    time_ns = (tree / "changed").stat().st_mtime_ns
    (tree / "changed").write_text("2")
    os.utime(tree / "changed", ns=(time_ns, time_ns))
    (tree / "link").symlink_to(tmp_path)
    (tree / "new/inner").mkdir(parents=True)
    (tree / "new/inner/file").write_text("")
    (tree / "new/inner").chmod(0)
    (tree / "new").chmod(0)
    (tree / "kept").chmod(0)
    assert sweep(tree, before, tmp_path / "grave")
    assert sorted(path.name for path in tree.rglob("*")) == ["file", "kept"]
    assert (tree / "kept").stat().st_mode & 0o777 == before[str(tree / "kept")][1] & 0o777
    remove(tree, tmp_path / "grave")
    assert list(tmp_path.iterdir()) == []


def wait_for(look: Callable[[], list[Any]]) -> list[Any]:
    """What is there once something is."""
    until = time.monotonic() + 30
    while not (found := look()) and time.monotonic() < until:
        os.sched_yield()
    return found
