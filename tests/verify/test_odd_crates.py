"""Crates of odd kinds: what they are made of is found, compiled with what it needs, and judged."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from prover import MANIFEST, Provers

from opencrates_lsp.terms import Configuration

pytestmark = pytest.mark.proof

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"


def of_edition(edition: str) -> str:
    return A.replace("2021", edition)


def with_features(**features: str) -> str:
    return A + "[features]\n" + "".join(f"{name} = [{text}]\n" for name, text in features.items())


@dataclass(frozen=True)
class Case:
    """A crate with a hole in `file`; `configuration` is how the verdict names where it was looked at."""

    files: dict[str, str]
    file: str = "src/lib.rs"
    configuration: str = "default features, host"
    right: str = "{ 1 }"
    wrong: str = '{ let x: u8 = "wrong"; x }'
    item: str | None = None
    code: str | None = "E0308"


GENERATING = """
fn main() {
    println!("cargo::rerun-if-changed=table.txt");
    println!("cargo::rustc-cfg=generated");
    println!("cargo::rustc-check-cfg=cfg(generated)");
    let text = std::fs::read_to_string("table.txt").unwrap();
    let made = format!("pub const TABLE: [u8; {}] = {:?};\\n", text.trim().len(), text.trim().as_bytes());
    std::fs::write(std::path::Path::new(&std::env::var("OUT_DIR").unwrap()).join("made.rs"), made).unwrap();
}
"""
INCLUDING = 'include!(concat!(env!("OUT_DIR"), "/made.rs"));\n'
MACRO_CRATE = {
    "Cargo.toml": '[workspace]\nmembers = ["m", "u"]\nresolver = "2"\n',
    "m/Cargo.toml": MANIFEST.format(name="m") + "[lib]\nproc-macro = true\n",
    "m/src/lib.rs": "use proc_macro::TokenStream;\n#[proc_macro_derive(One)]\n"
                    "pub fn one(input: TokenStream) -> TokenStream { let _ = input; todo!() }\n",
    "u/Cargo.toml": MANIFEST.format(name="u") + '[dependencies]\nm = { path = "../m" }\n',
    "u/src/lib.rs": "#[derive(m::One)]\npub struct S;\npub fn g() -> u8 { S::one() }\n",
}  # fmt: skip
COMMON = {
    "src/lib.rs": "pub fn l() -> u8 { 1 }\n", "tests/common/mod.rs": F, "tests/one.rs": "mod common;\n",
    "tests/two.rs": "mod common;\n#[test]\nfn t() { let _: u8 = common::f(); }\n",
}  # fmt: skip
BARE = "#![no_std]\n#![no_main]\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo) -> ! { loop {} }\n"
CASES = {
    "feature": Case({"Cargo.toml": with_features(x=""), "src/lib.rs": f'#[cfg(feature = "x")]\n{F}'},
                    configuration="default features + x, host"),
    "two-features": Case(
        {"Cargo.toml": with_features(x="", y="", z=""), "src/lib.rs": '#[cfg(feature = "x")]\nmod m;\n',
         "src/m.rs": f'#[cfg(feature = "y")]\n{F}'}, file="src/m.rs", configuration="default features + x, y, host"),
    "all": Case({"Cargo.toml": with_features(x="", y=""),
                 "src/lib.rs": f'#[cfg(all(unix, feature = "x", any(feature = "y", windows)))]\n{F}'},
                configuration="default features + x, y, host"),
    "not-a-default": Case({"Cargo.toml": with_features(default='"std"', std=""),
                           "src/lib.rs": f'#[cfg(not(feature = "std"))]\n{F}'},
                          configuration="no default features, host"),
    "not-one-of-the-defaults": Case(
        {"Cargo.toml": with_features(default='"std", "x"', std="", x=""),
         "src/lib.rs": f'#[cfg(all(feature = "x", not(feature = "std")))]\n{F}'},
        configuration="no default features + x, host"),
    "one-or-the-other": Case(
        {"Cargo.toml": with_features(x="", y=""),
         "src/lib.rs": '#[cfg(all(feature = "x", feature = "y"))]\ncompile_error!("one");\n'
                       f'#[cfg(feature = "x")]\n{F}'},
        configuration="default features + x, host"),
    "optional-dependency": Case(
        {"Cargo.toml": A + '[dependencies]\nb = { path = "b", optional = true }\n'
                           '[features]\nx = ["dep:b"]\n[workspace]\n',
         "b/Cargo.toml": MANIFEST.format(name="b"), "b/src/lib.rs": "pub fn b() -> u8 { 1 }\n",
         "src/lib.rs": f'#[cfg(feature = "x")]\n{F}'},
        configuration="default features + x, host", right="{ b::b() }", wrong="{ let x: &str = b::b(); 1 }"),
    "implicit-feature": Case(
        {"Cargo.toml": A + '[dependencies]\nb = { path = "b", optional = true }\n[workspace]\n',
         "b/Cargo.toml": MANIFEST.format(name="b"), "b/src/lib.rs": "pub fn b() -> u8 { 1 }\n",
         "src/lib.rs": f'#[cfg(feature = "b")]\n{F}'},
        configuration="default features + b, host", right="{ b::b() }", wrong="{ let x: &str = b::b(); 1 }"),
    "weak-feature": Case(
        {"Cargo.toml": A + '[dependencies]\nb = { path = "b", optional = true }\n'
                           '[features]\nx = ["b?/deep", "y"]\ny = ["dep:b"]\n[workspace]\n',
         "b/Cargo.toml": MANIFEST.format(name="b") + "[features]\ndeep = []\n",
         "b/src/lib.rs": '#[cfg(feature = "deep")]\npub fn b() -> u8 { 1 }\n',
         "src/lib.rs": f'#[cfg(feature = "x")]\n{F}'},
        configuration="default features + x, host", right="{ b::b() }", wrong="{ let x: &str = b::b(); 1 }"),
    "cfg-attr": Case({"Cargo.toml": with_features(x=""),
                      "src/lib.rs": '#![cfg_attr(feature = "x", allow(unused))]\n' + F}),
    "inner-cfg": Case(
        {"Cargo.toml": with_features(x=""), "src/lib.rs": "mod m;\n", "src/m.rs": f'#![cfg(feature = "x")]\n{F}'},
        file="src/m.rs", configuration="default features + x, host"),
    "feature-and-test": Case(
        {"Cargo.toml": with_features(x=""), "src/lib.rs": f'#[cfg(all(test, feature = "x"))]\nmod t {{ {F} }}\n'},
        configuration="default features + x, host, all targets"),
    "required-features": Case(
        {"Cargo.toml": with_features(x="") + '[[bin]]\nname = "tool"\nrequired-features = ["x"]\n',
         "src/lib.rs": "", "src/bin/tool.rs": F + "fn main() {}\n"},
        file="src/bin/tool.rs", configuration="default features + x, host"),
    "required-features-of-an-example": Case(
        {"Cargo.toml": with_features(x="") + '[[example]]\nname = "e"\nrequired-features = ["x"]\n',
         "src/lib.rs": "", "examples/e.rs": F + "fn main() {}\n"},
        file="examples/e.rs", configuration="default features + x, host, example e"),
    "example": Case({"src/lib.rs": "pub fn l() -> u8 { 1 }\n", "examples/e/main.rs": F + "fn main() {}\n"},
                    file="examples/e/main.rs", configuration="default features, host, example e", right="{ a::l() }"),
    "bench": Case({"Cargo.toml": A + '[[bench]]\nname = "b"\nharness = false\n', "src/lib.rs": "",
                   "benches/b.rs": F + "fn main() {}\n"}, file="benches/b.rs",
                  configuration="default features, host, bench b"),
    "integration": Case({"src/lib.rs": "", "tests/it/main.rs": "mod deep;\n", "tests/it/deep/mod.rs": F},
                        file="tests/it/deep/mod.rs", configuration="default features, host, test it"),
    "common": Case(COMMON, file="tests/common/mod.rs", configuration="default features, host, test one test two"),
    "bin-beside-lib": Case({"src/lib.rs": "pub fn l() -> u8 { 1 }\n", "src/main.rs": F + "fn main() {}\n"},
                           file="src/main.rs", right="{ a::l() }"),
    "bin-only": Case({"src/main.rs": F + "fn main() {}\n"}, file="src/main.rs"),
    "test-without-harness": Case(
        {"Cargo.toml": A + '[[test]]\nname = "odd"\npath = "odd/t.rs"\nharness = false\n', "src/lib.rs": "",
         "odd/t.rs": F + "fn main() {}\n"}, file="odd/t.rs", configuration="default features, host, test odd"),
    "lib-not-tested": Case(
        {"Cargo.toml": A + "[lib]\ntest = false\ndoctest = false\n", "src/lib.rs": f"#[cfg(test)]\nmod t {{ {F} }}\n"},
        configuration="default features, host, all targets"),
    "generated": Case({"src/lib.rs": INCLUDING + F, "build.rs": GENERATING, "table.txt": "abc"},
                      right="{ TABLE[0] }", wrong="{ let x: &str = TABLE[0]; 1 }"),
    "behind-a-generated-condition": Case(
        {"src/lib.rs": f"{INCLUDING}#[cfg(generated)]\n{F}", "build.rs": GENERATING, "table.txt": "abc"}),
    "build-script": Case({"src/lib.rs": "",
                          "build.rs": "fn main() { f(); }\nfn f() -> u8 { if false { todo!() } 1 }\n"},
                         file="build.rs", item="f"),
    "macro": Case(MACRO_CRATE, file="m/src/lib.rs", code=None, configuration="default features, host, all targets",
                  right='{ let _ = input; "impl S { fn one() -> u8 { 1 } }".parse().unwrap() }',
                  wrong='{ let _ = input; "impl S { fn one() -> u16 { 1 } }".parse().unwrap() }'),
    "2015": Case(
        {"Cargo.toml": of_edition("2015"), "src/lib.rs": "mod async; use async::dyn; pub trait T { fn t(&self, u8); }\n"
         f"pub fn b(x: Box<T>) {{ let _ = x; dyn(); }}\n{F}", "src/async.rs": "pub fn dyn() {}\n"},
        right="{ let await = 1; ::async::dyn(); await }"),
    "2015-root": Case({"Cargo.toml": A.replace('edition = "2021"\n', ""),
                       "src/lib.rs": "extern crate core as spine;\npub mod m;\npub fn r() -> u8 { 1 }\n",
                       "src/m.rs": "use r;\n" + F}, file="src/m.rs", right="{ ::r() + r() }"),
    "2018": Case({"Cargo.toml": of_edition("2018"), "src/lib.rs": F},
                 right="{ async fn later() {} let _ = later; let x: [u8; 1] = [1]; "
                       "for &y in x.into_iter() { return y; } 1 }"),
    "2024": Case({"Cargo.toml": of_edition("2024"), "src/lib.rs": F},
                 right="{ if let Some(x) = Some(1u8) && x > 0 { return x; } 1 }",
                 wrong="{ let gen = 1; gen }", code=None),
    "no-std": Case({"src/lib.rs": "#![no_std]\nextern crate alloc;\n" + F},
                   right="{ alloc::vec::Vec::<u8>::new().len() as u8 }",
                   wrong="{ std::process::exit(1) }", code="E0433"),
    "cdylib": Case({"Cargo.toml": A + '[lib]\ncrate-type = ["cdylib", "staticlib"]\n',
                    "src/lib.rs": '#[no_mangle]\npub extern "C" fn f() -> u8 { todo!() }\n'}),
    "staticlib-no-std": Case(
        {"Cargo.toml": A + '[lib]\ncrate-type = ["staticlib"]\n[profile.dev]\npanic = "abort"\n'
                           '[profile.release]\npanic = "abort"\n', "src/lib.rs": BARE + F}),
    "another-name": Case({"Cargo.toml": A + '[lib]\nname = "other_name"\n', "src/lib.rs": "pub fn l() -> u8 { 1 }\n",
                          "src/main.rs": F + "fn main() {}\n"}, file="src/main.rs", right="{ other_name::l() }"),
    "crlf": Case({"src/lib.rs": "mod m;\r\n", "src/m.rs": "pub fn f() -> u8 {\r\n    todo!()\r\n}\r\n"},
                 file="src/m.rs", right="{\r\n1\r\n}"),
    "default-members": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["a", "b"]\ndefault-members = ["b"]\nresolver = "2"\n',
         "a/Cargo.toml": A,
         "a/src/lib.rs": F, "b/Cargo.toml": MANIFEST.format(name="b"), "b/src/lib.rs": ""}, file="a/src/lib.rs"),
    "features-of-a-dev-dependency": Case(
        {"Cargo.toml": '[workspace]\nmembers = ["a", "b"]\nresolver = "1"\n',
         "a/Cargo.toml": with_features(x="") , "a/src/lib.rs": f'#[cfg(feature = "x")]\n{F}',
         "b/Cargo.toml": MANIFEST.format(name="b") + '[dev-dependencies]\na = { path = "../a", features = ["x"] }\n',
         "b/src/lib.rs": ""}, file="a/src/lib.rs", configuration="default features + x, host"),
    "lockless": Case({"src/lib.rs": F}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_an_edit_is_proved_in_crates_of_every_kind(provers: Provers, case: Case) -> None:
    prover = await provers({"Cargo.toml": A, **case.files})
    prover.ground = prover.consenting()
    proof = await prover.prepare(case.file, case.item)
    assert (proof.reached, proof.reason, proof.configuration) == (True, None, case.configuration)
    wrong, right = [await prover.judge(proof, body) for body in (case.wrong, case.right)]
    assert (wrong.passed, bool(wrong.new_errors)) == (False, True)
    assert case.code is None or wrong.new_errors[0].code == case.code
    assert (right.passed, right.new_errors) == (True, ()), right


FLAGGED = {".cargo/config.toml": '[build]\nrustflags = ["--cfg", "flagged", "--check-cfg", "cfg(flagged)"]\n'}
UNCHECKED = {"Cargo.toml": A + "[profile.dev]\ndebug-assertions = false\n"}
RELEASED = Configuration(profile="release")
ON_AND_OFF = {"Cargo.toml": with_features(default='"on"', on="", off="")}
# Of code that an edit puts behind a condition: is it compiled, so that what is wrong with it is found?
CONDITIONS = {
    "flag": (FLAGGED, None, "#[cfg(flagged)]", True),
    "not-a-flag": (FLAGGED, None, "#[cfg(not(flagged))]", False),
    "of-a-build-script": ({"build.rs": GENERATING, "table.txt": "abc"}, None, "#[cfg(generated)]", True),
    "not-of-a-build-script": ({"build.rs": GENERATING, "table.txt": "abc"}, None, "#[cfg(not(generated))]", False),
    "debug": ({}, None, "#[cfg(debug_assertions)]", True),
    "debug-in-a-profile-without": (UNCHECKED, None, "#[cfg(debug_assertions)]", False),
    "debug-in-a-release": ({}, RELEASED, "#[cfg(debug_assertions)]", False),
    "test": ({}, None, "#[cfg(test)]", True),
    "not-test": ({}, None, "#[cfg(not(test))]", True),
    "test-and-another": ({}, None, "#[cfg(all(test, windows))]", False),
    "on": (ON_AND_OFF, None, '#[cfg(feature = "on")]', True),
    "off": (ON_AND_OFF, None, '#[cfg(feature = "off")]', False),
    "without": (ON_AND_OFF, None, '#[cfg(not(feature = "on"))]', False),
    "here": ({}, None, "#[cfg(any(windows, all(unix, not(false))))]", True),
    "elsewhere": ({}, None, '#[cfg(target_os = "macos")]', False),
    "broken": ({}, None, "#[cfg(not())]", False),
}  # fmt: skip


@pytest.mark.parametrize(("files", "configuration", "condition", "compiled"), CONDITIONS.values(), ids=CONDITIONS)
async def test_code_that_an_edit_puts_behind_a_condition_is_compiled_or_told(
    provers: Provers, files: dict[str, str], configuration: Configuration | None, condition: str, compiled: bool
) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F, **files}, configuration=configuration)
    proof = await prover.prepare()
    assert proof.reached
    wrong = await prover.judge(proof, f'{{ {condition} let _x: u8 = "wrong"; 1 }}')
    right = await prover.judge(proof, f"{{ {condition} let _x: u8 = 1; 1 }}")
    assert [error.code for error in wrong.new_errors] == (["E0308"] if compiled else [])
    assert (wrong.passed, right.passed) == (False, compiled)
    assert compiled or right.reason == f"the edit puts code behind {condition}, which is not compiled here"


CFG_IF = """macro_rules! cfg_if {
    (if #[cfg(unix)] { $($a:tt)* } else { $($b:tt)* }) => { $($a)* };
}
"""
CHOICES = [
    "std::cfg_select! { windows => { wrong() } _ => { 1 } }",
    "cfg_if! { if #[cfg(unix)] { 1 } else { wrong() } }",
]


@pytest.mark.parametrize("macro", CHOICES)
async def test_of_several_texts_one_is_compiled_and_that_is_told(provers: Provers, macro: str) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": CFG_IF + F})
    verdict = await prover.judge(await prover.prepare(), f"{{ {macro} }}")
    assert not verdict.passed
    assert verdict.reason == "the edit has several texts to choose from, of which one is compiled"


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ('target_os = "macos"', 'it is behind #[cfg(target_os = "macos")]'),
        ('all(feature = "x", windows)', 'it is behind #[cfg(all(feature = "x", windows))]'),
        ("not(unix)", "it is behind #[cfg(not(unix))]"),
        ('all(feature = "x", not(feature = "x"))', "not compiled in this configuration"),
        ('feature = "none"', "not compiled in this configuration"),
    ],
)
async def test_why_an_item_is_nowhere_compiled_is_told(provers: Provers, condition: str, reason: str) -> None:
    prover = await provers({"Cargo.toml": with_features(x=""), "src/lib.rs": f"#[cfg({condition})]\n{F}"})
    proof = await prover.prepare()
    assert (proof.reached, proof.reason) == (False, reason)
    assert not (await prover.judge(proof, "{ 1 }")).passed
