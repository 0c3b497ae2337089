"""Silence is no proof: what rustc does not look at is told, with the reason, and what it does look at is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prover import MANIFEST, Provers

from opencrates_lsp.rust.holes import subject
from opencrates_lsp.rust.items import items
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Level
from opencrates_lsp.verify.canary import canaries

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"


@pytest.mark.parametrize(
    ("files", "file", "reason"),
    [
        ({"src/lib.rs": "mod other;\n" + F, "src/other.rs": "\nfn x( {\n"}, "src/lib.rs", r"error in src/other.rs:2"),
        ({"src/lib.rs": f"#[cfg(windows)]\n{F}"}, "src/lib.rs", r"behind #\[cfg\(windows\)\]"),
        ({"src/lib.rs": "#[cfg(any())]\nmod m;\n", "src/m.rs": F}, "src/m.rs", r"behind #\[cfg\(any\(\)\)\]"),
        ({"src/lib.rs": "", "src/orphan.rs": F}, "src/orphan.rs", r"no `mod` reaches src/orphan.rs"),
        (
            {"src/lib.rs": "#[macro_export]\nmacro_rules! unused { () => { 1 + todo!() } }\n"},
            "src/lib.rs",
            r"uses the macro `unused!`",
        ),
        (
            {"src/lib.rs": "macro_rules! eats { ($($t:tt)*) => {} }\neats! { static X: u8 = todo!(); }\n"},
            "src/lib.rs",
            r"only the macro `eats!`",
        ),
        (
            {
                "Cargo.toml": A + '[dependencies]\nb = { path = "b" }\n[workspace]\n',
                "b/Cargo.toml": MANIFEST.format(name="b"),
                "b/src/lib.rs": '\npub fn g() -> u8 { "" }\n',
                "src/lib.rs": F,
            },
            "src/lib.rs",
            r"`b`, which it is built from, does not compile: b/src/lib.rs:2",
        ),
        ({"src/lib.rs": F, "build.rs": "fn main() { panic!(); }\n"}, "src/lib.rs", r"cargo stops .*custom build"),
    ],
    ids=[
        "syntax-elsewhere",
        "cfg",
        "cfg-on-mod",
        "orphan",
        "unused-macro",
        "foreign-macro",
        "dependency",
        "build-script",
    ],
)
async def test_what_is_not_compiled_is_told_and_never_passes(
    provers: Provers, files: dict[str, str], file: str, reason: str
) -> None:
    prover = await provers({"Cargo.toml": A, **files})
    proof = await prover.prepare(file)
    assert not proof.reached
    assert proof.reason is not None
    assert re.search(reason, proof.reason), proof.reason
    verdict = await prover.judge(proof, '{ let x: u8 = "wrong"; x }')
    assert (verdict.passed, verdict.reason) == (False, proof.reason)


@pytest.mark.parametrize(
    ("files", "file", "configuration"),
    [
        ({"src/lib.rs": f'#[cfg(feature = "extra")]\n{F}'}, "src/lib.rs", "default features + extra, host"),
        ({"src/lib.rs": '#[cfg(feature = "extra")]\nmod m;\n', "src/m.rs": F}, "src/m.rs", "+ extra, host"),
        ({"src/lib.rs": f"#[cfg(test)]\nmod t {{ {F} }}\n"}, "src/lib.rs", "default features, host, all targets"),
        ({"src/lib.rs": "", "tests/whole.rs": F}, "tests/whole.rs", "default features, host, test whole"),
        ({"src/lib.rs": "", "tests/it/main.rs": "mod m;", "tests/it/m.rs": F}, "tests/it/m.rs", "host, test it"),
        ({"src/lib.rs": "", "examples/e.rs": f"{F} fn main() {{}}"}, "examples/e.rs", "host, example e"),
        ({"src/lib.rs": "", "src/bin/b.rs": f"{F} fn main() {{}}"}, "src/bin/b.rs", "default features, host"),
        ({"src/lib.rs": "", "build.rs": "fn main() {} fn f() { todo!() }"}, "build.rs", "default features, host"),
        ({"src/lib.rs": "macro_rules! m { () => {{ todo!() }} }\n#[test]\nfn t() { m!(); }"}, "src/lib.rs", "targets"),
        ({"src/lib.rs": '#[path = "odd/x.rs"]\nmod m;\n', "src/odd/x.rs": F}, "src/odd/x.rs", "default features, host"),
        # What stands in the way of other things does not stand in the way of this.
        ({"src/lib.rs": f'use no::thing;\nfn old() -> u8 {{ "" }}\n{F}'}, "src/lib.rs", "default features, host"),
    ],
    ids=[
        "feature", "feature-on-mod", "cfg-test", "tests", "tests-module", "example", "bin", "build.rs", "macro-in-test",
        "path", "errors-elsewhere",
    ],
)  # fmt: skip
async def test_the_configuration_that_compiles_the_item_is_found(
    provers: Provers, files: dict[str, str], file: str, configuration: str
) -> None:
    prover = await provers({"Cargo.toml": f"{A}[features]\nextra = []\n", **files})
    prover.ground = prover.consenting()
    proof = await prover.prepare(file)
    assert (proof.reached, proof.reason) == (True, None)
    assert proof.configuration.endswith(configuration)
    probe = proof.subject.probe
    wrong = '{ let _: u8 = "wrong"; loop {} }'
    verdict = await prover.judge(proof, wrong)
    assert [error.code for error in verdict.new_errors] == ["E0308"], (probe, verdict)
    assert verdict.configuration == proof.configuration
    assert not verdict.passed


FORMS = """#![allow(dead_code)]
pub const fn constant() -> u8 { todo!() }
pub async fn later() -> u8 { todo!() }
pub fn never() -> ! { todo!() }
pub fn opaque() -> impl Iterator<Item = u8> { todo!() as std::vec::IntoIter<u8> }
pub unsafe extern "C" fn foreign(x: u8) -> u8 { let _ = x; todo!() }
pub fn generic<T: Clone, const N: usize>(x: [T; N]) -> [T; N] where T: Copy { #![allow(unused)] todo!() }
pub fn outer() -> u8 { fn inner() -> u8 { todo!() } inner() }
pub const VALUE: u8 = todo!();
pub static STATIC: [u8; 2] = [1, 2];
pub struct Plain { pub field: u8 }
pub enum Choice { One, Two(u8) }
pub trait Shape { const SIDES: u8 = 3; fn area(&self) -> u8 { todo!() } fn bare(&self); }
impl Shape for Plain { fn bare(&self) {} }
impl Plain { pub fn method(&self) -> u8 { self.field } }
pub mod nested { #![allow(dead_code)] pub fn deep() -> u8 { 1 } }
macro_rules! valued { ($x:expr) => { $x + todo!() }; }
macro_rules! stated { () => { let _x = 1; } }
macro_rules! declared { () => { pub fn made() -> u8 { 1 } } }
pub fn uses() -> u8 { stated!(); valued!(1) }
declared!();
"""


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        ("#[cfg(windows)]\n{ return todo!(); }\n1", False),
        ("#[cfg(windows)] // no\nlet _x = [todo!(), 1];\n1", False),
        ("#[cfg(unix)]\nlet _x = { todo!() };\n1", True),
        ("eats! { todo!() }\n1", False),
        ("eats! { todo!() }\ntodo!()", False),
        ('println!("{}{:?}", todo!(), vec![todo!(); 2]);\n1', True),
        ("assert!(matches!(todo!(), 1u8));\n#[allow(unused)]\nlet x: u8 = todo!();\n1", True),
    ],
)
async def test_a_hole_is_looked_at_itself_and_not_its_function(provers: Provers, body: str, reached: bool) -> None:
    eats = "#[allow(unused)]\nmacro_rules! eats { ($($t:tt)*) => {} }\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": f"{eats}pub fn f() -> u8 {{ {body} }}\n"})
    proof = await prover.prepare()
    assert proof.reached is reached, proof.reason
    assert reached or proof.reason == "nothing is compiled of the hole itself, though the code around it is"


async def test_an_error_that_keeps_rustc_from_the_borrows_is_told(provers: Provers) -> None:
    cycle = "const A: u8 = B;\nconst B: u8 = A;\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F + cycle})
    proof = await prover.prepare()
    assert (proof.reached, proof.reason) == (
        False,
        "rustc checks its types, but another error keeps it from its borrows",
    )
    # A plain type error does not.
    again = await prover.prepare(buffers={"src/lib.rs": f'{F}fn g() -> u8 {{ "" }}\n'.encode()})
    assert again.reached
    moved = await prover.judge(again, "{ let s = String::new(); drop(s); drop(s); 1 }")
    assert [error.code for error in moved.new_errors] == ["E0382"]


async def test_a_canary_is_seen_in_every_kind_of_item(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": FORMS})
    names = [
        "constant",
        "later",
        "never",
        "opaque",
        "foreign",
        "generic",
        "VALUE",
        "STATIC",
        "Plain",
        "Choice",
        "Shape",
    ]
    names += ["SIDES", "area", "bare", "method", "nested", "deep", "valued", "stated", "declared"]
    for name in names:
        subject = prover.subject("src/lib.rs", name)
        assert canaries(FORMS.encode(), subject), name
        proof = await prover.verifier.prepare(prover.ground, subject, Level.CHECK, {})
        assert proof.reached, (name, proof.reason)


async def test_the_canary_is_asked_again_when_anything_around_the_item_changed(provers: Provers) -> None:
    """A proof that holds for a file must not hold for the same item in a file where it is configured out."""
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    assert (await prover.prepare()).reached
    hidden = b"#[cfg(windows)]\n" + F.encode()
    assert not (await prover.prepare(buffers={"src/lib.rs": hidden})).reached
    body = F.replace("todo!()", "let _x = 1; todo!()").encode()
    proof = await prover.prepare(buffers={"src/lib.rs": body})
    assert proof.reached
    assert [step.name for step in proof.steps] == ["sync", "baseline", "canary"]


async def test_the_conditions_of_a_foreign_target_are_its_own(provers: Provers) -> None:
    """With a target chosen, `why` is told for it and not for the host; without its std nothing is compiled."""
    prover = await provers(
        {"Cargo.toml": A, "src/lib.rs": f'#[cfg(target_os = "linux")]\n{F}'},
        configuration=Configuration(target="x86_64-pc-windows-msvc"),
    )
    proof = await prover.prepare()
    assert not proof.reached
    assert proof.reason == 'it is behind #[cfg(target_os = "linux")]'


def test_nothing_is_laid_where_only_a_macro_knows_what_it_means(tmp_path: Path) -> None:
    source = parse(b"anything! { x => y }\n")
    item = items(source)[0]
    assert canaries(source.text, subject(source, tmp_path / "x.rs", item)) == ()
