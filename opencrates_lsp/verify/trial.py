"""One mirror at work: what was compiled in it is remembered by the state that it was compiled in.

The callers hold `lock`, because one mirror takes one check at a time.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

from opencrates_lsp.errors import Missing
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Documents, Subject
from opencrates_lsp.verify.bounds import Bounds
from opencrates_lsp.verify.canary import Canary, canaries, is_reported
from opencrates_lsp.verify.cargo import Cargo, Progress, Scope, Tool, Wrap
from opencrates_lsp.verify.doubles import Doubles
from opencrates_lsp.verify.libtest import Tested
from opencrates_lsp.verify.messages import Report
from opencrates_lsp.verify.mirror import Mirror
from opencrates_lsp.verify.mirrors import open_mirror
from opencrates_lsp.verify.picking import Run, Skims
from opencrates_lsp.verify.quiet import quiet_canary, without
from opencrates_lsp.verify.seed import RESERVE_BYTES, free_bytes, locked_names, seed
from opencrates_lsp.verify.sharing import Sharing
from opencrates_lsp.verify.toolchain import Toolchain
from opencrates_lsp.verify.tree import extent
from opencrates_lsp.verify.unmirrored import unmirrored
from opencrates_lsp.workspace.layout import Layout, Package

T = TypeVar("T")

_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Ground:
    """What is proved on.

    `sandbox` tells where code that a model wrote may run: in bubblewrap if it works here, there or nowhere, or
    anywhere; `consent` lets it run without bubblewrap, or tells whether it may (and asks the user, if it is given
    True). `bounds` are those of such a run.
    `test_budget_seconds` is how long the tests may take at the level `auto`, before an edit and after it.
    """

    layout: Layout
    toolchain: Toolchain
    configuration: Configuration
    sandbox: Literal["auto", "require", "off"] = "auto"
    consent: bool | Callable[[bool], Awaitable[bool]] = False
    bounds: Bounds = field(default_factory=Bounds)
    test_budget_seconds: float = 20.0

    def __post_init__(self) -> None:
        """What is built for is named, where cargo's own settings decide it."""
        given = self.configuration
        if self.layout.target and not given.target and not any(one.startswith("--target") for one in given.extra_args):
            object.__setattr__(self, "configuration", replace(given, target=self.layout.target))


class Trial:
    """The mirror of one workspace, and what cargo said of its states."""

    def __init__(self, cache_folder: Path, root: Path) -> None:
        self.lock = asyncio.Lock()
        self._cache_folder = cache_folder
        self._root = root
        self._mirror: Mirror | None = None
        self._reports: OrderedDict[tuple[object, ...], Report] = OrderedDict()
        self._canaries: OrderedDict[tuple[object, ...], bool] = OrderedDict()
        self._tested: OrderedDict[tuple[object, ...], Tested] = OrderedDict()
        self.sharing = Sharing()
        self.skims = Skims()
        self.doubles = Doubles()
        self._last_tested: object = None
        self.state = ""
        self.whole_state = ""

    @property
    def mirror(self) -> Mirror:
        if self._mirror is None:
            raise Missing("There is no mirror yet.")
        return self._mirror

    def close(self) -> None:
        if self._mirror is not None:
            self._mirror.close()
            self._mirror = None

    async def sync(self, ground: Ground, documents: Documents, warm: Path | None) -> str:
        """Make the mirror what the user has; gives the digest of that state.

        `warm` is the file of the item that is to be proved: the first time, its package is compiled here even where
        the user's own build could stand for it, so that what rustc keeps of it is there for the candidates.
        Raises `Missing` where the mirror cannot be written, or a file cannot be read.
        """

        def work() -> str:
            try:
                return synced()
            except OSError as error:
                raise Missing(
                    f"The mirror of {self._root} cannot be made: {error.strerror or error}.",
                    remedy="Mend that, or move the cache with OPENCRATES_HOME.",
                    place=Path(os.fsdecode(error.filename)) if error.filename else self._cache_folder,
                ) from error

        def synced() -> str:
            if self._mirror is not None and self._mirror.is_gone:
                # Somebody cleared the cache; what cargo said of the texts is as true as before.
                self.close()
            if self._mirror is None:
                self._mirror = open_mirror(self._cache_folder, self._root)
            mirror = self._mirror
            if free_bytes(mirror.folder) < RESERVE_BYTES // 4:
                raise Missing(
                    f"There is no room for a mirror of {self._root}.",
                    remedy="Free some space, or move the cache with OPENCRATES_HOME.",
                    place=mirror.folder,
                )
            seeded = False
            if mirror.is_empty and not mirror.target.exists():
                own = {package.name for package in ground.layout.packages}
                own |= {folder.name for folder in ground.layout.outside}
                built = ground.layout.build_directory or ground.layout.target_directory
                locked = locked_names(self._root / "Cargo.lock")
                seeded = seed(built, mirror.target, ground.configuration, own, locked)
            home = Path(ground.toolchain.env.get("CARGO_HOME") or Path.home() / ".cargo")
            wanted = extent(ground.layout, home, (self._cache_folder,), map(Path, mirror.more))
            mirror.sync(wanted, documents, keep_times=seeded)
            if seeded:
                mirror.stamp()
            mirror.unread.may_be(ground.layout, mirror.text(self._root / "Cargo.lock"))
            mirror.look()
            package = ground.layout.package_of(warm) if warm is not None else None
            if package is not None and warm is not None and str(package.root) not in mirror.warmed:
                mirror.touch(warm)
                mirror.warmed.add(str(package.root))
                mirror.save()
            self.whole_state = mirror.digest_without(None, b"", every=True)
            return mirror.digest()

        self.state = ""
        self.state = await in_thread(work)
        return self.state

    def base(self, path: Path) -> bytes:
        """The text of the last sync, whatever candidate lies over it."""
        return self.mirror.base(path)

    async def baseline(
        self, ground: Ground, documents: Documents, tool: Tool, scope: Scope, progress: Progress
    ) -> Report:
        """What cargo says of the state of the last sync; remembered."""
        while True:
            await in_thread(lambda: self.mirror.lay({}))
            known = self._reports.get(self._key(ground, tool, scope))
            if known is not None:
                return known
            report = await self.run(ground, tool, scope, progress, online=True)
            found = self._unmirrored(report)
            if not found:
                break
            # A file outside of everything that manifests name is read by a macro; from now on it is mirrored.
            self.mirror.more |= found
            await self.sync(ground, documents, None)
        self.remember(ground, tool, scope, report)
        return report

    async def survey(
        self, ground: Ground, documents: Documents, tool: Tool, scope: Scope, subject: Subject, progress: Progress
    ) -> Report:
        """The baseline, where one run can tell it together with whether rustc analyses the item, which is remembered.

        clippy may have more to say of the longer body.
        """
        mirror = self.mirror

        def laid() -> tuple[Canary, tuple[object, ...]] | None:
            mirror.lay({})
            text = mirror.text(subject.path)
            canary = quiet_canary(text, subject)
            loud = canaries(text, subject)
            if canary is None or not loud or self._key(ground, tool, scope) in self._reports:
                return None
            key = (tool, scope, mark(ground.toolchain), mirror.digest_without(subject.path, loud[0].text))
            if key in self._canaries:
                return None
            mirror.lay({subject.path: canary.text})
            return canary, key

        found = await in_thread(laid) if tool == "check" else None
        if found is not None:
            canary, key = found
            report = await self.run(ground, tool, scope, progress, online=True)
            await in_thread(lambda: mirror.lay({}))
            plain = without(report, subject.path, canary)
            if is_reported(report, subject, canary):
                _remember(self._canaries, key, True)
            if plain is not None and not self._unmirrored(report):
                self.remember(ground, tool, scope, plain)
        return await self.baseline(ground, documents, tool, scope, progress)

    async def sees(
        self,
        ground: Ground,
        tool: Tool,
        scope: Scope,
        subject: Subject,
        progress: Progress,
        laid: Callable[[bytes, Subject], tuple[Canary, ...]] = canaries,
    ) -> bool:
        """Whether rustc analyses the item: one of the canaries that are `laid` into it is reported.

        Remembered for as long as nothing but the item's own probe is changed.
        """
        mirror = self.mirror

        def texts() -> list[tuple[Canary, str]]:
            mirror.lay({})
            found = laid(mirror.text(subject.path), subject)
            return [(canary, mirror.digest_without(subject.path, canary.text)) for canary in found]

        for canary, around in await in_thread(texts):
            key = (tool, scope, mark(ground.toolchain), around)
            if key not in self._canaries:
                await in_thread(partial(mirror.lay, {subject.path: canary.text}))
                report = await self.run(ground, tool, scope, progress)
                _remember(self._canaries, key, is_reported(report, subject, canary))
            if self._canaries[key]:
                return True
        return False

    async def candidate(
        self,
        ground: Ground,
        tool: Tool,
        scope: Scope,
        after: Mapping[Path, bytes | None],
        sharing: Iterable[Package],
        progress: Progress,
        wrap: Wrap | None = None,
    ) -> Report | None:
        """What cargo says of a candidate; None when it took it for old twice, which is no answer.

        `sharing` are the packages that compile the edited files, beside those whose folders they are in.
        """
        wrote = await in_thread(lambda: self.mirror.lay(after))
        folders = {package.root for path in after if (package := ground.layout.package_of(path)) is not None}
        folders.update(package.root for package in sharing)
        for _ in range(2):
            report = await self.run(ground, tool, scope, progress, online=_manifests(after), wrap=wrap)
            if not (wrote and report.ok) or report.compiled & folders:
                return report
            await in_thread(lambda: self.mirror.touch(*(path for path, text in after.items() if text is not None)))
        return None

    async def run(
        self,
        ground: Ground,
        tool: Tool,
        scope: Scope,
        progress: Progress,
        *,
        online: bool = False,
        wrap: Wrap | None = None,
    ) -> Report:
        """One run of cargo in the mirror as it is.

        Raises `Missing` where cargo is killed twice, and not for what it runs: then nothing is known.
        """
        mirror = self.mirror
        cargo = await in_thread(lambda: self._cargo(ground, wrap))
        try:
            report = await cargo.run(tool, scope, progress=progress, online=online, wrap=wrap)
            if report.was_killed and wrap is None:
                report = await cargo.run(tool, scope, progress=progress, online=online)
            if report.was_killed and wrap is None:
                raise Missing(
                    "cargo was killed before it came to its end.", remedy="See whether there is enough memory for it."
                )
            return report
        finally:
            if wrap is not None:
                await self._ran()
            mirror.stamp()
            await in_thread(mirror.look)

    def _cargo(self, ground: Ground, wrap: Wrap | None) -> Cargo:
        """cargo with the target of those whose code runs: what such code may write to, nobody else builds in.

        The first time it has what was compiled for the checks, as these have it of the user's own.
        """
        mirror = self.mirror
        if wrap is None:
            return Cargo(ground.toolchain, mirror, mirror.target)
        if not mirror.exposed.exists():
            own = {package.name for package in ground.layout.packages}
            seed(mirror.target, mirror.exposed, ground.configuration, own, frozenset())
            mirror.exposed.mkdir(exist_ok=True)
        return Cargo(ground.toolchain, mirror, mirror.exposed)

    def tested(self, ground: Ground, tests: Run) -> Tested | None:
        """The outcomes of the tests in the mirror as it is, where they were run."""
        return self._tested.get(self._test_key(ground, tests))

    def is_tested_anew(self) -> bool:
        """Whether the mirror is another one than when tests were last run in it."""
        return self._last_tested != self.mirror.digest_without(None, b"", every=True)

    async def test(
        self,
        ground: Ground,
        tests: Run,
        progress: Progress,
        wrap: Wrap | None,
        *,
        seconds: float,
        more: Sequence[str] = (),
    ) -> Tested:
        """Run the tests in the mirror as it is, for so many seconds; `more` are further words for their programs."""
        cargo = await in_thread(lambda: self._cargo(ground, wrap))
        key = self._test_key(ground, tests)
        self._last_tested = key[-1]
        started = time.monotonic()
        try:
            tested = await cargo.test(
                tests.scope,
                filters=(*tests.filters, *more),
                progress=progress,
                online=True,
                wrap=wrap,
                deadline_seconds=seconds,
            )
        finally:
            await self._ran()
        tested = replace(tested, seconds=time.monotonic() - started)
        if not more and not tested.timed_out:
            _remember(self._tested, key, tested)
        return tested

    def remember(self, ground: Ground, tool: Tool, scope: Scope, report: Report) -> None:
        """Keep what cargo said of the mirror as it is."""
        _remember(self._reports, self._key(ground, tool, scope), report)

    async def _ran(self) -> None:
        """Tests, and code that a model wrote, may have written into the tree: then its state is not known any more."""
        self.mirror.stamp()
        if await in_thread(self.mirror.inspect):
            self.state = ""

    def _key(self, ground: Ground, tool: Tool, scope: Scope) -> tuple[object, ...]:
        return (tool, scope, mark(ground.toolchain), self.mirror.digest())

    def _test_key(self, ground: Ground, tests: Run) -> tuple[object, ...]:
        return ("test", tests, mark(ground.toolchain), self.mirror.digest_without(None, b"", every=True))

    def _unmirrored(self, report: Report) -> set[str]:
        """The user's files that rustc did not find in the mirror, but those that were brought there already."""
        return unmirrored(report, self._root) - self.mirror.more


def mark(toolchain: Toolchain) -> tuple[object, ...]:
    """A toolchain and its environment, in a form that can be compared."""
    return (toolchain.cargo, toolchain.version, tuple(sorted(toolchain.env.items())))


async def in_thread(work: Callable[[], T]) -> T:
    """`work` in a thread; a cancellation waits for it, so that nobody else comes to the files meanwhile."""
    task = asyncio.ensure_future(asyncio.to_thread(work))
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        # What the thread ran into no longer matters to anybody.
        task.exception()
        raise asyncio.CancelledError
    return task.result()


def _manifests(after: Mapping[Path, bytes | None]) -> bool:
    return any(path.name == "Cargo.toml" for path in after)


def _remember(known: OrderedDict[tuple[object, ...], T], key: tuple[object, ...], value: T) -> None:
    known[key] = value
    known.move_to_end(key)
    while len(known) > _REMEMBERED:
        known.popitem(last=False)
