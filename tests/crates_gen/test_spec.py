"""What a spec may say; cargo is the witness for names and requirements."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from crate_tools import cargo

from opencrates_lsp.crates.spec import CrateSpec, Dependency, checked, from_json, is_requirement
from opencrates_lsp.errors import Missing, WrongUsage

KINDS = ("bin", "lib")


def complaint(spec: CrateSpec) -> str:
    """What `checked` says of it, "" when it takes it."""
    try:
        assert checked(spec, KINDS) is spec
    except WrongUsage as error:
        return error.message
    return ""


@pytest.mark.parametrize(
    "name", ["fn", "a-b", "a_b", "A1", "test", "self", "1a", "a.b", "a b", "", "naïve", "gen", "x"]
)
async def test_a_name_that_cargo_refuses_is_refused(tmp_path: Path, name: str) -> None:
    """`cargo new` is the witness; only names of other alphabets and the newest keyword are taken by it alone."""
    code, said = await cargo(tmp_path, os.environ, "new", "--vcs", "none", "--lib", "--name", name, "crate")
    taken = not complaint(CrateSpec(name, tmp_path))
    assert taken is (code == 0 and name not in ("naïve", "gen")), said


@pytest.mark.parametrize(
    ("name", "kind", "why"),
    [
        ("std", "lib", "crate of Rust itself"),
        ("CON", "lib", "Windows"),
        ("com1", "bin", "Windows"),
        ("deps", "bin", "folder of cargo's own"),
        ("deps", "lib", ""),
        ("a" * 65, "lib", "64 characters"),
        ("../up", "lib", "cannot be a package's name"),
        ("-a", "lib", "cannot be a package's name"),
    ],
)
def test_names_that_only_hurt_later_are_refused(tmp_path: Path, name: str, kind: str, why: str) -> None:
    said = complaint(CrateSpec(name, tmp_path, kind=kind))
    assert why in said
    assert bool(said) == bool(why)


def test_every_violation_is_named(tmp_path: Path) -> None:
    spec = CrateSpec(
        "fn",
        tmp_path / "none",
        description="x" * 5000,
        kind="web",
        edition="2030",
        license="do what you want!",
        features=("a b", "x", "x"),
        dependencies=(Dependency("a/b"), Dependency("serde", "one"), Dependency("a-b"), Dependency("a_b")),
    )
    said = complaint(spec)
    for field in ("name", "description", "kind", "edition", "license", "features", "dependencies", "path"):
        assert f"{field}:" in said
    assert "'web' is none of bin, lib" in said
    assert "'one' for a version" in said
    assert "'a_b' is named twice" in said
    assert "'x' is named twice" in said


@pytest.mark.parametrize(
    ("version", "holds"),
    [
        ("1", True),
        ("^0.3.1", True),
        (">=1, <3", True),
        ("~1.2", True),
        ("1.*", True),
        ("*", True),
        ("=1.0.0-rc.1+build", True),
        ("latest", False),
        ("1.2.3.4", False),
        ("01", False),
        ("", False),
        ("1,", False),
        (">>1", False),
        ('1"\nfoo = "2', False),
    ],
)
async def test_versions_are_requirements_as_cargo_has_them(tmp_path: Path, version: str, *, holds: bool) -> None:
    assert is_requirement(version) is holds
    (tmp_path / "src").mkdir()
    (tmp_path / "src/lib.rs").write_text("")
    manifest = f"[package]\nname = 'x'\nversion = '0.1.0'\n[dependencies]\ndep = '''{version}'''\n"
    (tmp_path / "Cargo.toml").write_text(manifest)
    code, said = await cargo(tmp_path, os.environ, "metadata", "--no-deps", "--offline", "--format-version", "1")
    assert (code == 0) is holds, said


def test_an_existing_target_and_a_read_only_folder(tmp_path: Path) -> None:
    spec = CrateSpec("taken", tmp_path)
    (tmp_path / "taken").symlink_to("nowhere")
    with pytest.raises(WrongUsage, match="exists already") as refused:
        checked(spec, KINDS)
    assert refused.value.place == tmp_path / "taken"
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(Missing, match="Nothing may be written"):
            checked(replace(spec, name="free"), KINDS)
        tmp_path.chmod(0o700)


def test_a_commands_argument_is_read(tmp_path: Path) -> None:
    given = {
        "name": "x",
        "kind": "bin",
        "path": "crates",
        "features": ["a"],
        "dependencies": ["serde", "rand@0.8", {"name": "tokio", "version": "1", "features": ["rt"]}],
    }
    spec = from_json(given, folder=tmp_path)
    assert spec == CrateSpec(
        "x",
        tmp_path / "crates",
        kind="bin",
        features=("a",),
        dependencies=(Dependency("serde"), Dependency("rand", "0.8"), Dependency("tokio", "1", ("rt",))),
    )
    assert from_json({"name": "x"}, folder=tmp_path).path == tmp_path
    assert from_json({"name": "x", "path": str(tmp_path)}).path == tmp_path


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["x"], ["an object"]),
        (
            {"name": 1, "kind": None, "features": "a", "dependencies": {}},
            ["name:", "kind:", "features:", "dependencies"],
        ),
        ({"name": "x", "colour": "red", "edition": 2021}, ["colour: no such field", "edition:"]),
        ({"name": "x", "path": "../.."}, ["leads out of"]),
        (
            {"name": "x", "dependencies": [3, {"name": "a", "git": "u", "version": 1, "features": [1]}]},
            ["dependencies[0]", "dependencies[1].git", "dependencies[1].version", "dependencies[1].features"],
        ),
    ],
)
def test_a_wrong_argument_is_named_by_its_field(tmp_path: Path, given: object, named: list[str]) -> None:
    with pytest.raises(WrongUsage) as refused:
        from_json(given, folder=tmp_path)
    for words in named:
        assert words in refused.value.message
