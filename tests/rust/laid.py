"""An answer laid into a file, for the tests of merge: the file has one `$0`, which marks the item that is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.edits import replaced
from opencrates_lsp.rust.holes import hole_at, subject
from opencrates_lsp.rust.items import item_at
from opencrates_lsp.rust.merge import Merged, merge
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Span, Subject

PATH = Path("src/lib.rs")


def asked(file: str) -> tuple[Source, Subject]:
    """The source without its mark, and the item at the mark; without a mark, the item of the first hole."""
    before, _, after = file.partition("$0")
    source = parse((before + after).encode())
    at = len(before.encode()) if "$0" in file else next(iter(find_holes(source)))
    hole = hole_at(source, Span(at, at))
    item = hole.item if hole is not None else item_at(source, at)
    assert item is not None
    return source, subject(source, PATH, item)


def find_holes(source: Source) -> list[int]:
    return [at for word in (b"todo!", b"unimplemented!") if (at := source.text.find(word)) >= 0]


def laid(file: str, answer: str) -> Merged:
    """The merge, after what holds for each one: the edits make the text, and the subject stands where it says."""
    source, wanted = asked(file)
    merged = merge(PATH, source, wanted, answer)
    assert replaced(source.text, merged.edits) == merged.text
    assert merged.subject.name == wanted.name
    start, end = merged.subject.item
    assert start <= merged.subject.probe.start < merged.subject.probe.end <= end
    found = item_at(parse(merged.text), merged.subject.probe.start)
    assert found is not None
    assert end >= found.span.end
    return merged


def text(file: str, answer: str) -> str:
    return laid(file, answer).text.decode()


def refusal(file: str, answer: str) -> str:
    """What a refusal says."""
    source, wanted = asked(file)
    with pytest.raises(Refused) as raised:
        merge(PATH, source, wanted, answer)
    return raised.value.message
