"""One item is laid out as rustfmt would in place; a text that does not parse is told."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from opencrates_lsp.verify.format import format_item, rejected

RUSTFMT = Path(shutil.which("rustfmt") or "rustfmt")
RUSTC = Path(shutil.which("rustc") or "rustc")
LONG = "value.first_step(argument).second_step(argument)"


def rustfmt_whole(file: Path, edition: str = "2021") -> str:
    subprocess.run([RUSTFMT, "--edition", edition, file], check=True, capture_output=True)
    return file.read_text()


@pytest.mark.parametrize(
    ("before", "item", "after", "config"),
    [
        ("", "/// Doc.\n#[inline]\npub fn a( x:u8 )->u8{ x+1 }", "", ""),
        ("impl P {\n", "    fn get(&self)->Result<u8,E>{match self.0{Some(x)=>Ok(x),None=>Err(E)}}", "\n}", ""),
        ("trait T {\n", "    /// Doc.\n    fn f( self:Box<Self> )->u8 ;", "\n}", ""),
        ('extern "C" {\n', "    fn strlen( s:*const u8 )->usize ;", "\n}", ""),
        ("mod a {\n    pub const B: u8 = 1;\n\n", "    const X:[u8;3]=[1,2,\n  3];", "\n}", ""),
        # Deep enough that only the indentation makes the line too long.
        (
            "mod a {\n    mod b {\n        impl C {\n",
            f"            fn f() -> u8 {{ let _name = {LONG}; 1 }}",
            3 * "\n}",
            "",
        ),
        ("impl P {\n", '    fn f() -> &\'static str {\n r#"\n  as it\nstands"#\n}', "\n}", ""),
        ("impl P {\n", '    fn grüße() -> &\'static str { "🦀 ß" }', "\n}", ""),
        ("mod a {\n  impl P {\n", "    fn f(){ if a{b()} }", "\n  }\n}", "tab_spaces = 2"),
        ("impl P {\n", "\tfn f(){ if a{b()} }", "\n}", "hard_tabs = true"),
        ("mod a {\n", f"    fn f() {{ {LONG}; }}", "\n}", "max_width = 40"),
    ],
)
async def test_an_item_is_laid_out_as_in_its_file(
    tmp_path: Path, before: str, item: str, after: str, config: str
) -> None:
    (tmp_path / "rustfmt.toml").write_text(config + "\n")
    indent = item[: len(item) - len(item.lstrip())]
    made = await format_item(RUSTFMT, item.lstrip(), indent, "2021", tmp_path / "src", os.environ)
    assert made != item.lstrip()
    file = tmp_path / "whole.rs"
    file.write_text(before + item + after + "\n")
    assert before + indent + made in rustfmt_whole(file)


async def test_a_parameter_without_a_name_is_known_in_the_first_edition(tmp_path: Path) -> None:
    assert await format_item(RUSTFMT, "fn f( u8 ) ;", "    ", "2015", tmp_path, os.environ) == "fn f(u8);"


@pytest.mark.parametrize(
    ("item", "indent", "config"),
    [
        ("fn f( { }", "", ""),
        ("fn f( ){}", "   ", ""),
        ("fn f( ){}", "    ", "hard_tabs = true"),
        ("fn f( ){}", "    ", "max_width = 'wide'"),
        ("fn f( ){}", "    ", "disable_all_formatting = true"),
        ("#[rustfmt::skip]\n    fn f( ){}", "    ", ""),
        ("} fn f( ){} mod x {", "    ", ""),
    ],
)
async def test_what_cannot_be_laid_out_in_place_stays(tmp_path: Path, item: str, indent: str, config: str) -> None:
    (tmp_path / "rustfmt.toml").write_text(config + "\n")
    assert await format_item(RUSTFMT, item, indent, "2021", tmp_path, os.environ) == item


async def test_line_ends_are_kept(tmp_path: Path) -> None:
    text = "/// Doc.\r\n    fn f( )->u8{1\r\n}"
    assert await format_item(RUSTFMT, text, "    ", "2021", tmp_path, os.environ) == (
        "/// Doc.\r\n    fn f() -> u8 {\r\n        1\r\n    }"
    )
    one = await format_item(RUSTFMT, "fn f(){g();h()}", "", "2021", tmp_path, os.environ, newline="\r\n")
    assert one == "fn f() {\r\n    g();\r\n    h()\r\n}"
    (tmp_path / "rustfmt.toml").write_text('newline_style = "Windows"\n')
    assert "\r" not in await format_item(RUSTFMT, "fn f(){g();h()}", "", "2021", tmp_path, os.environ)


async def test_no_other_file_is_touched(tmp_path: Path) -> None:
    other = tmp_path / "other.rs"
    other.write_text("fn  ugly( ){}\n")
    made = await format_item(RUSTFMT, "mod a { mod other ; fn f( ){} }", "", "2021", tmp_path, os.environ)
    assert made == "mod a {\n    mod other;\n    fn f() {}\n}"
    assert other.read_text() == "fn  ugly( ){}\n"


async def test_without_rustfmt_the_text_stays(tmp_path: Path) -> None:
    for rustfmt in (None, tmp_path / "none"):
        assert await format_item(rustfmt, "fn f( ){}", "", "2021", tmp_path, os.environ) == "fn f( ){}"


async def test_a_cancelled_rustfmt_is_gone(tmp_path: Path) -> None:
    slow = tmp_path / "rustfmt"
    started = tmp_path / "started"
    slow.write_text(f"#!/bin/sh\necho $$ > {started}.part && mv {started}.part {started}\nexec sleep 600\n")
    slow.chmod(0o755)
    task = asyncio.create_task(format_item(slow, "fn f( ){}", "", "2021", tmp_path, os.environ))
    while not started.exists():
        await asyncio.sleep(0.01)
    process = int(started.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(process)


@pytest.mark.parametrize(
    ("text", "edition", "wanted"),
    [
        ("fn a() { let x = ; }", "2021", "expected expression, found `;` (line 1)"),
        ("fn a() {}\n\nfn b() {\n", "2021", "this file contains an unclosed delimiter (line 3)"),
        ("#!/usr/bin/env run\nfn a( {}\n", "2021", "(line 2)"),
        ("\ufefffn a() {}", "2021", None),
        ("#!/usr/bin/env run\nfn a() {}\n", "2021", None),
        ("#![no_std]\n#![feature(unknown)]\nfn a() -> Missing { b!(c d) }\n", "2021", None),
        ('mod absent; include!("absent"); compile_error!();', "2021", None),
        ('unsafe extern "C" { safe fn x(); }', "2024", None),
        ("fn f() { async move {} }", "2021", None),
        ("fn f() { async move {} }", "2015", "(line 1)"),
    ],
)
async def test_a_text_that_does_not_parse_is_told(text: str, edition: str, wanted: str | None) -> None:
    said = await rejected(RUSTC, text, edition, os.environ)
    if wanted is None:
        assert said is None
    else:
        assert said is not None
        assert said.endswith(wanted)


async def test_no_rustc_gives_no_verdict(tmp_path: Path) -> None:
    assert await rejected(tmp_path / "none", "fn a( {", "2021", os.environ) is None
