"""What bytes tell without a parser, in pieces as in one."""

from __future__ import annotations

import pytest

from opencrates_lsp.rust.syntax import parse, parse_in_turns
from opencrates_lsp.workspace import skim

UNIT = """
pub struct Name{0} {{ a: u8 }}
unsafe impl<T> Trait{0} for a::Target{0}<T>
where
    T: Copy,
{{
    fn go(&self) {{ call{0}(1); self.method{0}::<u8>(2); mac{0}!(3); spaced{0} (4) }}
}}
"""


@pytest.mark.parametrize("count", [1, 400, 1200])
def test_a_long_text_in_pieces_tells_the_same(count: int) -> None:
    text = "".join(UNIT.format(at) for at in range(count)).encode()
    assert (len(text) > skim.PIECE) == (count > 1)
    assert skim.defined_names(text) == tuple(
        sorted(f"{kind}{at}" for kind in ("Name", "Target") for at in range(count))
    )
    marks = skim.called_marks(text)
    for at in range(count):
        for name in (f"call{at}", f"method{at}", f"spaced{at}"):
            assert skim.has(marks, skim.mark(name))
    assert not skim.has(marks, skim.mark("mac0"))


def test_no_piece_is_long_where_lines_are_not() -> None:
    text = "".join(UNIT.format(at) for at in range(1200)).encode()
    found = list(skim.pieces(text))
    assert max(len(piece) for piece, _ in found) < skim.PIECE + 1_000
    assert b"".join(piece[:own] for piece, own in found) == text
    assert list(skim.pieces(b"x" * 200_000)) == [(b"x" * 200_000, 200_000)]


def test_a_tree_made_in_turns_is_the_same_tree() -> None:
    text = "".join(UNIT.format(at) for at in range(1200)).encode() + "// ünïcödé".encode() * 4000
    assert str(parse_in_turns(text).tree.root_node) == str(parse(text).tree.root_node)
