"""One candidate, held against the baseline of the state that it is laid into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from opencrates_lsp.values import Level, Severity, Verdict
from opencrates_lsp.verify.believing import tested
from opencrates_lsp.verify.cargo import Progress, Scope, Wrap
from opencrates_lsp.verify.conditions import added, adds_choices
from opencrates_lsp.verify.felt import adds_tests, concerns_tests, has_tests, reaches_out
from opencrates_lsp.verify.messages import Finding, new_findings
from opencrates_lsp.verify.proof import Analysed, Clock, Proof, conditions, counted, tool_of
from opencrates_lsp.verify.reach import plain_scope, why_not, with_packages
from opencrates_lsp.verify.running import Guard, runs_code_of
from opencrates_lsp.verify.trial import Trial, in_thread
from opencrates_lsp.verify.uncovered import its_own
from opencrates_lsp.workspace.layout import Layout, Package

After = Mapping[Path, bytes | None]
# Folders whose files are no part of a library or a program, as cargo has it by default.
_APART = frozenset(("tests", "examples", "benches"))
# What a value or an opaque type can do to code in other files: types and their bounds, patterns, layouts, evaluation.
_OF_BODIES = re.compile("E0(?:00[45]|030|08[01]|119|271|275|277|28[234]|308|370|391|512|52[78]|579|592|599|720|790)")
# The same where rustc has no code for it.
_OF_BOUNDS = re.compile(r"between threads|not general enough|higher-ranked|depth limit|recursion limit|cycle")


async def judged(
    trial: Trial,
    proof: Proof,
    after: After,
    guard: Guard,
    clock: Clock,
    *,
    whole_workspace: bool,
    progress: Progress,
) -> Verdict:
    """See `Verifier.judge`; the proof is of the state in the mirror, and the caller holds the trial's lock."""
    ground, found = proof.ground, proof.analysed
    if found is None:
        return verdict_of(proof, clock, proof.reason, beyond=True)
    felt = partial(_felt, trial, proof, found, after, whole_workspace=whole_workspace)
    wide, tests = await in_thread(felt)
    if wide or tests:
        widened = await _widened(trial, proof, found, progress, clock, wide=wide, tests=tests)
        if isinstance(widened, str):
            return replace(verdict_of(proof, clock, widened), reached=False)
        found = widened
    hidden = await _hidden(trial, proof, found, after)
    if hidden is not None:
        return replace(verdict_of(proof, clock, hidden), reached=False)
    wrap, sandbox, allowed = None, "none", True
    plain = plain_scope(found.place, ground.configuration, ground.layout)
    scopes = tuple(filter(None, (found.scope, plain)))
    if await in_thread(lambda: _any_runs(proof, found, scopes, after)):
        wrap, sandbox, allowed = await guard.place(ground, trial.mirror)
    if not allowed:
        reason = f"to check it is to run it (a build script or a procedural macro), and {sandbox}"
        return replace(verdict_of(proof, clock, reason, beyond=True), sandbox=sandbox)
    progress("check", found.scope.describe())
    own = (found.place.package, *found.place.sharing)
    more = await _new_in(trial, proof, plain, after, own, progress, wrap, clock)
    report = await trial.candidate(ground, tool_of(proof.level), found.scope, after, own, progress, wrap)
    clock.step("check")
    if report is None:
        return verdict_of(proof, clock, "cargo takes it for what it compiled before", beyond=True)
    new = new_findings(counted(proof.level, found.baseline), counted(proof.level, report))
    if not wide and not found.baseline.ok and not (found.place.is_run or found.place.is_macro):
        new = tuple(one for one in new if one.diagnostic.path in (None, *after) or _may_come_of_a_body(one))
    if not new and not report.ok and found.baseline.ok:
        return verdict_of(proof, clock, "cargo fails without naming an error", beyond=True)
    if not new and not more:
        trial.remember(ground, tool_of(proof.level), found.scope, report)
    new += new_findings(new, more)
    if new and not found.baseline.ok:
        new = await its_own(trial, proof, found, after, new, progress)
        clock.step("what comes to light")
    verdict = replace(
        verdict_of(proof, clock, None),
        configuration=found.scope.describe(),
        baseline_errors=len(found.baseline.errors),
        new_errors=tuple(one.diagnostic for one in new),
        sandbox=sandbox,
    )
    return verdict if new else await tested(trial, proof, found, after, verdict, guard, progress, clock)


def _any_runs(proof: Proof, found: Analysed, scopes: tuple[Scope, ...], after: After) -> bool:
    return any(runs_code_of(proof.ground.layout, found.place, scope, after) for scope in scopes)


async def _new_in(
    trial: Trial,
    proof: Proof,
    scope: Scope | None,
    after: After,
    own: tuple[Package, ...],
    progress: Progress,
    wrap: Wrap | None,
    clock: Clock,
) -> tuple[Finding, ...]:
    """What the candidate breaks in another configuration; nothing where it is not compiled there."""
    if scope is None:
        return ()
    tool = tool_of(proof.level)
    progress("check", f"as the default members have it ({scope.describe()})")
    baseline = await trial.baseline(proof.ground, proof.documents, tool, scope, progress)
    report = await trial.candidate(proof.ground, tool, scope, after, own, progress, wrap)
    clock.step("check of the default members")
    if report is None:
        return ()
    new = new_findings(counted(proof.level, baseline), counted(proof.level, report))
    if not baseline.ok:
        new = tuple(one for one in new if one.diagnostic.path in (None, *after) or _may_come_of_a_body(one))
    return new


def verdict_of(proof: Proof, clock: Clock, reason: str | None, *, beyond: bool = False) -> Verdict:
    """A verdict with what the proof and the clock tell; `beyond` says that the reason is no fault of the answer."""
    steps = (*proof.steps, *clock.steps)
    return Verdict(
        level=Level.CHECK if proof.level is Level.AUTO else proof.level,
        reached=proof.reached,
        configuration=proof.configuration,
        baseline_errors=len(proof.analysed.baseline.errors) if proof.analysed is not None else 0,
        seconds=sum(step.seconds for step in clock.steps),
        steps=steps,
        reason=reason,
        beyond_answer=beyond,
    )


def _may_come_of_a_body(one: Finding) -> bool:
    """Whether an error in another file may come of a body, and not only come to light.

    An error that was there before, like a `todo!()` in a const, keeps rustc from the tests and members that are
    built from it, and what is wrong with the names in those is no fault of the edit.
    """
    code = one.diagnostic.code or ""
    is_lint = code != "" and not code.startswith(("E0", "clippy::"))
    of_body = _OF_BODIES.fullmatch(code) if code else _OF_BOUNDS.search(one.diagnostic.message)
    return one.diagnostic.severity is Severity.ERROR and (is_lint or of_body is not None)


def _felt(trial: Trial, proof: Proof, found: Analysed, after: After, *, whole_workspace: bool) -> tuple[bool, bool]:
    """Whether the edit is to be checked where others see it, and whether in builds of tests."""
    layout, package = proof.ground.layout, found.place.package
    pairs = [(trial.base(path), text or b"") for path, text in after.items()]
    more_tests = any(adds_tests(*pair) for pair in pairs)
    wide = whole_workspace or more_tests or any(reaches_out(*pair) for pair in pairs)
    if more_tests or any("test" in cfg for pair in pairs for cfg in added(*pair)):
        return wide, True
    doubled = (trial.doubles.named_in(package, trial.mirror, text) for _, text in pairs)
    if not found.place.is_doubled and any(doubled):
        return wide, True
    users = {path: text for path, text in _users(trial, found, layout) if wide}
    return wide, wide and any(concerns_tests(*pair, users.values()) for pair in pairs)


def _users(trial: Trial, found: Analysed, layout: Layout) -> Iterator[tuple[Path, bytes]]:
    """The texts before the edit that may be for builds of tests alone, of all that see the edit."""
    folders = tuple(package.root for package in found.place.seen_by(layout))
    for name, _, _ in trial.mirror.listed():
        path = Path(name)
        if path.suffix == ".rs" and any(map(path.is_relative_to, folders)):
            text = trial.base(path)
            if has_tests(text) or not _APART.isdisjoint(path.parts):
                yield path, text


async def _widened(
    trial: Trial, proof: Proof, found: Analysed, progress: Progress, clock: Clock, *, wide: bool, tests: bool
) -> Analysed | str:
    """The analysis of everything that can see the edit; or why rustc does not look at the item there."""
    ground, tool = proof.ground, tool_of(proof.level)
    scope = with_packages(found.scope, found.place.seen_by(ground.layout)) if wide else found.scope
    if tests:
        scope = replace(scope, configuration=replace(scope.configuration, all_targets=True), targets=())
    if scope == found.scope:
        return found
    progress("check", f"before the edit ({scope.describe()})")
    baseline = await trial.survey(ground, proof.documents, tool, scope, proof.subject, progress)
    clock.step("baseline")
    seen = await trial.sees(ground, tool, scope, proof.subject, progress)
    clock.step("canary")
    if seen:
        return Analysed(scope, found.place, baseline, found.tests)
    return why_not(found.place, baseline, ground.layout, await conditions(trial, ground, scope, found.place, baseline))


async def _hidden(trial: Trial, proof: Proof, found: Analysed, after: After) -> str | None:
    """Why a part of the candidate is compiled by nobody, where it brings conditions of its own."""

    own = {"".join(cfg.split()) for cfg in found.place.cfgs}

    def brought(before: bytes, text: bytes) -> list[str]:
        # What the item itself is behind was shown to hold.
        return [cfg for cfg in added(before, text) if "".join(cfg.split()) not in own]

    def texts() -> list[tuple[bytes, bytes]]:
        pairs = [(trial.base(path), text or b"") for path, text in after.items() if path.suffix == ".rs"]
        return [(before, text) for before, text in pairs if brought(before, text) or adds_choices(before, text)]

    changed = await in_thread(texts)
    if not changed:
        return None
    if any(adds_choices(before, text) for before, text in changed):
        return "the edit has several texts to choose from, of which one is compiled"
    active = await conditions(trial, proof.ground, found.scope, found.place, found.baseline)
    off = [cfg for before, text in changed for cfg in brought(before, text) if not active.compiles(cfg)]
    return f"the edit puts code behind #[cfg({off[0]})], which is not compiled here" if off else None
