"""Names that mean something else in builds of tests: what stands behind `#[cfg(not(test))]`, and doubles of types.

A body that uses one of them is compiled twice, and a plain check has looked at it once.
"""

from __future__ import annotations

import re
from pathlib import Path

from opencrates_lsp.rust.items import Item, items
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.verify.mirror import Mirror
from opencrates_lsp.workspace.layout import Package

_NOT = re.compile(r"\bnot\s*\(\s*test\b")
_DOUBLE = re.compile(rb"\bdouble\b|\bnot\s*\(\s*test\b")
# What the compiler alone calls, and nobody by its name.
_UNNAMED = re.compile(rb"\b(?:panic_handler|global_allocator|alloc_error_handler|no_mangle)\b")
_CHOOSING = re.compile(r"^cfg_(?:if|select|match)!$")
_HINT = re.compile(rb"\bnot\s*\(\s*test\b|\bdouble\b|\bcfg_(?:if|select|match)!")
_WORD = re.compile(rb"[A-Za-z_]\w*")
_DECLARED = re.compile(rb"\b(?:fn|struct|enum|union|trait|type|mod|const|static|as)\s+([A-Za-z_]\w*)")
_LEAF = re.compile(rb"([A-Za-z_]\w*)\s*[,;}]")


class Doubles:
    """The names of one workspace that mean something else in builds of tests; each text is read once."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, frozenset[bytes]]] = {}

    def named_in(self, package: Package, mirror: Mirror, text: bytes) -> frozenset[bytes]:
        """Those of a package's that the text has."""
        names: set[bytes] = set()
        for path, digest, _ in mirror.listed():
            if path.endswith(".rs") and Path(path).is_relative_to(package.root):
                names |= self._of(path, digest, mirror)
        return frozenset(names.intersection(_WORD.findall(text))) if names else frozenset()

    def _of(self, path: str, digest: str, mirror: Mirror) -> frozenset[bytes]:
        known = self._known.get(path)
        if known is None or known[0] != digest:
            known = self._known[path] = (digest, doubled(mirror.text(Path(path))))
        return known[1]


def doubled(text: bytes) -> frozenset[bytes]:
    """The names in a file that mean something else, or nothing, in builds of tests."""
    if not _HINT.search(text) or not (b"test" in text or b"double" in text):
        return frozenset()
    names: set[bytes] = set()
    for item in items(parse(text)):
        whole = text[item.node_span.start : item.node_span.end]
        if _UNNAMED.search(text, item.span.start, item.node_span.start):
            continue
        if _CHOOSING.match(item.identity.name) and b"test" in whole:
            names.update(_DECLARED.findall(whole), _LEAF.findall(whole))
        elif any(map(_NOT.search, item.cfgs)) or _DOUBLE.search(text, item.span.start, item.node_span.start):
            names |= _names(item, whole)
    return frozenset(names - {b"self", b"main"})


def _names(item: Item, whole: bytes) -> set[bytes]:
    if item.identity.kind == "use":
        return {*_LEAF.findall(whole), *_DECLARED.findall(whole)}
    return {item.identity.name.encode()} if item.identity.name.isidentifier() else set()
