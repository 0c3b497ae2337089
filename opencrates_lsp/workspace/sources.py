"""The files of one crate: what they declare, found when it is asked for, and kept on disk where it never changes.

What is read was written by strangers: nothing outside of the package's folder is read, nothing that is huge, and bytes
that are no UTF-8 are borne.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from opencrates_lsp.rust.declared import Block, Declared, Import, Module, Modules, declared_in
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.syntax import parse_in_turns
from opencrates_lsp.workspace import keeping
from opencrates_lsp.workspace.files import rust_files
from opencrates_lsp.workspace.locked import Locked

log = logging.getLogger(__name__)

MOST_BYTES = 1_000_000
MOST_FILES = 3_000
MOST_CRATE_BYTES = 64_000_000
# What may change is looked at for every query anew, so less of it is.
MOST_FRESH_BYTES = 4_000_000
# Raised when what is kept changes its shape, or what is found in a file does.
_FORMAT = 2
_MOST_KEPT = 400
_MOST_KEPT_BYTES = 64_000_000
_HEADER = re.compile(rb"\bimpl\b[^{;]{1,400}")
_RULES = re.compile(rb"\bmacro_rules\s*!\s*(\w+)")


class CrateSource:
    """The library of a locked package, or another target of it whose first file is `first`.

    `texts` are the files that an editor has open, instead of those on disk.
    `cache` is the folder of what is kept of packages that never change, None for one that may.
    Not to be used by two threads at once.
    """

    def __init__(
        self, locked: Locked, first: Path, cache: Path | None = None, texts: Mapping[Path, bytes] | None = None
    ) -> None:
        self.locked = locked
        self.first = first
        self._texts = texts or {}
        self._root = locked.root.resolve()
        self._modules: dict[Path, Modules] = {}
        self._implementing: dict[str, tuple[Path, ...]] | None = None
        self._rules: dict[str, tuple[Path, ...]] = {}
        self._kept = cache / _file_name(locked) if cache is not None else None
        self._is_new = False
        # One file is often asked for many times in a row.
        self._last: tuple[Path | None, bytes] = (None, b"")
        if self._kept is not None:
            self._load(self._kept)

    def text(self, path: Path) -> bytes:
        """The file's text; empty where it cannot be read, or is nobody's business."""
        if path in self._texts:
            return self._texts[path]
        if self._last[0] != path:
            self._last = (path, _text(path, self._root))
        return self._last[1]

    def exists(self, path: Path) -> bool:
        return path in self._texts or path in self._modules or path.is_file()

    def modules(self, path: Path) -> Modules:
        """What the file declares, by its inline modules."""
        if path not in self._modules:
            self._modules[path] = declared_in(parse_in_turns(self.text(path)))
            self._is_new = True
        return self._modules[path]

    def implementing(self, name: str) -> tuple[Path, ...]:
        """The files that may have an impl for a type of this name, in order."""
        return self._skimmed().get(name, ())

    def defining_rules(self, name: str) -> tuple[Path, ...]:
        """The files that may have the `macro_rules!` of this name, in order."""
        self._skimmed()
        return self._rules.get(name, ())

    def _skimmed(self) -> Mapping[str, tuple[Path, ...]]:
        """Every file is looked at once, by its bytes alone."""
        if self._implementing is None:
            implementing: dict[str, list[Path]] = {}
            rules: dict[str, list[Path]] = {}
            for path, text in self._files():
                for name in {self_type(header) for header in _headers(text)}:
                    implementing.setdefault(name, []).append(path)
                for rule in dict.fromkeys(_RULES.findall(text)):
                    rules.setdefault(rule.decode("utf-8", "replace"), []).append(path)
            self._implementing = {name: tuple(paths) for name, paths in implementing.items()}
            self._rules = {name: tuple(paths) for name, paths in rules.items()}
            self._is_new = True
        return self._implementing

    def _files(self) -> Iterator[tuple[Path, bytes]]:
        left = MOST_CRATE_BYTES if self._kept is not None else MOST_FRESH_BYTES
        for count, path in enumerate(rust_files(self.first.parent)):
            if count >= MOST_FILES or left <= 0:
                log.debug("%s: the rest of its files is left out", self.locked.title)
                return
            text = self.text(path)
            left -= len(text)
            yield path, text

    # What is kept on disk.

    def save(self) -> None:
        """Keep what was found; another process may do the same at the same time, and either is right."""
        if self._kept is None or not self._is_new:
            return
        self._is_new = False
        relative = {path: path.relative_to(self.locked.root).as_posix() for path in self._modules}
        told = {
            "format": _FORMAT,
            "files": {relative[path]: _to_json(modules) for path, modules in self._modules.items()},
            "implementing": None if self._implementing is None else self._relative(self._implementing),
            "rules": self._relative(self._rules),
        }
        packed = zlib.compress(json.dumps(told, separators=(",", ":")).encode(), 1)
        keeping.keep(self._kept, packed, most_files=_MOST_KEPT, most_bytes=_MOST_KEPT_BYTES)

    def _relative(self, places: Mapping[str, tuple[Path, ...]]) -> dict[str, list[str]]:
        root = self.locked.root
        return {name: [path.relative_to(root).as_posix() for path in paths] for name, paths in places.items()}

    def _load(self, kept: Path) -> None:
        """What an earlier session found; anything that is not as it should be is found anew."""
        root = self.locked.root
        data = keeping.kept(kept, _MOST_KEPT_BYTES)
        if data is None:
            return
        try:
            told = json.loads(zlib.decompressobj().decompress(data, MOST_CRATE_BYTES))
            if told["format"] != _FORMAT:
                return
            files = {root / name: _from_json(modules) for name, modules in told["files"].items()}
            rules = _absolute(root, told["rules"])
            skimmed = None if told["implementing"] is None else _absolute(root, told["implementing"])
        except (ValueError, TypeError, KeyError, AttributeError, zlib.error) as error:
            log.debug("%s is made again: %r", kept, error)
            return
        self._modules, self._rules, self._implementing = files, rules, skimmed


def _text(path: Path, root: Path) -> bytes:
    try:
        # A link may lead anywhere, and so may a `#[path]`.
        real = path.resolve()
        told = real.stat()
        if not real.is_relative_to(root) or not stat.S_ISREG(told.st_mode):
            return b""
        if told.st_size > MOST_BYTES:
            log.debug("%s is too large to be read", path)
            return b""
        return real.read_bytes()
    except (OSError, ValueError, RuntimeError):
        return b""


def _headers(text: bytes) -> set[str]:
    return {header.decode("utf-8", "replace") for header in _HEADER.findall(text)}


def _file_name(locked: Locked) -> str:
    digest = hashlib.blake2b(f"{locked.source}\0{locked.root}".encode("utf-8", "surrogateescape"), digest_size=8)
    return f"{locked.name}-{locked.version}-{digest.hexdigest()}.json.z"


def _to_json(modules: Modules) -> list[Any]:
    return [
        [
            inside,
            [astuple(one) for one in module.declared],
            [astuple(one) for one in module.imports],
            [astuple(one) for one in module.blocks],
        ]
        for inside, module in modules.items()
    ]


def _from_json(told: list[Any]) -> Modules:
    found: Modules = {}
    for inside, declared, imports, blocks in told:
        found[tuple(inside)] = Module(
            [Declared(*_columns(one)) for one in declared],
            [Import(*_columns(one)) for one in imports],
            [Block(*_columns(one)) for one in blocks],
        )
    return found


def _columns(row: list[Any]) -> list[Any]:
    return [tuple(value) if isinstance(value, list) else value for value in row]


def _absolute(root: Path, told: Mapping[str, list[str]]) -> dict[str, tuple[Path, ...]]:
    return {name: tuple(root / path for path in paths) for name, paths in told.items()}
