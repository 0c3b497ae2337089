"""The tests that judge an edit: run before it, run with it, and believed only when they say it twice.

Before the edit they run while the model thinks, within the time that the level gives them; what takes longer is left
out, and the verdict says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from opencrates_lsp.rust.reaching import Edited, edited_at
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Level, Subject
from opencrates_lsp.verify.cargo import DEADLINE_SECONDS, Progress, Scope, Wrap
from opencrates_lsp.verify.libtest import Tested
from opencrates_lsp.verify.picking import Grounds, Pick, pick
from opencrates_lsp.verify.reach import Standing
from opencrates_lsp.verify.running import Guard
from opencrates_lsp.verify.slow import Slow
from opencrates_lsp.verify.trial import Ground, Trial, in_thread

UNREACHED = "no test reaches it"
_LEAST_SECONDS = 5.0
_PATIENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The tests as they were before the edit.

    `before` are the outcomes of what was run, `left_out` what was not, and `skipped` says why, for people; `nowhere`
    says why none may run here, `is_off` that none is wanted.
    """

    pick: Pick = field(default_factory=Pick)
    before: Mapping[Scope, Tested] = field(default_factory=dict)
    left_out: frozenset[Scope] = frozenset()
    skipped: tuple[str, ...] = ()
    nowhere: str | None = None
    is_off: bool = False


async def rehearsed(
    trial: Trial,
    ground: Ground,
    scope: Scope,
    place: Standing,
    subject: Subject,
    level: Level,
    progress: Progress,
    guard: Guard,
    earlier: Rehearsal | None = None,
) -> Rehearsal:
    """Run the tests that reach the item, in the mirror as it is; the caller holds the trial's lock.

    Nothing is run where `earlier` tells what they said in a state that was almost this one, while somebody waits.
    """
    budget = ground.test_budget_seconds if level is Level.AUTO else DEADLINE_SECONDS
    if budget <= 0:
        return Rehearsal(skipped=("no test was run, because verify.test_budget_seconds is 0",), is_off=True)

    def picked() -> Pick:
        source = parse(trial.mirror.text(subject.path))
        return picked_from(trial, ground, scope, place, [edited_at(source, subject.path, subject.probe.start)], level)

    chosen = await in_thread(picked)
    if not chosen.runs:
        return Rehearsal(chosen, skipped=(UNREACHED,))
    wrap, sandbox, allowed = await guard.place(ground, trial.mirror, asks=level is Level.TEST)
    if not allowed:
        return Rehearsal(chosen, skipped=(f"the tests were not run: {sandbox}",), nowhere=sandbox)
    if earlier is not None and not earlier.is_off and earlier.nowhere is None:
        # What failed then may have been mended since: whatever fails with the edit is run again without it.
        before = {scope: replace(tested, failed=Counter()) for scope, tested in earlier.before.items()}
        return replace(earlier, pick=chosen, before=before)
    progress("tests", "before the edit")
    return await _first(trial, ground, chosen, budget, level, progress, wrap)


async def _first(
    trial: Trial, ground: Ground, chosen: Pick, budget: float, level: Level, progress: Progress, wrap: Wrap | None
) -> Rehearsal:
    """The runs one after the other, until the time is up."""
    slow = Slow(trial.mirror.folder)
    before: dict[Scope, Tested] = {}
    skipped: list[str] = []
    left = budget
    limit = f"{budget:g} s" + (" (verify.test_budget_seconds)" if level is Level.AUTO else "")
    for run in chosen.runs:
        name = f"`cargo test -p {run.describe()}`"
        if level is Level.AUTO and await in_thread(partial(slow.is_known, name, budget)):
            skipped.append(f"{name} was not run, because it took longer than {limit} a short while ago")
            continue
        if left <= 0:
            skipped.append(f"{name} was not run, because the other tests had used up {limit}")
            continue
        known = trial.tested(ground, run)
        tested = known or await trial.test(ground, run, progress, wrap, seconds=left)
        left -= 0.0 if known is not None else tested.seconds
        if tested.timed_out:
            if level is Level.AUTO:
                await in_thread(partial(slow.add, name, budget))
            skipped.append(f"{name} was stopped before the edit, because it took longer than {limit}")
        elif not tested.is_built:
            skipped.append(f"{name} does not build, without the edit neither")
        else:
            before[run.scope] = tested
    left_out = frozenset(run.scope for run in chosen.runs) - before.keys()
    return Rehearsal(chosen, before, left_out, tuple(skipped))


def picked_from(
    trial: Trial, ground: Ground, scope: Scope, place: Standing, edited: Iterable[Edited], level: Level
) -> Pick:
    """The runs for an edit of these items, from the texts as they are in the mirror."""
    grounds = Grounds(ground.layout, trial.mirror, trial.skims, scope, place, ground.configuration)
    return pick(grounds, edited, in_full=level is Level.TEST)


def patience(ground: Ground, level: Level, before: Tested | None) -> float:
    """For how many seconds a run may go on with the edit, after what it took without."""
    took = before.seconds if before is not None else 0.0
    if level is Level.AUTO:
        return max(ground.test_budget_seconds, _LEAST_SECONDS, 3 * took)
    return min(DEADLINE_SECONDS, max(_PATIENT_SECONDS, 10 * took)) if before is not None else DEADLINE_SECONDS


def again_seconds(ground: Ground, level: Level, before: Tested | None) -> float:
    """For how many seconds the tests that failed may run once more."""
    took = before.seconds if before is not None else ground.test_budget_seconds
    return min(patience(ground, level, before), max(_LEAST_SECONDS, 3 * took))
