"""Where types are defined and functions are called in a whole workspace, answered from memory.

A file is only skimmed when the index is made: the words that may define something, and those that may be a call.
It is kept packed, and parsed when a query is about it; what was found then is kept until the file changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from opencrates_lsp.rust.calls import callers as callers_in
from opencrates_lsp.rust.calls import is_testing
from opencrates_lsp.rust.items import Item, defined, impls
from opencrates_lsp.rust.outline import outlined, signed, whole
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Excerpt
from opencrates_lsp.workspace.kept_index import Skimmed, skimmed
from opencrates_lsp.workspace.skim import has, mark

MOST_BYTES = 1_000_000
_MOST_TEXTS = 8
_MOST_ANSWERS = 2_000
_MOST_DEFINING = 6
_MOST_CALLING = 16
_LONGEST_TEXT = 6_000
_IMPL = ("impl", "unsafe impl")
_TESTING_FOLDERS = frozenset({"tests", "benches", "examples"})


class Index:
    """What the files of a workspace define and call; not to be used by two threads at once."""

    def __init__(self, files: Mapping[Path, Skimmed] | None = None) -> None:
        self._files: dict[Path, Skimmed] = {}
        # Most names are defined in one file; so many lists would keep the garbage collector busy.
        self._defining: dict[str, Path | list[Path]] = {}
        for path, file in (files or {}).items():
            self._take(path, file)
        self._changed: dict[Path, bytes | None] = {}
        self._answers: dict[tuple[str, Path], tuple[tuple[str, Path], ...]] = {}

    def __len__(self) -> int:
        """How many files are known."""
        gone = sum(text is None and path in self._files for path, text in self._changed.items())
        new = sum(text is not None and path not in self._files for path, text in self._changed.items())
        return len(self._files) + new - gone

    @property
    def files(self) -> Mapping[Path, Skimmed]:
        """What is known of each file."""
        return self._files

    def update(self, path: Path, text: bytes | None) -> None:
        """The file has this text now, None when it is gone; it is skimmed when a query next needs it."""
        self._changed[path] = text

    def related(self, names: Iterable[str], without: Path) -> dict[str, tuple[str, ...]]:
        """The definitions of the named types in other files than `without`, each followed by outlines of its impls.

        The nearest files go first; names that nothing is known of are left out.
        """
        found = self._defining_texts(names, without)
        return {name: tuple(text for text, _ in texts) for name, texts in found.items()}

    def defining(self, names: Iterable[str], without: Path, root: Path) -> dict[str, tuple[Excerpt, ...]]:
        """The same as `related`, with what each is to the name, and its file as seen from `root`."""
        return {
            name: tuple(
                Excerpt(text, "implements for it" if text.startswith(_IMPL) else "defines it", seen_from(root, path))
                for text, path in texts
            )
            for name, texts in self._defining_texts(names, without).items()
        }

    def _defining_texts(self, names: Iterable[str], without: Path) -> dict[str, tuple[tuple[str, Path], ...]]:
        self.skim(without)
        found = {name: self._described(name, without) for name in names}
        return {name: texts for name, texts in found.items() if texts}

    def _described(self, name: str, without: Path) -> tuple[tuple[str, Path], ...]:
        """Kept for the next query, because an editor asks for the same names after every key."""
        if (name, without) not in self._answers:
            places = [path for path in self._places(name) if path != without]
            near = _nearest(places, without)[:_MOST_DEFINING]
            texts = [(text, path) for path in near for text in self._texts(path, name)]
            # Definitions stand before the impls, also of other files.
            texts.sort(key=lambda text: text[0].startswith(_IMPL))
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            self._answers[name, without] = tuple(texts[:_MOST_TEXTS])
        return self._answers[name, without]

    def callers(self, name: str, owner: str, without: Path, limit: int = 8) -> tuple[str, ...]:
        """The texts of at most `limit` functions in other files that call `name`, those of test folders first.

        `owner` is the type or trait that it belongs to, "" for a free function.
        """
        return tuple(dict.fromkeys(text for text, _, _ in self._calling(name, owner, without, limit)))

    def calling(self, name: str, owner: str, without: Path, root: Path, limit: int = 8) -> tuple[Excerpt, ...]:
        """The same as `callers`, with what each is to the function, and its file as seen from `root`."""
        return tuple(
            Excerpt(text, "a test of it" if is_test else "calls it", seen_from(root, path))
            for text, path, is_test in self._calling(name, owner, without, limit)
        )

    def _calling(self, name: str, owner: str, without: Path, limit: int) -> list[tuple[str, Path, bool]]:
        self.skim(without)
        wanted = mark(name)
        places = [path for path, file in self._files.items() if path != without and has(file.calls, wanted)]
        near = _nearest(places, without)
        near.sort(key=lambda path: not (_TESTING_FOLDERS & set(path.parts)))
        found: dict[str, tuple[str, Path, bool]] = {}
        parsed = 0
        for path in near:
            text = self._files[path].text()
            if owner.encode() not in text:
                continue
            source = parse(text)
            for item in callers_in(source, name, owner):
                if item.span.end - item.span.start <= _LONGEST_TEXT:
                    caller = whole(source, item)
                    is_test = is_testing(item) or bool({"tests", "benches"} & set(path.parts))
                    found.setdefault(caller, (caller, path, is_test))
            parsed += 1
            if len(found) >= limit or parsed >= _MOST_CALLING:
                break
        return list(found.values())[:limit]

    def skim(self, without: Path | None = None) -> None:
        """Take in the changed files, but not the one that a query leaves out: it changes with every key."""
        for path in [path for path in self._changed if path != without]:
            text = self._changed.pop(path)
            self._answers.clear()
            old = self._files.pop(path, None)
            for name in old.names if old is not None else ():
                left = [place for place in self._places(name) if place != path]
                del self._defining[name]
                if left:
                    self._defining[name] = left
            if text is not None and len(text) <= MOST_BYTES:
                self._take(path, skimmed(text))

    def _take(self, path: Path, file: Skimmed) -> None:
        self._files[path] = file
        for name in file.names:
            known = self._defining.setdefault(name, path)
            if isinstance(known, list):
                known.append(path)
            elif known is not path:
                self._defining[name] = [known, path]

    def _places(self, name: str) -> Sequence[Path]:
        """The files that may define the type, or implement something for it."""
        known = self._defining.get(name, ())
        return (known,) if isinstance(known, Path) else known

    def _texts(self, path: Path, name: str) -> tuple[str, ...]:
        file = self._files[path]
        if name not in file.found:
            source = file.source()
            file.found[name] = tuple(_described(source, name))
        return file.found[name]


def seen_from(root: Path, path: Path) -> str:
    """The path for people: relative to the root where it is below it, else with its package's folder."""
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    common = [one for one in path.parents if root.is_relative_to(one)]
    return path.relative_to(common[0]).as_posix() if common and len(common[0].parts) > 1 else path.as_posix()


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
