"""The proof of a crate that was written just now: no baseline, and every error counts."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from opencrates_lsp.values import Level, Verdict
from opencrates_lsp.verify.cargo import Cargo, Progress, Scope, Tool, Wrap
from opencrates_lsp.verify.leftovers import Standing, remove, standing, sweep
from opencrates_lsp.verify.libtest import compared
from opencrates_lsp.verify.messages import clippy_findings
from opencrates_lsp.verify.proof import Clock
from opencrates_lsp.verify.reach import is_reached
from opencrates_lsp.verify.running import Guard
from opencrates_lsp.verify.tree import Extent, walk
from opencrates_lsp.verify.trial import Ground, in_thread
from opencrates_lsp.workspace.layout import Layout

_LEFT_SECONDS = 86_400.0
_RUNS = re.compile(rb"proc-macro\s*=\s*true|^\s*build\s*=", re.MULTILINE)


@dataclass(slots=True)
class _Staging:
    """A folder and what was compiled of it: the digest of each file, and the time of the last run."""

    root: Path
    target: Path
    texts: dict[str, bytes] = field(default_factory=dict)
    stamped_ns: int = 0
    exposed: bool = False
    kept: dict[str, bytes] = field(default_factory=dict)
    before: Standing = field(default_factory=dict)

    @property
    def writable(self) -> tuple[Path, ...]:
        return (self.root, self.target)

    def expose(self) -> None:
        """Keep the sources, before code of theirs runs: what lands is what was looked at."""
        self.exposed = True
        found = walk(Extent((str(self.root),), (), frozenset()))
        self.kept = {path: Path(path).read_bytes() for path, one in found.items() if one.text is None and not one.link}
        self.before = standing(self.root)

    def clean(self) -> None:
        """Put back what was there; of what was made the lock file stays, which cargo writes."""
        lock = self.root / "Cargo.lock"
        text = lock.read_bytes() if lock.is_file() and not lock.is_symlink() else None
        sweep(self.root, self.before, self.target.with_suffix(".grave"))
        for path, kept in self.kept.items():
            if not Path(path).exists():
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_bytes(kept)
        if text is not None:
            lock.write_bytes(text)

    def back(self, path: Path) -> Path:
        return Path(os.path.normpath(path))

    def renamed(self, text: str) -> str:
        return text

    def freshen(self) -> bool:
        """Give what was changed since the last run a later time than it; cargo compares times and not texts.

        Tells whether compiling the folder runs code of it.
        """
        self.target.mkdir(parents=True, exist_ok=True)
        runs = False
        found = walk(Extent((str(self.root),), (), frozenset()))
        for path, one in found.items():
            if one.text is not None or one.link is not None:
                continue
            text = Path(path).read_bytes()
            digest = hashlib.blake2b(text, digest_size=16).digest()
            if self.texts.get(path) != digest and one.mtime_ns <= self.stamped_ns:
                os.utime(path, ns=(self.stamped_ns + 1_000_000, self.stamped_ns + 1_000_000))
            self.texts[path] = digest
            name = Path(path).name
            # A word too much only means that it is compiled in the sandbox.
            runs = runs or name == "build.rs" or (name == "Cargo.toml" and _RUNS.search(text) is not None)
        # What code of the folder may have written into the target is not to be run outside either.
        return runs or self.exposed

    def stamp(self) -> None:
        marker = self.target / "checked"
        marker.touch()
        self.stamped_ns = max(self.stamped_ns, marker.stat().st_mtime_ns)


class Stagings:
    """The staged folders of one process; their target directories lie in `<cache>/stagings`."""

    def __init__(self, cache_folder: Path) -> None:
        self._folder = cache_folder / "stagings"
        self._known: dict[Path, _Staging] = {}

    def _sweep(self) -> None:
        """Delete what processes that were killed left behind, once it is a day old."""
        for left in self._folder.iterdir() if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if left.stat().st_mtime < time.time() - _LEFT_SECONDS:
                    remove(left, self._folder / "grave")

    def close(self) -> None:
        """Delete what the folders were compiled into."""
        for staging in self._known.values():
            with contextlib.suppress(OSError):
                remove(staging.target, staging.target.with_suffix(".grave"))
        self._known.clear()

    async def prove(self, folder: Path, level: Level, ground: Ground, guard: Guard, progress: Progress) -> Verdict:
        """See `Verifier.prove_folder`."""
        name = f"{hashlib.blake2b(str(folder).encode(), digest_size=8).hexdigest()}-{os.getpid()}"
        if not self._known:
            await in_thread(self._sweep)
        staging = self._known.setdefault(folder, _Staging(folder, self._folder / name))
        runs = await in_thread(staging.freshen)
        clock = Clock()
        # Where the toolchain has no clippy, what it would say is for the crate's author to find out.
        tool: Tool = "clippy" if level is not Level.CHECK and ground.toolchain.has_clippy else "check"
        scope = Scope((), replace(ground.configuration, all_targets=True), everything=True)
        wrap, sandbox, allowed = await guard.place(ground, staging)
        verdict = Verdict(level, False, scope.describe(), sandbox=sandbox if runs else "none")
        if runs and not allowed:
            return replace(verdict, reason=f"its build script or macro would run when it is checked, and {sandbox}")
        cargo = Cargo(ground.toolchain, staging, staging.target)
        progress("check", "the new crate")
        try:
            if runs:
                await cargo.fetch(progress)
            report = await cargo.run(tool, scope, progress=progress, online=True, wrap=wrap if runs else None)
            clock.step(tool)
            errors = report.errors if tool == "check" else clippy_findings(report)
            verdict = replace(verdict, reached=report.ok, new_errors=tuple(one.diagnostic for one in errors))
            orphan = await in_thread(lambda: _orphan(folder, ground.layout))
            if orphan is not None:
                return replace(verdict, reason=f"no `mod` reaches {orphan}")
            if level is Level.TEST and report.ok and not errors:
                verdict = await _tested(cargo, scope, verdict, wrap, sandbox, progress, allowed=allowed)
                clock.step("tests")
        finally:
            await in_thread(staging.stamp)
        seconds = sum(step.seconds for step in clock.steps)
        return replace(verdict, steps=tuple(clock.steps), seconds=seconds)


def _orphan(folder: Path, layout: Layout) -> str | None:
    """A source file that nothing compiles, where the layout is the folder's own."""

    def read(path: Path) -> bytes:
        return path.read_bytes() if path.is_file() else b""

    for package in layout.packages if layout.root == folder else ():
        for path in sorted((package.root / "src").rglob("*.rs")):
            if not is_reached(package, path, read):
                return path.relative_to(folder).as_posix()
    return None


async def _tested(
    cargo: Cargo, scope: Scope, verdict: Verdict, wrap: Wrap | None, sandbox: str, progress: Progress, *, allowed: bool
) -> Verdict:
    """The verdict with the tests; whatever fails is broken."""
    if not allowed:
        return replace(verdict, level=Level.CLIPPY, sandbox=f"the tests were not run: {sandbox}")
    progress("tests", "of the new crate")
    scope = replace(scope, configuration=replace(scope.configuration, all_targets=False))
    tested = await cargo.test(scope, progress=progress, wrap=wrap)
    return replace(verdict, tests=compared(None, tested), sandbox=sandbox)
