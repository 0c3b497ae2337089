"""The budget of context is never passed, and the same input gives the same bytes, whatever Python hashes by."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.rust.context import LEAST_WITH_OUTLINE, Context, context
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.packing import tokens
from opencrates_lsp.rust.ranking import Beside
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Excerpt

NAMES = ("Alpha", "Beta", "Gamma", "Délta")
UNSHARED = ("a type in the signature", "a type in a field or the body", "called in the body")
DOCS = ("", "/// Counts.\n", "/// Zählt, und zwar genau:\n///\n/// - eins\n")


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file with types, impls, functions, tests and two holes, of names that repeat."""
    parts = ["use std::fmt;\n"]
    for name in draw(st.lists(st.sampled_from(NAMES), max_size=4)):
        fields = "".join(f"    f{n}: {draw(st.sampled_from(NAMES))},\n" for n in range(draw(st.integers(0, 4))))
        parts.append(f"{draw(st.sampled_from(DOCS))}pub struct {name} {{\n{fields}}}\n")
    for number in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(NAMES))
        parts.append(f"impl {kind} {{\n    fn m{number}(&self, other: &{kind}) -> u32 {{ {number} }}\n}}\n")
    for number in range(draw(st.integers(0, 12))):
        body = draw(st.sampled_from(("0", "first(1)", "second(&Alpha {})")))
        parts.append(
            f"{draw(st.sampled_from(DOCS))}fn f{number}(x: {draw(st.sampled_from(NAMES))}) -> u32 {{ {body} }}\n"
        )
    parts.append("#[cfg(test)]\nmod tests {\n    #[test]\n    fn firsts() { assert_eq!(super::first(1), 2); }\n}\n")
    order = draw(st.permutations(parts))
    holes_ = "fn first(x: u32) -> u32 { todo!() }\nimpl Beta {\n    fn second(a: &Alpha) -> Gamma { todo!() }\n}\n"
    return "".join([*order, holes_])


def excerpts(*reasons: str) -> st.SearchStrategy[list[Excerpt]]:
    texts = ("pub struct X;", "impl X {\n    fn go(&self);\n}", "fn far() {\n    first(2);\n}" * 9)
    origins = st.sampled_from(("src/x.rs", "x 1.0.0"))
    return st.lists(st.builds(Excerpt, st.sampled_from(texts), st.sampled_from(reasons), origins), max_size=5)


@st.composite
def besides(draw: st.DrawFn) -> Beside:
    related = {name: draw(excerpts("defines it")) for name in NAMES}
    locked = excerpts("a type in the signature", "methods of `X`: a type in the signature", "named in the body")
    return Beside(related, draw(excerpts("calls it", "a test of it")), draw(locked))


def contexts(text: str, beside: Beside, limit: int) -> Sequence[Context]:
    source = parse(text.encode())
    return [context(source, hole, beside, limit) for hole in holes(source)]


@settings(max_examples=150, deadline=None)
@given(files(), besides(), st.one_of(st.integers(0, 300), st.integers(900, 1500), st.just(6000)))
def test_the_budget_is_never_passed_and_what_is_told_is_what_is_shown(text: str, beside: Beside, limit: int) -> None:
    for found in contexts(text, beside, limit):
        assert tokens(found.text) <= max(limit, 1)
        told = sum(piece.shown for piece in found.pieces)
        assert bool(told) == bool(found.text)
        for piece in found.pieces:
            # Where no list has a share of its own, a piece is left out only when it does not fit.
            if not piece.shown and piece.reason in UNSHARED:
                assert tokens(found.text) + piece.tokens + 2 >= limit


@settings(max_examples=60, deadline=None)
@given(files(), besides())
def test_a_bigger_budget_shows_what_a_smaller_one_shows_of_the_first_rank(text: str, beside: Beside) -> None:
    for small, big in zip(contexts(text, beside, 300), contexts(text, beside, 999), strict=True):
        first = {"a type in the signature", "the block that it stands in"}
        fewer = [piece for piece in small.pieces if piece.shown and piece.reason in first]
        more = [piece for piece in big.pieces if piece.shown and piece.reason in first]
        assert len(fewer) <= len(more)


@settings(max_examples=60, deadline=None)
@given(files(), besides(), st.integers(LEAST_WITH_OUTLINE, 6000))
def test_all_holes_of_a_file_share_their_beginning_also_once_one_is_filled(
    text: str, beside: Beside, limit: int
) -> None:
    first, second = contexts(text, beside, limit)
    assert first.outline == second.outline
    assert first.text.startswith(first.outline)
    filled = text.replace("fn first(x: u32) -> u32 { todo!() }", "fn first(x: u32) -> u32 {\n    x + 1\n}")
    [later] = contexts(filled, beside, limit)
    assert later.outline == second.outline


SCRIPT = """
import sys
from opencrates_lsp.rust.context import context
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.ranking import Beside
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Excerpt
source = parse(sys.stdin.buffer.read())
beside = Beside({name: (Excerpt(f"pub struct {name};", "defines it", name),) for name in ("Far", "Near", "Wide")})
for limit in (60, 400, 6000):
    for hole in holes(source):
        found = context(source, hole, beside, limit)
        sys.stdout.buffer.write((found.text + repr(found.pieces)).encode())
"""
FILE = "".join(
    f"/// {n}.\npub struct S{n} {{ a: Far, b: Near, c: S{(n + 1) % 30} }}\n"
    f"impl S{n} {{ fn go(&self, w: Wide) {{ todo!() }} }}\n"
    for n in range(30)
)


def test_it_is_the_same_in_every_process() -> None:
    said = []
    for seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            input=FILE.encode(),
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        said.append(done.stdout)
    assert len(said[0]) > 10_000
    assert said[0] == said[1] == said[2]
