"""Lint levels as attributes set them: `#[allow(…)]`, `#![deny(…)]`, and both within `cfg_attr`.

What holds at a place follows rustc: the later and the inner attribute wins, and nothing lowers a `forbid`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from opencrates_lsp.rust.attributes import COMMENTS, leading
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.lexer import code
from opencrates_lsp.rust.syntax import Source, path_at, text_of
from opencrates_lsp.terms import LintLevel

if TYPE_CHECKING:
    from tree_sitter import Node

LEVELS: tuple[LintLevel, ...] = get_args(LintLevel)
_OPENING = ("(", "[", "{")
_CLOSING = (")", "]", "}")
# The names that clippy's lints had before.
_RENAMED = {
    "clippy::option_unwrap_used": "clippy::unwrap_used",
    "clippy::result_unwrap_used": "clippy::unwrap_used",
    "clippy::option_expect_used": "clippy::expect_used",
    "clippy::result_expect_used": "clippy::expect_used",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One lint (or group) in one attribute.

    `conditions` are the predicates of the `cfg_attr`s around it, as tokens, outermost first.
    """

    level: LintLevel
    lint: str
    conditions: tuple[tuple[str, ...], ...] = ()


def settings_in(attribute: Sequence[str]) -> Iterator[Setting]:
    """The lints that an attribute sets, from the tokens between its brackets (`allow(dead_code)`)."""
    waiting: list[tuple[Sequence[str], tuple[tuple[str, ...], ...]]] = [(attribute, ())]
    while waiting:
        marks, conditions = waiting.pop(0)
        if tuple(marks[1:2]) != ("(",) or marks[-1] != ")":
            continue
        name, parts = marks[0].removeprefix("r#"), list(_parts(marks[2:-1]))
        if name in LEVELS:
            level = next(one for one in LEVELS if one == name)
            for part in parts:
                if part and "=" not in part:
                    yield Setting(level, "".join(part).replace("r#", ""), conditions)
        elif name == "cfg_attr" and parts:
            waiting += [(part, (*conditions, tuple(parts[0]))) for part in parts[1:]]
        elif name == "unsafe":
            waiting += [(part, conditions) for part in parts]


def levels_in(source: Source, *, for_tests: bool = False) -> list[tuple[str, LintLevel]]:
    """What the inner attributes at the head of a file set."""
    return _levels(source, _inner(source.tree.root_node), for_tests=for_tests)


def outer_levels(source: Source, item: Item, *, for_tests: bool = False) -> list[tuple[str, LintLevel]]:
    """What the attributes before an item set."""
    node = next((node for node in path_at(source, item.node_span.start) if _is_at(node, item)), None)
    return _levels(source, leading(node).attributes, for_tests=for_tests) if node is not None else []


def levels_at(source: Source, offset: int, *, for_tests: bool) -> list[tuple[str, LintLevel]]:
    """What the file's attributes set for the code at the byte, outermost first."""
    found: list[Node] = []
    for node in path_at(source, offset):
        if node.parent is not None and node.type not in COMMENTS:
            found += leading(node).attributes
        found += _inner(node)
    return _levels(source, found, for_tests=for_tests)


def level_of(lint: str, groups: Iterable[str], levels: Iterable[tuple[str, LintLevel]]) -> LintLevel:
    """The level of a lint that is off by default; `groups` are those that it is in."""
    names = {lint, *groups}
    level: LintLevel = "allow"
    warnings: LintLevel = "warn"
    for name, given in levels:
        if _RENAMED.get(name, name) in names and level != "forbid":
            level = given
        elif name == "warnings":
            warnings = given
    if level == "warn":
        return warnings
    return level


def holds(predicate: Sequence[str], *, for_tests: bool) -> bool | None:
    """Whether a `cfg` predicate holds where clippy looks; None where that is not known."""
    if tuple(predicate[1:2]) == ("(",) and predicate[-1] == ")":
        parts = [holds(part, for_tests=for_tests) for part in _parts(predicate[2:-1]) if part]
        if predicate[0] == "not":
            return None if not parts or parts[0] is None else not parts[0]
        if predicate[0] == "all":
            return False if False in parts else None if None in parts else True
        if predicate[0] == "any":
            return True if True in parts else None if None in parts else False
        return None
    known = {"test": for_tests, "clippy": True, "debug_assertions": True, "doc": False, "docsrs": False, "true": True}
    return known.get(predicate[0]) if len(predicate) == 1 else None


def _levels(source: Source, attributes: Iterable[Node], *, for_tests: bool) -> list[tuple[str, LintLevel]]:
    found: list[tuple[str, LintLevel]] = []
    for attribute in attributes:
        marks = code(text_of(source, attribute))
        start = marks.index("[") + 1 if "[" in marks else 0
        for setting in settings_in(marks[start:-1]):
            stands = [holds(one, for_tests=for_tests) for one in setting.conditions]
            # Where it is not known, a lint that is let pass is let pass, and none is taken for raised.
            if False not in stands and (None not in stands or setting.level in ("allow", "expect")):
                found.append((setting.lint, setting.level))
    return found


def _inner(node: Node) -> list[Node]:
    """The inner attributes at the head of a file, of a module, or of a body."""
    body = node if node.parent is None else node.child_by_field_name("body")
    found: list[Node] = []
    if body is None:
        return found
    cursor = body.walk()
    more = cursor.goto_first_child()
    while more and (child := cursor.node) is not None:
        if child.type == "inner_attribute_item":
            found.append(child)
        elif child.type not in COMMENTS and child.type not in ("{", "shebang"):
            break
        more = cursor.goto_next_sibling()
    return found


def _is_at(node: Node, item: Item) -> bool:
    return node.end_byte == item.node_span.end and node.start_byte >= item.node_span.start and node.parent is not None


def _parts(marks: Sequence[str]) -> Iterator[list[str]]:
    """The parts between the commas that stand in no brackets."""
    part: list[str] = []
    depth = 0
    for mark in marks:
        depth += (mark in _OPENING) - (mark in _CLOSING)
        if mark == "," and depth == 0:
            yield part
            part = []
        else:
            part.append(mark)
    if part:
        yield part
