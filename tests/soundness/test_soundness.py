"""The gate: three hundred candidates, half of them wrong by construction, and no wrong verdict.

They are proved in random order by several verifiers at once on one workspace, each with a mirror of its
own, while the user backdates his files, restores them, and runs cargo as he and his editor do.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from candidates_made import BROKEN, FILES, Candidate, candidates, chunks

from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Document, Level, Verdict
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain
from opencrates_lsp.verify.trial import Ground
from opencrates_lsp.verify.verifier import Verifier
from opencrates_lsp.workspace.layout import load_layout

COUNT = int(os.environ.get("SOUNDNESS_COUNT", "300"))
SEED = int(os.environ.get("SOUNDNESS_SEED", "2026"))
MIRRORS = 3
LONG_AGO = 1_000_000_000
pytestmark = [pytest.mark.proof, pytest.mark.timeout(1500)]


@dataclass
class Gate:
    """The workspace, who proves in it, and every verdict that was wrong."""

    root: Path
    ground: Ground
    verifiers: list[Verifier]
    wrong: list[str] = field(default_factory=list)
    proved: int = 0

    async def prove(self, verifier: Verifier, one: Candidate) -> None:
        """One candidate; what is wrong with its verdict is noted."""
        path = self.root / one.place.file
        text = path.read_bytes()
        source = parse(text)
        named = [item for item in items(source) if item.identity.name == one.place.item]
        # The declaration in a trait has the name, but no body.
        item = next(item for item in named if item.body is not None or item.identity.kind == "macro")
        about = subject(source, path, item)
        documents = {}
        if one.state in BROKEN:
            file, broken = BROKEN[one.state]
            whole = (self.root / file).read_bytes() + broken.encode()
            documents[self.root / file] = Document(self.root / file, whole, 1)
        proof = await verifier.prepare(self.ground, about, Level.CHECK, documents)
        span = item.body or about.probe
        after = text[: span.start] + one.body.encode() + text[span.end :]
        verdict = await verifier.judge(proof, {path: after}, whole_workspace=False)
        self.proved += 1
        if one.passes is not None and verdict.passed != one.passes:
            self.wrong.append(_told(one, verdict))

    async def prove_all(self, made: list[Candidate]) -> None:
        """All of them, by the verifiers in turn, which work side by side."""
        waiting = iter(made)

        async def work(verifier: Verifier) -> None:
            for one in waiting:
                await self.prove(verifier, one)

        await asyncio.gather(*(work(verifier) for verifier in self.verifiers))


def _told(one: Candidate, verdict: Verdict) -> str:
    errors = "; ".join(error.message for error in verdict.new_errors)
    what = "passed" if verdict.passed else f"was refused ({verdict.reason or errors})"
    return f"{one.place.file} {one.place.item}, {one.state}, {'wrong' if one.wrong else 'right'}: {what}\n{one.body}"


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return asyncio.run(find_toolchain(Path(__file__).parent, Configuration(), dict(os.environ)))


@contextlib.asynccontextmanager
async def gate(folder: Path, toolchain: Toolchain) -> AsyncIterator[Gate]:
    root = folder / "workspace"
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    users_check(root)
    layout = await load_layout(root, cargo=[str(toolchain.cargo)], env=toolchain.env, trusted=True)
    verifiers = [Verifier(folder / "cache", max_gb=4) for _ in range(MIRRORS)]
    try:
        yield Gate(root, Ground(layout, toolchain, Configuration()), verifiers)
    finally:
        for verifier in verifiers:
            await verifier.close()


def users_check(root: Path, *more: str) -> set[str]:
    """The user's own `cargo check`; the packages that it built anew."""
    argv = ["cargo", "check", "--workspace", "--offline", "--message-format=json", *more]
    told = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
    lines = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("{")]
    return {one["package_id"] for one in lines if one["reason"] == "compiler-artifact" and not one["fresh"]}


def contents(folder: Path) -> dict[str, tuple[str, int]]:
    """Every file below a folder: its digest and its mtime."""
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def disturb(root: Path, chance: random.Random) -> None:
    """What users and their tools do to files without changing their texts: old times, new times, restored copies."""
    for name in FILES:
        path = root / name
        kind = chance.randrange(5)
        if kind == 0:
            os.utime(path, (LONG_AGO, LONG_AGO))
        elif kind == 1:
            path.touch()
        elif kind == 2:
            # As a version control system or a backup restores: another inode, an old time.
            kept = path.with_suffix(".kept")
            shutil.copyfile(path, kept)
            os.utime(kept, (LONG_AGO, LONG_AGO))
            kept.replace(path)
        elif kind == 3:
            # An edit that was taken back, and the time with it.
            told, text = path.stat(), path.read_bytes()
            path.write_bytes(text + b"\n// gone again\n")
            path.write_bytes(text)
            os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))


async def test_no_verdict_is_wrong_and_the_users_build_is_left_alone(tmp_path: Path, toolchain: Toolchain) -> None:
    made = candidates(COUNT, SEED)
    assert sum(one.wrong for one in made) * 2 == len(made)
    half = len(made) // 2
    chance = random.Random(SEED)
    async with gate(tmp_path, toolchain) as work:
        target = work.root / "target"
        before = contents(target)
        for some in chunks(made[:half], 30):
            await work.prove_all(some)
            assert contents(target) == before
        assert await asyncio.to_thread(users_check, work.root) == set()
        # From here on his files change their times under us, and his cargo and his editor's work beside us.
        over = asyncio.Event()
        beside = asyncio.create_task(_work_beside(work.root, over))
        for some in chunks(made[half:], 30):
            await asyncio.to_thread(disturb, work.root, chance)
            await work.prove_all(some)
        over.set()
        assert await beside > 0
        await asyncio.to_thread(users_check, work.root)
        assert await asyncio.to_thread(users_check, work.root) == set()
        assert work.proved == len(made)
        assert not work.wrong, f"seed {SEED}\n" + "\n".join(work.wrong)


async def _work_beside(root: Path, over: asyncio.Event) -> int:
    """Check as a user does, and as rust-analyzer does after each save, until it is over; how often."""
    for count in itertools.count():
        if over.is_set():
            return count
        more = ("--all-targets", "--keep-going") if count % 2 else ()
        await asyncio.to_thread(users_check, root, *more)
    raise AssertionError


# A text of the same length that breaks who is built on it: what was right before is wrong now.
CHANGED: Mapping[str, tuple[str, str]] = {
    "base/src/lib.rs": (
        "pub fn digit(number: u32) -> u32 {\n    number % 10",
        "pub fn digit(number: i32) -> i32 {\n    number % 10",
    ),
}


async def test_a_file_that_changes_behind_an_old_time_counts_from_then_on(tmp_path: Path, toolchain: Toolchain) -> None:
    """The edit keeps the file's length and its mtime; what is proved afterwards is proved on the new text."""
    right = [one for one in candidates(COUNT, SEED) if one.passes and one.place.item == "twice"]
    calling = [one for one in right if "base::digit(number)" in one.body][:3]
    assert calling
    async with gate(tmp_path, toolchain) as work:
        for file, (was, now) in CHANGED.items():
            path = work.root / file
            old = path.read_text()
            # The caller in the file's own tests is changed along, so that nothing but the candidates is wrong.
            new = old.replace(was, now).replace("fn sample(number: u32) -> u32", "fn sample(number: i32) -> i32")
            assert len(new) == len(old)
            for text, passes in ((old, True), (new, False), (old, True)):
                told = path.stat()
                path.write_text(text)
                os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
                for one in calling:
                    await work.prove_all([Candidate(one.number, one.place, one.body, not passes, one.state, passes)])
        assert not work.wrong, "\n".join(work.wrong)
