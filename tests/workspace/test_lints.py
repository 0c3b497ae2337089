"""The lint levels that a crate sets, held against what clippy itself makes of the same crate."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Policy
from opencrates_lsp.values import Document
from opencrates_lsp.workspace.layout import Layout, load_layout
from opencrates_lsp.workspace.lints import lints_of, read_lints

PACKAGE = '[package]\nname = "p"\nversion = "0.1.0"\nedition = "2021"\n'
BODIES = """\
pub fn unwraps(x: Option<u8>) -> u8 { x.unwrap() }
pub fn unwraps_err(x: Result<u8, u8>) -> u8 { x.unwrap_err() }
pub fn by_path(x: Option<u8>) -> u8 { Option::unwrap(x) }
pub fn expects(x: Option<u8>) -> u8 { x.expect("x") }
pub fn panics(x: bool) { if x { panic!("x") } }
pub fn plans() { todo!() }
pub fn lacks() { unimplemented!("x") }
pub fn never(x: bool) { if x { unreachable!() } }
pub fn indexes(x: &[u8], at: usize) -> u8 { x[at] }
pub fn slices(x: &[u8]) -> &[u8] { &x[1..] }
pub fn maps(x: &std::collections::HashMap<String, u8>) -> u8 { x["key"] }
pub fn keys(x: &std::collections::BTreeMap<u8, u8>, at: u8) -> u8 { x[&at] }
pub fn fixed(x: [u8; 4]) -> u8 { x[0] + x[3] }
pub fn referred(x: &[u8; 4]) -> u8 { x[1] }
pub fn runs_over(x: &[u8; 4], at: usize) -> u8 { x[at] }
pub fn text(x: &str) -> &str { &x[1..] }
pub fn whole(x: &[u8]) -> &[u8] { x }
pub fn falls_back(x: Option<u8>) -> u8 { x.unwrap_or(1) }
pub fn asserts(x: u8) { assert!(x > 1, "{x}"); }
pub fn prints(x: &[u8]) { println!("{}", x[0]); }
pub fn nested(x: Option<u8>) -> Vec<u8> { vec![x.unwrap()] }
pub const VALUE: u8 = match Some(1u8) { Some(x) => x, None => panic!() };
pub const WRAPPED: u8 = Some(1u8).unwrap();
pub const fn constant(x: Option<u8>) -> u8 { x.unwrap() }
pub struct Parser;
impl Parser {
    fn expect(&self, x: u8) -> Result<u8, u8> { Ok(x) }
    pub fn parses(&self) -> Result<u8, u8> { self.expect(1)?; self.expect(2) }
}
#[cfg(test)]
mod tests {
    fn helps() -> u8 { Some(1).map(|x| x + 1).unwrap() }
    #[test]
    fn tries() { assert_eq!(helps(), 2); let x: Option<u8> = None.or(Some(2)); assert_eq!(x.expect("x"), 2); }
}
"""
RESTRICTION = '[lints.clippy]\nrestriction = { level = "warn", priority = -1 }\n'
ALL = {
    "unwrap_used",
    "expect_used",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "indexing_slicing",
    "string_slice",
}
CASES: dict[str, dict[str, str]] = {
    "nothing": {},
    "manifest": {"Cargo.toml": "[lints.clippy]\nunwrap_used = 'deny'\nindexing_slicing = { level = 'warn' }\n"},
    "group below": {"Cargo.toml": RESTRICTION + "unwrap_used = 'allow'\n"},
    "group above": {"Cargo.toml": "[lints.clippy]\nrestriction = { level = 'warn', priority = 1 }\npanic = 'allow'\n"},
    "beside the group": {"Cargo.toml": "[lints.clippy]\nrestriction = 'warn'\npanic = 'allow'\ntodo = 'allow'\n"},
    "workspace": {
        "Cargo.toml": "[lints]\nworkspace = true\n[workspace]\n[workspace.lints.clippy]\nexpect_used = 'deny'\n"
        "panic = 'warn'\n"
    },
    "root": {"head": "#![deny(clippy::unwrap_used)]\n#![warn(clippy::panic, clippy::todo)]\n"},
    "root over manifest": {"Cargo.toml": RESTRICTION, "head": "#![allow(clippy::unwrap_used, clippy::expect_used)]\n"},
    "forbidden": {"Cargo.toml": "[lints.clippy]\nunwrap_used = 'forbid'\n"},
    "module": {"Cargo.toml": RESTRICTION, "module": "#[allow(clippy::indexing_slicing)]\n"},
    "outside of tests": {"head": "#![cfg_attr(not(test), warn(clippy::unwrap_used, clippy::expect_used))]\n"},
    "let pass in tests": {
        "Cargo.toml": RESTRICTION,
        "clippy.toml": "allow-unwrap-in-tests = true\nallow-expect-in-tests = true\nallow-panic-in-tests = true\n",
    },
    "checked in constants": {"Cargo.toml": RESTRICTION, "clippy.toml": "allow-unwrap-in-consts = false\n"},
    "warnings": {"Cargo.toml": "[lints.rust]\nwarnings = 'deny'\n[lints.clippy]\nall = 'deny'\npedantic = 'deny'\n"},
    "renamed": {"head": "#![warn(clippy::option_unwrap_used)]\n"},
}  # fmt: skip


def lay(folder: Path, case: dict[str, str]) -> Path:
    """The crate of a case; what is looked at is two modules below the root."""
    (folder / "src/outer").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(PACKAGE + case.get("Cargo.toml", ""))
    (folder / "src/lib.rs").write_text(case.get("head", "") + "pub mod outer;\n")
    (folder / "src/outer/mod.rs").write_text(case.get("module", "") + "pub mod inner;\n")
    (folder / "src/outer/inner.rs").write_text(BODIES)
    if "clippy.toml" in case:
        (folder / "clippy.toml").write_text(case["clippy.toml"])
    return folder / "src/outer/inner.rs"


async def layout_of(path: Path) -> Layout:
    return await load_layout(path, cargo=[], env={}, trusted=False)


def found_by_clippy(folder: Path) -> set[int]:
    """The lines of inner.rs that clippy finds a panic in."""
    run = subprocess.run(
        ["cargo", "clippy", "--all-targets", "--offline", "--quiet", "--message-format", "json"],
        cwd=folder,
        env={**os.environ, "CARGO_TARGET_DIR": str(folder / "target")},
        capture_output=True,
        text=True,
        check=False,
    )
    lines: set[int] = set()
    heard = False
    for line in run.stdout.splitlines():
        told = json.loads(line)
        heard = heard or told["reason"] == "build-finished"
        code = (told.get("message") or {}).get("code") or {}
        if code.get("code", "").removeprefix("clippy::") in ALL:
            spans = told["message"]["spans"]
            lines |= {span["line_start"] for span in spans if span["is_primary"] and "inner.rs" in span["file_name"]}
    assert heard, run.stderr
    return lines


def found_by_us(path: Path, layout: Layout) -> set[int]:
    """The lines of the items that could not be filled with the bodies that they have."""
    text = path.read_bytes()
    package = layout.package_of(path)
    assert package is not None
    lints = lints_of(package, path, {})
    lines: set[int] = set()
    for item in items(parse(text)):
        if item.identity.kind not in ("function", "const") or item.body is None:
            continue
        hole = b"{ hole!() }" if item.identity.kind == "function" else b"hole!()"
        before = parse(text[: item.body.start] + hole + text[item.body.end :])
        asked = next(one for one in items(before) if one.identity == item.identity)
        found = violations(before, parse(text), subject(before, path, asked), Policy(tests="allow"), None, lints)
        if found:
            assert {violation.rule for violation in found} == {"panics"}
            lines.add(text.count(b"\n", 0, item.node_span.start) + 1)
    return lines


@pytest.mark.skipif(shutil.which("cargo-clippy") is None, reason="clippy is not installed")
@pytest.mark.parametrize("name", CASES)
async def test_what_clippy_finds_is_what_the_policy_finds(name: str, tmp_path: Path) -> None:
    path = lay(tmp_path, CASES[name])
    clippy = found_by_clippy(tmp_path)
    assert bool(clippy) == (name not in ("nothing", "warnings"))
    assert found_by_us(path, await layout_of(path)) == clippy


async def test_an_open_root_counts_as_it_is_in_the_editor(tmp_path: Path) -> None:
    path = lay(tmp_path, {})
    layout = await layout_of(path)
    root = tmp_path / "src/lib.rs"
    opened = {root: Document(root, b"#![deny(clippy::panic)]\nmod outer;", 3)}
    assert (await read_lints(layout, path, {})).levels == ()
    assert (await read_lints(layout, path, opened)).levels == (("clippy::panic", "deny"),)


async def test_what_cannot_be_read_sets_nothing(tmp_path: Path) -> None:
    path = lay(tmp_path, {"clippy.toml": "allow-unwrap-in-tests = ["})
    layout = await layout_of(path)
    (tmp_path / "Cargo.toml").write_text(PACKAGE + "[lints.clippy]\npanic = 3\nall = {}\n[lints]\n")
    assert (await read_lints(layout, path, {})).levels == ()
    (tmp_path / "Cargo.toml").write_text(
        PACKAGE + "[lints.clippy]\npanic = 'loud'\nunwrap-used = 'deny'\n[lints.rust]\nx = 'deny'\n"
    )
    assert (await read_lints(layout, path, {})).levels == (("x", "deny"), ("clippy::unwrap_used", "deny"))
    assert (await read_lints(layout, tmp_path.parent / "elsewhere.rs", {})).levels == ()
