"""The tests with the edit: what fails only now is run again, with the edit and without, before it is believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from opencrates_lsp.rust.reaching import edited_at, edited_items, written_tests
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Diagnostic, Level, TestCount, Verdict
from opencrates_lsp.verify.cargo import Progress, Wrap
from opencrates_lsp.verify.libtest import WHOLE, Tested, counted, ended_in_hole, is_written, named, suspects
from opencrates_lsp.verify.picking import Pick, Run
from opencrates_lsp.verify.proof import Analysed, Clock, Proof
from opencrates_lsp.verify.running import Guard
from opencrates_lsp.verify.testing import UNREACHED, Rehearsal, again_seconds, patience, picked_from
from opencrates_lsp.verify.trial import Trial, in_thread

After = Mapping[Path, bytes | None]
_ALONE = ("--test-threads=1",)


@dataclass
class _Outcome:
    """What the runs came to."""

    done: list[Tested] = field(default_factory=list)
    programs: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    waiting: list[tuple[str, str]] = field(default_factory=list)
    flaky: list[str] = field(default_factory=list)
    passed_then: int = 0
    errors: list[Diagnostic] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    stopped: str | None = None

    @property
    def reason(self) -> str | None:
        """What bound the tests have met that are to blame; a test that fails by itself needs no other reason."""
        return f"the tests did not come to their end: {self.stopped}" if self.stopped and self.broken else None

    def count(self) -> TestCount:
        flaky = tuple(dict.fromkeys(map(named, self.flaky)))
        count = counted(self.done, self.broken, known=self.known, flaky=flaky, programs=tuple(self.programs))
        return replace(
            count,
            passed=count.passed + self.passed_then,
            failed=count.failed - self.passed_then,
            waiting=tuple((named(name), said) for name, said in self.waiting),
        )


@dataclass(frozen=True, slots=True)
class _Judge:
    """The tests of one candidate; the caller holds the trial's lock."""

    trial: Trial
    proof: Proof
    after: After
    written: frozenset[str]
    wrap: Wrap | None
    progress: Progress
    clock: Clock
    outcome: _Outcome

    async def judge(self, run: Run, before: Tested | None) -> None:
        ground, level = self.proof.ground, self.proof.level
        seconds = patience(ground, level, before)
        tested = await self._with_the_edit(run, seconds)
        if tested is None:
            self.outcome.skipped.append(f"cargo takes the tests of `{run.describe()}` for what it compiled before")
            return
        if not tested.unfinished and not tested.is_built:
            await self._unbuilt(run, before, tested, seconds)
            return
        self.outcome.stopped = self.outcome.stopped or tested.stopped
        self.outcome.done.append(tested)
        self.outcome.programs.append(run.describe())
        names = suspects(before, tested, self.written)
        known = [name for name in tested.failed if name not in names and name != WHOLE]
        self.outcome.known += known
        self.outcome.waiting += await in_thread(lambda: self._waiting(before, tested, known))
        if tested.timed_out:
            # Those that failed before are no suspects, so that nothing else would tell that they were cut short.
            name = f"`cargo test -p {run.describe()}`"
            self.outcome.skipped.append(f"{name} was stopped with the edit, because it took longer than {seconds:g} s")
        if names:
            await self._believe(run, before, tested, names)

    async def _with_the_edit(self, run: Run, seconds: float) -> Tested | None:
        """The outcomes; None where cargo twice took what was edited for old."""
        trial, ground = self.trial, self.proof.ground
        await in_thread(lambda: trial.mirror.lay(self.after))
        known = trial.tested(ground, run)
        if known is not None:
            return known
        fresh = trial.is_tested_anew()
        for _ in range(2):
            tested = await trial.test(ground, run, self.progress, self.wrap, seconds=seconds)
            if not fresh or not tested.is_built or tested.compiled:
                return tested
            await in_thread(
                lambda: trial.mirror.touch(*(path for path, text in self.after.items() if text is not None))
            )
        return None

    def _waiting(self, before: Tested | None, tested: Tested, known: Sequence[str]) -> list[tuple[str, str]]:
        """Those of the tests that failed before because they came to the item's own hole, and fail otherwise now."""
        if before is None:
            return []
        subject = self.proof.subject
        base = self.trial.base(subject.path)
        first, last = (base.count(b"\n", 0, at) + 1 for at in subject.item)
        found = []
        for name in known:
            was, now = before.printed.get(name, ""), tested.printed.get(name, "")
            hole = ended_in_hole(was)
            if hole is None or not first <= hole.line <= last or not str(subject.path).endswith(hole.file):
                continue
            if now and ended_in_hole(now) is None:
                found.append((name, now))
        return found

    async def _unbuilt(self, run: Run, before: Tested | None, tested: Tested, seconds: float) -> None:
        name = f"`cargo test -p {run.describe()}`"
        if tested.timed_out:
            self.outcome.skipped.append(f"{name} was stopped, because it was not built within {seconds:g} s")
            return
        if tested.stopped is not None:
            self.outcome.skipped.append(f"{name} was not built: {tested.stopped}")
            return
        if before is None:
            await in_thread(lambda: self.trial.mirror.lay({}))
            before = await self.trial.test(self.proof.ground, run, self.progress, self.wrap, seconds=seconds)
            self.clock.step("tests before")
            if not before.is_built:
                self.outcome.skipped.append(f"{name} does not build, without the edit neither")
                return
        if tested.errors:
            self.outcome.errors += tested.errors
        else:
            self.outcome.skipped.append(f"{name} fails without naming an error")
        self.outcome.programs.append(run.describe())

    async def _believe(self, run: Run, before: Tested | None, tested: Tested, names: Sequence[str]) -> None:
        """Run the tests again alone, with the edit and without: those that fail only with it are broken."""
        seconds = again_seconds(self.proof.ground, self.proof.level, before)
        outcome = self.outcome
        self.progress("tests", "those that failed, once more")
        self.clock.step("tests")
        alone = await self._alone(run, names, self.after, seconds)
        self.clock.step("tests again")
        # A run that was killed in its middle may not even name its tests: then whatever is not seen to pass is meant.
        still = [name for name in names if _fails(alone, name)] or [name for name in names if not alone.passed[name]]
        then = [name for name in names if name not in still and tested.failed[name]]
        outcome.flaky += then
        outcome.passed_then += sum(tested.failed[name] for name in then)
        if not still:
            return
        without = await self._alone(run, still, {}, seconds)
        self.clock.step("tests again without the edit")
        for name in still:
            passed_before = before is not None and before.passed[name] > 0
            # A run that came to nothing acquits nobody.
            if is_written(name, self.written) or not _told(without) or not _fails(without, name):
                outcome.broken.append(name)
            elif passed_before:
                outcome.flaky.append(name)
            else:
                outcome.known.append(name)
                outcome.waiting += await in_thread(partial(self._waiting, without, tested, [name]))

    async def _alone(self, run: Run, names: Sequence[str], after: After, seconds: float) -> Tested:
        """The tests of these names, one at a time."""
        await in_thread(lambda: self.trial.mirror.lay(after))
        if WHOLE in names:
            return await self.trial.test(self.proof.ground, run, self.progress, self.wrap, seconds=seconds)
        # rustdoc names a test by its file as well, and takes filters apart at spaces.
        filters = tuple(dict.fromkeys(named(name).rpartition(" - ")[2].removesuffix(" -") for name in names))
        return await self.trial.test(
            self.proof.ground, replace(run, filters=filters), self.progress, self.wrap, seconds=seconds, more=_ALONE
        )


async def tested(
    trial: Trial,
    proof: Proof,
    found: Analysed,
    after: After,
    verdict: Verdict,
    guard: Guard,
    progress: Progress,
    clock: Clock,
) -> Verdict:
    """The verdict with the tests; those that passed before must pass."""
    rehearsal = found.tests
    if rehearsal is None:
        return verdict
    if rehearsal.is_off:
        return replace(verdict, level=Level.CHECK, skipped=rehearsal.skipped)
    if rehearsal.nowhere is not None:
        sandbox = f"the tests were not run: {rehearsal.nowhere}" if proof.level is Level.TEST else verdict.sandbox
        return replace(verdict, level=Level.CHECK, sandbox=sandbox, skipped=rehearsal.skipped)
    chosen, written = await in_thread(lambda: _picked(trial, proof, found, rehearsal, after))
    runs = _runs(chosen, rehearsal)
    if not runs:
        return replace(verdict, level=Level.CHECK, skipped=rehearsal.skipped)
    wrap, sandbox, allowed = await guard.place(proof.ground, trial.mirror, asks=proof.level is Level.TEST)
    if not allowed:
        return replace(verdict, level=Level.CHECK, skipped=(f"the tests were not run: {sandbox}",))
    progress("tests", "with the edit")
    outcome = _Outcome(skipped=[one for one in rehearsal.skipped if one != UNREACHED])
    judge = _Judge(trial, proof, after, written, wrap, progress, clock, outcome)
    for run, before in runs:
        await judge.judge(run, before)
    clock.step("tests")
    has_run = bool(outcome.programs)
    return replace(
        verdict,
        level=Level.TEST if has_run else Level.CHECK,
        tests=outcome.count() if outcome.done else None,
        new_errors=(*verdict.new_errors, *outcome.errors),
        sandbox=sandbox,
        reason=verdict.reason or outcome.reason,
        skipped=tuple(outcome.skipped),
        steps=(*proof.steps, *clock.steps),
        seconds=sum(step.seconds for step in clock.steps),
    )


def _picked(
    trial: Trial, proof: Proof, found: Analysed, rehearsal: Rehearsal, after: After
) -> tuple[Pick, frozenset[str]]:
    """The runs for all that the candidate edits, and the tests that it writes."""
    texts = [(path, trial.base(path), text or b"") for path, text in after.items() if path.suffix == ".rs"]
    written = frozenset(test for _, before, text in texts for test in written_tests(before, text))
    edited = [one for path, before, text in texts for one in edited_items(parse(before), parse(text), path)]
    subject = edited_at(parse(trial.base(proof.subject.path)), proof.subject.path, proof.subject.probe.start)
    own = [item.identity for item in subject.around]
    others = [one for one in edited if not one.around or one.around[-1].identity not in own or one.path != subject.path]
    if not others and not written:
        return rehearsal.pick, written
    trial.mirror.lay(after)
    return picked_from(trial, proof.ground, found.scope, found.place, [subject, *others], proof.level), written


def _runs(chosen: Pick, rehearsal: Rehearsal) -> list[tuple[Run, Tested | None]]:
    """The runs to make, each with what it said before the edit; what was left out then is left out now."""
    return [(run, rehearsal.before.get(run.scope)) for run in chosen.runs if run.scope not in rehearsal.left_out]


def _fails(tested: Tested, name: str) -> bool:
    if tested.failed[name] or name == tested.interrupted or not _told(tested):
        return True
    lost = tested.unfinished and not tested.interrupted
    return (lost or name == WHOLE) and not tested.passed[name]


def _told(tested: Tested) -> bool:
    """Whether the run says anything of its tests."""
    return tested.is_built or tested.unfinished
