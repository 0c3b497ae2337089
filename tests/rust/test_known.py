"""Bodies that are known from the source: which ones, that rustc takes them, and when there is silence."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.rust.holes import Hole, holes
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.rust.known import candidates
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Span

CASES = (Path(__file__).parent / "known_cases.rs").read_bytes()
SOURCE = parse(CASES)
HOLES = holes(SOURCE)


def expected(at: int) -> str:
    """What the line says after `//=`."""
    line = CASES[at : CASES.index(b"\n", at)].decode()
    return line.split("//= ")[1].strip()


def bodies(text: str, related: Mapping[str, tuple[str, ...]] = MappingProxyType({})) -> list[str]:
    """The bodies offered for the first hole, each in one line."""
    source = parse(text.encode())
    hole = holes(source)[0]
    before = text.encode()[hole.item.span.start : hole.span.start].decode().rstrip()
    found = []
    for whole in candidates(source, hole, related):
        assert whole.startswith(before)
        found.append(" ".join(whole[len(before) :].rstrip().removesuffix("}").split()))
    return found


@pytest.mark.parametrize("hole", HOLES, ids=[qualified_name(hole.item) for hole in HOLES])
def test_the_first_candidate_is_the_body_that_is_meant(hole: Hole) -> None:
    found = candidates(SOURCE, hole, {})
    signature = CASES[hole.item.span.start : hole.span.start].decode().rstrip()
    assert found, f"nothing is known; expected {expected(hole.span.end)}"
    assert found[0].startswith(signature)
    inside = found[0][len(signature) :].rstrip()
    inside = inside.removesuffix(";") if hole.item.identity.kind == "const" else inside.removesuffix("}")
    assert " ".join(inside.split()) == expected(hole.span.end)


def test_rustc_takes_every_first_candidate(tmp_path: Path) -> None:
    text = CASES
    for hole in reversed(HOLES):
        start, end = hole.item.span
        text = text[:start] + candidates(SOURCE, hole, {})[0].encode() + text[end:]
    assert b"todo!(" not in text
    file = tmp_path / "lib.rs"
    file.write_bytes(text)
    command = ["rustc", "--edition", "2021", "--crate-type", "lib", "--emit=metadata", "--out-dir", str(tmp_path)]
    run = subprocess.run([*command, str(file)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr


SILENT = {
    "a number could be any field": "struct A { low: u8, high: u8 }\nimpl A { fn new(x: u8) -> Self { todo!() } }",
    "a field without a default": "struct A { file: std::fs::File }\nimpl A { fn new() -> Self { todo!() } }",
    "docs that tell a value": "struct A { n: u8 }\nimpl A {\n/// Starts at 7.\nfn new() -> Self { todo!() } }",
    "a fraction is not added part by part": "struct F { num: i64, den: i64 }\nimpl Add for F { type Output = F; "
    "fn add(self, o: F) -> F { todo!() } }",
    "another meaning than the field's": "struct A { x: f64, y: f64 }\nimpl A { fn rotated(x: f64, y: f64) -> Self "
    "{ todo!() } }",
    "a getter of another type": "struct A { ms: u64 }\nimpl A { fn ms(&self) -> String { todo!() } }",
    "two collections": "struct A { a: Vec<u8>, b: Vec<u8> }\nimpl A { fn len(&self) -> usize { todo!() } }",
    "more than the hole": "struct A { n: u8 }\nimpl A { fn n(&self) -> u8 { let x = 1; todo!() } }",
    "a hole inside an expression": "struct A { n: u8 }\nimpl A { fn n(&self) -> u8 { todo!() + 1 } }",
    "equality that may leave a field out": "struct A { id: u8, n: u8 }\nimpl PartialEq for A { "
    "fn eq(&self, o: &Self) -> bool { todo!() } }",
    "an unknown owner": "impl Elsewhere { fn new(name: String) -> Self { todo!() } }",
    "a free function": "fn parse(text: &str) -> Option<u8> { todo!() }",
    "a test": "#[test]\nfn new() { todo!() }",
    "a field that is not always there": 'struct A { #[cfg(feature = "x")] n: u8 }\nimpl A { fn new() -> Self '
    "{ todo!() } }",
    "documented formatting": "struct A(u8);\nimpl std::fmt::Display for A {\n/// As hex.\nfn fmt(&self, f: "
    "&mut std::fmt::Formatter) -> std::fmt::Result { todo!() } }",
    "the spelling of a variant": "enum E { A, B }\nimpl E { fn as_str(&self) -> &'static str { todo!() } }",
    "two variants of the type": "enum E { A(u8), B(u8) }\nimpl From<u8> for E { fn from(n: u8) -> Self { todo!() } }",
    "new and default that call each other": "struct A { f: fs::File }\nimpl Default for A { fn default() -> Self "
    "{ Self::new() } }\nimpl A { fn new() -> Self { todo!() } }",
    "a pattern": "struct P { x: u8, y: u8 }\nimpl P { fn new((x, y): (u8, u8)) -> Self { todo!() } }",
    "a ring's storage is not what it holds": "struct Ring { bytes: [u8; 8], len: usize }\nimpl Ring { "
    "fn is_empty(&self) -> bool { todo!() } }",
    "a part of a buffer": "struct Ring { bytes: Vec<u8>, head: usize }\nimpl Ring { fn iter(&self) -> "
    "std::slice::Iter<'_, u8> { todo!() } }",
    "a counter beside the entries": "struct A { all: Vec<u8>, sum: u64 }\nimpl A { fn push(&mut self, n: u8) "
    "{ todo!() } }",
    "docs that ask for more": "struct A { n: u8 }\nimpl A {\n/// Clamped to ten.\nfn set_n(&mut self, n: u8) "
    "{ todo!() } }",
    "docs that tell of a check": "struct A { n: u8 }\nimpl A {\n/// # Panics\n/// On zero.\nfn new(n: u8) -> Self "
    "{ todo!() } }",
    "a message that asks for more": 'struct A { n: u8 }\nimpl A { fn set_n(&mut self, n: u8) { todo!("clamp it") } }',
    "another kind of new": "struct U { name: String, admin: bool }\nimpl U { fn new_admin(name: String) -> Self "
    "{ todo!() } }",
    "an adapter": "struct Evens<I>(I);\nimpl<I: Iterator<Item = u8>> Iterator for Evens<I> { type Item = u8; "
    "fn next(&mut self) -> Option<u8> { todo!() } }",
    "a number with a unit": "struct Celsius(f64);\nimpl std::fmt::Display for Celsius { fn fmt(&self, f: "
    "&mut std::fmt::Formatter) -> std::fmt::Result { todo!() } }",
    "what is behind a reference may not be shown": "struct Listed<'s, S>(&'s S);\nimpl<S: Sequence> Display for "
    "Listed<'_, S> { fn fmt(&self, f: &mut Formatter) -> Result { todo!() } }",
    "a text that is checked": "struct Name(String);\nimpl FromStr for Name { type Err = Empty; "
    "fn from_str(s: &str) -> Result<Self, Empty> { todo!() } }",
    "another order": "struct Reversed(u8);\nimpl Ord for Reversed { fn cmp(&self, o: &Self) -> Ordering { todo!() } }",
    "another unit": "struct C(f64);\nstruct F(f64);\nimpl From<F> for C { fn from(f: F) -> Self { todo!() } }",
    "a builder's build": "struct B { name: Option<String> }\nimpl B { fn build(self) -> Thing { todo!() } }",
}


@pytest.mark.parametrize("text", [pytest.param(text, id=why) for why, text in SILENT.items()])
def test_nothing_is_guessed(text: str) -> None:
    assert bodies(text) == []


def test_a_struct_of_another_file_is_taken_from_what_is_related() -> None:
    text = "impl Config { pub fn name(&self) -> &str { todo!() } }"
    related = {"Config": ("pub struct Config {\n    name: String,\n}", "impl Config {\n    fn new() -> Self;\n}")}
    assert bodies(text) == []
    assert bodies(text, related) == ["&self.name"]


def test_a_related_impl_tells_that_a_field_has_a_default() -> None:
    text = "struct App { config: Config }\nimpl App { fn new() -> Self { todo!() } }"
    definition = "pub struct Config { file: File }"
    assert bodies(text, {"Config": (definition,)}) == []
    related = {"Config": (definition, "impl Default for Config {\n    fn default() -> Self;\n}")}
    assert bodies(text, related) == ["Self { config: Config::default(), }"]


def test_a_value_whose_type_is_not_known_is_tried_both_ways() -> None:
    text = "struct A { id: uuid::Uuid }\nimpl A { fn id(&self) -> uuid::Uuid { todo!() } }"
    assert bodies(text) == ["self.id", "self.id.clone()"]


def test_docs_attributes_comments_and_indentation_stay() -> None:
    text = """
mod inner {
    struct A { name: String, all: Vec<u8> }
    impl A {
        /// Makes one.
        #[must_use]
        pub(crate) fn new(
            name: String,
        ) -> Self {
            // Nothing is read here.
            todo!();
        }
    }
}
"""
    source = parse(text.encode())
    (whole,) = candidates(source, holes(source)[0], {})
    assert (
        whole
        == """/// Makes one.
        #[must_use]
        pub(crate) fn new(
            name: String,
        ) -> Self {
            // Nothing is read here.
            Self {
                name,
                all: Vec::new(),
            }
        }"""
    )


def test_a_long_file_is_not_walked() -> None:
    filler = b"".join(
        b"fn filler_%d(x: &User) -> u8 { let y = User::default(); x.n + %d }\n" % (n, n) for n in range(9000)
    )
    source = parse(filler + CASES)
    hole = holes(source)[-1]
    steps = _visited(lambda: candidates(source, hole, {}))
    assert steps < 60_000


def _visited(call: Callable[[], object]) -> int:
    """How many Python functions a call enters: a measure of work that no other load disturbs."""
    count = 0

    def count_calls(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(count_calls)
    try:
        call()
    finally:
        sys.setprofile(None)
    return count


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(HOLES), st.integers(-200, 200), st.integers(0, 30), st.binary(max_size=6))
def test_broken_rust_never_raises(hole: Hole, shift: int, length: int, new: bytes) -> None:
    at = max(0, hole.span.start + shift)
    source = parse(CASES[:at] + new + CASES[at + length :])
    for one in holes(source, Span(max(0, at - 400), at + 400)):
        for whole in candidates(source, one, {}):
            assert not re.search(r"\btodo!", whole) or source.text.count(b"todo!", *one.item.span) > 1
