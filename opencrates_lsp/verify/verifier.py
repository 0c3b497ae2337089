"""The proof: a candidate is compiled in a mirror of the workspace, and held against the same state without it.

`prepare` syncs the mirror, runs the baseline, and shows by a canary that rustc looks at the item; that happens while
the model thinks.
`judge` is one check.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from opencrates_lsp.values import Documents, Level, Subject, Verdict
from opencrates_lsp.verify.cargo import Progress, silent
from opencrates_lsp.verify.judging import judged, verdict_of
from opencrates_lsp.verify.mirrors import evict
from opencrates_lsp.verify.proof import Clock, Proof, analyse
from opencrates_lsp.verify.running import Guard
from opencrates_lsp.verify.staged import Stagings
from opencrates_lsp.verify.trial import Ground, Trial, in_thread

_UNPROVED = (Level.OFF, Level.PARSE)
# How often a candidate is judged anew because files were saved meanwhile.
_PATIENCE = 3


class Verifier:
    """Mirrors of workspaces below `cache_folder`, and what was found out in them; `max_gb` bounds their size.

    Several workspaces are proved side by side; of one, one check at a time.
    """

    def __init__(self, cache_folder: Path, *, max_gb: float) -> None:
        self._cache_folder = cache_folder
        self._limit_bytes = int(max_gb * 1e9)
        self._trials: dict[Path, Trial] = {}
        self._guard = Guard()
        self._evicting: asyncio.Task[None] | None = None
        self._staged = Stagings(cache_folder)

    async def prepare(
        self,
        ground: Ground,
        subject: Subject,
        level: Level,
        documents: Documents,
        progress: Progress = silent,
        earlier: Proof | None = None,
    ) -> Proof:
        """Analyse the state before the edit; `earlier` is a proof of the item from before other texts changed.

        Raises `Missing` when cargo cannot be started or there is no room, `Busy` when too many processes hold the
        workspace's mirrors.
        """
        if level in _UNPROVED or not ground.layout.trusted:
            told = level in _UNPROVED
            reason = "no compiler was asked" if told else "the folder is not trusted, so no program of it may run"
            shown = ground.configuration.describe()
            return Proof(level if told else Level.PARSE, False, reason, shown, ground, subject, documents)
        async with self._turn(ground, progress) as trial:
            proof = await analyse(trial, ground, subject, level, documents, progress, self._guard, earlier)
            self._evict()
            return proof

    async def judge(
        self, proof: Proof, after: Mapping[Path, bytes | None], *, whole_workspace: bool, progress: Progress = silent
    ) -> Verdict:
        """Check the candidate `after` (whole texts; None deletes the file) against the baseline.

        `whole_workspace` is for edits that others can see: the packages that are built from this one are checked too,
        and with all their targets where the edit may be felt there (see `felt`).
        """
        if proof.level in _UNPROVED:
            return replace(verdict_of(proof, Clock(), None), sandbox="no program was run")
        if not proof.reached:
            return verdict_of(proof, Clock(), proof.reason, beyond=True)
        async with self._turn(proof.ground, progress) as trial:
            clock = Clock()
            for _ in range(_PATIENCE):
                every = proof.level is Level.TEST
                if trial.state != proof.state[0] or (every and trial.whole_state != proof.state[1]):
                    # Another state is in the mirror: the proof is made anew, with the buffers as they were and the
                    # files as they are.
                    proof = await analyse(
                        trial, proof.ground, proof.subject, proof.level, proof.documents, progress, self._guard, proof
                    )
                    clock.step("prepared again")
                if proof.analysed is None or not proof.reached:
                    return verdict_of(proof, clock, proof.reason, beyond=True)
                # Beside the check, which waits for other programs anyway.
                laid = (*after, proof.subject.path)
                read = len(trial.mirror.unread.named)
                behind = asyncio.create_task(in_thread(partial(trial.mirror.is_behind, laid, every=every)))
                try:
                    verdict = await judged(
                        trial, proof, after, self._guard, clock, whole_workspace=whole_workspace, progress=progress
                    )
                finally:
                    await asyncio.wait([behind])
                if not behind.result() and len(trial.mirror.unread.named) == read:
                    return verdict
                trial.state = ""
            return verdict

    async def prove_folder(
        self,
        folder: Path,
        level: Level,
        ground: Ground,
        progress: Progress = silent,
    ) -> Verdict:
        """Prove a crate or workspace that was written just now: every error counts, there is no baseline.

        cargo runs in the folder, and leaves nothing there but Cargo.lock; the ground's layout is not looked at.
        """
        if level in _UNPROVED:
            return Verdict(level, False, ground.configuration.describe(), sandbox="no program was run")
        return await self._staged.prove(folder, level, ground, self._guard, progress)

    async def close(self) -> None:
        """Give the mirrors free; what staged folders were compiled into is deleted."""
        if self._evicting is not None:
            await asyncio.gather(self._evicting, return_exceptions=True)
        for trial in self._trials.values():
            async with trial.lock:
                await in_thread(trial.close)
        self._trials.clear()
        await in_thread(self._staged.close)

    @asynccontextmanager
    async def _turn(self, ground: Ground, progress: Progress) -> AsyncIterator[Trial]:
        root = ground.layout.root
        trial = self._trials.setdefault(root, Trial(self._cache_folder, root))
        if trial.lock.locked():
            progress("waiting", "another proof of this workspace")
        async with trial.lock:
            yield trial

    def _evict(self) -> None:
        """Once a process, beside the work: make room by the mirrors that were not used for the longest time."""
        if self._evicting is not None:
            return
        mirrors = self._cache_folder / "mirrors"

        def work() -> None:
            evict([folder for folder in mirrors.iterdir() if folder.is_dir()], self._limit_bytes)

        self._evicting = asyncio.create_task(asyncio.to_thread(work))
