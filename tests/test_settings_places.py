"""The lines of the keys of a TOML text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opencrates_lsp.settings.places import lines_of, nearest

TEXT = '''\
# [no.table]
top = 1  # key = 2

[a]  # ]
b.c = "x = 1 # no comment"
"d e" = 'lit"eral'   # ends '
'f.g' . h = """
i = 1
\\"""[j]
"""
k = [ # open
  "]",
  { l = 1, m = "}" },
]
n = { o = { p = 1 } }
[ "a" . q ]
"\\u0072" = \'\'\'
s = 1\'\'\'
[[t]]
u = 1
[[t]]
u = 2
v = """four quotes"""" # " [
w = 1'''


def test_every_form_of_key_has_its_line() -> None:
    tomllib.loads(TEXT)
    assert lines_of(TEXT) == {
        ("top",): 2,
        ("a",): 4,
        ("a", "b"): 5,
        ("a", "b", "c"): 5,
        ("a", "d e"): 6,
        ("a", "f.g"): 7,
        ("a", "f.g", "h"): 7,
        ("a", "k"): 11,
        ("a", "n"): 15,
        ("a", "q"): 16,
        ("a", "q", "r"): 17,
        ("t",): 21,
        ("t", "u"): 20,
        ("t", "v"): 23,
        ("t", "w"): 24,
    }


@pytest.mark.parametrize(("key", "line"), [(("a", "n", "o", "p"), 15), (("a", "zz"), 4), (("zz",), None)])
def test_what_has_no_line_takes_the_nearest_above(key: tuple[str, ...], line: int | None) -> None:
    assert nearest(lines_of(TEXT), key) == line


def keys(value: object) -> Iterator[str]:
    """Every key of every table in the value."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(inner)


@given(st.lists(st.sampled_from([*TEXT.splitlines(), "x = 1", "y.z = [", "]", '"""', "}", "'''", "[x]"]), max_size=12))
def test_whatever_the_text_it_ends_and_finds_keys_of_it(lines: list[str]) -> None:
    text = "\n".join(lines)
    found = lines_of(text)
    assert all(1 <= line <= len(lines) for line in found.values())
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert {key[0] for key in found} == set(parsed)
    assert {key[-1] for key in found} <= set(keys(parsed))
