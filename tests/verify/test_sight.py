"""Who sees an edit beyond the item: other members, other targets, other features; all of them must still compile."""

from __future__ import annotations

from pathlib import Path

import pytest
from prover import MANIFEST, Provers

from opencrates_lsp.verify.sandbox import probe

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"


def members(**manifests: str) -> dict[str, str | bytes]:
    """A workspace of these members; each has a manifest that goes on as given."""
    names = ", ".join(f'"{name}"' for name in manifests)
    files: dict[str, str | bytes] = {"Cargo.toml": f'[workspace]\nresolver = "2"\nmembers = [{names}]\n'}
    return files | {f"{name}/Cargo.toml": MANIFEST.format(name=name) + more for name, more in manifests.items()}


USES_A = '[dependencies]\na = { path = "../a" }\n'
MACRO = "#[proc_macro] pub fn m(_: proc_macro::TokenStream) -> proc_macro::TokenStream { todo!() }\n"
SHARED = {"a/src/lib.rs": "mod x;\npub fn only() -> u8 { 1 }\n", "a/src/x.rs": F}
CHOICE = 'pub enum E { A, #[cfg(feature = "extra")] B }\npub fn f(e: E) -> u8 { let _ = e; todo!() }\n'
CASES = {
    # What a procedural macro makes, and what a build script runs, is compiled elsewhere.
    "macro": (
        {**members(a="[lib]\nproc-macro = true\n", b=USES_A), "a/src/lib.rs": MACRO, "b/src/lib.rs": "a::m!();\n"},
        "a/src/lib.rs", '{ "let x = ;".parse().unwrap() }', '{ "fn x() {}".parse().unwrap() }',
    ),
    "build-script": (
        {**members(a="", b=USES_A.replace("[", "[build-")),
         "a/src/lib.rs": F.replace("todo!()", "if false { todo!() } 1"),
         "b/build.rs": "fn main() { assert_eq!(a::f(), 1) }", "b/src/lib.rs": ""},
        "a/src/lib.rs", "{ 2 }", "{ 1 }",
    ),
    # One file, two members.
    "path": (
        {**members(a="", b=""), **SHARED, "b/src/lib.rs": '#[path = "../../a/src/x.rs"]\nmod x;\n'},
        "a/src/x.rs", "{ crate::only() }", "{ 1 }",
    ),
    "include": (
        {**members(a="", b=""), **SHARED, "b/src/lib.rs": 'include!("../../a/src/x.rs");\n'},
        "a/src/x.rs", "{ crate::only() }", "{ 1 }",
    ),
    "include-from-the-manifest": (
        {**members(a="", b=""), **SHARED,
         "b/src/lib.rs": 'include!(concat!(env!("CARGO_MANIFEST_DIR"), "/../a/src/x.rs"));\n'},
        "a/src/x.rs", "{ crate::only() }", "{ 1 }",
    ),
    "include-bytes": (
        {**members(a="", b=""), **SHARED,
         "b/src/lib.rs": f'const _: [u8; {len(F)}] = *include_bytes!("../../a/src/x.rs");\n'},
        "a/src/x.rs", "{ 1 }", "{ 000_001 }",
    ),
    "only-by-path": (
        {"Cargo.toml": A + '[workspace]\nmembers = ["b"]\n', "src/lib.rs": "pub fn only() -> u8 { 1 }\n",
         "shared/x.rs": F,
         "b/Cargo.toml": MANIFEST.format(name="b"), "b/src/lib.rs": '#[path = "../../shared/x.rs"]\nmod x;\n'},
        "shared/x.rs", "{ crate::only() }", "{ 1 }",
    ),
    # One file, two targets.
    "tests": (
        {"Cargo.toml": A, "src/lib.rs": "", "tests/common/mod.rs": F,
         "tests/one.rs": "mod common;\nfn only() -> u8 { 1 }\n", "tests/two.rs": "mod common;\n"},
        "tests/common/mod.rs", "{ crate::only() }", "{ 1 }",
    ),
    "example": (
        {"Cargo.toml": A, "src/lib.rs": "mod x;\npub fn only() -> u8 { 1 }\n", "src/x.rs": F,
         "examples/e.rs": '#[path = "../src/x.rs"]\nmod x;\nfn main() {}\n'},
        "src/x.rs", "{ crate::only() }", "{ 1 }",
    ),
    # The whole workspace has more features than the package alone.
    "features": (
        {**members(a="[features]\nextra = []\n", b='[dependencies]\na = { path = "../a", features = ["extra"] }\n'),
         "a/src/lib.rs": CHOICE, "b/src/lib.rs": ""},
        "a/src/lib.rs", "{ match e { E::A => 1 } }", "{ match e { E::A => 1, E::B => 2 } }",
    ),
    "forwarded-features": (
        {**members(a="[features]\nextra = []\n", b='[features]\ndefault = ["all"]\nall = ["a/extra"]\n' + USES_A),
         "a/src/lib.rs": CHOICE, "b/src/lib.rs": ""},
        "a/src/lib.rs", "{ match e { E::A => 1 } }", "{ match e { E::A => 1, E::B => 2 } }",
    ),
    # A plain `cargo check` in the root has fewer.
    "fewer-features": (
        {"Cargo.toml": A + '[dependencies]\nb = { path = "b", default-features = false }\n[workspace]\n',
         "b/Cargo.toml": MANIFEST.format(name="b") + '[features]\ndefault = ["std"]\nstd = []\n',
         "src/lib.rs": "", "b/src/lib.rs": f'#[cfg(feature = "std")]\nfn only() -> u8 {{ 1 }}\n{F}'},
        "b/src/lib.rs", "{ only() }", "{ 1 }",
    ),
    # What is seen beyond a body, though only the body changes.
    "constant": (
        {"Cargo.toml": A, "src/lib.rs": "pub const N: usize = 1 + 1;\n", "tests/t.rs": "const A: [u8; 2] = [0; a::N];"},
        "src/lib.rs", "3", "{ 2 }",
    ),
    "opaque-by-macro": (
        {**members(a="", b=USES_A), "b/src/lib.rs": "fn s<T: Send>(_: T) {}\npub fn t() { s(a::f()) }\n",
         "a/src/lib.rs": "macro_rules! r { () => { impl Sized } }\npub fn f() -> r!() { if true { todo!() } 1u8 }\n"},
        "a/src/lib.rs", "{ std::rc::Rc::new(1u8) }", "{ 1u8 }",
    ),
    "impl-in-body": (
        {**members(a="", b=USES_A), "a/src/lib.rs": f"pub struct S;\n{F}",
         "b/src/lib.rs": "trait T { fn n(&self) -> u8; }\nimpl T for a::S { fn n(&self) -> u8 { 1 } }\n"
                         "pub fn t() -> u8 { a::S.n() }\n"},
        "a/src/lib.rs", "{ impl S { pub fn n(&self) -> u16 { 1 } } 1 }",
        "{ impl S { pub fn m(&self) -> u16 { 1 } } 1 }",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "file", "wrong", "right"), CASES.values(), ids=CASES)
async def test_everything_that_sees_an_edit_must_compile(
    provers: Provers, files: dict[str, str | bytes], file: str, wrong: str, right: str
) -> None:
    prover = await provers(files)
    prover.ground = prover.consenting()
    proof = await prover.prepare(file, None if b"todo!" in (prover.root / file).read_bytes() else "N")
    assert (proof.reached, proof.reason) == (True, None)
    verdicts = [await prover.judge(proof, body) for body in (wrong, right)]
    assert [verdict.passed for verdict in verdicts] == [False, True], verdicts
    assert verdicts[0].new_errors


async def test_tests_that_an_answer_brings_must_compile(provers: Provers) -> None:
    prover = await provers({"Cargo.toml": A, "src/lib.rs": F})
    proof = await prover.prepare()
    new = "pub fn f() -> u8 { 1 }\n#[cfg(test)]\nmod tests { #[test] fn t() { assert_eq!(super::f(), VALUE); } }\n"
    verdicts = [
        await prover.verifier.judge(
            proof, {proof.subject.path: new.replace("VALUE", value).encode()}, whole_workspace=True
        )
        for value in ('"one"', "1")
    ]
    assert [(verdict.passed, len(verdict.new_errors)) for verdict in verdicts] == [(False, 1), (True, 0)]


async def test_what_a_const_without_a_value_hid_is_not_blamed_on_the_value(provers: Provers) -> None:
    """Without the value nothing that uses the library is compiled; what is wrong with it comes to light with it."""
    files = {"src/lib.rs": "pub const N: usize = todo!();\n", "benches/b.rs": "#![feature(test)]\nfn x( {}\n"}
    tests = {"tests/old.rs": "use a::no;\n", "tests/t.rs": "const A: [u8; 2] = [0; a::N];\nfn t() {}\n"}
    prover = await provers({"Cargo.toml": A, **files, **tests})
    proof = await prover.prepare()
    verdicts = [await prover.judge(proof, value) for value in ("3", "2", "no()")]
    assert [[error.code for error in verdict.new_errors] for verdict in verdicts] == [["E0308"], [], ["E0425"]]
    assert [verdict.passed for verdict in verdicts] == [False, True, False]


async def test_code_behind_a_feature_that_is_off_is_told(provers: Provers) -> None:
    manifest = A + '[features]\ndefault = ["on"]\non = ["deep"]\ndeep = []\noff = []\n'
    prover = await provers({"Cargo.toml": manifest, "src/lib.rs": F})
    proof = await prover.prepare()
    for name, passed in (("off", False), ("deep", True)):
        verdict = await prover.judge(proof, f'{{ #[cfg(feature = "{name}")] let _ = 1; 1 }}')
        assert verdict.passed is passed, verdict
    assert not (await prover.judge(proof, '{ #[cfg(not(feature = "deep"))] let _ = 1; 1 }')).passed


@pytest.mark.parametrize(
    ("files", "file", "item"),
    [
        # The programs of a package use its own macros; a build script includes what the library has.
        ({"Cargo.toml": A + "[lib]\nproc-macro = true\n", "src/lib.rs": MACRO.replace("todo!()", "Default::default()"),
          "src/main.rs": "a::m!();\nfn main() {}\n"}, "src/lib.rs", "m"),
        ({"Cargo.toml": A, "src/lib.rs": "pub mod x;\n", "src/x.rs": "pub fn f() {}\n",
          "build.rs": 'include!("src/x.rs");\nfn main() { f() }\n'}, "src/x.rs", "f"),
    ],
    ids=["macro", "build-script"],
)  # fmt: skip
async def test_what_runs_while_it_is_compiled_runs_in_the_sandbox(
    provers: Provers, tmp_path: Path, files: dict[str, str | bytes], file: str, item: str
) -> None:
    ran = tmp_path / "ran"
    prover = await provers(files)
    if await probe(prover.ground.toolchain.env) is None:
        pytest.skip("bubblewrap does not work on this machine.")
    proof = await prover.prepare(file, item)
    verdict = await prover.judge(proof, f'{{ let _ = std::fs::write("{ran}", ""); Default::default() }}')
    assert (verdict.passed, verdict.sandbox.startswith("bubblewrap; ")) == (True, True), verdict
    assert not ran.exists()
