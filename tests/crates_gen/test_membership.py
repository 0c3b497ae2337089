"""A new crate and the workspace around it; cargo itself tells who is a member afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from crate_tools import Quiet, Scripted, cargo, files_of, holds

from opencrates_lsp.crates.build import StagedCrate, build
from opencrates_lsp.crates.membership import matches
from opencrates_lsp.crates.spec import CrateSpec
from opencrates_lsp.errors import Refused, WrongUsage
from opencrates_lsp.values import Level, Verdict

MEMBER = "[package]\nname = 'old'\nversion = '0.1.0'\nedition = '2021'\n"

PACKAGE = "[package]\nname = 'root'\nversion = '0.1.0'\n"


async def members(root: Path) -> set[str]:
    """The names of the workspace's packages, as cargo has them."""
    code, said = await cargo(root, os.environ, "metadata", "--no-deps", "--offline", "--format-version", "1")
    assert code == 0, said
    return {package["name"] for package in json.loads(said[said.index("{") :].splitlines()[0])["packages"]}


def lay(root: Path, manifest: str, *, inside: str = "crates") -> Path:
    """A workspace with a package `old`, and the folder in which the new crate is made."""
    (root / "crates" / "old" / "src").mkdir(parents=True)
    (root / "crates" / "old" / "Cargo.toml").write_text(MEMBER)
    (root / "crates" / "old" / "src" / "lib.rs").write_text("")
    (root / "Cargo.toml").write_bytes(manifest.encode())
    (root / "src").mkdir(parents=True)
    (root / "src" / "lib.rs").write_text("")
    (root / inside).mkdir(parents=True, exist_ok=True)
    return root / inside


def land(staged: StagedCrate) -> str:
    """Publish, apply the edit as a face would, and what the root manifest says then."""
    staged.publish()
    if staged.manifest is None:
        return ""
    path, span = staged.manifest.path, staged.manifest.span
    text = path.read_bytes()
    assert text[span.start : span.end].decode() == staged.manifest.expect
    path.write_bytes(text[: span.start] + staged.manifest.text.encode() + text[span.end :])
    return path.read_bytes().decode()


@pytest.mark.parametrize("glob", ["crates/*", "./crates/[no]*", "*/*"])
async def test_a_glob_needs_no_edit_and_never_sees_the_staging(tmp_path: Path, build_folder: Path, glob: str) -> None:
    """While the crate is proved, for real, the user's own cargo runs go on as if nothing was there."""
    root = tmp_path / "root"
    folder = lay(root, f"[workspace]\nmembers = ['crates/old', '{glob}']\nresolver = '2'\n")
    seen: list[set[str]] = []

    async def watch(staging: Path, level: Level) -> Verdict:
        seen.append(await members(root))
        code, said = await cargo(staging, tools.env, "test")
        assert code == 0, said
        return await holds(staging, level)

    tools = Scripted(build_folder, prove=watch)
    staged = await build(CrateSpec("new", folder), tools)
    assert seen == [{"old"}]
    assert staged.manifest is None
    land(staged)
    assert await members(root) == {"old", "new"}
    assert not (folder / "new" / "Cargo.lock").exists()
    assert not (folder / "new" / ".gitignore").exists()
    assert not (folder / "new" / ".github").exists()
    assert "[workspace]" not in (folder / "new" / "Cargo.toml").read_text()
    assert not [name for name in files_of(tmp_path) if "opencrates" in name]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('[workspace]\nmembers = ["crates/old"]\n', '[workspace]\nmembers = ["crates/old", "crates/new"]\n'),
        ('[workspace]\nmembers = ["crates/old", ]\n', '[workspace]\nmembers = ["crates/old", "crates/new" ]\n'),
        (
            '# é\r\n[workspace]\r\nmembers = [\r\n  "crates/old", # the # old "one"\r\n]\r\n',
            '# é\r\n[workspace]\r\nmembers = [\r\n  "crates/old", # the # old "one"\r\n  "crates/new",\r\n]\r\n',
        ),
        (
            "[workspace]\nmembers = [\n\t'crates/old' # last\n]\nresolver = '2' # [members]\n",
            "[workspace]\nmembers = [\n\t'crates/old', # last\n\t\"crates/new\"\n]\nresolver = '2' # [members]\n",
        ),
        ('workspace.members = ["crates/old"]\n', 'workspace.members = ["crates/old", "crates/new"]\n'),
        ("[workspace]\nmembers = []\n", '[workspace]\nmembers = ["crates/new"]\n'),
        (
            "[workspace]\nmembers = [\n  # none yet\n]\n",
            '[workspace]\nmembers = [\n  # none yet\n    "crates/new",\n]\n',
        ),
        (
            f"{PACKAGE}description = '''\n[workspace]'''\n\n[workspace] # root\n",
            f"{PACKAGE}description = '''\n[workspace]'''\n\n[workspace]\nmembers = [\"crates/new\"] # root\n",
        ),
    ],
)
async def test_a_list_gets_one_more_entry_in_its_own_layout(
    tmp_path: Path, build_folder: Path, before: str, after: str
) -> None:
    staged = await build(CrateSpec("new", lay(tmp_path, before)), Scripted(build_folder, prove=holds))
    assert staged.staging.parent == tmp_path / "crates"
    assert land(staged) == after
    assert "new" in await members(tmp_path)


async def test_an_unsaved_manifest_is_the_one_that_counts(tmp_path: Path, build_folder: Path) -> None:
    folder = lay(tmp_path, "[workspace]\nmembers = []\n")
    face = Quiet({tmp_path / "Cargo.toml": '[workspace]\nmembers = ["crates/old", "é"]\n'})
    staged = await build(CrateSpec("new", folder), Scripted(build_folder, prove=holds, face=face))
    assert staged.manifest is not None
    assert staged.manifest.expect == '["crates/old", "é"]'
    assert staged.manifest.text == '["crates/old", "é", "crates/new"]'


@pytest.mark.parametrize(
    "manifest",
    [
        "[workspace]\nmembers = ['crates/old']\nexclude = ['crates/new']\n",
        "[workspace]\nmembers = ['crates/old']\nexclude = ['other']\n",
        "[package]\nname = 'root'\nversion = '0.1.0'\nedition = '2021'\n",
    ],
)
async def test_outside_of_every_workspace_no_manifest_is_touched(
    tmp_path: Path, build_folder: Path, manifest: str
) -> None:
    folder = lay(tmp_path, manifest, inside="other" if "other" in manifest else "crates")
    tools = Scripted(build_folder)
    staged = await build(CrateSpec("new", folder), tools)
    assert staged.manifest is None
    staged.publish()
    code, said = await cargo(folder / "new", tools.env, "check")
    assert code == 0, said
    assert (folder / "new" / "Cargo.lock").exists()
    assert await members(folder / "new") == {"new"}


@pytest.mark.parametrize(
    ("manifest", "kind", "words"),
    [
        ("[workspace]\nmembers = ['crates/old'\n", WrongUsage, "Cargo.toml"),
        ("[workspace]\nmembers = ['crates/*']\n", WrongUsage, "has a package `old` already"),
        ("workspace = { members = ['crates/old'] }\n", Refused, "cannot be extended by other/new"),
    ],
)
async def test_what_cannot_become_a_member_is_refused_before_any_work(
    tmp_path: Path, build_folder: Path, manifest: str, kind: type[Exception], words: str
) -> None:
    folder = lay(tmp_path, manifest, inside="other")
    tools = Scripted(build_folder)
    with pytest.raises(kind, match=words):
        await build(CrateSpec("old" if "already" in words else "new", folder), tools)
    assert tools.proved == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("crates/*", "crates/a", True),
        ("crates/*", "crates/.a", True),
        ("crates/*", "crates/a/b", False),
        ("./crates/*/", "crates/a", True),
        ("**/a", "x/y/a", True),
        ("crates/**", "crates/a/b", True),
        ("crates/a?", "crates/ab", True),
        ("crates/[!a]b", "crates/ab", False),
        ("crates", "crates/a", False),
    ],
)
def test_patterns_of_members(pattern: str, path: str, *, covered: bool) -> None:
    assert matches(pattern, path) is covered
