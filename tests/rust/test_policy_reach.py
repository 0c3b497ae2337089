"""What code reaches: compile-time reads, programs, connections, exits; and what is unsafe in every form."""

from __future__ import annotations

import pytest
from judged import filled, rules, told

COMPILED = [
    'include_str!("/etc/passwd")',
    'include_bytes!("../key")',
    'include!("more.rs")',
    'include!(concat!(env!("OUT_DIR"), "/a.rs"))',
    'env!("HOME")',
    'option_env!("TOKEN")',
    'std::include_str!("a")',
    'core::env!("HOME")',
    'r#include_str!("a")',
    'include_str /* a */ ! ["a"]',
    'use std::include_str as text; text!("a")',
    'use std as s; s::env!("HOME")',
    'use std::{env as e}; e!("HOME")',
    'vec![include_str!("a")]',
    'macro_rules! m { () => { include_str!("a") } } m!()',
    'macro_rules! m { ($m:ident) => { $m!("a") } } m!(env)',
    'macro_rules! m { (@ $m:ident) => { $m!("a") } } m!(@ env)',
    "call!(include_str)",
    "call!(env, x)",
    '#[doc = include_str!("a")] fn g() {}',
    '#[path = "a.rs"] mod a;',
    '#[cfg_attr(all(), path = "a.rs")] mod a;',
    'compile_error!(include_str!("a"))',
    'env!("CARGO_MANIFEST_DIR")',
]
RUNNING = [
    'std::process::Command::new("sh")',
    'use std::process::Command; Command::new("sh")',
    'use std::process::Command as Cmd; Cmd::new("sh")',
    'use std::{process as p}; p::Command::new("sh")',
    'use std::process::{self}; process::Command::new("sh")',
    'use std::process::*; Command::new("sh")',
    'use std::*; process::Command::new("sh")',
    'use std as s; s::process::Command::new("sh")',
    'extern crate std as s; s::process::Command::new("sh")',
    '::std::process::Command::new("sh")',
    'std::r#process::Command::new("sh")',
    'std :: process /* a */ :: Command::new("sh")',
    'mod m { pub use std::process; } m::process::Command::new("sh")',
    'type C = std::process::Command; C::new("sh")',
    'macro_rules! m { ($a:ident) => { std::$a::Command::new("sh") } } m!(process)',
    'macro_rules! m { ($a:ident) => { $a::process::Command::new("sh") } } m!(std)',
    "macro_rules! m { ($a:ident $b:ident $c:ident) => { $a::$b::$c::new(1) } } m!(std process Command)",
    "make!(std, process, Command)",
    'macro_rules! m { ($a:ident) => { $a::process::Command::new("sh") } }',
    'use /* ( */ std::process /* ; */ as p; p::Command::new("sh")',
    'use crate::prelude::*; Command::new("sh").spawn()',
    'use crate::shell::Command; let x = Command::new("sh").output();',
    "make::<std::process::Command>().spawn()",
    "use std::process::Command; let mut x = Vec::<Command>::new();",
    'macro_rules! m { ($($t:tt)*) => { $($t)*::Command::new("x") } } m!(std::process)',
    'macro_rules! m { ($p:path) => { use $p as q; } } m!(std::process); q::Command::new("x")',
    'paste! { std::[<pro cess>]::Command::new("x") }',
    "fn g() -> ! { std::process::exit(0) } g()",
    "fn main() { std::process::exit(0) } main()",
    "let x: fn(&str) -> _ = std::process::Command::new;",
    'tokio::process::Command::new("sh")',
    "use std::os::unix::process::CommandExt; x.exec(); <C as std::os::unix::process::CommandExt>::exec(&mut c)",
    "unsafe { libc::system(c) }",
    "nix::unistd::fork()",
    "std::process::exit(0)",
    "use std::process; process::abort()",
    "use std::process::exit as done; done(0)",
    'std::net::TcpStream::connect("a:1")',
    'use std::net::{TcpListener}; TcpListener::bind("a:1")',
    "let x: std::net::UdpSocket = y;",
    "std::os::unix::net::UnixStream::connect(x)",
    'tokio::net::lookup_host("a")',
    'use std::net::ToSocketAddrs; "a:1".to_socket_addrs()',
]
HARMLESS = [
    "std::fs::read_to_string(x); std::env::var(y); std::env::args()",
    "use std::net::IpAddr; let x: IpAddr; std::net::Ipv4Addr::LOCALHOST; let y: std::net::SocketAddr = z;",
    "std::process::ExitCode::SUCCESS; let x: std::process::ExitStatus; std::process::id()",
    "use clap::Command; Command::new(x); let y = bevy::Command::new();",
    "self.process.exit(); net::connect(x); let process = 1; let env = env::var(x); include(y); self.env(1)",
    'env!("CARGO_PKG_VERSION"); env!("CARGO_CRATE_NAME"); option_env!("CARGO_PKG_NAME")',
    '"std::process::Command"; // include_str!("a") std::net::TcpStream\n',
    "std::thread::spawn(f); std::time::Instant::now(); std::io::stdin(); std::mem::take(x)",
    "use std::{fmt, io}; use std::collections::*; HashMap::new(); macro_rules! m { ($t:ty) => { <$t>::new() } }",
    "macro_rules! m { ($t:ident, $v:ident) => { $t::$v } } m!(Kind, A)",
    'm!(a, b); vec![std::mem::size_of::<u8>()]; println!("{}", std::f64::consts::PI)',
]


@pytest.mark.parametrize("body", COMPILED)
def test_nothing_new_is_read_while_it_compiles(body: str) -> None:
    assert "capabilities" in rules(*filled(body)), told(*filled(body))


@pytest.mark.parametrize("body", RUNNING)
def test_no_program_no_connection_no_exit_comes_new(body: str) -> None:
    assert "capabilities" in rules(*filled(body)), told(*filled(body))


@pytest.mark.parametrize("body", HARMLESS)
def test_what_functions_are_for_is_let_pass(body: str) -> None:
    assert told(*filled(body)) == []


@pytest.mark.parametrize(
    ("before", "after", "broken"),
    [
        # What the file does already, it may do more.
        ("use std::process::Command;\nfn g() { Command::new(a); }\nfn f() { $ }", "Command::new(b)", False),
        ("fn g(c: &mut std::process::Command) {}\nfn f() { $ }", "std::process::Command::new(b)", False),
        ("fn g() -> std::net::TcpStream { x }\nfn f() { $ }", "std::process::Command::new(b)", True),
        ("use std::process::Command;\nfn f() { $ }", "Command::new(b)", False),
        ("use std::net::TcpStream;\nfn f() { $ }", "std::process::Command::new(b)", True),
        ("// std::process::Command\nfn f() { $ }", "std::process::Command::new(b)", True),
        # What its tests do is not what its code does.
        ("fn f() { $ }\n#[cfg(test)]\nmod t { fn g() { std::process::Command::new(a); } }",
         "std::process::Command::new(b)", True),
        ("fn g() { std::process::Command::new(a); }\n#[test]\nfn f() { $ }", "std::process::Command::new(b)", False),
        # What is read while it compiles counts by its text.
        ('fn g() { include_str!("a"); }\nfn f() { $ }', 'include_str!("b")', True),
        ('fn g() { include_str!("a"); }\nfn f() { $ }', 'include_str!("a")', False),
        ('#[test]\nfn f() { $ }', 'env!("CARGO_MANIFEST_DIR")', False),
        ("#[test]\nfn f() { $ }", 'std::process::Command::new(env!("CARGO_BIN_EXE_x"))', False),
        # Who may end the process.
        ("fn main() { $ }", "std::process::exit(1)", False),
        ("fn f() -> ! { $ }", "std::process::exit(1)", False),
        ("impl A { fn main() { $ } }", "std::process::exit(1)", True),
        ("fn main() { $ }", "std::process::Command::new(a)", True),
    ],
)  # fmt: skip
def test_what_the_file_does_already_is_not_new(before: str, after: str, broken: bool) -> None:
    assert rules(before.replace("$", "todo!()"), before.replace("$", after)) == ["capabilities"] * broken


@pytest.mark.parametrize(
    ("name", "path", "broken"),
    [
        ("data/a.bin", "/c/tests/all.rs", False),
        ("../src/a.rs", "/c/tests/all.rs", False),
        ("../../a.bin", "/c/tests/all.rs", True),
        ("../../testdata/a", "/c/src/deep/mod.rs", False),
        ("a/../../../../x", "/c/src/deep/mod.rs", True),
        ("/etc/passwd", "/c/tests/all.rs", True),
        ("C:/x", "/c/tests/all.rs", True),
        ("a.bin", "/c/other/all.rs", True),
    ],
)
def test_a_test_may_read_what_lies_in_its_own_package(name: str, path: str, broken: bool) -> None:
    for reading in (f'include_bytes!("{name}")', f'#[path = "{name}"] mod m;'):
        before, after = filled(reading, around="#[test]\nfn f() { $ }")
        assert rules(before, after, path=path) == ["capabilities"] * broken
        assert rules(*filled(reading), path="/c/src/deep/mod.rs") == ["capabilities"]


def test_no_file_comes_in_as_a_module_that_nobody_asked_for() -> None:
    assert rules("fn f() { todo!() }", "mod other;\nfn f() { other::x() }") == ["capabilities"]
    assert rules("mod other;\nfn f() { todo!() }", "mod other;\nfn f() { other::x() }") == []
    assert rules("fn f() { todo!() }", "mod other { pub(crate) fn x() {} }\nfn f() { other::x() }") == []


def test_an_import_by_itself_reaches_nothing() -> None:
    assert rules("fn f() { todo!() }", "use std::process::{self, Command};\nuse std::net::*;\nfn f() {}") == []


UNSAFE = [
    "unsafe { g() }",
    "unsafe {}",
    "unsafe fn g() {}",
    "unsafe impl Send for A {}",
    "unsafe trait T {}",
    'unsafe extern "C" { fn g(); }',
    'extern "C" { fn g(); }',
    "extern { fn g(); }",
    "static mut X: u8 = 1;",
    "vec![unsafe { g() }]",
    "macro_rules! m { () => { unsafe { g() } } }",
    "macro_rules! m { ($($t:tt)*) => { unsafe { $($t)* } } } m!(g())",
    "#[no_mangle] pub fn g() {}",
    "#[unsafe(no_mangle)] pub fn g() {}",
    '#[cfg_attr(all(), unsafe(export_name = "g"))] fn g() {}',
    '#[link_section = "x"] static X: u8 = 1;',
    '#[link(name = "c")] extern "C" {}',
    'core::arch::global_asm!("nop");',
    'std::arch::asm!("nop")',
    "r#unsafe; unsafe /* a */ { }",
    "#[global_allocator] static A: B = B;",
    "#[used] static A: u8 = 1;",
    "impl A { unsafe fn g() {} }",
]
SAFE = [
    "let g: unsafe fn() = h; let i: unsafe extern \"C\" fn(u8) = j; fn k(x: for<'a> unsafe fn(&'a u8)) {}",
    'extern "C" fn g() {} let h: extern "C" fn() = g;',
    'let x: &\'static mut u8 = y; static X: u8 = 1; let unsafe_code = 1; /* unsafe */ "unsafe {}"',
    '#[doc(alias = "link")] fn g() {} #[serde(rename(link))] struct S; #[deny(unsafe_code)] fn h() {}',
    "asm(x); let asm = 1; asm != 2",
]


@pytest.mark.parametrize("body", UNSAFE)
def test_nothing_unsafe_comes_new(body: str) -> None:
    assert "unsafe" in rules(*filled(body)), told(*filled(body))


@pytest.mark.parametrize("body", SAFE)
def test_what_only_names_it_is_safe(body: str) -> None:
    assert told(*filled(body)) == []


def test_an_unsafe_block_may_move_to_a_helper_and_not_multiply() -> None:
    before = "fn $0f() { unsafe { g() } }"
    assert rules(before, "fn f() { h() }\nfn h() { unsafe { g() } }") == []
    assert rules(before, "fn f() { unsafe { h() } }\nfn h() { unsafe { g() } }") == ["unsafe"]


@pytest.mark.parametrize(
    ("body", "crate"),
    [
        ("use {rand};", "rand"),
        ("use {rand as r, std::fmt};", "rand"),
        ("use ::{rand::random};", "rand"),
        ("pub(crate) extern crate libc as c;", "libc"),
        ("#[tokio::main] async fn g() {}", "tokio"),
        ("#[cfg_attr(all(), derive(thiserror::Error))] struct E;", "thiserror"),
        ("lazy_static::lazy_static! { static ref A: u8 = 1; }", "lazy_static"),
        ("rand /* a */ :: random()", "rand"),
        ("macro_rules! m { () => { rand::random() } }", "rand"),
        ("impl rand::Rng for A {}", "rand"),
        ("extern crate self as me; extern crate alloc; extern crate std as s;", None),
        ("use std::fmt as f; use {std::io, core::mem};", None),
    ],
)
def test_new_crates_are_found_in_every_form(body: str, crate: str | None) -> None:
    before, after = filled(body)
    found = [line for line in told(before, after, crates=frozenset({"serde"})) if line.startswith("new_dep")]
    assert bool(found) == bool(crate), found
    assert crate is None or f"`{crate}`" in found[0]
