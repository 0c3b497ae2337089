"""Both kinds as they come without a model: they land only proved, and what lands is clean."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from crate_tools import TEMPLATES, Scripted, cargo, files_of

from opencrates_lsp.crates.build import build
from opencrates_lsp.crates.skeleton import kinds
from opencrates_lsp.crates.spec import LICENSE, CrateSpec

pytestmark = pytest.mark.kinds

NASTY = 'Zoë\'s "parser" \\ of `a = b`\n\n```rust\nfail!()\n```\n# [x] <y> {{ name }} {% raw %} \u202e 🦀\t1\\'


@pytest.mark.parametrize("edition", ["2021", "2024"])
@pytest.mark.parametrize("kind", ["lib", "bin"])
async def test_a_kind_is_clean_to_the_last_lint(tmp_path: Path, build_folder: Path, kind: str, edition: str) -> None:
    tools = Scripted(build_folder)
    staged = await build(CrateSpec("my-crate_1", tmp_path, kind=kind, edition=edition, features=("fast",)), tools)
    assert staged.target == tmp_path / "my-crate_1"
    assert not staged.target.exists()
    assert staged.verdict.passed
    assert staged.verdict.tests is not None
    assert staged.verdict.tests.passed >= 8
    staged.publish()
    assert files_of(tmp_path) == {f"my-crate_1/{name}" for name in files_of(staged.target)}
    lint = ["clippy", "--all-targets", "--", "-D", "warnings", "-W", "clippy::pedantic", "-W", "missing_docs"]
    for command in (["fmt", "--check"], lint, ["package", "--allow-dirty", "--list"]):
        code, said = await cargo(staged.target, tools.env, *command)
        assert code == 0, said
    code, said = await cargo(staged.target, {**tools.env, "RUSTDOCFLAGS": "-D warnings"}, "doc", "--no-deps")
    assert code == 0, said
    package = tomllib.loads((staged.target / "Cargo.toml").read_text())
    assert package["package"]["edition"] == edition
    assert package["package"]["rust-version"] == "1.85"
    assert package["features"] == {"fast": []}
    assert "workspace" not in package
    landed = files_of(staged.target)
    assert {"Cargo.lock", ".gitignore", "LICENSE-MIT", "LICENSE-APACHE", ".github/workflows/ci.yml"} <= landed
    for name in landed - {"Cargo.lock"}:
        text = (staged.target / name).read_text()
        assert "todo!" not in text, name
        assert "{%" not in text, name
        assert "{{" not in text.replace("${{", ""), name


@pytest.mark.parametrize("name", ["config", "arguments", "io", "error", "z" * 64])
@pytest.mark.parametrize("kind", ["lib", "bin"])
async def test_no_name_and_no_description_breaks_a_kind(
    tmp_path: Path, build_folder: Path, kind: str, name: str
) -> None:
    staged = await build(CrateSpec(name, tmp_path, kind=kind, description=NASTY), Scripted(build_folder))
    manifest = tomllib.loads((staged.staging / "Cargo.toml").read_text())
    assert manifest["package"]["description"] == " ".join(NASTY.replace("\u202e", " ").split())
    first = (staged.staging / "src/lib.rs").read_text().splitlines()[0]
    assert first.startswith('//! Zoë\'s "parser" \\ of ')
    assert "🦀" in (staged.staging / "README.md").read_text()


@pytest.mark.parametrize(
    ("license_", "texts"),
    [(LICENSE, {"LICENSE-MIT", "LICENSE-APACHE"}), ("MIT", {"LICENSE-MIT"}), ("MPL-2.0", set())],
)
async def test_the_licence_brings_its_texts(tmp_path: Path, build_folder: Path, license_: str, texts: set[str]) -> None:
    staged = await build(CrateSpec("licensed", tmp_path, license=license_), Scripted(build_folder))
    assert {name for name in files_of(staged.staging) if name.startswith("LICENSE")} == texts


async def test_a_folder_of_the_users_is_a_kind(tmp_path: Path, build_folder: Path) -> None:
    """A kind is nothing but a folder; one of an earlier root wins over the packaged one of that name."""
    own = tmp_path / "own" / "crates" / "tiny"
    (own / "src").mkdir(parents=True)
    (own / "Cargo.toml.j2").write_text('[package]\nname = "{{ name }}"\nversion = "0.1.0"\nedition = "{{ edition }}"\n')
    (own / "src" / "lib.rs").write_text("#[test]\nfn copied() {}\n")
    (own / "{{name}}.txt.j2").write_text("{{ Name }}")
    (own / "unwanted.txt.j2").write_text("{% if member %}text{% endif %}\n")
    roots = [tmp_path / "own", TEMPLATES]
    assert kinds(roots) == ("bin", "lib", "tiny")
    staged = await build(CrateSpec("my-own", tmp_path, kind="tiny"), Scripted(build_folder, templates=roots))
    assert (staged.staging / "my-own.txt").read_text() == "MyOwn\n"
    assert not (staged.staging / "unwanted.txt").exists()
