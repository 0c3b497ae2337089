"""What the modules of one file declare, import and implement: enough to follow a path without the tree.

Items in the braces of a macro's call (`cfg_rt! { pub mod task; }`) count as the module's own, under the macro's name.
What a macro without parameters becomes (`macro_rules! crate_root { () => { pub mod de; } }`) is a module of its own,
called as its call is (`crate_root!`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from opencrates_lsp.rust.headers import normalised, self_type
from opencrates_lsp.rust.items import KINDS, Item, beside
from opencrates_lsp.rust.syntax import Source, parse, text_of
from opencrates_lsp.rust.uses import module_node, uses_in

MOST_ITEMS = 20_000
_DEEPEST = 12
_DEEPEST_MACRO = 3
_ALL_KINDS = frozenset({*KINDS.values(), "macro"})
_PUBLIC = re.compile(rb"(?:default\s+)?pub(?!\s*\(\s*(?:crate|super|self|in\b))\b")
_PATH = re.compile(rb'#\[\s*path\s*=\s*"([^"]*)"\s*\]')
_ITEM_WORD = re.compile(rb"\b(?:mod|use|struct|enum|union|trait|type|fn|impl|const|static|macro_rules)\b")
_EXTERN = re.compile(r"extern crate ((?:r#)?\w+)(?: as (\w+))?")
_EMPTY = (b"()", b"{}", b"[]")
_BRANCH = re.compile(rb"(?:if\s*#\[\s*cfg\s*\((?P<predicate>.*?)\)\s*\]|else)\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Declared:
    """One named thing; `start` and `end` are the bytes of the file that it takes, with its docs and attributes.

    `cfgs` are the predicates on it and around it in the file, `macros` the macros whose calls it stands in, `file` is
    the `#[path]` of a module.
    An inline module (`mod a { … }`) has no file of its own: `inline`, as the call of a macro without arguments is.
    """

    name: str
    kind: str
    start: int
    end: int
    public: bool
    cfgs: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()
    inline: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a `use` (or `extern crate`) brings in; `path` as it is written, `bound` is "*" for a glob."""

    path: tuple[str, ...]
    bound: str
    public: bool
    cfgs: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One impl: the name of its type, its header in one spelling, and its bytes."""

    name: str
    header: str
    start: int
    end: int
    cfgs: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()


@dataclass(slots=True)
class Module:
    """What stands directly in one module of a file, in reading order."""

    declared: list[Declared] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)


Modules = dict[tuple[str, ...], Module]
"""The modules of a file by the names of the inline modules around them; `()` is the file itself."""


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a piece of the file stands: its first byte in the file, and what is around it."""

    base: int = 0
    path: tuple[str, ...] = ()
    cfgs: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()


def declared_in(source: Source) -> Modules:
    """The modules of the file; what is local to functions is left out, and what is beyond `MOST_ITEMS` items."""
    found: Modules = {}
    waiting = [(source, _Around())]
    left = MOST_ITEMS
    while waiting and left > 0:
        piece, around = waiting.pop(0)
        for inner, place in _read(piece, around, found):
            waiting.append((inner, place))
            left -= 1
        left -= len(found[around.path].declared)
    return found


def _read(source: Source, around: _Around, found: Modules) -> Iterator[tuple[Source, _Around]]:
    """Take in one list of items; gives the macro calls and modules in it, which are read in their turn."""
    waiting: list[tuple[tuple[str, ...], Item | None]] = [((), None)]
    while waiting:
        inside, module = waiting.pop(0)
        here = found.setdefault((*around.path, *inside), Module())
        body = module.body if module is not None else None
        for use in uses_in(source, module_node(source, body)):
            public = _is_public(source, use.node.start_byte)
            cfgs = around.cfgs + _cfgs(use.lead) + (module.cfgs if module is not None else ())
            here.imports += [
                Import(leaf.path, "*" if leaf.glob else leaf.bound, public, cfgs, around.macros) for leaf in use.leaves
            ]
        for item in beside(source, body.start + 1 if body is not None else 0, _ALL_KINDS):
            if item.identity.kind == "mod" and item.body is not None and len(inside) < _DEEPEST:
                waiting.append(((*inside, item.identity.name), item))
            if item.identity.name.endswith("!") and len(around.macros) < _DEEPEST_MACRO:
                yield from _called(source, item, around, inside)
            elif item.identity.kind == "macro":
                yield from _becomes(source, item, around, inside)
            _take(source, item, around, here)


def _take(source: Source, item: Item, around: _Around, here: Module) -> None:
    kind, name = item.identity.kind, item.identity.name
    start, end = around.base + item.span.start, around.base + item.span.end
    cfgs = around.cfgs + item.cfgs
    if kind == "impl":
        here.blocks.append(
            Block(self_type(item.identity.header), item.identity.header, start, end, cfgs, around.macros)
        )
    elif kind == "extern":
        text = normalised(source.text[slice(*item.node_span)].decode("utf-8", "replace"))
        named = _EXTERN.search(text)
        if named is not None:
            public = _is_public(source, item.node_span.start)
            here.imports.append(Import(("", named[1]), named[2] or named[1], public, cfgs, around.macros))
    elif kind != "use":
        is_empty_call = name.endswith("!") and item.body is not None and source.text[slice(*item.body)] in _EMPTY
        inline = is_empty_call or (kind == "mod" and item.body is not None)
        path = _PATH.search(source.text[item.span.start : item.node_span.start]) if kind == "mod" else None
        file = path[1].decode("utf-8", "replace") if path is not None else ""
        public = _is_public(source, item.node_span.start)
        here.declared.append(Declared(name, kind, start, end, public, cfgs, around.macros, inline, file))


def _called(source: Source, item: Item, around: _Around, inside: tuple[str, ...]) -> Iterator[tuple[Source, _Around]]:
    """What stands in a macro's braces, where that may be items; the branches of `cfg_if!` one by one."""
    if item.body is None or not _ITEM_WORD.search(source.text, *item.body):
        return
    name = item.identity.name.rpartition("::")[2].removesuffix("!")
    start, end = item.body.start + 1, item.body.end - 1
    path, macros = (*around.path, *inside), (*around.macros, name)
    cfgs = around.cfgs + item.cfgs
    if name != "cfg_if":
        yield parse(source.text[start:end]), _Around(around.base + start, path, cfgs, macros)
        return
    earlier: tuple[str, ...] = ()
    for predicate, opening, closing in _branches(source.text, start, end):
        own = (*cfgs, *earlier, *([predicate] if predicate else []))
        yield parse(source.text[opening:closing]), _Around(around.base + opening, path, own, around.macros)
        earlier += (f"not({predicate})",)


def _becomes(source: Source, item: Item, around: _Around, inside: tuple[str, ...]) -> Iterator[tuple[Source, _Around]]:
    """The items that a `macro_rules!` without parameters becomes."""
    node = source.tree.root_node.named_descendant_for_byte_range(*item.node_span)
    for rule in node.children if node is not None and item.body is not None else ():
        left, right = rule.child_by_field_name("left"), rule.child_by_field_name("right")
        if left is None or right is None or text_of(source, left) != "()":
            continue
        start, end = right.start_byte + 1, right.end_byte - 1
        if _ITEM_WORD.search(source.text, start, end):
            path = (*around.path, *inside, item.identity.name + "!")
            yield parse(source.text[start:end]), _Around(around.base + start, path, around.cfgs + item.cfgs)


def _branches(text: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The predicate of each branch of `cfg_if!` ("" for the last `else`), and the bytes between its braces."""
    depth, opening, before = 0, start, start
    predicate = ""
    for at in range(start, end):
        mark = text[at]
        if mark == 0x7B:
            if depth == 0:
                branch = _BRANCH.search(text, before, at)
                predicate = normalised(branch["predicate"].decode("utf-8", "replace")) if branch and branch[1] else ""
                opening = at + 1
            depth += 1
        elif mark == 0x7D:
            depth -= 1
            if depth == 0:
                yield predicate, opening, at
                before = at + 1


def _is_public(source: Source, at: int) -> bool:
    return _PUBLIC.match(source.text, at) is not None


def _cfgs(lead: str) -> tuple[str, ...]:
    """The predicates among the attributes of a `use`, which are told in one line."""
    found: list[str] = []
    at = lead.find("#[cfg(")
    while at >= 0:
        begin = at + len("#[cfg(")
        depth, end = 1, begin
        while end < len(lead) and depth:
            depth += {"(": 1, ")": -1}.get(lead[end], 0)
            end += 1
        found.append(lead[begin : end - 1])
        at = lead.find("#[cfg(", end)
    return tuple(found)
