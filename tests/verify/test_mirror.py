"""The mirror has what a build may read, at times that cargo believes, and the user's own files are never touched."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from prover import MANIFEST, Prover, Provers, lay

from opencrates_lsp.verify.locks import Lock
from opencrates_lsp.verify.mirror import Mirror
from opencrates_lsp.verify.mirrors import evict, open_mirror
from opencrates_lsp.verify.tree import Extent, walk

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"
WRONG = '{ let x: u8 = "wrong"; x }'
HOUR_NS = 3_600_000_000_000


def state_of(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything that could show that a tree was touched."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        text = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (stat.st_mtime_ns, stat.st_ino, stat.st_nlink, text)
    return found


def commit(folder: Path) -> None:
    """Make a repository of the folder with one commit and a tag."""
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for argv in (["init", "-q"], ["add", "."], [*name, "commit", "-qm", "a"], ["tag", "v1.2"]):
        subprocess.run(["git", *argv], cwd=folder, check=True)


async def fails_now(prover: Prover) -> bool:
    """Whether the next proof of `src/lib.rs` finds an error that lies in the user's files."""
    proof = await prover.prepare()
    assert proof.analysed is not None
    return bool(proof.analysed.baseline.errors)


async def test_an_old_time_does_not_make_a_bad_text_good(provers: Provers) -> None:
    """A file is restored from a backup with its time of long ago: cargo alone would take it for compiled."""
    files = {
        "Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n[workspace]\n',
        "b/Cargo.toml": MANIFEST.format(name="b"),
        "b/src/lib.rs": "pub fn g() -> u8 { 1 }\n",
        "src/lib.rs": F,
    }
    prover = await provers(files)
    assert not await fails_now(prover)
    bad = lay(prover.root, {"b/src/lib.rs": 'pub fn g() -> u8 { "" }\n'}) / "b/src/lib.rs"
    os.utime(bad, ns=(10**18, 10**18))
    assert await fails_now(prover)
    # And the good text comes back with a time that is as old.
    lay(prover.root, {"b/src/lib.rs": "pub fn g() -> u8 { 11 }\n"})
    os.utime(bad, ns=(10**18 + 1, 10**18 + 1))
    assert not await fails_now(prover)


async def test_a_clock_that_was_set_back_does_not_make_a_bad_text_good(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    await prover.judge(await prover.prepare(), "{ 1 }")
    await prover.verifier.close()
    mirror = prover.mirrors()[0]
    for path in [*(mirror / "target").rglob("*"), mirror / "checked"]:
        # What was written before the clock was set back lies in the future.
        os.utime(path, ns=(path.stat().st_mtime_ns + HOUR_NS, path.stat().st_mtime_ns + HOUR_NS))
    prover = await provers(root="a")
    proof = await prover.prepare()
    assert (proof.reached, proof.configuration) == (True, "default features, host")
    verdict = await prover.judge(proof, WRONG)
    assert [error.code for error in verdict.new_errors] == ["E0308"]


def test_whatever_is_written_is_later_than_the_last_run(tmp_path: Path) -> None:
    """Candidates, the original put back, and all of it on a file system whose times stand still."""
    root = lay(tmp_path / "a", {"x.rs": "one", "y.rs": "one"})
    mirror = open_mirror(tmp_path / "cache", root)
    extent = Extent((str(root),), (), frozenset())
    mirror.sync(extent, {})
    seen = 0
    for after in ({"x.rs": b"two"}, {"y.rs": b"two"}, {}, {"x.rs": b"two"}):
        before = {name: mirror.inside(root / name).stat().st_mtime_ns for name in ("x.rs", "y.rs")}
        texts = {name: mirror.text(root / name) for name in before}
        # As if cargo had run an hour later than the clock that gives the files their times.
        (mirror.folder / "checked").touch()
        mirror.stamp()
        mirror._written.floor = floor = mirror._written.floor + HOUR_NS
        assert mirror.lay({root / name: text for name, text in after.items()})
        for name, then in before.items():
            now = mirror.inside(root / name).stat().st_mtime_ns
            if mirror.text(root / name) == texts[name]:
                assert now == then
            else:
                assert now > floor
                seen += 1
    assert seen == 5
    mirror.close()


async def test_two_workspaces_of_one_name_do_not_take_each_others_results(provers: Provers) -> None:
    one = await provers({"Cargo.toml": A, "src/lib.rs": F}, root="one/a")
    two = await provers({"Cargo.toml": A, "src/lib.rs": F}, root="two/a")
    proofs = [await one.prepare(), await two.prepare()]
    for _ in range(2):
        assert (await one.judge(proofs[0], "{ 1 }")).passed
        assert not (await two.judge(proofs[1], WRONG)).passed
    assert len(one.mirrors()) == 2


async def test_a_build_script_cannot_write_through_to_the_users_files(provers: Provers) -> None:
    script = (
        'fn main() { for name in ["made.txt", "src/link.txt", "linked/inside.txt"] '
        '{ if std::path::Path::new(name).exists() { std::fs::write(name, "written").unwrap(); } } }\n'
    )
    files = {"Cargo.toml": A, "src/lib.rs": F, "made.txt": "mine", "build.rs": script}
    root = lay(provers.folder / "a", files)
    outside = lay(provers.folder / "outside", {"o.txt": "mine", "d/inside.txt": "mine"})
    (root / "src/link.txt").symlink_to(outside / "o.txt")
    (root / "linked").symlink_to(outside / "d")
    provers.users_check(root)
    for path in (root / "made.txt", outside / "o.txt", outside / "d/inside.txt"):
        path.write_text("mine")
    before = state_of(provers.folder)
    prover = await provers(root="a")
    proof = await prover.prepare()
    assert proof.reached
    assert (await prover.judge(proof, "{ 1 }")).passed
    assert {path: state for path, state in state_of(provers.folder).items() if path in before} == before
    tree = prover.mirrors()[0] / "tree" / root.relative_to(root.anchor)
    assert [(tree / name).read_text() for name in ("made.txt", "src/link.txt", "linked/inside.txt")] == ["written"] * 3


async def test_the_users_target_is_read_and_never_written(provers: Provers) -> None:
    """Its finished builds are taken over, and the user's next check compiles nothing."""
    files = {
        "Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n[workspace]\n',
        "b/Cargo.toml": MANIFEST.format(name="b"),
        "b/src/lib.rs": "pub fn g() {}\n",
        "src/lib.rs": F,
    }
    prover = await provers(files, checked=True)
    before = state_of(prover.root)
    proof = await prover.prepare()
    assert proof.analysed is not None
    # The dependency is taken from the user's build; the package itself is compiled for what rustc keeps of it.
    assert proof.analysed.baseline.compiled == {prover.root}
    assert proof.analysed.baseline.built == {prover.root, prover.root / "b"}
    assert not (await prover.judge(proof, WRONG)).passed
    assert state_of(prover.root) == before
    said = [json.loads(line) for line in provers.users_check(prover.root).splitlines() if line.startswith(b"{")]
    assert [message["fresh"] for message in said if message["reason"] == "compiler-artifact"] == [True, True]


async def test_what_the_users_build_read_beyond_a_package_is_not_taken_for_compiled(provers: Provers) -> None:
    """cargo knows it by the user's own path there, and would look at his file for ever."""
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n',
        "a/Cargo.toml": A,
        "a/src/lib.rs": "pub mod shared;\n",
        "a/src/shared.rs": F,
        "b/Cargo.toml": MANIFEST.format(name="b").replace("2021", "2018"),
        "b/src/lib.rs": '#[path = "../../a/src/shared.rs"]\npub mod shared;\n',
    }
    prover = await provers(files, checked=True)
    proof = await prover.prepare("a/src/shared.rs")
    # The edition of the other package does not have the trait in its prelude.
    verdict = await prover.judge(proof, "{ u8::try_from(1u16).map_or(0, |byte| byte) }")
    assert [error.code for error in verdict.new_errors] == ["E0599"]
    assert (await prover.judge(proof, "{ 1 }")).passed


@pytest.mark.parametrize("place", ["env", "config"])
async def test_a_target_directory_that_the_user_named_is_not_ours(provers: Provers, tmp_path: Path, place: str) -> None:
    named = tmp_path / "named"
    named.mkdir()
    config = f'[build]\ntarget-dir = "{named}"\nbuild-dir = "{named}"\n' if place == "config" else ""
    if place == "env":
        provers = Provers(
            tmp_path,
            type(provers.toolchain)(
                provers.toolchain.cargo,
                provers.toolchain.rustc,
                None,
                provers.toolchain.version,
                {**provers.toolchain.env, "CARGO_BUILD_BUILD_DIR": str(named)},
            ),
        )
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F, ".cargo/config.toml": config})
    proof = await prover.prepare()
    assert proof.reached
    assert (await prover.judge(proof, "{ #[cfg(unix)] let _ = 1; 1 }")).passed is (os.name == "posix")
    await prover.verifier.close()
    assert list(named.iterdir()) == []


async def test_what_a_build_reads_beside_the_workspace_is_there(provers: Provers) -> None:
    script = """
fn main() {
    println!("cargo::rerun-if-changed=data.txt");
    let said = std::process::Command::new("git").args(["describe", "--always", "--tags"]).output().unwrap();
    println!("cargo::rustc-env=SAID={}", String::from_utf8(said.stdout).unwrap().trim());
    println!("cargo::rustc-env=DATA={}", std::fs::read_to_string("data.txt").unwrap());
}
"""
    library = """
#[cfg(from_above)]
pub const A: u8 = b::B;
pub const C: &str = include_str!("../../../README.md");
pub const D: &str = include_str!("link.txt");
const _: [u8; 4] = [0; env!("SAID").len()];
const _: [u8; 3] = [0; env!("DATA").len()];
pub fn f() -> u8 { todo!() }
"""
    outside = {"../b/Cargo.toml": MANIFEST.format(name="b"), "../b/src/lib.rs": "pub const B: u8 = 1;\n"}
    files = {
        "Cargo.toml": A + '[dependencies]\nb = { path = "../b" }\n',
        "src/lib.rs": library,
        "build.rs": script,
        "data.txt": "abc",
        "../../README.md": "read",
        "../.cargo/config.toml": '[build]\nrustflags = ["--cfg", "from_above"]\n',
        **outside,
    }
    root = lay(provers.folder / "repository/crates/a", files)
    (root / "src/link.txt").symlink_to("../data.txt")
    repository = provers.folder / "repository"
    commit(repository)
    before = state_of(repository / ".git")
    prover = await provers(root="repository/crates/a")
    proof = await prover.prepare()
    assert proof.analysed is not None
    assert [error.diagnostic.message for error in proof.analysed.baseline.errors] == []
    assert proof.reached
    assert (await prover.judge(proof, "{ A + b::B }")).passed
    assert state_of(repository / ".git") == before
    # What is deleted is gone in the mirror, and what a build script reads is followed.
    (root / "src/link.txt").unlink()
    (root / "data.txt").write_text("abcd")
    proof = await prover.prepare()
    assert proof.analysed is not None
    assert sorted(error.diagnostic.code or "" for error in proof.analysed.baseline.errors) == ["", "E0308"]


async def test_a_second_process_has_a_mirror_of_its_own(provers: Provers) -> None:
    first = await provers({"Cargo.toml": A, "src/lib.rs": F})
    second = await provers(root="a")
    proofs = [await first.prepare(), await second.prepare()]
    assert len(first.mirrors()) == 2
    assert [(await one.judge(proof, WRONG)).passed for one, proof in zip((first, second), proofs, strict=True)] == [
        False,
        False,
    ]


async def test_what_a_killed_process_left_is_put_right(provers: Provers) -> None:
    """A candidate, a new file and half a state are in the mirror; the next process proves on the user's files."""
    files = {"Cargo.toml": A, "src/lib.rs": "mod m;\n" + F, "src/m.rs": ""}
    prover = await provers(files)
    proof = await prover.prepare()
    new = {prover.root / "src/bin/new.rs": b"fn main() { broken }", prover.root / "src/m.rs": b"broken"}
    assert not (await prover.verifier.judge(proof, new, whole_workspace=False)).passed
    # As if it were killed here: the lock is freed, and nothing is tidied up.
    for trial in prover.verifier._trials.values():
        trial.mirror.close()
    prover.verifier._trials.clear()
    prover = await provers(root="a")
    assert len(prover.mirrors()) == 1
    assert not await fails_now(prover)
    tree = prover.mirrors()[0] / "tree" / prover.root.relative_to(prover.root.anchor)
    assert sorted(path.name for path in (tree / "src").iterdir()) == ["lib.rs", "m.rs"]


def test_the_least_recently_used_go_first_and_what_is_held_stays(tmp_path: Path) -> None:
    mirrors: list[Mirror] = []
    for number in range(4):
        mirror = open_mirror(tmp_path, lay(tmp_path / f"w{number}", {"x.rs": "x"}))
        lay(mirror.target, {"debug/deps/big": bytes(1000)})
        mirror.stamp()
        os.utime(mirror.folder / "checked", ns=(number, number))
        mirrors.append(mirror)
        if number:
            mirror.close()
    evict([mirror.folder for mirror in mirrors], 2500)
    assert [mirror.target.exists() for mirror in mirrors] == [True, False, False, True]
    mirrors[0].close()


def test_a_lock_of_a_reader_keeps_writers_out_alone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert Lock.share(path) is None
    path.touch()
    readers = [Lock.share(path), Lock.share(path)]
    assert all(readers)
    assert Lock.take(path) is None
    for reader in readers:
        assert reader is not None
        reader.release()
    writer = Lock.take(path)
    assert writer is not None
    assert Lock.share(path) is None
    writer.release()


def test_a_link_to_half_the_machine_is_not_followed(tmp_path: Path) -> None:
    root = lay(tmp_path / "a", {"x.rs": "x"})
    outside = lay(tmp_path / "outside", {"few/1.rs": "", "few/deep/2.rs": "", "many/1.rs": "", "many/deep/2.rs": ""})
    lay(outside, {"many/deep/3.rs": ""})
    for name, target in {"few": "../outside/few", "many": "../outside/many", "above": "..", "all": "/"}.items():
        (root / name).symlink_to(target)
    found = walk(Extent((str(root),), (), frozenset()), most_linked=3)
    assert sorted(found) == [str(root / name) for name in ("few/1.rs", "few/deep/2.rs", "x.rs")]
    # A folder that the workspace is in is none of it, however few files it has.
    (root / "all").unlink()
    assert not [path for path in walk(Extent((str(root),), (), frozenset())) if "above" in path]


def test_a_text_that_changes_behind_its_time_is_read_again(tmp_path: Path) -> None:
    """Neither the length nor the time tells; a link or a permission that changes says nothing of the text."""
    root = lay(tmp_path / "a", {"x.rs": "one"})
    path = root / "x.rs"
    mirror = open_mirror(tmp_path / "cache", root)
    extent = Extent((str(root),), (), frozenset())
    os.utime(path, ns=(10**18, 10**18))
    mirror.sync(extent, {})
    # As if it had been read long after it was written, so that its times count.
    entry = mirror._written.entries[str(path)]
    entry.mtime_ns, entry.changed_ns = 10**18, path.stat().st_ctime_ns
    path.chmod(0o600)
    assert not mirror.is_behind([])
    path.write_text("two")
    os.utime(path, ns=(10**18, 10**18))
    assert mirror.is_behind([])
    mirror.sync(extent, {})
    assert mirror.text(path) == b"two"
    mirror.close()
