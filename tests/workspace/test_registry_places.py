"""Where the sources of dependencies are: the registry's folder, a git checkout, a path, a vendored folder; and what
strangers may have put there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from local_registry import Crates, lay

from opencrates_lsp.workspace import sources

MANIFEST = '[package]\nname = "user"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\n'
USER = "pub fn fill(widget: &widget::Widget) {\n    todo!()\n}\n"
WIDGET = "pub struct Widget { pub size: u8 }\nimpl Widget {\n    pub fn grow(&mut self) {}\n}\n"
PACKAGE = '[package]\nname = "widget"\nversion = "1.0.0"\nedition = "2021"\n'


def user(crates: Crates, dependency: str, text: str = USER) -> Path:
    workspace = lay(crates.folder / "user", {"Cargo.toml": MANIFEST + dependency, "src/lib.rs": text})
    crates.lock(workspace)
    return workspace / "src" / "lib.rs"


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_git_checkout_of_the_locked_revision(tmp_path: Path, trusted: bool) -> None:
    crates = Crates(tmp_path)
    origin = lay(tmp_path / "origin", {"deep/Cargo.toml": PACKAGE, "deep/src/lib.rs": WIDGET})
    git(origin, "init", "-q")
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", "one")
    path = user(crates, f'widget = {{ git = "file://{origin}" }}\n')
    # What came later is not what is locked.
    lay(origin, {"deep/src/lib.rs": WIDGET.replace("grow", "shrink")})
    git(origin, "commit", "-q", "-a", "-m", "two")
    found = await crates.told(path, "fill", trusted=trusted)
    assert [one.origin for one in found] == ["widget 1.0.0"] * 2
    assert found[1].text == "impl Widget {\n    pub fn grow(&mut self);\n}"


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_path_dependency_is_followed_but_left_to_the_index(tmp_path: Path, trusted: bool) -> None:
    crates = Crates(tmp_path)
    crates.publish("gadget", "2.0.0", {"src/lib.rs": "pub struct Gadget(pub u8);\n"})
    files = {
        "Cargo.toml": PACKAGE + '[dependencies]\ngadget = "2"\n[lib]\nname = "wee"\n',
        "src/lib.rs": "pub struct Widget { pub gadget: gadget::Gadget }\npub use gadget::Gadget as Thing;\n",
    }
    lay(tmp_path / "widget", files)
    text = "pub fn fill(widget: &wee::Widget, thing: wee::Thing) {\n    todo!()\n}\n"
    path = user(crates, 'widget = { path = "../widget" }\n', text)
    found = await crates.told(path, "fill", trusted=trusted)
    assert [(one.text, one.origin, one.reason) for one in found] == [
        ("pub struct Gadget(pub u8);", "gadget 2.0.0", "a type in `Widget`")
    ]


@pytest.mark.parametrize("trusted", [True, False])
async def test_vendored_sources(tmp_path: Path, trusted: bool) -> None:
    crates = Crates(tmp_path)
    crates.publish("widget", "1.0.0", {"src/lib.rs": WIDGET})
    path = user(crates, 'widget = "1"\n')
    root = path.parents[1]
    checksum = json.dumps({"files": {}, "package": next(iter(crates.checksums.values()))})
    lay(root / "third" / "widget", {"Cargo.toml": PACKAGE, "src/lib.rs": WIDGET, ".cargo-checksum.json": checksum})
    replaced = '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "third"\n'
    lay(root, {".cargo/config.toml": replaced})
    (tmp_path / "home" / "registry").rename(tmp_path / "moved")
    found = await crates.told(path, "fill", trusted=trusted)
    assert [one.origin for one in found] == ["widget 1.0.0"] * 2
    # A vendored file can be edited, unlike cargo's own copy.
    vendored = root / "third" / "widget" / "src" / "lib.rs"
    vendored.write_text("// Edited.\n" * 50 + WIDGET.replace("grow", "shrink"))
    assert "shrink" in (await crates.told(path, "fill", trusted=trusted))[1].text


async def test_a_folder_that_is_not_trusted_names_no_vendored_sources_outside_of_it(tmp_path: Path) -> None:
    crates = Crates(tmp_path)
    crates.publish("widget", "1.0.0", {"src/lib.rs": WIDGET})
    path = user(crates, 'widget = "1"\n')
    lay(tmp_path / "elsewhere" / "widget-1.0.0", {"Cargo.toml": PACKAGE, "src/lib.rs": WIDGET})
    lay(path.parents[1], {".cargo/config.toml": f'[source.x]\ndirectory = "{tmp_path / "elsewhere"}"\n'})
    (tmp_path / "home" / "registry").rename(tmp_path / "moved")
    assert await crates.told(path, "fill", trusted=False) == ()


async def test_a_lock_file_leads_nowhere_else(tmp_path: Path) -> None:
    crates = Crates(tmp_path)
    crates.publish("widget", "1.0.0", {"src/lib.rs": WIDGET})
    path = user(crates, 'widget = "1"\n')
    assert await crates.told(path, "fill", trusted=False)
    # From the package's folder up to this test's.
    version = "1.0.0/../../../../../elsewhere"
    elsewhere = {"Cargo.toml": PACKAGE.replace("1.0.0", version), "src/lib.rs": WIDGET}
    lay(tmp_path / "elsewhere", elsewhere)
    lock = path.parents[1] / "Cargo.lock"
    lock.write_text(lock.read_text().replace('version = "1.0.0"', f'version = "{version}"'))
    assert await crates.told(path, "fill", trusted=False) == ()


HOSTILE = {
    "a link out of the package": "pub mod linked;\npub use linked::Widget;\n",
    "a path out of the package": '#[path = "../../../../../outside.rs"]\npub mod away;\npub use away::Widget;\n',
    "a huge file": "pub mod huge;\npub use huge::Widget;\n",
    "a circle of globs": "pub use a::*;\npub mod a { pub use super::b::*; }\npub mod b { pub use super::a::*; }\n",
    "a circle of names": "pub use a::Widget;\nmod a { pub use crate::b::Widget; }\nmod b { pub use crate::a::Widget; }",
    "a module that is itself": '#[path = "lib.rs"]\npub mod again;\npub use again::again::again::Nothing as Widget;\n',
    "a folder for a file": "pub mod folder;\npub use folder::Widget;\n",
    "no Rust at all": "\x00{{{{((((<<<<pub struct \n" * 50,
    "what nests too deep": "pub mod a { " * 3000,
}


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_what_strangers_may_have_written_is_survived(tmp_path: Path, hostile: str) -> None:
    crates = Crates(tmp_path)
    crates.publish("widget", "1.0.0", {"src/lib.rs": HOSTILE[hostile]})
    path = user(crates, 'widget = "1"\n')
    (tmp_path / "outside.rs").write_text(WIDGET)
    folder = next((tmp_path / "home" / "registry" / "src").glob("*/widget-1.0.0")) / "src"
    (folder / "linked.rs").symlink_to(tmp_path / "outside.rs")
    (folder / "huge.rs").write_text(WIDGET + "\n" * sources.MOST_BYTES)
    (folder / "folder.rs").mkdir()
    for trusted in (True, False):
        assert await crates.told(path, "fill", trusted=trusted) == ()


async def test_bytes_that_are_no_text_are_borne(tmp_path: Path) -> None:
    crates = Crates(tmp_path)
    crates.publish("widget", "1.0.0", {"src/lib.rs": WIDGET})
    path = user(crates, 'widget = "1"\n')
    place = next((tmp_path / "home" / "registry" / "src").glob("*/widget-1.0.0")) / "src" / "lib.rs"
    place.write_bytes(b"/// \xff\xfe odd\n" + WIDGET.encode() + b"\n// \xc3\x28")
    found = await crates.told(path, "fill", trusted=True)
    assert found[0].text.startswith("/// \ufffd\ufffd odd\npub struct Widget")
