"""The state before an edit, analysed: what cargo says of it, and where rustc looks at the item."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from opencrates_lsp.values import Documents, Level, Severity, Step, Subject
from opencrates_lsp.verify.canary import borrow_canaries, hidden_holes
from opencrates_lsp.verify.cargo import Progress, Scope, Tool
from opencrates_lsp.verify.conditions import Conditions, features_of
from opencrates_lsp.verify.messages import Finding, Report
from opencrates_lsp.verify.process import run
from opencrates_lsp.verify.reach import (
    Standing,
    first_scope,
    is_hopeless,
    is_reached,
    other_scopes,
    standing,
    why_not,
)
from opencrates_lsp.verify.running import Guard, is_run_by_others
from opencrates_lsp.verify.testing import Rehearsal, rehearsed
from opencrates_lsp.verify.trial import Ground, Trial, in_thread
from opencrates_lsp.workspace.configs import configs
from opencrates_lsp.workspace.layout import Layout, Package

_PROFILED = frozenset({"debug_assertions", "overflow_checks", "panic"})
_ONLY_TYPES = "rustc checks its types, but another error keeps it from its borrows"


@dataclass(frozen=True, slots=True)
class Analysed:
    """Where the item was reached, and what cargo said there without the edit."""

    scope: Scope
    place: Standing
    baseline: Report
    tests: Rehearsal | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """The state before the edit.

    `reason` says in one clause why rustc does not look at the item, None when it does.
    `state` is what `documents` and the files made together, for a build and for tests, `configuration` where the item
    is reached, for people.
    """

    level: Level
    reached: bool
    reason: str | None
    configuration: str
    ground: Ground
    subject: Subject
    documents: Documents
    state: tuple[str, str] = ("", "")
    analysed: Analysed | None = None
    steps: tuple[Step, ...] = ()


@dataclass
class Clock:
    """The steps of one piece of work and the seconds that each took."""

    steps: list[Step] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)

    def step(self, name: str) -> None:
        """What was done since the last step."""
        now = time.monotonic()
        self.steps.append(Step(name, now - self.last))
        self.last = now


async def analyse(
    trial: Trial,
    ground: Ground,
    subject: Subject,
    level: Level,
    documents: Documents,
    progress: Progress,
    guard: Guard,
    earlier: Proof | None = None,
) -> Proof:
    """Sync the mirror, run the baseline and the canary, in other configurations too where the item is not in the first.

    `earlier` is a proof of the same item in a state that was almost this one: its tests are not run once more.
    The caller holds the trial's lock.
    """
    clock = Clock()
    progress("check", "bringing the mirror up to date")
    await trial.sync(ground, documents, subject.path)
    clock.step("sync")
    proof = Proof(level, False, None, ground.configuration.describe(), ground, subject, documents)
    place = await in_thread(lambda: _standing(trial, ground.layout, subject))
    if place is None:
        return replace(proof, reason="its file belongs to no package of the workspace", steps=tuple(clock.steps))
    packages = place.seen_by(ground.layout) if place.leaks else (place.package, *place.sharing)
    found, reason = await _search(trial, proof, place, packages, progress, clock)
    # What a macro reads beside the workspace may have come into the mirror meanwhile.
    await in_thread(lambda: trial.mirror.lay({}))
    trial.state = trial.mirror.digest() if trial.state else ""
    proof = replace(proof, state=(trial.mirror.digest(), trial.whole_state), reason=reason, analysed=found)
    if found is not None and reason is None:
        proof = replace(proof, reached=True, configuration=found.scope.describe())
        if level in (Level.AUTO, Level.TEST):
            known = earlier.analysed.tests if earlier is not None and earlier.analysed is not None else None
            tests = await rehearsed(trial, ground, found.scope, found.place, subject, level, progress, guard, known)
            proof = replace(proof, analysed=replace(found, tests=tests))
            clock.step("tests before")
    return replace(proof, steps=tuple(clock.steps))


def _standing(trial: Trial, layout: Layout, subject: Subject) -> Standing | None:
    """Where the item stands; a file that only other members compile belongs to the first of them."""
    read = trial.mirror.text
    package = layout.package_of(subject.path)
    sharing = trial.sharing.members(layout, trial.mirror, subject.path)
    if sharing and (package is None or not is_reached(package, subject.path, read)):
        package, *others = sharing
        sharing = tuple(others)
    if package is None:
        return None
    place = standing(package, subject, read, sharing=sharing, is_run=is_run_by_others(layout, package))
    text = read(subject.path)
    doubled = trial.doubles.named_in(package, trial.mirror, text)
    return replace(place, is_hidden=hidden_holes(text, subject), is_doubled=bool(doubled))


async def _search(
    trial: Trial, proof: Proof, place: Standing, packages: Iterable[Package], progress: Progress, clock: Clock
) -> tuple[Analysed | None, str | None]:
    """The first configuration in which the canary is reported; else what was found in the user's own, and why not."""
    ground, subject, tool = proof.ground, proof.subject, tool_of(proof.level)
    first = first_scope(place, ground.configuration, tuple(packages))
    own: Analysed | None = None
    reason: str | None = None
    for scope in (first, *other_scopes(place, first, ground.configuration)):
        progress("check", f"before the edit ({scope.describe()})")
        report = await trial.survey(ground, proof.documents, tool, scope, subject, progress)
        clock.step("baseline")
        seen = await trial.sees(ground, tool, scope, subject, progress)
        clock.step("canary")
        found = Analysed(scope, place, report)
        if seen:
            if any(one.package == place.package.root for one in report.errors):
                # Where something is wrong with the crate, rustc may not come to what it checks after the types.
                seen = await trial.sees(ground, tool, scope, subject, progress, borrow_canaries)
                clock.step("canary")
            return found, None if seen else _ONLY_TYPES
        if own is None:
            active = await conditions(trial, ground, scope, place, report)
            own, reason = found, why_not(place, report, ground.layout, active)
            if is_hopeless(place, report, ground.layout, active):
                break
    return own, reason


def tool_of(level: Level) -> Tool:
    return "clippy" if level is Level.CLIPPY else "check"


def counted(level: Level, report: Report) -> tuple[Finding, ...]:
    """What counts against an edit at this level; with clippy whatever a lint that is on has to say."""
    if level is not Level.CLIPPY:
        return report.errors
    return tuple(one for one in report.findings if one.diagnostic.code or one.diagnostic.severity is Severity.ERROR)


async def conditions(trial: Trial, ground: Ground, scope: Scope, place: Standing, report: Report) -> Conditions:
    """What holds where the scope is compiled: of the target, of the user's flags, and of the package's build script.

    cargo tells it by an option that is not stable, and where it does not, rustc does for its own target.
    """
    target = ["--target", ground.configuration.target] if ground.configuration.target else []
    cargo = [str(ground.toolchain.cargo), "rustc", "--offline", *target, "--print", "cfg", "-Zunstable-options"]
    # It builds nothing, and yet keeps what it knows of rustc where it would build.
    cargo += ["--target-dir", str(trial.mirror.target)]
    env = {**ground.toolchain.env, "CARGO_BUILD_BUILD_DIR": str(trial.mirror.target)}
    root = trial.mirror.root
    said = await run(cargo, cwd=root, env={**env, "RUSTC_BOOTSTRAP": "1"}, deadline_seconds=20)
    if said.code != 0:
        said = await run(
            [str(ground.toolchain.rustc), "--print", "cfg", *target], cwd=root, env=env, deadline_seconds=20
        )
    told = {line.replace(" ", "") for line in said.out.decode("utf-8", "replace").splitlines()}
    own = {one for root, one in report.conditions if root == place.package.root}
    unknown = await in_thread(lambda: _of_profiles(trial, ground))
    holding = {one for one in told if one.partition("=")[0] not in unknown}
    return Conditions(
        frozenset(holding | own) | features_of(place.package, scope.configuration), unknown, _test_values(scope)
    )


def _test_values(scope: Scope) -> tuple[bool, ...]:
    """What `test` is in the runs of rustc for a scope."""
    if scope.configuration.all_targets:
        return (False, True)
    return ("--test" in scope.targets or "--bench" in scope.targets,)


def _of_profiles(trial: Trial, ground: Ground) -> frozenset[str]:
    """The names of what a profile decides, where that may be another one than rustc takes for its own."""
    usual = ground.configuration.profile in (None, "dev", "test")
    files = [
        trial.mirror.text(path) for path in (trial.mirror.user_root / "Cargo.toml", *configs(trial.mirror.user_root))
    ]
    named = any(re.search(rb"debug-assertions|overflow-checks|panic", text) for text in files)
    set_by_env = any(name.startswith("CARGO_PROFILE_") for name in ground.toolchain.env)
    return frozenset() if usual and not named and not set_by_env else _PROFILED
