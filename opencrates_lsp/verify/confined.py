"""A run of code that nobody vouches for: in the sandbox where there is one, within bounds, and with an end.

What it ran into is told as `Ended.stopped`. Its priority is low, so that an editor beside it stays quick.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from opencrates_lsp.verify.bounds import Bounds, limited, out_of_memory, too_large_file
from opencrates_lsp.verify.cgroup import Group, Parent
from opencrates_lsp.verify.process import Ended, Keeper, run
from opencrates_lsp.verify.sandbox import Sandbox
from opencrates_lsp.verify.trial import in_thread
from opencrates_lsp.verify.watch import Watch

_NICE = ("-n", "10")
# How programs end that an rlimit lets have no more memory, and those that write too large a file; cargo tells signals.
_NO_MEMORY = re.compile(
    rb"(?:memory allocation of \d+ bytes failed|LLVM ERROR: out of memory|std::bad_alloc).*?SIGABRT", re.DOTALL
)
_NO_FILE = re.compile(rb"\(signal: 25\b")
_SAID_BYTES = 1 << 16


class Shown(Protocol):
    """What such code is shown to write to."""

    @property
    def root(self) -> Path:
        """The folder that it starts in."""
        ...

    @property
    def writable(self) -> tuple[Path, ...]:
        """The folders that it may write to."""
        ...

    def expose(self) -> None:
        """Take down what is there, right before it runs."""
        ...

    def clean(self) -> None:
        """Undo what it did to files that somebody else will use; it has ended."""
        ...


@dataclass(frozen=True, slots=True)
class Confined:
    """See `cargo.Wrap`; `sandbox` is None where the user agreed to do without.

    `keep` are the variables that it is given beside the usual ones.
    """

    bounds: Bounds
    sandbox: Sandbox | None
    parent: Parent | None
    prlimit: str | None
    shown: Shown
    keep: tuple[str, ...] = ()

    async def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_line: Callable[[str], None] | None = None,
        deadline_seconds: float = math.inf,
    ) -> Ended:
        """Run a program to its end, or to the bound that it runs into; nothing that it started outlives this.

        Of `deadline_seconds` and the bounds' own deadline the earlier holds.

        Without a sandbox and a cgroup, what leaves its session on purpose does.
        Raises `Missing` when it cannot be started.
        """
        await in_thread(self.shown.expose)
        group = await in_thread(self._group)
        told, telling = os.pipe()
        os.set_blocking(told, False)
        watch = Watch(self.bounds, self.shown.writable, group, told)
        try:
            command = self._command(argv, group, cwd, env, telling)
            ended = await run(
                command,
                cwd=cwd,
                env=env,
                on_line=on_line,
                deadline_seconds=min(self.bounds.deadline_seconds, deadline_seconds),
                most_bytes=self.bounds.output,
                keeper=Keeper(watch.watch, watch.end),
                pass_fds=(telling,),
            )
            complaint = group.complaint(self.bounds) if group is not None else None
        finally:
            await in_thread(lambda: self._after(watch, group))
            os.close(told)
            os.close(telling)
        return replace(ended, stopped=ended.stopped or complaint or self._said(ended))

    def describe(self) -> str:
        """For people: the sandbox, and what bounds what."""
        held = self.parent.controllers if self.parent is not None else frozenset[str]()
        by_group = [name for name, controller in (("memory", "memory"), ("processes", "pids")) if controller in held]
        watched = [name for name in ("memory", "processes") if name not in by_group]
        words = [self.sandbox.name if self.sandbox is not None else "none"]
        if by_group:
            words.append(f"{' and '.join(by_group)} bounded by cgroup")
        if self.prlimit is not None:
            counted = ", processes" if self.sandbox is not None and self.sandbox.counts_processes else ""
            words.append(f"memory of a process, size of a file{counted} bounded by rlimit")
        words.append(f"{', '.join([*watched, 'disk, output and time'])} watched")
        return "; ".join(words)

    def _group(self) -> Group | None:
        return self.parent.make(self.bounds) if self.parent is not None else None

    def _after(self, watch: Watch, group: Group | None) -> None:
        watch.close()
        watch.settle()
        if group is not None:
            group.close()
        self.shown.clean()

    def _command(
        self, argv: Sequence[str], group: Group | None, cwd: Path, env: Mapping[str, str], telling: int
    ) -> list[str]:
        if self.sandbox is None:
            command = limited(self.prlimit, self.bounds, argv, processes=False)
        else:
            writable = self.shown.writable
            command = self.sandbox.wrap(
                argv, writable=writable, cwd=cwd, env=env, keep=self.keep, bounds=self.bounds, info=telling
            )
        nice = shutil.which("nice", path=env.get("PATH"))
        command = [nice, *_NICE, *command] if nice is not None else command
        return group.entering(command) if group is not None else command

    def _said(self, ended: Ended) -> str | None:
        """What bound a program that failed says that it has met, since nobody was there to see it."""
        if ended.code == 0 or self.prlimit is None:
            return None
        said = ended.out[-_SAID_BYTES:] + ended.err[-_SAID_BYTES:].encode("utf-8", "replace")
        if _NO_MEMORY.search(said):
            return out_of_memory(self.bounds)
        return too_large_file(self.bounds) if _NO_FILE.search(said) else None
