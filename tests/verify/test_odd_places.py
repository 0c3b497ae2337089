"""Workspaces that lie oddly: proofs see what a build of the user's own sees, wherever it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prover import MANIFEST, Provers, lay

from opencrates_lsp.workspace.layout import load_layout

pytestmark = pytest.mark.proof

A = MANIFEST.format(name="a")
B = {"Cargo.toml": MANIFEST.format(name="b"), "src/lib.rs": "pub fn b() -> u8 { 1 }\n"}
F = "pub fn f() -> u8 { todo!() }\n"
USES_B = '[dependencies]\nb = { path = "PATH" }\n'


def crate(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}


def using(path: str, more: str = "") -> str:
    return A + more + USES_B.replace("PATH", path)


@dataclass(frozen=True)
class Case:
    """Files below a folder, one of which has the hole; `arrange` does with the folder what texts cannot."""

    files: dict[str, str]
    file: str = "a/src/lib.rs"
    root: str = "a"
    right: str = "{ b::b() }"
    wrong: str = "{ let x: &str = b::b(); 1 }"
    members: tuple[str, ...] = ("a",)
    arrange: Callable[[Path], None] = field(default=lambda _: None)


def linked(place: str, target: str) -> Callable[[Path], None]:
    def arrange(folder: Path) -> None:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).symlink_to(target)

    return arrange


def strange(folder: Path) -> None:
    """What no walk may stumble over: links in circles and to nowhere, a pipe, a name that is no text."""
    linked("a/src/loop", "loop")(folder)
    linked("a/src/up", "..")(folder)
    linked("a/above", "../..")(folder)
    linked("a/everything", "/")(folder)
    linked("a/nowhere.rs", "../../nowhere")(folder)
    os.mkfifo(folder / "a/src/pipe.rs")
    (Path(os.fsdecode(os.fsencode(folder) + b"/a/src/\xff.rs"))).touch()


CASES = {
    "virtual": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n', "a/Cargo.toml": using("../b"),
         "a/src/lib.rs": F, **crate("b", B)}, root=".", members=("a", "b")),
    "from-a-member": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n', "a/Cargo.toml": using("../b"),
         "a/src/lib.rs": F, **crate("b", B)}, members=("a", "b")),
    "nested": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["b"]\nexclude = ["inner"]\nresolver = "2"\n', **crate("b", B),
         "inner/Cargo.toml": '[workspace]\nmembers = ["a"]\nresolver = "2"\n',
         "inner/a/Cargo.toml": using("../../b"), "inner/a/src/lib.rs": F},
        file="inner/a/src/lib.rs", root="inner"),
    "nested-uses-inheriting": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["b"]\nexclude = ["a"]\n[workspace.package]\nedition = "2021"\n'
                       'version = "1.0.0"\n[workspace.lints.rust]\nunused = "allow"\n',
         "b/Cargo.toml": '[package]\nname = "b"\nversion.workspace = true\nedition.workspace = true\n'
                         '[lints]\nworkspace = true\n',
         "b/src/lib.rs": B["src/lib.rs"], "a/Cargo.toml": using("../b"), "a/src/lib.rs": F}),
    "around-a-nested": Case(
        {"Cargo.toml": using("inner/b", '[workspace]\nexclude = ["inner"]\n'), "src/lib.rs": F,
         "inner/Cargo.toml": '[workspace]\nmembers = ["b"]\nresolver = "2"\n', **crate("inner/b", B)},
        file="src/lib.rs", root="."),
    "patch-inside": Case(
        {"a/Cargo.toml": A + '[dependencies]\nserde = "1"\n[patch.crates-io]\nserde = { path = "patched" }\n',
         "a/src/lib.rs": F,
         "a/patched/Cargo.toml": MANIFEST.format(name="serde").replace("0.1.0", "1.999.0"),
         "a/patched/src/lib.rs": "pub fn b() -> u8 { 1 }\n"},
        right="{ serde::b() }", wrong="{ let x: &str = serde::b(); 1 }"),
    "patch-above": Case(
        {"a/Cargo.toml": A + '[dependencies]\nserde = "1"\n[patch.crates-io]\nserde = { path = "../patched" }\n',
         "a/src/lib.rs": F,
         "patched/Cargo.toml": MANIFEST.format(name="serde").replace("0.1.0", "1.999.0")
                               + '[dependencies]\ndeeper = { path = "deeper" }\n',
         "patched/deeper/Cargo.toml": MANIFEST.format(name="deeper"),
         "patched/deeper/src/lib.rs": "pub fn b() -> u8 { 1 }\n", "patched/src/lib.rs": "pub use deeper::b;\n"},
        right="{ serde::b() }", wrong="{ let x: &str = serde::b(); 1 }"),
    "patch-in-config": Case(
        {"a/Cargo.toml": A + '[dependencies]\nserde = "1"\n', "a/src/lib.rs": F,
         "a/.cargo/config.toml": '[patch.crates-io]\nserde = { path = "../patched" }\n',
         "patched/Cargo.toml": MANIFEST.format(name="serde").replace("0.1.0", "1.999.0"),
         "patched/src/lib.rs": "pub fn b() -> u8 { 1 }\n"},
        right="{ serde::b() }", wrong="{ let x: &str = serde::b(); 1 }"),
    "patch-in-config-above": Case(
        {"a/Cargo.toml": A + '[dependencies]\nserde = "1"\n', "a/src/lib.rs": F,
         ".cargo/config.toml": '[patch.crates-io]\nserde = { path = "patched" }\n',
         "patched/Cargo.toml": MANIFEST.format(name="serde").replace("0.1.0", "1.999.0")
                               + '[dependencies]\ndeeper = { path = "../deeper" }\n',
         **crate("deeper", {**B, "Cargo.toml": MANIFEST.format(name="deeper")}),
         "patched/src/lib.rs": "pub use deeper::b;\n"},
        right="{ serde::b() }", wrong="{ let x: &str = serde::b(); 1 }"),
    "paths-in-config": Case(
        {"a/Cargo.toml": using("../b").replace('path = "../b"', 'version = "0.1.0", path = "../b"'),
         "a/src/lib.rs": F, **crate("b", B),
         "a/.cargo/config.toml": 'paths = ["../other"]\n', **crate("other", B)}),
    "above": Case({"a/Cargo.toml": using("../b"), "a/src/lib.rs": F, **crate("b", B)}),
    "two-levels": Case(
        {"x/y/a/Cargo.toml": using("../../../lib/b"), "x/y/a/src/lib.rs": F,
         **crate("lib/b", {"Cargo.toml": MANIFEST.format(name="b") + '[dependencies]\nc = { path = "../c" }\n',
                           "src/lib.rs": "pub use c::b;\n"}),
         **crate("lib/c", {**B, "Cargo.toml": MANIFEST.format(name="c")})},
        file="x/y/a/src/lib.rs", root="x/y/a"),
    "linked-dependency": Case(
        {"a/Cargo.toml": using("linked"), "a/src/lib.rs": F, **crate("elsewhere/b", B)},
        arrange=linked("a/linked", "../elsewhere/b")),
    "linked-dependency-above": Case(
        {"a/Cargo.toml": using("../linked"), "a/src/lib.rs": F,
         **crate("elsewhere/b", {"Cargo.toml": MANIFEST.format(name="b") + '[dependencies]\nc = { path = "../c" }\n',
                           "src/lib.rs": "pub use c::b;\n"}),
         **crate("c", {**B, "Cargo.toml": MANIFEST.format(name="c")})},
        arrange=linked("linked", "elsewhere/b")),
    "through-a-linked-folder": Case(
        {"a/Cargo.toml": using("../linked/b"), "a/src/lib.rs": F,
         **crate("elsewhere/b", {"Cargo.toml": MANIFEST.format(name="b") + '[dependencies]\nc = { path = "../c" }\n',
                           "src/lib.rs": "pub use c::b;\n"}),
         **crate("elsewhere/c", {**B, "Cargo.toml": MANIFEST.format(name="c")})},
        arrange=linked("linked", "elsewhere")),
    "opened-through-a-link": Case(
        {"real/Cargo.toml": using("../b"), "real/src/lib.rs": F, **crate("b", B)}, arrange=linked("a", "real")),
    "member-outside": Case(
        {"w/Cargo.toml": '[workspace]\nmembers = ["../a", "b"]\nresolver = "2"\n', **crate("w/b", B),
         "a/Cargo.toml": using("../w/b").replace("[package]\n", '[package]\nworkspace = "../w"\n'),
         "a/src/lib.rs": F}, members=("a", "b")),
    "outside-seen-from-the-root": Case(
        {"w/Cargo.toml": '[workspace]\nmembers = ["../a", "b"]\nresolver = "2"\n', **crate("w/b", B),
         "a/Cargo.toml": using("../w/b").replace("[package]\n", '[package]\nworkspace = "../w"\n'),
         "a/src/lib.rs": F}, root="w", members=("a", "b")),
    "spaces": Case(
        {"my % crates/größe 日本 %20/a/Cargo.toml": using("../b ü"), "my % crates/größe 日本 %20/a/src/lib.rs": F,
         **crate("my % crates/größe 日本 %20/b ü", B)},
        file="my % crates/größe 日本 %20/a/src/lib.rs", root="my % crates/größe 日本 %20/a"),
    "lib-path": Case(
        {"a/Cargo.toml": using("../b", '[lib]\npath = "source/deep/root.rs"\n'),
         "a/source/deep/root.rs": "mod m;\n", "a/source/deep/m.rs": F, **crate("b", B)},
        file="a/source/deep/m.rs"),
    "lib-above": Case(
        {"a/Cargo.toml": using("../b", '[lib]\npath = "../sources/lib.rs"\n'), "sources/lib.rs": "mod m;\n",
         "sources/m.rs": F, **crate("b", B)}, file="sources/m.rs"),
    "module-above": Case(
        {"a/Cargo.toml": using("../b"), "a/src/lib.rs": '#[path = "../../shared/m.rs"]\nmod m;\n' + F,
         "shared/m.rs": "pub fn m() -> u8 { 1 }\n", **crate("b", B)},
        right="{ m::m() }", wrong="{ let x: &str = m::m(); 1 }"),
    "linked-source": Case(
        {"a/Cargo.toml": A, "a/src/lib.rs": "mod m;\n", "elsewhere/m.rs": F},
        file="a/src/m.rs", arrange=linked("a/src/m.rs", "../../elsewhere/m.rs"), right="{ 1 }", wrong='{ "" }'),
    "linked-source-inside": Case(
        {"a/Cargo.toml": A, "a/src/lib.rs": "mod m;\n", "a/real/m.rs": F},
        file="a/src/m.rs", arrange=linked("a/src/m.rs", "../real/m.rs"), right="{ 1 }", wrong='{ "" }'),
    "linked-module-folder": Case(
        {"a/Cargo.toml": A, "a/src/lib.rs": "mod m;\n", "elsewhere/mod.rs": "mod n;\n", "elsewhere/n.rs": F},
        file="a/src/m/n.rs", arrange=linked("a/src/m", "../../elsewhere"), right="{ 1 }", wrong='{ "" }'),
    "repository-within": Case(
        {".git/HEAD": "ref: refs/heads/main\n", ".git/objects/x": "", "a/Cargo.toml": using("vendored/b"),
         "a/src/lib.rs": F, "a/vendored/b/.git": "gitdir: ../../../.git/modules/b\n",
         ".git/modules/b/HEAD": "ref: refs/heads/main\n", ".git/modules/b/objects/x": "", **crate("a/vendored/b", B)}),
    "fuzz": Case(
        {"Cargo.toml": B["Cargo.toml"], "src/lib.rs": B["src/lib.rs"],
         "fuzz/Cargo.toml": using("..", "[workspace]\n"), "fuzz/src/lib.rs": F},
        file="fuzz/src/lib.rs", root="fuzz"),
    "absolute": Case({"a/Cargo.toml": using("HERE/b"), "a/src/lib.rs": F, **crate("b", B)}),
    "linked-member": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["linked", "b"]\nresolver = "2"\n', "elsewhere/a/Cargo.toml": A,
         "elsewhere/a/src/lib.rs": F, **crate("b", B)},
        file="linked/src/lib.rs", root=".", members=("a", "b"), right="{ 1 }", wrong='{ "" }',
        arrange=linked("linked", "elsewhere/a")),
    "shared-below-a-virtual-root": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["a", "b"]\nresolver = "2"\n', "a/Cargo.toml": using("../b"),
         "a/src/lib.rs": '#[path = "../../shared/m.rs"]\nmod m;\n', "shared/m.rs": F, **crate("b", B)},
        file="shared/m.rs", root=".", members=("a", "b")),
    "sources-below-a-virtual-root": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["crates/a", "b"]\nresolver = "2"\n',
         "crates/a/Cargo.toml": using("../../b", '[lib]\npath = "../../src/lib.rs"\n'),
         "src/lib.rs": "mod m;\n", "src/m.rs": F, **crate("b", B)},
        file="src/m.rs", root=".", members=("a", "b")),
    "sources-beside-those-of-the-root": Case(
        {"Cargo.toml": MANIFEST.format(name="root") + '[workspace]\nmembers = ["crates/a", "b"]\n', "src/lib.rs": "",
         "crates/a/Cargo.toml": using("../../b", '[lib]\npath = "../../other/lib.rs"\n'),
         "other/lib.rs": "mod m;\n", "other/m.rs": F, **crate("b", B)},
        file="other/m.rs", root=".", members=("root", "a", "b")),
    "modules-above": Case(
        {"a/Cargo.toml": using("../b"), "a/src/lib.rs": '#[path = "../../shared/m.rs"]\nmod m;\n' + F,
         "shared/m.rs": "mod n;\npub mod o;\npub use n::m;\n", "shared/n.rs": "pub fn m() -> u8 { 1 }\n",
         "shared/o/mod.rs": "pub const O: u8 = 1;\n", **crate("b", B)},
        right="{ m::m() + m::o::O }", wrong="{ let x: &str = m::m(); 1 }"),
    "strange-files": Case(
        {"a/Cargo.toml": using("../b"), "a/src/lib.rs": F, **crate("b", B)}, arrange=strange),
    "inherited": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["a"]\nresolver = "2"\n[workspace.package]\nedition = "2021"\n'
                       '[workspace.dependencies]\nb = { path = "../outer/b" }\n',
         "a/Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\nedition.workspace = true\n'
                         '[dependencies]\nb = { workspace = true }\n',
         "a/src/lib.rs": F + "pub async fn edition() {}\n", "../outer/b/Cargo.toml": B["Cargo.toml"],
         "../outer/b/src/lib.rs": B["src/lib.rs"]}, root="."),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_an_edit_is_proved_wherever_its_crates_lie(provers: Provers, case: Case) -> None:
    here = str(provers.folder / "w")
    folder = lay(provers.folder / "w", {name: text.replace("HERE", here) for name, text in case.files.items()})
    case.arrange(folder)
    prover = await provers(root=f"w/{case.root}")
    assert {one.name for one in prover.ground.layout.packages} == set(case.members)
    # A file that many may share is nobody's own.
    shared = case == CASES["shared-below-a-virtual-root"]
    assert (prover.ground.layout.package_of(folder / case.file) is None) is shared
    prover.root = folder
    proof = await prover.prepare(case.file)
    assert (proof.reached, proof.reason) == (True, None)
    assert proof.analysed is not None
    assert proof.analysed.baseline.errors == ()
    wrong, right = [await prover.judge(proof, body) for body in (case.wrong, case.right)]
    assert ([error.code for error in wrong.new_errors], wrong.passed) == (["E0308"], False)
    assert (right.passed, right.new_errors) == (True, ())
    # Both readings of a workspace agree on its members.
    unasked = await load_layout(folder / case.root, cargo=[], env={}, trusted=False)
    assert {one.name for one in unasked.packages} == set(case.members)
