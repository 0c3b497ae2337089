"""The tests that judge an edit, run in the mirror."""

from __future__ import annotations

from opencrates_lsp.verify.cargo import Progress, Scope, Wrap
from opencrates_lsp.verify.libtest import Tested
from opencrates_lsp.verify.trial import Ground, Trial


async def run_tests(trial: Trial, ground: Ground, scope: Scope, progress: Progress, wrap: Wrap | None) -> Tested:
    """The tests of the scope's packages in the mirror as it is; remembered by its state."""
    known = trial.tested(ground, scope)
    return known if known is not None else await trial.test(ground, scope, progress, wrap)
