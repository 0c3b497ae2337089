"""Tests that call hostile code, judged for real: nothing escapes, the verdict says what happened, all stays quick."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
from attacks import KEPT_IN, KILLS, LEFT, LIBRARY, STOPPED, Attack
from prover import MANIFEST, Prover, Provers, lay

from opencrates_lsp.values import Level, Verdict
from opencrates_lsp.verify.bounds import Bounds
from opencrates_lsp.verify.proof import Proof
from opencrates_lsp.verify.sandbox import probe
from opencrates_lsp.verify.toolchain import Toolchain

pytestmark = [
    pytest.mark.proof,
    # Beside each other their processes would be counted against whoever is watched.
    pytest.mark.xdist_group("hostile"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="There is bubblewrap on Linux alone."),
]

_MIB = 1 << 20
BOUNDS = Bounds(memory=600 * _MIB, processes=600, disk=64 * _MIB, file=512 * _MIB, temporary=32 * _MIB, output=8 * _MIB)
FILES = {
    "Cargo.toml": MANIFEST.format(name="a") + "[lib]\ndoctest = false\n",
    "src/lib.rs": "pub mod m { pub mod one; }\n" + LIBRARY,
    "src/m/one.rs": "pub fn g() -> u8 { 1 }\n",
    "target/debug/deps/mine": "mine",
}
WORST_GAP_SECONDS = 0.7


@dataclass
class Scene:
    """A user with secrets, who is listened to by whoever wants in; and the proof of his `f`."""

    prover: Prover
    home: Path
    secret: str
    names: Mapping[str, str]
    proof: Proof | None = None
    sockets: list[socket.socket] = field(default_factory=list)

    def body(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(f"@{name}@", value)
        return text

    async def judged(self, text: str, bounds: Bounds = BOUNDS) -> Verdict:
        """The verdict at the level `test`, and what nobody may have reached."""
        self.prover.ground = replace(self.prover.ground, bounds=bounds)
        # The state before is known from the first time on, whatever was done to the mirror meanwhile.
        proof = await self.prover.prepare(item="f", level=Level.TEST)
        before = self.users_files()
        verdict = await self.prover.judge(proof, self.body(text))
        assert self.users_files() == before
        assert self.left_behind() == []
        assert self.reached() == []
        return verdict

    def users_files(self) -> dict[str, tuple[int, int, bytes]]:
        found = {}
        for folder in (self.home, self.prover.root):
            for path in sorted(folder.rglob("*")):
                told = path.lstat()
                found[str(path)] = (told.st_mtime_ns, told.st_mode, path.read_bytes() if path.is_file() else b"")
        places = [Path(above) / self.secret for above in ("/etc", "/usr", "/tmp", "/dev/shm", "/var/tmp")]
        return found | {str(path): (0, 0, b"") for path in places if path.exists()}

    def left_behind(self) -> list[str]:
        """The processes that carry the secret word in their command line."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if self.secret in process.cmdline() and process.pid != os.getpid():
                    found.append(str(process.cmdline()))
        return found

    def reached(self) -> list[str]:
        found = []
        for listening in self.sockets:
            listening.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                if listening.type == socket.SOCK_DGRAM:
                    found.append(str(listening.recv(100)))
                else:
                    found.append(str(listening.accept()))
        return found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: a disk may take a minute for a hundred thousand files."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="hostile-", dir=memory if os.access(memory, os.W_OK) else None, ignore_cleanup_errors=True
    ) as made:
        yield Path(made).resolve()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(folder: Path, toolchain: Toolchain) -> AsyncIterator[Scene]:
    secret = f"opencrates-secret-{os.getpid()}-{folder.name}"
    home = folder / "home"
    lay(home, dict.fromkeys((".ssh/id", ".cargo/credentials.toml", "notes", ".config/key", ".bashrc"), secret))
    env = {
        **toolchain.env,
        "HOME": str(home),
        "RUSTUP_HOME": toolchain.env.get("RUSTUP_HOME") or str(Path.home() / ".rustup"),
        "API_TOKEN": secret,
        "SSH_AUTH_SOCK": str(folder / "agent"),
    }
    if await probe(env) is None:
        pytest.skip("bubblewrap does not work on this machine.")
    provers = Provers(folder, replace(toolchain, env=env))
    prover = await provers(FILES)
    with listening(folder / "agent", secret) as sockets:
        names = {
            "home": str(home),
            "secret": secret,
            "root": str(prover.root),
            "cache": str(prover.cache),
            "agent": str(folder / "agent"),
            "tcp": str(sockets[0].getsockname()[1]),
            "udp": str(sockets[1].getsockname()[1]),
            "server": str(os.getpid()),
        }
        made = Scene(prover, home, secret, names, sockets=sockets)
        await made.judged("{ 1 }")
        names["target"] = str(prover.mirrors()[0] / "exposed")
        yield made
    for verifier in provers.verifiers:
        await verifier.close()


@contextlib.contextmanager
def listening(agent: Path, name: str) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.socket(family, kind))
            for family, kind in (
                (socket.AF_INET, socket.SOCK_STREAM),
                (socket.AF_INET, socket.SOCK_DGRAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
                (socket.AF_UNIX, socket.SOCK_STREAM),
            )
        ]
        places: tuple[Any, ...] = (("127.0.0.1", 0), ("127.0.0.1", 0), str(agent), "\0" + name)
        for one, place in zip(sockets, places, strict=True):
            one.bind(place)
            if one.type == socket.SOCK_STREAM:
                one.listen()
        yield sockets


@contextlib.asynccontextmanager
async def heartbeat() -> AsyncIterator[list[float]]:
    """The longest time that the event loop did not come round, in seconds."""
    worst = [0.0]

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            worst[0] = max(worst[0], loop.time() - before - 0.01)

    task = asyncio.create_task(beat())
    try:
        yield worst
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("attack", KEPT_IN, ids=lambda one: one.name.replace(" ", "-"))
async def test_it_is_kept_in(scene: Scene, attack: Attack) -> None:
    verdict = await scene.judged(attack.body)
    assert verdict.tests is not None
    assert (verdict.passed, verdict.tests.passed, verdict.tests.broken) == (True, 1, ()), verdict
    assert verdict.sandbox.startswith("bubblewrap; ")


@pytest.mark.parametrize("attack", STOPPED, ids=lambda one: one.name.replace(" ", "-"))
async def test_it_is_stopped_and_the_verdict_says_why(scene: Scene, attack: Attack) -> None:
    bounds = BOUNDS if "longer" not in (attack.says or "") else replace(BOUNDS, deadline_seconds=5.0)
    async with heartbeat() as worst:
        verdict = await scene.judged(attack.body, bounds)
    assert not verdict.passed
    assert attack.says is not None
    assert attack.says in said(verdict), verdict
    assert worst[0] < WORST_GAP_SECONDS


async def test_what_kills_its_parents_kills_nobody_else(scene: Scene) -> None:
    verdict = await scene.judged(KILLS)
    assert not verdict.passed
    assert verdict.tests is not None


@pytest.mark.parametrize("attack", LEFT, ids=lambda one: one.name.replace(" ", "-"))
async def test_what_it_leaves_trips_nobody(scene: Scene, attack: Attack) -> None:
    """The next proof stands on the user's files again, and writes to none of them."""
    verdict = await scene.judged(attack.body)
    assert verdict.tests is not None
    assert verdict.tests.passed == 1, verdict
    wrong = await scene.judged("{ m::one::g() + 1 }")
    assert wrong.tests is not None
    assert wrong.tests.broken == ("tests::one",), wrong
    assert (await scene.judged("{ m::one::g() }")).passed


def said(verdict: Verdict) -> str:
    return "\n".join([verdict.reason or "", *(error.message for error in verdict.new_errors)])
