"""The rule `tests`, for the examples in docs: rustdoc runs them, so they are tests."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opencrates_lsp.rust.items import item_at, qualified_name
from opencrates_lsp.rust.lexer import code
from opencrates_lsp.rust.policy.assertions import Assertion, assertions, weaker
from opencrates_lsp.rust.policy.edit import Edit, Side, Violation
from opencrates_lsp.rust.policy.marks import Mark, attribute_ranges, marks_in
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Span

_FENCE = re.compile(r"^\s*(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_RUST = re.compile(r"rust|should_panic|no_run|ignore.*|compile_fail|edition\d+|test_harness|standalone_crate|E\d{4}|")
_STOPS = re.compile(r"ignore.*|no_run|compile_fail|should_panic")
_PREFIX = re.compile(r"^\s*(?:///|//!)?")
_STAR = re.compile(r"^\s*\*")


@dataclass(frozen=True, slots=True)
class _Example:
    """`marks` is its code, `words` are what its fence says beside `rust`; it stands at the byte `at`."""

    marks: tuple[str, ...]
    words: frozenset[str]
    text: str
    at: int

    @property
    def runs(self) -> bool:
        return not any(_STOPS.fullmatch(word) for word in self.words)


def weaker_doctests(edit: Edit) -> Iterator[Violation]:
    """Examples that are gone, are not run any more, or assert less."""
    text = edit.before.source.text
    if not any(sign in text for sign in (b"```", b"~~~", b"include_str")):
        return
    was, now = _examples(edit.before), _examples(edit.after)
    left = list(now)
    lost: list[_Example] = []
    for example in was:
        same = [one for one in left if one.marks == example.marks]
        best = next((one for one in same if one.words <= example.words), same[0] if same else None)
        if best is None:
            lost.append(example)
            continue
        left.remove(best)
        stopped = [word for word in best.words - example.words if _STOPS.fullmatch(word)]
        if stopped and example.runs:
            yield Violation("tests", f"The example of {_name(edit, example)} is marked `{stopped[0]}` now.")
    for example, other in zip(lost, [*left, *[None] * len(lost)], strict=False):
        if example.runs:
            yield from _changed(edit, example, other)
    if _included(edit.before) > _included(edit.after):
        yield Violation("tests", "Examples that the docs include from a file are gone.")


def _changed(edit: Edit, example: _Example, other: _Example | None) -> Iterator[Violation]:
    name = _name(edit, example)
    if other is None:
        yield Violation("tests", f"An example of {name} is gone, or no longer one of Rust.")
    elif not other.runs:
        yield Violation("tests", f"The example of {name} is not run as it was any more.")
    else:
        left = weaker(_asserted(example), _asserted(other))
        if left:
            yield Violation("tests", f"The example of {name} {left}.")


def _name(edit: Edit, example: _Example) -> str:
    item = item_at(edit.before.source, example.at)
    return f"`{qualified_name(item)}`" if item is not None else "the module"


def _asserted(example: _Example) -> list[Assertion]:
    source = parse(f"{{\n{example.text}\n}}".encode())
    return assertions(source, source.tree.root_node, {})


def _included(side: Side) -> int:
    """How many `#[doc = include_str!(…)]` there are."""
    marks = side.marks
    return sum(
        marks[start].text == "doc" and any(mark.text == "include_str" for mark in marks[start:end])
        for start, end in attribute_ranges(marks)
        if start < end
    )


def _examples(side: Side) -> list[_Example]:
    found: list[_Example] = []
    whole = _whole_lines(side.source, side.span)
    text = side.source.text[slice(*whole)]
    if b"```" not in text and b"~~~" not in text:
        return found
    marks = side.marks if whole == side.span else marks_in(side.source, whole)
    for group in _docs(marks):
        found += _fenced([line for mark in group for line in _lines(mark)], group[0].at)
    return found


def _whole_lines(source: Source, within: Span) -> Span:
    """The span with the comments that begin before it and end behind it."""
    text, (start, end) = source.text, within
    while start > 0:
        line = text.rfind(b"\n", 0, start - 1) + 1
        if not text[line:start].lstrip().startswith((b"//", b"#[doc")):
            break
        start = line
    while end < len(text):
        line_end = text.find(b"\n", end + 1)
        line_end = len(text) if line_end < 0 else line_end
        if not text[end:line_end].lstrip().startswith((b"//", b"#[doc")):
            break
        end = line_end
    return Span(start, end)


def _docs(marks: Sequence[Mark]) -> Iterator[list[Mark]]:
    """The doc comments that stand together, `///` and `//!` each for itself."""
    group: list[Mark] = []
    for mark in marks:
        if mark.kind == "doc" and (not group or group[-1].text[:3] == mark.text[:3]):
            group.append(mark)
            continue
        if group:
            yield group
        group = [mark] if mark.kind == "doc" else []
    if group:
        yield group


def _lines(mark: Mark) -> list[str]:
    if mark.text.startswith("//"):
        return [_PREFIX.sub("", mark.text.rstrip("\r\n"), count=1)]
    return [_STAR.sub("", line) for line in mark.text[3:-2].split("\n")]


def _fenced(lines: Sequence[str], at: int) -> Iterator[_Example]:
    """The examples of Rust between fences; a block of another language is none."""
    fence, words, block = "", frozenset[str](), list[str]()
    for line in lines:
        match = _FENCE.match(line)
        if fence and match is not None and match["fence"].startswith(fence) and not match["info"].strip():
            yield from _example(words, block, at)
            fence, block = "", []
        elif fence:
            block.append(line)
        elif match is not None:
            fence = match["fence"]
            words = frozenset(word.strip() for word in re.split(r"[,\s]", match["info"]))
    if fence:
        # A fence that nothing closes goes on to the end.
        yield from _example(words, block, at)


def _example(words: frozenset[str], lines: Sequence[str], at: int) -> Iterator[_Example]:
    if all(_RUST.fullmatch(word) for word in words):
        text = "\n".join(_shown(line) for line in lines)
        yield _Example(tuple(code(text)), words - {"rust", ""}, text, at)


def _shown(line: str) -> str:
    """A line of an example without the `# ` that hides it."""
    bare = line.lstrip()
    return bare[2:] if bare.startswith("# ") else "" if bare == "#" else line
