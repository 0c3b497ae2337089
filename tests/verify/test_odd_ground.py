"""Workspaces that others use at the same time, that nobody may write to, and that are large."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prover import MANIFEST, Prover, Provers, lay

from opencrates_lsp.errors import Missing

pytestmark = pytest.mark.proof

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"
WRONG = '{ let x: u8 = "wrong"; x }'
KILLING = """#!/bin/sh
if grep -qs killed src/lib.rs && [ ! -e '@till' ]; then touch '@mark'; kill -9 $PPID; sleep 5; fi
exec "$@"
"""


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may write to: a read-only mount where one is allowed, else without the permission."""
    root = lay(
        tmp_path / "a",
        {
            "Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n[workspace]\n',
            "src/lib.rs": F,
            "b/Cargo.toml": MANIFEST.format(name="b"),
            "b/src/lib.rs": "pub fn b() -> u8 { 1 }\n",
            "build.rs": 'fn main() { std::fs::write("made.txt", "x").unwrap(); }\n',
        },
    )
    mounted = all(
        subprocess.run(["mount", *words, str(root)], capture_output=True, check=False).returncode == 0
        for words in (["--bind", str(root)], ["-o", "remount,ro,bind"])
    )
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    if not mounted:
        for folder in folders:
            folder.chmod(0o555)
    if os.access(root, os.W_OK):
        pytest.skip("This user may write everywhere and mount nothing.")
    yield root
    assert {path.name for path in root.iterdir()} == {"Cargo.toml", "b", "build.rs", "src"}
    if mounted:
        subprocess.run(["umount", str(root)], check=True)
    else:
        for folder in folders:
            folder.chmod(0o755)


@pytest.mark.usefixtures("unwritable")
async def test_a_repository_that_nobody_may_write_to_is_proved(provers: Provers) -> None:
    """No Cargo.lock, no target, a build script that writes beside itself: all of it is in the mirror alone."""
    prover = await provers(root="a")
    proof = await prover.prepare()
    assert (proof.reached, proof.reason) == (True, None)
    assert [(await prover.judge(proof, body)).passed for body in (WRONG, "{ b::b() }")] == [False, True]


PROCESS = """
import asyncio, json, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from prover import Provers, Prover
from opencrates_lsp.terms import Configuration
from opencrates_lsp.verify.toolchain import find_toolchain

async def main():
    folder = Path(sys.argv[2])
    toolchain = await find_toolchain(folder, Configuration(), os.environ)
    prover = await Provers(folder, toolchain)(root="a")
    print(json.dumps(str(prover.root)), flush=True)
    for line in sys.stdin:
        item, body = json.loads(line)
        proof = await prover.prepare("src/lib.rs", item)
        verdict = await prover.judge(proof, body)
        print(json.dumps([verdict.reached, verdict.passed, [one.code for one in verdict.new_errors]]), flush=True)
    await prover.verifier.close()

asyncio.run(main())
"""


async def test_two_servers_and_a_cargo_of_the_users_own_work_side_by_side(provers: Provers) -> None:
    """Two processes with one cache folder prove opposite things of one workspace, while its user's cargo checks it.

    Each has a mirror of its own; nobody's answer is another's, and the user's builds stay fresh.
    """
    items = "".join(f"pub fn f{number}() -> u8 {{ todo!() }}\n" for number in range(2))
    root = lay(provers.folder / "a", {"Cargo.toml": A, "src/lib.rs": items})
    argv = [sys.executable, "-c", PROCESS, str(Path(__file__).parent), str(provers.folder)]
    pipe = asyncio.subprocess.PIPE
    servers = [await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe) for _ in range(2)]
    stop = asyncio.Event()

    async def check() -> list[bytes]:
        """What rust-analyzer does: check all targets again and again, in the user's own target directory."""
        said: list[bytes] = []
        while not stop.is_set() or not said:
            said.append(await asyncio.to_thread(provers.users_check, root))
        return said

    async def prove(number: int) -> list[object]:
        server = servers[number]
        told: list[object] = []
        assert server.stdin is not None
        assert server.stdout is not None
        assert json.loads(await server.stdout.readline()) == str(root)
        for turn in range(6):
            body = WRONG if turn % 2 == number else f"{{ {turn} }}"
            server.stdin.write(json.dumps([f"f{number}", body]).encode() + b"\n")
            told.append(json.loads(await server.stdout.readline()))
        server.stdin.close()
        await server.wait()
        return told

    checking = asyncio.create_task(check())
    try:
        told = await asyncio.gather(prove(0), prove(1))
    finally:
        stop.set()
        said = await checking
    wrong, right = [True, False, ["E0308"]], [True, True, []]
    assert list(told) == [[wrong, right] * 3, [right, wrong] * 3]
    assert len([place for place in (provers.folder / "cache/mirrors").iterdir() if place.is_dir()]) == 2
    assert all(b'"level":"error"' not in one for one in said)
    assert b'"fresh":false' not in provers.users_check(root)


MEMBERS = 200


def members() -> dict[str, str]:
    """A tree of crates: each member but the first is built from the one of half its number."""
    files = {"Cargo.toml": '[workspace]\nmembers = ["m*"]\nresolver = "2"\n'}
    for number in range(1, MEMBERS + 1):
        above = f'[dependencies]\nm{number // 2} = {{ path = "../m{number // 2}" }}\n' if number > 1 else ""
        files[f"m{number}/Cargo.toml"] = MANIFEST.format(name=f"m{number}") + above
        calls = f"m{number // 2}::value()" if number > 1 else "1"
        files[f"m{number}/src/lib.rs"] = f"pub fn value() -> u8 {{ {calls} }}\npub const SIZE: usize = 2;\n"
    files["m50/src/lib.rs"] += "pub const OF_BASE: [u8; 2] = [0; m25::SIZE];\n"
    return files


async def compiled(prover: Prover, number: int, item: str, body: str) -> set[int]:
    """The members that were compiled for the check of an edit, which passes."""
    path = prover.root / f"m{number}/src/lib.rs"
    proof = await prover.prepare(f"m{number}/src/lib.rs", item)
    assert (proof.reached, proof.reason) == (True, None)
    verdict = await prover.judge(proof, body)
    assert verdict.passed, verdict
    text, probe = path.read_bytes(), proof.subject.probe
    after = text[: probe.start] + body.encode() + text[probe.end :]
    # What cargo said of the edit is what it says of the same text in an open buffer.
    again = await prover.prepare(f"m{number}/src/lib.rs", item, buffers={f"m{number}/src/lib.rs": after})
    assert again.analysed is not None
    return {int(root.name[1:]) for root in again.analysed.baseline.compiled}


async def test_of_two_hundred_members_those_are_checked_that_can_see_the_edit(provers: Provers) -> None:
    prover = await provers(members())
    layout = prover.ground.layout
    assert len(layout.packages) == MEMBERS
    for number in (200, 12, 1):
        assert await compiled(prover, number, "value", "{ 7 }") == {number}
    # A constant is seen by all that are built from it.
    below = {number for number in range(1, MEMBERS + 1) if f"{number:b}".startswith(f"{25:b}")}
    assert await compiled(prover, 25, "SIZE", "3 - 1") == below
    names = {one.name: one for one in layout.packages}
    assert {one.name for one in layout.dependants(names["m25"])} == {f"m{number}" for number in below - {25}}
    assert len(layout.dependants(names["m1"])) == MEMBERS - 1
    wrong = await prover.judge(await prover.prepare("m25/src/lib.rs", "SIZE"), "3")
    assert [error.path for error in wrong.new_errors] == [prover.root / "m50/src/lib.rs"]


@pytest.mark.skipif(os.name != "posix", reason="Signals are those of POSIX.")
@pytest.mark.parametrize("broken", ["", 'pub fn g() -> u8 { "older" }\n'], ids=["clean", "older-error"])
@pytest.mark.parametrize("times", ["once", "ever"])
async def test_a_cargo_that_was_killed_tells_nothing(provers: Provers, broken: str, times: str) -> None:
    """Its silence is no word for the candidate, whatever else is wrong; after the first time it is run again."""
    mark = provers.folder / "mark"
    till = mark if times == "once" else provers.folder / "never"
    wrapper = lay(provers.folder, {"w": KILLING.replace("@till", str(till)).replace("@mark", str(mark))}) / "w"
    wrapper.chmod(0o755)
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F + broken}, env={"RUSTC_WRAPPER": str(wrapper)})
    proof = await prover.prepare()
    assert proof.reached
    wrong = "{ /* killed */ no_such() }"
    if times == "ever":
        with pytest.raises(Missing, match="killed"):
            await prover.judge(proof, wrong)
    else:
        assert [error.code for error in (await prover.judge(proof, wrong)).new_errors] == ["E0425"]
    assert mark.exists()
    assert (await prover.judge(proof, "{ 1 }")).passed
