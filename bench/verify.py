"""What the proof of a one-line candidate costs beside a bare, warm `cargo check` of the same change.

Every round changes one line, once in a plain copy of the crate under `cargo check`, and once as a candidate; both use
the toolchain's own cargo, so that the shim is not counted for us.
The first candidate of a session is measured with a new cache folder and the user's finished build, beside a cold
`cargo check`, and, its proof counted, beside a mirror that has nothing to begin with.

No check can be faster than a warm one of the same crate, so "floor" (warm by cold) is the least that "x cold" can be.
A crate without dependencies has only itself to compile: its cold check is hardly longer than its warm one, and no seed
can help, because rustc takes up what it kept of a crate only in the folder where it was made.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Level, Subject
from opencrates_lsp.verify.proof import Proof
from opencrates_lsp.verify.toolchain import Toolchain, find_toolchain
from opencrates_lsp.verify.trial import Ground
from opencrates_lsp.verify.verifier import Verifier
from opencrates_lsp.workspace.layout import load_layout

MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n'
DEPENDENCIES = '[dependencies]\nserde = { version = "1", features = ["derive"] }\nregex = "1"\n'
CANDIDATE = "pub fn candidate(x: u64) -> u64 {{\n    x.wrapping_mul({number})\n}}\n"


@dataclass(frozen=True, slots=True)
class Crate:
    """A crate to measure on: where the candidate is, and the packages that a bare check is told."""

    name: str
    root: Path
    file: str
    packages: tuple[str, ...] = ()
    whole_workspace: bool = False

    @property
    def path(self) -> Path:
        return self.root / self.file


def module(number: int, functions: int) -> str:
    """A module of about ten lines a function, with types to infer and borrows to check."""
    return "use std::collections::BTreeMap;\n" + "".join(
        f"pub fn count_{number}_{index}(words: &[&str]) -> Vec<(String, usize)> {{\n"
        "    let mut seen: BTreeMap<String, usize> = BTreeMap::new();\n"
        "    for word in words.iter().filter(|word| !word.is_empty()) {\n"
        "        *seen.entry(word.to_lowercase()).or_default() += 1;\n"
        "    }\n"
        f"    let mut found: Vec<_> = seen.into_iter().filter(|(_, count)| *count > {index}).collect();\n"
        "    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));\n"
        "    found\n"
        "}\n"
        for index in range(functions)
    )


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def crates(folder: Path, dependencies: str) -> list[Crate]:
    """The three crates of the table, written below the folder."""
    tiny = lay(folder / "tiny", {"Cargo.toml": MANIFEST.format(name="tiny"), "src/lib.rs": CANDIDATE.format(number=1)})
    modules = {f"src/m{number}.rs": module(number, 40) for number in range(20)}
    uses = "".join(f"pub mod m{number};\n" for number in range(20))
    if dependencies:
        uses += "#[derive(serde::Serialize)]\npub struct Told(pub u8);\npub use regex::Regex;\n"
    lib = {"src/lib.rs": uses + CANDIDATE.format(number=1)}
    big = lay(folder / "big", {"Cargo.toml": MANIFEST.format(name="big") + dependencies, **modules, **lib})
    members = {"Cargo.toml": '[workspace]\nmembers = ["base", "left", "right", "leaf"]\nresolver = "2"\n'}
    for name, below in (("base", ()), ("left", ("base",)), ("right", ("base",)), ("leaf", ("left", "right"))):
        paths = "".join(f'{one} = {{ path = "../{one}" }}\n' for one in below)
        members[f"{name}/Cargo.toml"] = MANIFEST.format(name=name) + "[dependencies]\n" + paths
        members[f"{name}/src/lib.rs"] = "pub mod m;\n" + CANDIDATE.format(number=1)
        members[f"{name}/src/m.rs"] = module(0, 200)
    workspace = lay(folder / "workspace", members)
    return [
        Crate("tiny", tiny, "src/lib.rs", ("tiny",)),
        Crate("20 modules", big, "src/lib.rs", ("big",)),
        Crate("workspace, leaf", workspace, "leaf/src/lib.rs", ("leaf",)),
        Crate("workspace, root", workspace, "base/src/lib.rs", ("base",)),
        Crate("workspace, all", workspace, "base/src/lib.rs", ("base", "left", "right", "leaf"), whole_workspace=True),
    ]


def check(toolchain: Toolchain, crate: Crate) -> float:
    """The seconds of one bare `cargo check`."""
    chosen = [part for package in crate.packages for part in ("-p", package)]
    started = time.perf_counter()
    argv = [str(toolchain.cargo), "check", "--quiet", "--offline", *chosen]
    subprocess.run(argv, cwd=crate.root, env=dict(toolchain.env), check=True, capture_output=True)
    return time.perf_counter() - started


def with_number(text: bytes, number: int) -> bytes:
    """The text with another line in the candidate."""
    head, _, rest = text.partition(b"x.wrapping_mul(")
    return head + b"x.wrapping_mul(%d" % number + rest[rest.index(b")") :]


async def proved(verifier: Verifier, crate: Crate, ground: Ground) -> Proof:
    source = parse(crate.path.read_bytes())
    item = next(item for item in items(source) if item.identity.name == "candidate")
    subject = Subject(crate.path, "candidate", item.span, item.body or item.span)
    proof = await verifier.prepare(ground, subject, Level.CHECK, {})
    assert proof.reached, proof.reason
    return proof


async def judge(verifier: Verifier, proof: Proof, crate: Crate, number: int) -> float:
    started = time.perf_counter()
    after = {crate.path: with_number(crate.path.read_bytes(), number)}
    verdict = await verifier.judge(proof, after, whole_workspace=crate.whole_workspace)
    assert verdict.passed, verdict
    return time.perf_counter() - started


async def cold_mirror(crate: Crate, toolchain: Toolchain, folder: Path) -> float:
    """The seconds of a proof and its first check where the user has built nothing yet."""
    fresh = Crate(crate.name, folder / "fresh", crate.file, crate.packages, whole_workspace=crate.whole_workspace)
    shutil.copytree(crate.root, fresh.root, ignore=shutil.ignore_patterns("target"))
    layout = await load_layout(fresh.root, cargo=[str(toolchain.cargo)], env=toolchain.env, trusted=True)
    verifier = Verifier(folder / "cache", max_gb=20)
    started = time.perf_counter()
    proof = await proved(verifier, fresh, Ground(layout, toolchain, Configuration()))
    await judge(verifier, proof, fresh, 1)
    taken = time.perf_counter() - started
    await verifier.close()
    return taken


async def measure(crate: Crate, toolchain: Toolchain, folder: Path, rounds: int) -> tuple[list[float], ...]:
    """Seconds of: a cold check, a warm one, the first candidate after its proof, that proof, later candidates, and of
    the proof and first candidate in a mirror without a seed."""
    told: tuple[list[float], ...] = tuple([] for _ in range(6))
    cold, warm, first, preparing, later, unseeded = told
    layout = await load_layout(crate.root, cargo=[str(toolchain.cargo)], env=toolchain.env, trusted=True)
    ground = Ground(layout, toolchain, Configuration())
    bare = Crate(crate.name, folder / "bare", crate.file, crate.packages)
    for turn in range(max(1, rounds // 5)):
        shutil.rmtree(bare.root, ignore_errors=True)
        shutil.copytree(crate.root, bare.root, ignore=shutil.ignore_patterns("target"))
        cold.append(await asyncio.to_thread(check, toolchain, bare))
        unseeded.append(await cold_mirror(crate, toolchain, folder / f"cold{turn}"))
        await asyncio.to_thread(check, toolchain, crate)
        verifier = Verifier(folder / f"cache{turn}", max_gb=20)
        started = time.perf_counter()
        proof = await proved(verifier, crate, ground)
        preparing.append(time.perf_counter() - started)
        first.append(await judge(verifier, proof, crate, 1000 + turn))
        await verifier.close()
    verifier = Verifier(folder / "cache0", max_gb=20)
    proof = await proved(verifier, crate, ground)
    for number in range(rounds + 1):
        bare.path.write_bytes(with_number(bare.path.read_bytes(), number))
        # Who goes first takes turns as well.
        theirs = await asyncio.to_thread(check, toolchain, bare) if number % 2 else None
        ours = await judge(verifier, proof, crate, 2000 + number)
        theirs = theirs if theirs is not None else await asyncio.to_thread(check, toolchain, bare)
        if number:
            later.append(ours)
            warm.append(theirs)
    await verifier.close()
    return told


def fetched(folder: Path, toolchain: Toolchain) -> str:
    """The dependencies, "" where they cannot be had."""
    probe = lay(folder / "probe", {"Cargo.toml": MANIFEST.format(name="probe") + DEPENDENCIES, "src/lib.rs": ""})
    argv = [str(toolchain.cargo), "fetch", "--quiet"]
    got = subprocess.run(argv, cwd=probe, env=dict(toolchain.env), capture_output=True, check=False)
    return DEPENDENCIES if got.returncode == 0 else ""


def row(name: str, told: Sequence[str]) -> None:
    print(f"{name:16}" + "".join(f"{one:>12}" for one in told))


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="one-line changes of each crate (default 15)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        toolchain = await find_toolchain(folder, Configuration(), os.environ)
        dependencies = await asyncio.to_thread(fetched, folder, toolchain)
        print("\nproof of a one-line candidate, ms   (goals: check <= 1.10 x warm; first <= 0.15 x cold)")
        if not dependencies:
            print("dependencies cannot be fetched: a cold check has nothing to build but the crate itself")
        heads = ("cargo warm", "our check", "x warm", "cargo cold", "first check", "x cold", "floor")
        row("", (*heads, "its proof", "cold mirror", "both x it"))
        for number, crate in enumerate(crates(folder, dependencies)):
            taken = await measure(crate, toolchain, folder / str(number), rounds)
            # Of rounds that ran side by side, because the machine is not as fast in all of them.
            ratio = statistics.median(ours / theirs for theirs, ours in zip(taken[1], taken[4], strict=True))
            cold, warm, first, preparing, later, unseeded = (statistics.median(one) * 1000 for one in taken)
            both = (first + preparing) / unseeded
            told = (warm, later, ratio, cold, first, first / cold, warm / cold, preparing, unseeded, both)
            row(crate.name, [f"{one:.2f}" if one < 20 else f"{one:.0f}" for one in told])


if __name__ == "__main__":
    asyncio.run(main())
