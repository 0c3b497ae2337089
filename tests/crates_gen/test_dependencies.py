"""Dependencies, asked of cargo; its registry is a folder of this test, so that nothing leaves the machine."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from crate_tools import CARGO, Scripted, names_in

from opencrates_lsp.crates import dependencies
from opencrates_lsp.crates.build import build
from opencrates_lsp.crates.spec import CrateSpec, Dependency
from opencrates_lsp.errors import Missing, Unreachable, WrongUsage


def publish(registry: Path, name: str, version: str, *, yanked: bool = False) -> None:
    """A crate with the feature `fast` into the local registry."""
    manifest = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n[features]\nfast = []\n'
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in (("Cargo.toml", manifest), ("src/lib.rs", "pub const ONE: u8 = 1;\n")):
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    registry.mkdir(exist_ok=True)
    (registry / f"{name}-{version}.crate").write_bytes(packed.getvalue())
    index = registry / "index" / name[:2] / name[2:4] / name
    index.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "name": name,
        "vers": version,
        "deps": [],
        "cksum": hashlib.sha256(packed.getvalue()).hexdigest(),
        "features": {"fast": []},
        "yanked": yanked,
    }
    with index.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose cargo knows `sturdy` 1.0 and 1.1, and `pulled` 0.1, which is yanked."""
    folder = tmp_path_factory.mktemp("home")
    for version in ("1.0.0", "1.1.0"):
        publish(folder / "registry", "sturdy", version)
    publish(folder / "registry", "pulled", "0.1.0", yanked=True)
    place = json.dumps(str(folder / "registry"))
    config = f'[source.crates-io]\nreplace-with = "here"\n[source.here]\nlocal-registry = {place}\n'
    (folder / "config.toml").write_text(config)
    # Not offline: what is not in this registry is known not to be.
    online = {"CARGO_NET_OFFLINE": "false"}
    return {
        **online,
        "CARGO_HOME": str(folder),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
    }


async def test_what_exists_is_added_as_cargo_writes_it(
    tmp_path: Path, build_folder: Path, home: dict[str, str]
) -> None:
    spec = CrateSpec("new", tmp_path, dependencies=(Dependency("sturdy", "1.0", ("fast",)),))
    staged = await build(spec, Scripted(build_folder, env=home))
    assert 'sturdy = { version = "1.0", features = ["fast"] }' in (staged.staging / "Cargo.toml").read_text()
    assert 'version = "1.1.0"' in (staged.staging / "Cargo.lock").read_text()
    assert staged.notes == ("`sturdy` 1.0 exists",)
    newest = CrateSpec("other", tmp_path, dependencies=(Dependency("sturdy"),))
    staged = await build(newest, Scripted(build_folder, env=home))
    assert 'sturdy = "1.1.0"' in (staged.staging / "Cargo.toml").read_text()


@pytest.mark.parametrize(
    ("dependency", "words"),
    [
        (Dependency("no-such"), "no-such"),
        (Dependency("sturdy", "7"), "sturdy"),
        (Dependency("sturdy", "1", ("fast", "slow")), "slow"),
        (Dependency("pulled", "0.1"), "pulled"),
    ],
)
async def test_what_does_not_is_refused_by_name_and_leaves_nothing(
    tmp_path: Path, build_folder: Path, home: dict[str, str], dependency: Dependency, words: str
) -> None:
    tools = Scripted(build_folder, env=home)
    with pytest.raises(WrongUsage, match=words) as refused:
        await build(CrateSpec("new", tmp_path, dependencies=(dependency,)), tools)
    assert "cargo does not take the dependency" in refused.value.message
    assert tools.proved == []
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    "network",
    [
        {"CARGO_NET_OFFLINE": "true"},
        {"CARGO_NET_OFFLINE": "false", "CARGO_HTTP_PROXY": "http://127.0.0.1:1", "CARGO_NET_RETRY": "0"},
    ],
    ids=["offline", "unreachable"],
)
async def test_without_a_network_it_is_said_that_nothing_is_known(
    tmp_path: Path, build_folder: Path, network: dict[str, str]
) -> None:
    empty = {"CARGO_HOME": str(tmp_path / "home"), **network}
    empty["RUSTUP_HOME"] = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
    (tmp_path / "out").mkdir()
    spec = CrateSpec("new", tmp_path / "out", dependencies=(Dependency("serde"),))
    with pytest.raises(Unreachable, match="could not be asked of the registry"):
        await build(spec, Scripted(build_folder, env=empty))
    assert names_in(tmp_path / "out") == []


async def test_without_cargo_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="cannot be started"):
        await dependencies.add(tmp_path, [Dependency("serde")], cargo=[f"{CARGO}-none"], env={})
