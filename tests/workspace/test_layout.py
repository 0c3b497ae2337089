"""Where the packages are: cargo's answer and the manifests' own, side by side."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.workspace.layout import Layout, find_manifest, load_layout

CARGO = [shutil.which("cargo") or "cargo"]
ROOT = """
[workspace]
members = ["crates/*", "app"]
exclude = ["crates/old"]
resolver = "2"
[workspace.package]
edition = "2021"
[workspace.dependencies]
base = { path = "crates/base-lib", package = "base-lib" }
"""
FILES = {
    "ws/Cargo.toml": ROOT,
    "ws/crates/base-lib/Cargo.toml": '[package]\nname = "base-lib"\nversion = "0.1.0"\nedition.workspace = true\n'
    '[features]\ndefault = ["fast"]\nfast = []\nslow = []\n[dependencies]\nfar = { path = "../../../far" }\n',
    "ws/crates/base-lib/src/lib.rs": "",
    "ws/crates/middle/Cargo.toml": '[package]\nname = "middle"\nversion = "0.1.0"\nedition = "2018"\n'
    '[lib]\nname = "centre"\n[dependencies]\nbase = { workspace = true }\n',
    "ws/crates/middle/src/lib.rs": "",
    "ws/crates/old/Cargo.toml": '[package]\nname = "old"\nversion = "0.1.0"\n',
    "ws/crates/old/src/lib.rs": "",
    "ws/app/Cargo.toml": '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n'
    '[dependencies]\nmiddle = { path = "../crates/middle" }\n[dev-dependencies]\nhidden = { path = "../hidden" }\n',
    "ws/app/src/main.rs": "fn main() {}",
    "ws/app/src/bin/second.rs": "fn main() {}",
    "ws/app/tests/whole.rs": "",
    "ws/app/build.rs": "fn main() {}",
    "ws/hidden/Cargo.toml": '[package]\nname = "hidden"\nversion = "0.1.0"\nedition = "2021"\n',
    "ws/hidden/src/lib.rs": "",
    "far/Cargo.toml": '[package]\nname = "far"\nversion = "0.1.0"\n[dependencies]\ndeep = { path = "../other/deep" }\n',
    "far/src/lib.rs": "",
    "other/Cargo.toml": '[workspace]\nmembers = ["deep"]\n[workspace.package]\nedition = "2021"\n',
    "other/deep/Cargo.toml": '[package]\nname = "deep"\nversion = "0.1.0"\nedition.workspace = true\n',
    "other/deep/src/lib.rs": "",
}


def lay(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


async def load(path: Path, *, trusted: bool) -> Layout:
    return await load_layout(path, cargo=CARGO, env=os.environ, trusted=trusted)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return lay(tmp_path, FILES)


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_workspace_is_read_whole(workspace: Path, trusted: bool) -> None:
    layout = await load(workspace / "ws/app/src/main.rs", trusted=trusted)
    assert layout.root == workspace / "ws"
    assert layout.trusted is trusted
    packages = {package.name: package for package in layout.packages}
    assert set(packages) == {"base-lib", "middle", "app", "hidden"}
    assert layout.target_directory == workspace / "ws/target"
    base = packages["base-lib"]
    assert (base.edition, base.features, base.default_features) == ("2021", ("default", "fast", "slow"), ("fast",))
    assert base.dependencies == {"base_lib", "far"}
    assert packages["app"].dependencies == {"app", "centre", "hidden"}
    assert packages["middle"].dependencies == {"centre", "base"}
    assert packages["middle"].path_dependencies == (base.root,)


@pytest.mark.parametrize("trusted", [True, False])
async def test_what_the_workspace_is_built_from_outside_of_it_is_listed(workspace: Path, trusted: bool) -> None:
    layout = await load(workspace / "ws", trusted=trusted)
    assert layout.outside == (workspace / "far", workspace / "other/deep")
    assert layout.outside_manifests == (workspace / "other/Cargo.toml",)


async def test_the_manifests_alone_tell_what_cargo_tells(workspace: Path) -> None:
    told, read = [await load(workspace / "ws", trusted=trusted) for trusted in (True, False)]
    by_name = {package.name: package for package in read.packages}
    for package in told.packages:
        other = by_name[package.name]
        assert {(target.name, target.kind, target.path) for target in package.targets} == {
            (target.name, target.kind, target.path) for target in other.targets
        }
        assert (package.edition, package.root, package.dependencies) == (other.edition, other.root, other.dependencies)


async def test_the_nearest_package_has_the_file_and_dependants_are_transitive(workspace: Path) -> None:
    layout = await load(workspace / "ws", trusted=True)
    base = layout.package_of(workspace / "ws/crates/base-lib/src/deep/new.rs")
    assert base is not None
    assert base.name == "base-lib"
    assert {package.name for package in layout.dependants(base)} == {"middle", "app"}
    app = layout.package_of(workspace / "ws/app/src/main.rs")
    assert app is not None
    assert layout.dependants(app) == ()
    assert layout.package_of(workspace / "elsewhere.rs") is None


async def test_an_excluded_package_is_its_own_workspace(workspace: Path) -> None:
    layout = await load(workspace / "ws/crates/old/src/lib.rs", trusted=False)
    assert layout.root == workspace / "ws/crates/old"
    assert [package.name for package in layout.packages] == ["old"]


def test_a_missing_manifest_is_named_with_the_way_to_one(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"no Cargo\.toml in") as caught:
        find_manifest(tmp_path / "src/new.rs")
    assert caught.value.place == tmp_path / "src/Cargo.toml"
    assert "cargo init" in caught.value.remedy


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[package]\nname = "a"\nversion = = "1"\n', ":3:11"),
        ('[package]\nnme = "a"\n', ""),
    ],
)
async def test_a_broken_manifest_is_named_with_the_place(tmp_path: Path, text: str, place: str, trusted: bool) -> None:
    manifest = lay(tmp_path, {"Cargo.toml": text, "src/lib.rs": ""}) / "Cargo.toml"
    with pytest.raises(WrongUsage) as caught:
        await load(tmp_path / "src/lib.rs", trusted=trusted)
    assert caught.value.place == manifest
    assert caught.value.message.startswith(f"{manifest}{place}: ")


async def test_a_broken_member_is_named_and_not_its_workspace(workspace: Path) -> None:
    broken = workspace / "ws/crates/middle/Cargo.toml"
    broken.write_text("[package\n")
    for trusted in (True, False):
        with pytest.raises(WrongUsage, match=r"middle/Cargo\.toml:1:") as caught:
            await load(workspace / "ws/app", trusted=trusted)
        assert caught.value.place == broken


async def test_without_cargo_the_message_says_so(tmp_path: Path) -> None:
    lay(tmp_path, {"Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\n', "src/lib.rs": ""})
    with pytest.raises(Missing, match="cargo cannot be started"):
        await load_layout(tmp_path, cargo=[str(tmp_path / "none")], env={}, trusted=True)


async def test_an_untrusted_folder_starts_no_program(tmp_path: Path) -> None:
    lay(tmp_path, {"Cargo.toml": '[package]\nname = "a"\nversion = "0.1.0"\n', "src/lib.rs": ""})
    layout = await load_layout(tmp_path, cargo=[str(tmp_path / "none")], env={}, trusted=False)
    assert [package.edition for package in layout.packages] == ["2015"]


async def test_patches_bring_their_folders(tmp_path: Path) -> None:
    manifest = '[package]\nname = "a"\nversion = "0.1.0"\n[patch.crates-io]\np = { path = "../p" }\n'
    package = '[package]\nname = "p"\nversion = "0.1.0"\n'
    lay(tmp_path, {"a/Cargo.toml": manifest, "a/src/lib.rs": "", "p/Cargo.toml": package, "p/src/lib.rs": ""})
    assert (await load(tmp_path / "a", trusted=True)).outside == (tmp_path / "p",)
