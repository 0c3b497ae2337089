"""One run of cargo over a mirror: which packages, features and targets, offline first, killed as a group."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from opencrates_lsp.face import Phase
from opencrates_lsp.terms import Configuration
from opencrates_lsp.verify.leftovers import remove
from opencrates_lsp.verify.libtest import Tested, read_tests
from opencrates_lsp.verify.messages import Places, Report, read_report
from opencrates_lsp.verify.process import Ended, run
from opencrates_lsp.verify.toolchain import Toolchain

Progress = Callable[[Phase, str], None]
Tool = Literal["check", "clippy", "test"]

_KEEP_GOING_SINCE = 74
_LINE_BYTES = 1 << 12
_BLOCKING = re.compile(r"Blocking waiting for file lock on (?P<what>.+)")
_RUNNING = re.compile(r"^\s+(?:Running|Doc-tests) ", re.MULTILINE)
_OFFLINE = re.compile(r"offline|unable to update|failed to download|no matching package|failed to select a version")
_RUNS = re.compile(r"^\s+(?:Running|Doc-tests) ", re.MULTILINE)
DEADLINE_SECONDS = 900.0


class Wrap(Protocol):
    """Runs a program whose code nobody vouches for, and tells how it ended."""

    async def __call__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        on_line: Callable[[str], None] | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> Ended: ...


def silent(phase: Phase, message: str) -> None:
    """The `Progress` of work that nobody watches."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compiled: `packages` as cargo's `-p` takes them, none for the folder's own.

    `targets` are further arguments that choose among the packages' targets ("--test", "name").
    `everything` takes all members of the workspace.
    """

    packages: tuple[str, ...]
    configuration: Configuration
    targets: tuple[str, ...] = ()
    everything: bool = False

    def arguments(self) -> list[str]:
        chosen = self.configuration
        arguments = [part for package in self.packages for part in ("-p", package)]
        if self.everything:
            arguments.append("--workspace")
        if chosen.all_features:
            arguments.append("--all-features")
        elif chosen.features:
            arguments += ["--features", ",".join(chosen.features)]
        if chosen.no_default_features:
            arguments.append("--no-default-features")
        if chosen.all_targets:
            arguments.append("--all-targets")
        else:
            arguments += self.targets
        if chosen.target:
            arguments += ["--target", chosen.target]
        if chosen.profile:
            arguments += ["--profile", chosen.profile]
        return arguments

    def describe(self) -> str:
        """The configuration for people."""
        words = self.configuration.describe()
        if self.targets and not self.configuration.all_targets:
            words += ", " + " ".join(self.targets).replace("--", "")
        return words


@dataclass(frozen=True, slots=True)
class Cargo:
    """cargo of one toolchain at one place; `target` is a target directory of its own.

    `places` tells where the files that are compiled belong; cargo runs in its root.
    """

    toolchain: Toolchain
    places: Places
    target: Path

    async def run(
        self,
        tool: Tool,
        scope: Scope,
        *,
        progress: Progress = silent,
        online: bool = False,
        wrap: Wrap | None = None,
    ) -> Report:
        """Compile the scope; every package is tried, whatever happens to the others.

        `online` lets cargo fetch what is missing, after it was tried without.
        Raises `Missing` when cargo cannot be started.
        """
        more = ["--message-format=json"]
        if self.toolchain.minor >= _KEEP_GOING_SINCE:
            more.append("--keep-going")
        ended = await self._ended(tool, scope, more, progress, online=online, wrap=wrap)
        report = await asyncio.to_thread(read_report, ended.out, _said(tool, ended), ended.code, self.places)
        return replace(report, was_killed=ended.was_killed)

    async def fetch(self, progress: Progress = silent) -> None:
        """Download what is missing, so that what comes next can do without the network; it tells what it misses."""
        progress("waiting", "cargo fetches what it is built from")
        await self._spawn([str(self.toolchain.cargo), "fetch"], progress, None)

    async def test(
        self,
        scope: Scope,
        *,
        filters: Sequence[str] = (),
        progress: Progress = silent,
        online: bool = False,
        wrap: Wrap | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> Tested:
        """Run the tests of the scope, those of the documentation too; `filters` are what its programs are given."""
        ended = await self._ended(
            "test",
            scope,
            ["--no-fail-fast"],
            progress,
            online=online,
            wrap=wrap,
            deadline_seconds=deadline_seconds,
            words=filters,
        )

        def told() -> Tested:
            out, said = (self.places.renamed(_shortened(text)) for text in (ended.out, _said("test", ended).encode()))
            return read_tests(out, said, ended.code, timed_out=ended.timed_out)

        return replace(await asyncio.to_thread(told), stopped=ended.stopped)

    async def _ended(
        self,
        tool: Tool,
        scope: Scope,
        more: Sequence[str],
        progress: Progress,
        *,
        online: bool,
        wrap: Wrap | None,
        deadline_seconds: float = DEADLINE_SECONDS,
        words: Sequence[str] = (),
    ) -> Ended:
        """Without the network, and where that fails for want of it, once more with it.

        What is wrapped is never run without: its words may be those of code that a model wrote. cargo fetches for it.
        """
        given = scope.configuration.extra_args
        argv = [str(self.toolchain.cargo), tool, *more, "--target-dir", str(self.target), *scope.arguments()]
        bare = "--offline" in given or "--frozen" in given
        # What the user gives may end in words for other programs, after `--`.
        given = (*given, *(() if "--" in given or not words else ("--",)), *words)
        spawn = partial(self._spawn, deadline_seconds=deadline_seconds)
        first = [*argv, *(() if bare else ("--offline",)), *given]
        ended = await spawn(first, progress, wrap)
        if wrap is not None and ended.code != 0 and ended.stopped is None and self._is_spoilt(ended.err):
            await asyncio.to_thread(remove, self.target, self.target.with_suffix(".grave"))
            self.target.mkdir(exist_ok=True)
            ended = await spawn(first, progress, wrap)
        # A cargo that came to run tests had all that it builds them from, whatever they say.
        lacks = ended.code != 0 and ended.stopped is None and _OFFLINE.search(ended.err) and not _RUNS.search(ended.err)
        if online and not bare and lacks:
            if wrap is not None:
                await self.fetch(progress)
                return await spawn([*argv, "--offline", *given], progress, wrap)
            progress("waiting", "cargo fetches what the workspace is built from")
            ended = await spawn([*argv, *given], progress, None)
        return ended

    def _is_spoilt(self, err: str) -> bool:
        """Whether something is wrong with the target itself: code that ran earlier could write to it."""
        said = [line for line in err.splitlines() if str(self.target) in line and "process didn't exit" not in line]
        return bool(said) and _RUNNING.search(err) is None

    async def _spawn(
        self, argv: Sequence[str], progress: Progress, wrap: Wrap | None, *, deadline_seconds: float = DEADLINE_SECONDS
    ) -> Ended:
        def hear(line: str) -> None:
            blocked = _BLOCKING.search(line)
            if blocked is not None:
                progress("waiting", f"another cargo holds the lock on {blocked['what']}")

        # A build directory that the user's settings name would be shared with his own builds.
        env = {**self.toolchain.env, "CARGO_BUILD_BUILD_DIR": str(self.target), "CARGO_TERM_QUIET": "false"}
        if wrap is not None:
            return await wrap(argv, cwd=self.places.root, env=env, on_line=hear, deadline_seconds=deadline_seconds)
        return await run(argv, cwd=self.places.root, env=env, on_line=hear, deadline_seconds=deadline_seconds)


def _shortened(said: bytes) -> str:
    """What programs printed, without the middle of lines that nobody would read to their end."""
    long = (line for line in said.split(b"\n") if len(line) > 2 * _LINE_BYTES)
    for line in dict.fromkeys(long):
        said = said.replace(line, line[:_LINE_BYTES] + b" [...] " + line[-_LINE_BYTES:])
    return said.decode("utf-8", "replace")


def _said(tool: Tool, ended: Ended) -> str:
    why = ended.stopped or ("it was killed" if ended.was_killed else None)
    return ended.err + (f"\nerror: cargo {tool} did not come to its end: {why}\n" if why else "")
