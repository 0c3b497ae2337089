"""One run tells what was wrong before and that rustc looks; it tells the same, to the letter, as a run without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from prover import MANIFEST, Provers, lay

from opencrates_lsp.rust.holes import holes, subject
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Level
from opencrates_lsp.verify.cargo import silent
from opencrates_lsp.verify.quiet import quiet_canary

A = MANIFEST.format(name="a")
F = "pub fn f() -> u8 { todo!() }\n"
BROKEN = 'fn g() -> u8 { let unused = 1; "" }\npub fn h(x: &str) -> String { x }\n'
ATTRIBUTE = """use proc_macro::{TokenStream, TokenTree};
#[proc_macro_attribute]
pub fn one_statement(_: TokenStream, item: TokenStream) -> TokenStream {
    let Some(TokenTree::Group(body)) = item.clone().into_iter().last() else { panic!("no body") };
    assert!(!body.stream().to_string().contains("let"), "only one statement, please");
    item
}
"""
MACRO = {
    "Cargo.toml": A + '[dependencies]\nm = { path = "m" }\n[workspace]\n', "m/src/lib.rs": ATTRIBUTE,
    "m/Cargo.toml": MANIFEST.format(name="m") + "[lib]\nproc-macro = true\n",
}  # fmt: skip
# Files, and how often rustc compiles the crate for the proof.
CASES = {
    "plain": ({"src/lib.rs": F}, 1),
    "inner-attributes": ({"src/lib.rs": "pub fn f() -> u8 {\n    #![allow(unused)]\n    todo!()\n}\n"}, 1),
    "warnings": ({"src/lib.rs": F + "pub fn g() { let unused = 1; }\nfn never() {}\n"}, 1),
    "allowed": ({"src/lib.rs": "#![allow(unused)]\n" + F}, 1),
    "all-allowed": ({"src/lib.rs": "#![allow(warnings)]\n" + F}, 2),
    # An error keeps rustc from the warning or not; it is told as it was, with its suggestion, where it was.
    "errors-after": ({"src/lib.rs": F + BROKEN}, None),
    "errors-before": ({"src/lib.rs": BROKEN + F}, None),
    "errors-around": ({"src/lib.rs": BROKEN + F + BROKEN.replace("fn ", "fn _")}, None),
    "error-on-the-line": ({"src/lib.rs": 'pub fn f() -> u8 { let x: u8 = ""; x }\n'}, None),
    "error-in-the-signature": ({"src/lib.rs": "pub fn f(x: Unknown) -> u8 {\n    1\n}\n"}, None),
    "warning-on-the-line": ({"src/lib.rs": "pub fn f() -> u8 { let unused = 1; todo!() }\n"}, None),
    "denied": ({"src/lib.rs": "#![deny(unused)]\n" + F}, 1),
    "forbidden": ({"src/lib.rs": "#![forbid(unused_variables)]\n" + F}, 2),
    "forbidden-group": ({"src/lib.rs": "#![forbid(unused)]\n" + F}, 2),
    "warnings-denied": (
        {"src/lib.rs": F, ".cargo/config.toml": '[build]\nrustflags = ["-D", "warnings"]\n'}, 2),
    "capped": ({"src/lib.rs": F, ".cargo/config.toml": '[build]\nrustflags = ["--cap-lints", "allow"]\n'}, 2),
    "macro": ({**MACRO, "src/lib.rs": f"#[m::one_statement]\n{F}"}, None),
    "macro-around": ({**MACRO, "src/lib.rs": f"#[m::one_statement]\nmod inner {{\n    {F}}}\n"}, None),
    "not-compiled": ({"src/lib.rs": f"#[cfg(windows)]\n{F}"}, 2),
}  # fmt: skip


@pytest.mark.parametrize(("files", "runs"), CASES.values(), ids=CASES)
async def test_one_run_tells_what_two_would(provers: Provers, files: dict[str, str], runs: int | None) -> None:
    log = provers.folder / "log"
    wrapper = lay(provers.folder, {"wrapper": f'#!/bin/sh\necho "$@" >> "{log}"\nexec "$@"\n'}) / "wrapper"
    wrapper.chmod(0o755)
    prover = await provers({"Cargo.toml": A, **files}, env={"RUSTC_WRAPPER": str(wrapper)})
    proof = await prover.prepare(item="f")
    assert proof.analysed is not None
    compiled = [line for line in log.read_text().splitlines() if "--crate-name a " in line]
    assert runs is None or len(compiled) == runs
    other = await provers(cache="other", env={"RUSTC_WRAPPER": str(wrapper)})
    async with other.verifier._turn(other.ground, silent) as trial:
        await trial.sync(other.ground, {}, None)
        alone = await trial.baseline(other.ground, {}, "check", proof.analysed.scope, silent)
        assert alone.findings == proof.analysed.baseline.findings
        assert (alone.ok, alone.built) == (proof.analysed.baseline.ok, proof.analysed.baseline.built)
        seen = await trial.sees(other.ground, "check", proof.analysed.scope, proof.subject, silent)
    assert seen is proof.reached


async def test_clippy_is_asked_apart(provers: Provers) -> None:
    """It may have more to say of a longer body, which nobody must take for old."""
    lints = "#![warn(clippy::items_after_statements)]\n"
    prover = await provers({"Cargo.toml": A, "src/lib.rs": lints + F.replace("todo!()", "fn g() {} todo!()")})
    proof = await prover.prepare(level=Level.CLIPPY)
    verdict = await prover.judge(proof, "{ let x = 1; fn g() {} g(); x }")
    assert [error.code for error in verdict.new_errors] == ["clippy::items_after_statements"]


@pytest.mark.parametrize(
    "text",
    [
        "#[instrument] fn f() { todo!() }",
        "#[cfg_attr(x, instrument)] fn f() { todo!() }",
        "#[async_trait] impl T for S { fn f() { todo!() } }",
        "#[pymodule] mod m { fn f() { todo!() } }",
        "#[naked] fn f() { todo!() }",
        "macro_rules! f { () => { todo!() } }",
        "fn f() { eats! { todo!() } }",
    ],
)
def test_nothing_is_laid_where_somebody_may_take_offence(tmp_path: Path, text: str) -> None:
    source = parse(text.encode())
    found = subject(source, tmp_path / "lib.rs", holes(source)[0].item)
    assert quiet_canary(source.text, found) is None
