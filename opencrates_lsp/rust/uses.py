"""Merging `use` lines into a module: what is imported already is not doubled, the rest goes with the others.

A name joins the line that imports from the same path (`use a::b;` becomes `use a::{b, c};`), unless the module
imports one name a line; else it gets a line of its own, in order among those of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from opencrates_lsp.rust.attributes import COMMENTS, is_outer_doc, leading
from opencrates_lsp.rust.headers import normalised
from opencrates_lsp.rust.import_order import RELATIVE, before_2024, key, order_of
from opencrates_lsp.rust.placing import Patch, Style, indent_at
from opencrates_lsp.rust.syntax import Source, path_at, span_of, text_of
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

WIDTH = 100
_LIBRARIES = (("std",), ("core",), ("alloc",))
_HEAD = frozenset({"inner_attribute_item", "shebang", "extern_crate_declaration", "{"})


@dataclass(frozen=True, slots=True)
class Leaf:
    """One import: its whole path ("" first for a leading `::`), the name after `as`, and whether it is a glob."""

    path: tuple[str, ...]
    alias: str = ""
    glob: bool = False

    @property
    def prefix(self) -> tuple[str, ...]:
        return self.path if self.glob else self.path[:-1]

    @property
    def name(self) -> str:
        """How it is written in the braces after its prefix."""
        last = "*" if self.glob else self.path[-1]
        return f"{last} as {self.alias}" if self.alias else last

    @property
    def bound(self) -> str:
        """The name that it brings into scope; "" for a glob and for `as _`."""
        if self.glob or self.alias == "_":
            return ""
        return self.alias or self.path[-1]


@dataclass(frozen=True, slots=True)
class Use:
    """One `use` declaration; `span` has its attributes, `lead` is its visibility and attributes in one spelling.

    `path` is what stands before the braces, with "{" for them, or the whole path.
    """

    node: Node
    argument: Node
    span: Span
    lead: str
    path: tuple[str, ...]
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """A declaration to be added: its path, which ends in "{" before names in braces, and its text."""

    path: tuple[str, ...]
    text: str


def uses_in(source: Source, module: Node) -> list[Use]:
    """The `use` declarations directly in a module, in reading order."""
    return [use_of(source, node) for node in module.children if node.type == "use_declaration"]


def use_of(source: Source, node: Node) -> Use:
    lead = leading(node)
    attributes = [normalised(text_of(source, attribute)) for attribute in lead.attributes]
    visible = [normalised(text_of(source, child)) for child in node.children if child.type == "visibility_modifier"]
    argument = node.child_by_field_name("argument") or node
    leaves = flattened(source, argument) if argument != node else ()
    lead_text = " ".join([*attributes, *visible])
    return Use(node, argument, Span(lead.start, node.end_byte), lead_text, _path(source, argument, leaves), leaves)


def flattened(source: Source, argument: Node) -> tuple[Leaf, ...]:
    """The single imports of a `use` tree, in reading order."""
    found: list[Leaf] = []
    waiting: list[tuple[Node, tuple[str, ...]]] = [(argument, ())]
    while waiting:
        node, prefix = waiting.pop()
        if node.type in ("use_list", "scoped_use_list"):
            path = node.child_by_field_name("path")
            if node.type == "scoped_use_list":
                opening = "" if path is not None or prefix else "::"
                prefix += _segments(source, path) if path is not None else ("",) if opening else ()
                inner = node.child_by_field_name("list")
                parts = inner.named_children if inner is not None else []
            else:
                parts = node.named_children
            waiting += [(part, prefix) for part in reversed(parts) if part.type not in COMMENTS]
        elif node.type == "use_wildcard":
            path = next(iter(node.named_children), None)
            found.append(Leaf(prefix + (_segments(source, path) if path is not None else ()), glob=True))
        elif node.type == "use_as_clause":
            path, alias = node.child_by_field_name("path"), node.child_by_field_name("alias")
            if path is not None:
                found.append(_leaf(prefix, _segments(source, path), text_of(source, alias) if alias else "_"))
        elif not node.is_error:
            found.append(_leaf(prefix, _segments(source, node), ""))
    return tuple(leaf for leaf in found if leaf.path)


def module_node(source: Source, body: Span | None) -> Node:
    """The node that holds a module's items: the file, or the declaration list that begins where `body` does."""
    if body is not None:
        for node in path_at(source, body.start):
            if node.type == "declaration_list" and node.start_byte == body.start:
                return node
    return source.tree.root_node


def merged_uses(
    source: Source, module: Node, wanted: Sequence[tuple[Use, str]], defined: Callable[[str], bool], style: Style
) -> list[Patch]:
    """The patches that bring the `wanted` declarations (each with its text) into the module.

    `defined` tells whether the module itself defines a name: what a file defines, it need not import from itself.
    """
    existing = uses_in(source, module)
    known = {
        use.lead: [leaf for other in existing if other.lead in (use.lead, "") for leaf in other.leaves]
        for use, _ in wanted
    }
    joined: dict[int, list[str]] = {}
    lines: list[_Line] = []
    for use, text in wanted:
        missing = [leaf for leaf in use.leaves if not _covered(leaf, known[use.lead])]
        missing = [leaf for leaf in missing if not (leaf.path[0] in RELATIVE and leaf.bound and defined(leaf.bound))]
        missing = list(dict.fromkeys(missing))
        known[use.lead] += missing
        rest: list[Leaf] = []
        for leaf in missing if not use.node.has_error else ():
            at = _joinable(source, existing, use.lead, leaf.prefix)
            if at is None or leaf.glob:
                rest.append(leaf)
            else:
                joined.setdefault(at, []).append(leaf.name)
        if use.node.has_error or (rest and len(rest) == len(use.leaves)):
            # What the grammar cannot follow is taken as it is spelled, too.
            lines.append(_Line(use.path, text))
        else:
            lead = f"{use.lead} " if use.lead else ""
            lines += [_Line(line.path, lead + line.text) for line in _written(rest)]
    patches = [_join(source, existing[at], names) for at, names in joined.items()]
    return patches + _new_lines(source, module, existing, lines, style)


def _segments(source: Source, node: Node) -> tuple[str, ...]:
    return tuple("".join(text_of(source, node).split()).split("::"))


def _leaf(prefix: tuple[str, ...], path: tuple[str, ...], alias: str) -> Leaf:
    if path == ("self",) and prefix:
        path = ()
    return Leaf(prefix + path, alias)


def _covered(leaf: Leaf, known: Sequence[Leaf]) -> bool:
    for other in known:
        if other == leaf or (other.path == leaf.path and not other.glob and not other.alias and leaf.alias == "_"):
            return True
        if other.glob and not leaf.alias and not leaf.glob and other.path == leaf.path[:-1]:
            return True
    return False


def _path(source: Source, argument: Node, leaves: Sequence[Leaf]) -> tuple[str, ...]:
    if argument.type in ("use_list", "scoped_use_list"):
        path = argument.child_by_field_name("path")
        return (*(_segments(source, path) if path is not None else ()), "{")
    if not leaves:
        return ("",)
    return (*leaves[0].path, "*") if leaves[0].glob else leaves[0].path


def _joinable(source: Source, existing: Sequence[Use], lead: str, prefix: tuple[str, ...]) -> int | None:
    """The declaration that imports from exactly this path, by its place; None where one a line is the custom."""
    if not prefix or prefix == ("",):
        return None
    single: list[int] = []
    for at, use in enumerate(existing):
        argument = use.argument
        if use.lead != lead or argument.has_error or use.span.start != use.node.start_byte:
            continue
        if argument.type == "scoped_use_list":
            path = argument.child_by_field_name("path")
            if path is not None and _segments(source, path) == prefix:
                return at
        elif argument.type == "scoped_identifier" and use.leaves and use.leaves[0].prefix == prefix:
            single.append(at)
    # Modules of the standard library are imported a line each, as a rule.
    return single[0] if len(single) == 1 and prefix not in _LIBRARIES else None


def _join(source: Source, use: Use, names: Sequence[str]) -> Patch:
    inner = use.argument.named_children[-1]
    if use.argument.type != "scoped_use_list":
        return _braced(source, use.node.start_byte, span_of(inner), [text_of(source, inner)], names)
    text = text_of(source, inner)
    parts = [node for node in inner.named_children if node.type not in COMMENTS]
    if "\n" not in text and "/*" not in text:
        present = [text_of(source, node) for node in parts]
        return _braced(source, use.node.start_byte, Span(inner.start_byte, inner.end_byte), present, names)
    return _inserted(source, inner, parts, names)


def _braced(source: Source, line: int, span: Span, present: Sequence[str], names: Sequence[str]) -> Patch:
    """The names in braces at `span`, wrapped as rustfmt does where the line would be too long."""
    kept = [*present, *(name for name in names if name not in present)]
    order = order_of([(name,) for name in present])
    if order is not None:
        kept.sort(key=order)
    one_line = "{" + ", ".join(kept) + "}"
    indent = indent_at(source.text, line)
    start = source.text.rfind(b"\n", 0, line) + 1
    if len(source.text[start : span.start].decode("utf-8", "replace")) + len(one_line) + 1 <= WIDTH:
        return Patch(span, one_line.encode())
    rows = [f"{indent}    "]
    for name in kept:
        if len(rows[-1]) + len(name) + 2 > WIDTH and rows[-1].strip():
            rows.append(f"{indent}    ")
        rows[-1] += f"{name}, "
    ending = b"\r\n" if b"\r\n" in source.text else b"\n"
    text = "\n".join(["{", *(row.rstrip() for row in rows), indent + "}"])
    return Patch(span, text.encode().replace(b"\n", ending))


def _inserted(source: Source, inner: Node, parts: Sequence[Node], names: Sequence[str]) -> Patch:
    """The names after the last one of a list over several lines."""
    if not parts:
        return Patch(Span(inner.start_byte + 1, inner.start_byte + 1), ", ".join(names).encode())
    last = parts[-1]
    line = source.text.rfind(b"\n", 0, last.start_byte) + 1
    alone = not source.text[line : last.start_byte].strip()
    ending = "\r\n" if source.text[line - 2 : line] == b"\r\n" else "\n"
    gap = ending + indent_at(source.text, last.start_byte) if alone and line > inner.start_byte else " "
    return Patch(Span(last.end_byte, last.end_byte), "".join(f",{gap}{name}" for name in names).encode())


def _written(leaves: Sequence[Leaf]) -> list[_Line]:
    """Declarations of the leaves, one for each path."""
    by_prefix: dict[tuple[str, ...], list[Leaf]] = {}
    for leaf in leaves:
        by_prefix.setdefault(leaf.prefix, []).append(leaf)
    lines: list[_Line] = []
    for prefix, group in by_prefix.items():
        names = sorted((leaf.name for leaf in group), key=before_2024)
        several = len(names) > 1
        shown = "{" + ", ".join(names) + "}" if several else names[0]
        lines.append(_Line((*prefix, "{" if several else names[0]), f"use {'::'.join([*prefix, shown])};"))
    return lines


def _new_lines(
    source: Source, module: Node, existing: Sequence[Use], lines: Sequence[_Line], style: Style
) -> list[Patch]:
    if not lines:
        return []
    if not existing:
        ordered = sorted(lines, key=lambda line: key(line.path, before_2024))
        return [_first(source, module, [line.text for line in ordered], style)]
    patches: list[Patch] = []
    for line in sorted(lines, key=lambda line: key(line.path, before_2024)):
        group = _group(source, existing, line.path)
        order = order_of([use.path for use in group])
        later = [] if order is None else [use for use in group if key(use.path, order) > key(line.path, order)]
        anchor = later[0] if later else group[-1]
        indent = indent_at(source.text, anchor.span.start).encode()
        piece = line.text.encode().replace(b"\n", style.line_end + indent)
        if later:
            start = anchor.span.start
            patches.append(Patch(Span(start, start), piece + style.line_end + indent))
        else:
            end = anchor.span.end
            patches.append(Patch(Span(end, end), style.line_end + indent + piece))
    return patches


def _group(source: Source, existing: Sequence[Use], path: tuple[str, ...]) -> list[Use]:
    """The run of lines without a gap that fits best: of the same crate, else of the same kind, else the first."""
    runs: list[list[Use]] = [[existing[0]]]
    for one, other in pairwise(existing):
        between = source.text[one.span.end : other.span.start]
        if between.strip() or between.count(b"\n") > 1:
            runs.append([])
        runs[-1].append(other)
    first = path[0]
    for fits in (lambda leaf: leaf.path[0] == first, lambda leaf: _kind(leaf.path[0]) == _kind(first)):
        found = next((run for run in runs if any(fits(leaf) for use in run for leaf in use.leaves[:1])), None)
        if found is not None:
            return found
    return runs[0] if _kind(first) == 0 else runs[-1] if len(runs) < 4 else runs[0]


def _kind(first: str) -> int:
    return 0 if first in ("std", "core", "alloc") else 2 if first in RELATIVE else 1


def _first(source: Source, module: Node, lines: Sequence[str], style: Style) -> Patch:
    """The lines where the module has none yet: after its inner attributes and docs, or a comment at its head."""
    text = source.text
    at = 3 if text.startswith(b"\xef\xbb\xbf") and module.parent is None else module.start_byte
    at = at if module.parent is not None else min(at, 3 if text.startswith(b"\xef\xbb\xbf") else 0)
    top = True
    for node in module.children:
        if node.type in _HEAD or (node.type in COMMENTS and not is_outer_doc(node) and _is_head(text, node)):
            at, top = node.end_byte, False
        elif node.type != "attribute_item" and node.type not in COMMENTS:
            break
    while at > 0 and text[at - 1 : at] in (b"\n", b"\r"):
        at -= 1
    nested = module.parent is not None
    indent = (indent_at(text, module.start_byte) + style.step).encode() if nested else b""
    rows = (style.line_end + indent).join(line.encode().replace(b"\n", style.line_end + indent) for line in lines)
    if top:
        return Patch(Span(at, at), rows + style.line_end * 2 if text[at:].strip() else rows + style.line_end)
    opening = text[at - 1 : at] == b"{" and nested
    lead = style.line_end + indent if opening else style.line_end * 2 + indent
    follows = text[at:].lstrip(b" \t\r")
    if not follows.startswith(b"\n"):
        return Patch(Span(at, at), lead + rows + style.line_end * 2 + indent)
    blank = follows[1:].lstrip(b" \t\r").startswith((b"\n", b"}")) or not follows.strip()
    return Patch(Span(at, at), lead + rows + (b"" if blank else style.line_end))


def _is_head(text: bytes, node: Node) -> bool:
    """An inner doc comment, or a comment that an empty line sets apart from what follows."""
    if node.child_by_field_name("inner") is not None:
        return True
    end = node.end_byte - 1 if text[node.end_byte - 1 : node.end_byte] == b"\n" else node.end_byte
    return re.compile(rb"[ \t\r]*\n[ \t\r]*\n").match(text, end) is not None
