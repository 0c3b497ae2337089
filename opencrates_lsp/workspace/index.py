"""Where types are defined and functions are called in a whole workspace, answered from memory.

A file is only skimmed when the index is made: the words that may define something, and those that may be a call.
It is kept packed, and parsed when a query is about it; what was found then is kept until the file changes.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.rust.calls import callers as callers_in
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, defined, impls
from opencrates_lsp.rust.outline import outlined, signed, whole
from opencrates_lsp.rust.syntax import Source, parse

MOST_FILES = 5_000
MOST_FOLDERS = 20_000
MOST_BYTES = 1_000_000
_MOST_TEXTS = 8
_MOST_ANSWERS = 2_000
_MOST_DEFINING = 6
_MOST_CALLING = 16
_LONGEST_TEXT = 6_000
_DEFINITION = re.compile(rb"(?:struct|enum|union|trait|type) +([A-Za-z_]\w*)")
_BEFORE_IMPL = re.compile(rb"[ \t]*(?:(?:unsafe|default)[ \t]+)*")
_HEADER = re.compile(rb"impl\b[^{;]{1,400}")
_CALLED = re.compile(rb"([A-Za-z_]\w*)\s*(?:::\s*<[^()]*>)?$")


@dataclass(slots=True)
class _File:
    """`packed` is its text, `names` the types that it may define or implement, `calls` the sorted hashes of calls."""

    packed: bytes
    names: tuple[str, ...]
    calls: array[int]
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def source(self) -> Source:
        return parse(zlib.decompress(self.packed))


class Index:
    """What the files of a workspace define and call; not to be used by two threads at once."""

    def __init__(self) -> None:
        self._files: dict[Path, _File] = {}
        self._defining: dict[str, list[Path]] = {}
        self._changed: dict[Path, bytes | None] = {}
        self._answers: dict[tuple[str, Path], tuple[str, ...]] = {}

    def __len__(self) -> int:
        """How many files are known."""
        gone = sum(text is None and path in self._files for path, text in self._changed.items())
        new = sum(text is not None and path not in self._files for path, text in self._changed.items())
        return len(self._files) + new - gone

    def update(self, path: Path, text: bytes | None) -> None:
        """The file has this text now, None when it is gone; it is skimmed when a query next needs it."""
        self._changed[path] = text

    def related(self, names: Iterable[str], without: Path) -> dict[str, tuple[str, ...]]:
        """The definitions of the named types in other files than `without`, each followed by outlines of its impls.

        The nearest files go first; names that nothing is known of are left out.
        """
        self.skim(without)
        found = {name: self._described(name, without) for name in names}
        return {name: texts for name, texts in found.items() if texts}

    def _described(self, name: str, without: Path) -> tuple[str, ...]:
        """Kept for the next query, because an editor asks for the same names after every key."""
        if (name, without) not in self._answers:
            places = [path for path in self._defining.get(name, ()) if path != without]
            texts = [text for path in _nearest(places, without)[:_MOST_DEFINING] for text in self._texts(path, name)]
            # Definitions stand before the impls, also of other files.
            texts.sort(key=lambda text: text.startswith(("impl", "unsafe impl")))
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            self._answers[name, without] = tuple(texts[:_MOST_TEXTS])
        return self._answers[name, without]

    def callers(self, name: str, owner: str, without: Path, limit: int = 8) -> tuple[str, ...]:
        """The texts of at most `limit` functions in other files that call `name`, those of test folders first.

        `owner` is the type or trait that it belongs to, "" for a free function.
        """
        self.skim(without)
        mark = zlib.crc32(name.encode())
        places = [path for path, file in self._files.items() if path != without and _has(file.calls, mark)]
        near = _nearest(places, without)
        near.sort(key=lambda path: not ({"tests", "benches", "examples"} & set(path.parts)))
        found: dict[str, None] = {}
        parsed = 0
        for path in near:
            text = zlib.decompress(self._files[path].packed)
            if owner.encode() not in text:
                continue
            source = parse(text)
            for item in callers_in(source, name, owner):
                if item.span.end - item.span.start <= _LONGEST_TEXT:
                    found.setdefault(whole(source, item))
            parsed += 1
            if len(found) >= limit or parsed >= _MOST_CALLING:
                break
        return tuple(found)[:limit]

    def skim(self, without: Path | None = None) -> None:
        """Take in the changed files, but not the one that a query leaves out: it changes with every key."""
        for path in [path for path in self._changed if path != without]:
            text = self._changed.pop(path)
            self._answers.clear()
            old = self._files.pop(path, None)
            for name in old.names if old is not None else ():
                self._defining[name].remove(path)
                if not self._defining[name]:
                    del self._defining[name]
            if text is not None and len(text) <= MOST_BYTES:
                self._add(path, text)

    def _add(self, path: Path, text: bytes) -> None:
        file = _File(zlib.compress(text, 1), tuple(sorted(_names(text))), array("L", sorted(_calls(text))))
        self._files[path] = file
        for name in file.names:
            self._defining.setdefault(name, []).append(path)

    def _texts(self, path: Path, name: str) -> tuple[str, ...]:
        file = self._files[path]
        if name not in file.found:
            source = file.source()
            file.found[name] = tuple(_described(source, name))
        return file.found[name]


def read_index(root: Path, is_left_out: Callable[[Path], bool] = lambda path: False) -> Index:
    """The index of the .rs files below `root`; for a thread, because it reads them all.

    Left out are, beside what `is_left_out` says, hidden folders, caches (those with a CACHEDIR.TAG, as cargo's
    target), files over `MOST_BYTES`, what cannot be read, and all beyond `MOST_FILES` files.
    """
    index = Index()
    for path in _files_below(root):
        if is_left_out(path):
            continue
        with contextlib.suppress(OSError):
            index.update(path, path.read_bytes())
        # One by one, so that the texts are not all held at once.
        index.skim()
        if len(index) >= MOST_FILES:
            break
    return index


def _files_below(root: Path) -> Iterator[Path]:
    """The files nearest to the root first, in a settled order; links to folders are not followed."""
    waiting = [root]
    for count, folder in enumerate(waiting):
        if count >= MOST_FOLDERS:
            return
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        if folder != root and any(entry.name == "CACHEDIR.TAG" for entry in listed):
            continue
        for entry in listed:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    waiting += [Path(entry.path)] if not entry.name.startswith(".") else []
                elif entry.name.endswith(".rs") and entry.is_file() and entry.stat().st_size <= MOST_BYTES:
                    yield Path(entry.path)


def _names(text: bytes) -> set[str]:
    """The types that the text may define or implement; comments and strings are not told apart here."""
    found = {sys.intern(name.decode()) for name in _DEFINITION.findall(text)}
    at = text.find(b"impl")
    while at >= 0:
        header = _HEADER.match(text, at)
        if header is not None and _BEFORE_IMPL.fullmatch(text, text.rfind(b"\n", 0, at) + 1, at):
            found.add(sys.intern(self_type(header[0].decode("utf-8", "replace").strip())))
        at = text.find(b"impl", at + 4)
    return found


def _calls(text: bytes) -> set[int]:
    """The hashes of the words that stand before an opening parenthesis."""
    found = set()
    pieces = text.split(b"(")
    for piece in pieces[:-1]:
        # A name is seldom longer than this, and the search takes longer the more there is before it.
        called = _CALLED.search(piece[-32:] if not piece.endswith(b">") else piece[-96:])
        if called is not None:
            found.add(called[1])
    return {zlib.crc32(name) for name in found}


def _has(marks: Sequence[int], mark: int) -> bool:
    at = bisect_left(marks, mark)
    return at < len(marks) and marks[at] == mark


def _nearest(paths: Sequence[Path], to: Path) -> list[Path]:
    """The paths that share the most folders with `to` first."""

    here = to.parent.parts

    def distance(path: Path) -> tuple[int, str]:
        parts = path.parent.parts
        shared = 0
        while shared < min(len(parts), len(here)) and parts[shared] == here[shared]:
            shared += 1
        return len(parts) + len(here) - 2 * shared, str(path)

    return sorted(paths, key=distance)


def _described(source: Source, name: str) -> Iterator[str]:
    """The definitions and the outlines of the impls; what is local to a function or a test is nobody else's."""
    for item in defined(source, name):
        if _is_visible(item):
            text = outlined(source, item) if item.identity.kind == "trait" else whole(source, item)
            yield text if len(text) <= _LONGEST_TEXT else signed(source, item)
    for impl in impls(source, name):
        if _is_visible(impl) and len(text := outlined(source, impl)) <= _LONGEST_TEXT:
            yield text


def _is_visible(item: Item) -> bool:
    return "test" not in item.cfgs and not any(" " in part for part in item.identity.module)
