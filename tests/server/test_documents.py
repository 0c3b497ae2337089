"""Open documents against a plain reference: the same text, the same positions, the same tree as a fresh one."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.server.documents import Encoding, OpenDocument, Place, TextChange

WIDTHS: dict[Encoding, tuple[str, int]] = {
    "utf-8": ("utf-8", 1),
    "utf-16": ("utf-16-le", 2),
    "utf-32": ("utf-32-le", 4),
}

PIECES = st.sampled_from(
    [
        "\ufeff",
        "\n",
        "\r\n",
        "\r",
        "\f",
        "\v",
        "\u2028",
        "\x85",
        "é",
        "𝄞",
        "x",
        " ",
        "fn f() {",
        "}",
        "let y = 1;",
        '"ß"',
        "//",
    ]
)
TEXTS = st.lists(PIECES, max_size=24).map("".join)


def reference_lines(text: str) -> list[str]:
    """The lines with their ends, as the protocol has it."""
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z|\A\Z", text) + ([""] if text.endswith(("\r", "\n")) else [])


def reference_offset(text: str, place: Place, encoding: Encoding) -> int:
    """The index into `text` (characters, not bytes) of a position; clamped as the protocol has it."""
    lines = reference_lines(text)
    if place.line >= len(lines):
        return len(text)
    codec, width = WIDTHS[encoding]
    body = lines[place.line].rstrip("\r\n")
    units = taken = 0
    for character in body:
        units += len(character.encode(codec)) // width
        if units > place.character:
            break
        taken += 1
    return sum(map(len, lines[: place.line])) + taken


@st.composite
def histories(draw: st.DrawFn) -> tuple[Encoding, str, list[list[TextChange]]]:
    encoding: Encoding = draw(st.sampled_from(["utf-8", "utf-16", "utf-32"]))
    place = st.builds(Place, st.integers(0, 8), st.integers(0, 12))
    ranged = st.builds(lambda text, a, b: TextChange(text, min(a, b), max(a, b)), TEXTS, place, place)
    change = st.one_of(ranged, ranged, ranged, TEXTS.map(TextChange))
    return encoding, draw(TEXTS), draw(st.lists(st.lists(change, min_size=1, max_size=3), max_size=5))


@settings(max_examples=2000, deadline=None)
@given(histories())
def test_the_text_is_what_a_plain_reference_gives(history: tuple[Encoding, str, list[list[TextChange]]]) -> None:
    encoding, text, batches = history
    document = OpenDocument("file:///a.rs", text, 0, encoding=encoding)
    for version, batch in enumerate(batches, 1):
        document.apply(batch, version)
        for new, start, end in batch:
            if start is None or end is None:
                text = new
            else:
                low, high = sorted((reference_offset(text, start, encoding), reference_offset(text, end, encoding)))
                text = text[:low] + new + text[high:]
        assert document.text == text.encode()
        assert document.version == version
        assert list(document._lines) == list(type(document._lines)(text.encode()))


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.sampled_from(["utf-8", "utf-16", "utf-32"]))
def test_positions_go_there_and_back(text: str, encoding: Encoding) -> None:
    document = OpenDocument("file:///a.rs", text, 0, encoding=encoding)
    for index in range(len(text) + 1):
        if text[index - 1 : index] == "\r" and text[index : index + 1] == "\n":
            continue
        offset = len(text[:index].encode())
        place = document.place(offset)
        assert document.offset(place) == offset
        assert reference_offset(text, place, encoding) == index


def shape(text: bytes, node: object) -> list[tuple[str, int, int]]:
    found = []
    pending = [node]
    while pending:
        at = pending.pop()
        found.append((at.type, at.start_byte, at.end_byte))  # type: ignore[attr-defined]
        pending.extend(at.children)  # type: ignore[attr-defined]
    return found


@settings(max_examples=500, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 12), st.sampled_from(["x", "é", "𝄞", "\r\n", "1 + 2", ""])),
        max_size=8,
    )
)
def test_the_incremental_tree_equals_a_fresh_one(edits: list[tuple[int, int, str]]) -> None:
    """Edits inside one comment: the text stays whole Rust, where both ways of parsing must agree to the byte."""
    head, tail = "fn a() -> u32 { 1 }\n/* ", " */\nmod m { pub fn b(x: &str) -> usize { x.len() } }\n"
    comment = "é comment 𝄞\nover lines\r\nmore"
    document = OpenDocument("file:///a.rs", head + comment + tail, 0, encoding="utf-32")
    given_away = document.source()
    before = shape(given_away.text, given_away.tree.root_node)
    for version, (at, length, new) in enumerate(edits, 1):
        body = document.text.decode()
        low = len(head) + at % (len(body) - len(head) - len(tail) + 1)
        high = min(low + length, len(body) - len(tail))
        start, end = (document.place(len(body[:index].encode())) for index in (low, high))
        document.apply([TextChange(new, start, end)], version)
        source = document.source()
        assert shape(source.text, source.tree.root_node) == shape(source.text, parse(source.text).tree.root_node)
    assert shape(given_away.text, given_away.tree.root_node) == before


def test_a_form_feed_ends_no_line() -> None:
    document = OpenDocument("file:///a.rs", "a\fb\u2028c\nd", 0)
    assert document.place(len("a\fb\u2028c\n".encode())) == Place(1, 0)


def test_a_position_inside_a_surrogate_pair_is_its_beginning() -> None:
    document = OpenDocument("file:///a.rs", "x𝄞y", 0, encoding="utf-16")
    assert document.offset(Place(0, 2)) == 1
    assert document.offset(Place(0, 3)) == 5
