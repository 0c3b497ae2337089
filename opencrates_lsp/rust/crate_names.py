"""Which crates a text names, as far as one file tells: the heads of its paths that nothing in scope explains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opencrates_lsp.rust.items import items_around, named
from opencrates_lsp.rust.syntax import Source, path_at
from opencrates_lsp.rust.uses import Leaf, use_of
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

# What needs no line in a manifest, and what heads a path without being a crate.
BUILT_IN = frozenset({"std", "core", "alloc", "proc_macro", "crate", "self", "super", "Self"})
_PRIMITIVES = frozenset(
    (
        "bool",
        "char",
        "str",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "f16",
        "f32",
        "f64",
        "f128",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
    )
)
# These head the paths of attributes and lints that belong to tools.
_TOOLS = frozenset({"rustfmt", "clippy", "rustdoc", "rust_analyzer", "miri", "diagnostic"})
_HEAD = re.compile(
    rb"(?:\buse\s+(?:::\s*)?|\bextern\s+crate\s+)(?:r\#)?(?P<declared>[a-z_]\w*)"
    rb"|\buse\s*(?:::\s*)?(?P<group>\{)"
    rb"|(?<![\w$\#'])(?:r\#)?(?P<path>[a-z_]\w*)(?=(?:\s|/\*[^*]*\*/|//[^\n]*\n)*::(?!\s*<))"
)
_BEFORE = re.compile(rb"(\w+|[^\w\s])\s*::\s*(?:r\#)?\Z")
_KEYWORDS = frozenset(b"use in return as mut dyn impl for where else match if while let move box ref break".split())
_GLOB = re.compile(rb"(?:::|\buse|[{,])\s*\*")
_TEXTS = frozenset({"line_comment", "block_comment", "string_literal", "raw_string_literal", "char_literal"})
_ATTRIBUTES = frozenset({"attribute_item", "inner_attribute_item"})


@dataclass(frozen=True, slots=True)
class CrateName:
    """A crate that a path or a declaration names; `offset` is where its name begins."""

    name: str
    offset: int


def new_crates(before: Source, after: Source, within: Span) -> Iterator[CrateName]:
    """The crates that `after` names in `within` and `before` does not at all, each once, in reading order.

    Modules, items, imports and primitive types are no crates.
    Where a glob import may bring a name into scope from elsewhere, it is not told for a crate.
    """
    seen: set[str] = set()
    for name, offset in _heads(after, within):
        if name not in seen and _is_crate(after, name, offset):
            seen.add(name)
            if not any(
                name == old and _is_crate(before, old, at) for old, at in _heads(before, Span(0, len(before.text)))
            ):
                yield CrateName(name, offset)


def _heads(source: Source, within: Span) -> Iterator[tuple[str, int]]:
    for match in _HEAD.finditer(source.text, *within):
        if match["group"] is not None:
            yield from _grouped(source, match.start("group"))
            continue
        group = "declared" if match["declared"] is not None else "path"
        name = match[group].decode()
        if name not in BUILT_IN and name not in _PRIMITIVES and name != "use":
            yield name, match.start(group)


def _grouped(source: Source, offset: int) -> Iterator[tuple[str, int]]:
    """The heads of the paths in the braces at `offset`, which no path stands before."""
    declaration = _declaration(source, offset)
    for leaf in use_of(source, declaration).leaves if declaration is not None else ():
        name = next((part for part in leaf.path if part), "").removeprefix("r#")
        found = re.compile(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)").search(source.text, offset)
        if found is not None and name not in BUILT_IN and name not in _PRIMITIVES:
            yield name, found.start()


def _is_crate(source: Source, name: str, offset: int) -> bool:
    path = path_at(source, offset)
    types = {node.type for node in path}
    if types & _TEXTS or (types & _ATTRIBUTES and name in _TOOLS):
        return False
    earlier = _BEFORE.search(source.text, max(0, offset - 80), offset)
    if earlier is not None:
        # `a::name` is no head, `::name` is nothing but a crate.
        return earlier[1] in _KEYWORDS or not (earlier[1][-1:].isalnum() or earlier[1] in (b"_", b">", b")", b"]"))
    if source.text[:offset].rstrip().endswith(b".") and not source.text[:offset].rstrip().endswith(b".."):
        return False
    return not _in_group(path, offset) and not _in_scope(source, name, offset)


def _in_group(path: list[Node], offset: int) -> bool:
    """Whether the name stands in the braces of a `use` that has a path before them."""
    for node in path:
        if node.type == "scoped_use_list" and node.child_by_field_name("path") is not None:
            inner = node.child_by_field_name("list")
            if inner is not None and inner.start_byte <= offset:
                return True
    return False


def _in_scope(source: Source, name: str, offset: int) -> bool:
    if any(item.identity.kind != "extern" for item in named(source, name)):
        return True
    if any(leaf.bound == name and leaf.path[0] != name for leaf in _imports(source, name)):
        return True
    return _behind_glob(source, offset)


def _imports(source: Source, name: str) -> Iterator[Leaf]:
    """The imports of all declarations that have this word."""
    for match in re.finditer(rb"(?<!\w)" + re.escape(name.encode()) + rb"(?!\w)", source.text):
        declaration = _declaration(source, match.start())
        if declaration is not None:
            yield from use_of(source, declaration).leaves


def _declaration(source: Source, offset: int) -> Node | None:
    return next((node for node in path_at(source, offset) if node.type == "use_declaration"), None)


def _behind_glob(source: Source, offset: int) -> bool:
    """Whether a glob import of a module around the byte leads out of the file."""
    modules = _modules(source, offset)
    for match in _GLOB.finditer(source.text):
        declaration = _declaration(source, match.end() - 1)
        if declaration is None:
            continue
        around = _modules(source, match.start())
        if around != modules[: len(around)]:
            continue
        for leaf in use_of(source, declaration).leaves:
            if leaf.glob and not (set(leaf.path) == {"super"} and len(leaf.path) <= len(around)):
                return True
    return False


def _modules(source: Source, offset: int) -> list[str]:
    return [item.identity.name for item in items_around(source, offset) if item.identity.kind == "mod"]
