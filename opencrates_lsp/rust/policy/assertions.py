"""How much a test checks: its assertions, each with a strength, as far as syntax tells.

Strengths compare; they are no measure: equality is more than a comparison, that is more than a predicate, and half of
it is left where the code may not run (in a branch, behind an early `return`).
An assertion in a loop over an array counts once for each of its elements, so that a table is as good as its rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.lexer import Token, lex
from opencrates_lsp.rust.policy.claims import COMPARED, PREDICATE, REFUSAL, macro_strengths
from opencrates_lsp.rust.syntax import Source, path_at, text_of

if TYPE_CHECKING:
    from tree_sitter import Node

_FAILING = frozenset({"panic", "unreachable"})
_MUST = frozenset({"unwrap", "expect", "unwrap_err", "expect_err"})
_LEAVING = frozenset({"return_expression", "break_expression", "continue_expression"})
_LOOPS = frozenset({"for_expression", "while_expression", "loop_expression"})
# What is handed a closure and never calls it, or hides that it failed.
_SWALLOWING = frozenset({"catch_unwind", "forget", "drop"})
_FUNCTIONS = frozenset({"function_item", "closure_expression"})
_NESTED = 3
# Code that is nested deeper than this is nobody's test.
_LEVELS = 120
# Functions that give a collection or iterator of nothing.
_EMPTY = re.compile(
    r"\b(?:Vec|VecDeque|HashMap|HashSet|BTreeMap|BTreeSet)(?:::<.*>)?::new$|\bempty(?:::<.*>)?$|^None(?:::<.*>)?$"
)


@dataclass(frozen=True, slots=True)
class Assertion:
    """`text` is its code in one line; 0 is a strength of what always holds, `REFUSAL` of what only must not fail."""

    text: str
    strength: int


@dataclass(slots=True)
class _Reader:
    """`helpers` are the functions and closures that assert, with what they assert."""

    source: Source
    helpers: Mapping[str, Sequence[Assertion]]
    depth: int
    level: int = 0
    found: list[Assertion] = field(default_factory=list)


def assertions(
    source: Source, body: Node, helpers: Mapping[str, Sequence[Assertion]], depth: int = 0
) -> list[Assertion]:
    """What a body asserts, in reading order.

    `helpers` are functions of the file by name, with what each asserts; a call of one counts as that.
    """
    local = dict(helpers)
    if depth < _NESTED:
        for name, inner in local_functions(source, body):
            local[name] = assertions(source, inner, helpers, depth + 1)
    reader = _Reader(source, local, depth)
    _read(reader, body, certain=True)
    return reader.found


def weaker(was: Sequence[Assertion], now: Sequence[Assertion]) -> str:
    """What `now` asserts less than `was`, as the end of a sentence; "" where it is as much."""
    strong = sorted((one.strength for one in was if one.strength > REFUSAL), reverse=True)
    left = sorted((one.strength for one in now if one.strength > REFUSAL), reverse=True)
    if not strong:
        checked = any(one.strength for one in was)
        return "checks nothing any more" if checked and not any(one.strength for one in now) else ""
    if len(left) >= len(strong) and all(one <= other for one, other in zip(strong, left, strict=False)):
        return ""
    kept = [(one.text, one.strength) for one in now]
    lost = [one.text for one in was if one.strength > REFUSAL and (one.text, one.strength) not in kept]
    if lost and any(one.text == lost[0] for one in now):
        return f"may not come to `{_short(lost[0])}` any more"
    return f"no longer asserts `{_short(lost[0])}`" if lost else "asserts less than before"


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."


def local_functions(source: Source, body: Node) -> Iterator[tuple[str, Node]]:
    """The functions in a body, and the closures that variables of it hold."""
    waiting = [body]
    while waiting:
        node = waiting.pop()
        name: Node | None = None
        inner: Node | None = None
        if node.type == "function_item":
            name, inner = node.child_by_field_name("name"), node.child_by_field_name("body")
        elif node.type == "let_declaration":
            value = node.child_by_field_name("value")
            if value is not None and value.type == "closure_expression":
                name, inner = node.child_by_field_name("pattern"), value.child_by_field_name("body")
        if name is not None and inner is not None:
            yield text_of(source, name), inner
        else:
            waiting.extend(reversed(node.named_children))


def _read(reader: _Reader, node: Node, *, certain: bool) -> None:
    """Add what the node asserts; `certain` tells whether its code runs in any case."""
    reader.level += 1
    if reader.level <= _LEVELS:
        _read_known(reader, node, certain=certain)
    reader.level -= 1


def _read_known(reader: _Reader, node: Node, *, certain: bool) -> None:
    kind = node.type
    if kind == "macro_invocation":
        _macro(reader, node, certain=certain)
    elif kind == "block":
        _block(reader, node, certain=certain)
    elif kind == "if_expression":
        _if(reader, node, certain=certain)
    elif kind == "match_expression":
        _match(reader, node, certain=certain)
    elif kind == "while_expression":
        _each(reader, node, ("condition",), certain=certain)
        _each(reader, node, ("body",), certain=False)
    elif kind == "for_expression":
        _for(reader, node, certain=certain)
    elif kind == "function_item" or (kind == "let_declaration" and _is_later(node)):
        # Counted where it is called.
        return
    elif kind == "let_declaration" and node.child_by_field_name("alternative") is not None:
        _each(reader, node, ("value",), certain=certain)
        _each(reader, node, ("alternative",), certain=False)
    elif kind == "binary_expression":
        operator = node.child_by_field_name("operator")
        _each(reader, node, ("left",), certain=certain)
        lazy = operator is not None and operator.type in ("&&", "||")
        _each(reader, node, ("right",), certain=certain and not lazy)
    elif kind == "call_expression":
        _call(reader, node, certain=certain)
    elif kind == "try_expression":
        reader.found.append(Assertion("?", REFUSAL))
        _children(reader, node, certain=certain)
    else:
        _children(reader, node, certain=certain)


def _children(reader: _Reader, node: Node, *, certain: bool) -> None:
    for child in node.named_children:
        _read(reader, child, certain=certain)


def _each(reader: _Reader, node: Node, fields: Sequence[str], *, certain: bool) -> None:
    for name in fields:
        child = node.child_by_field_name(name)
        if child is not None:
            _read(reader, child, certain=certain)


def _is_later(node: Node) -> bool:
    """Whether the variable is bound to code that is not run yet."""
    value = node.child_by_field_name("value")
    return value is not None and value.type in ("closure_expression", "async_block")


def _block(reader: _Reader, block: Node, *, certain: bool) -> None:
    """The statements in order: behind a `return` nothing counts, behind one that may be taken it counts half."""
    chosen = False
    for statement in block.named_children:
        if statement.type == "attribute_item":
            chosen = chosen or "cfg" in text_of(reader.source, statement)
            continue
        _read(reader, statement, certain=certain and not chosen)
        chosen = chosen and "comment" in statement.type
        if _is_leaving(statement):
            return
        certain = certain and not _may_leave(statement)


def _is_leaving(statement: Node) -> bool:
    only = statement.named_children[:1] if statement.type == "expression_statement" else [statement]
    return any(one.type in _LEAVING for one in only)


def _may_leave(node: Node) -> bool:
    """Whether the rest of the block is left from within the statement; a loop within it takes its own `break`s."""
    waiting = [(node, False)]
    while waiting:
        one, looped = waiting.pop()
        labelled = any(child.type == "label" for child in one.named_children)
        if one.type == "return_expression" or (one.type in _LEAVING and (labelled or not looped)):
            return True
        if one.type not in _FUNCTIONS:
            waiting += [(child, looped or one.type in _LOOPS) for child in one.named_children]
    return False


def _if(reader: _Reader, node: Node, *, certain: bool) -> None:
    _each(reader, node, ("condition",), certain=certain)
    first, other = node.child_by_field_name("consequence"), node.child_by_field_name("alternative")
    for branch, beside in ((first, other), (other, first)):
        if branch is not None:
            _read(reader, branch, certain=certain and beside is not None and _fails(reader, beside))


def _match(reader: _Reader, node: Node, *, certain: bool) -> None:
    _each(reader, node, ("value",), certain=certain)
    body = node.child_by_field_name("body")
    arms = [arm for arm in body.named_children if arm.type == "match_arm"] if body is not None else []
    failing = [_fails(reader, arm) for arm in arms]
    for at, arm in enumerate(arms):
        others = [one for number, one in enumerate(failing) if number != at]
        _each(reader, arm, ("value",), certain=certain and bool(others) and all(others))


def _fails(reader: _Reader, node: Node) -> bool:
    """Whether the branch ends the test, by a macro that panics."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type == "macro_invocation" and _macro_name(reader, one) in _FAILING:
            return True
        if one.type not in _FUNCTIONS:
            waiting += one.named_children
    return False


def _for(reader: _Reader, node: Node, *, certain: bool) -> None:
    value = node.child_by_field_name("value")
    count = _count(reader, value, node) if value is not None else None
    before = len(reader.found)
    _each(reader, node, ("body",), certain=certain)
    rows = reader.found[before:]
    if count is not None:
        del reader.found[before:]
        never = [Assertion(row.text, 0) for row in rows if row.strength > REFUSAL]
        reader.found += rows * count if count else never


def _count(reader: _Reader, value: Node, loop: Node) -> int | None:
    """How often a loop over this value runs, where it is an array or a range of literals; at most 64."""
    while value.type in ("reference_expression", "parenthesized_expression", "call_expression", "field_expression"):
        inner = value.child_by_field_name("value") or value.child_by_field_name("function")
        inner = inner or (value.named_children[-1] if value.named_children else None)
        if inner is None:
            return None
        value = inner
    if value.type in ("identifier", "scoped_identifier", "generic_function", "generic_type") and _EMPTY.search(
        text_of(reader.source, value)
    ):
        return 0
    if value.type == "array_expression":
        length = value.child_by_field_name("length")
        if length is not None:
            return 0 if text_of(reader.source, length) == "0" else None
        return min(len([one for one in value.named_children if "comment" not in one.type]), 64)
    if value.type == "macro_invocation" and _macro_name(reader, value) == "vec":
        tokens = list(lex(text_of(reader.source, value)))[3:-1]
        return 0 if not tokens else None
    if value.type == "range_expression":
        ends = text_of(reader.source, value).replace("_", "").replace("=", "").split("..")
        if all(end.strip().isdigit() for end in ends) and len(ends) == 2:
            return None if int(ends[0]) < int(ends[1]) else 0
    if value.type == "identifier":
        bound = _bound(reader, text_of(reader.source, value), loop)
        # Seen from where it is bound, it may be what another variable of the same name is.
        return _count(reader, bound, bound) if bound is not None and bound.type != "identifier" else None
    return None


def _bound(reader: _Reader, name: str, node: Node) -> Node | None:
    """What the variable was last bound to before the node, in the blocks around it."""
    while node.parent is not None:
        before = node.prev_named_sibling
        while before is not None:
            field = "pattern" if before.type == "let_declaration" else "name"
            bound = before.type in ("let_declaration", "const_item", "static_item")
            pattern = before.child_by_field_name(field) if bound else None
            if pattern is not None and text_of(reader.source, pattern) == name:
                if any(child.type == "mutable_specifier" for child in before.children):
                    # What it holds by then is not in sight.
                    return None
                return before.child_by_field_name("value")
            before = before.prev_named_sibling
        node = node.parent
    return None


def _call(reader: _Reader, node: Node, *, certain: bool) -> None:
    function = node.child_by_field_name("function")
    name = ""
    if function is not None and function.type == "field_expression":
        method = function.child_by_field_name("field")
        name = text_of(reader.source, method) if method is not None else ""
        if name in _MUST:
            reader.found.append(Assertion(f".{name}()", REFUSAL))
        elif name.startswith("assert"):
            _add(reader, node, COMPARED if name == "assert_eq" else PREDICATE, certain=certain)
    elif function is not None:
        name = text_of(reader.source, function).rsplit("::", 1)[-1]
        if name in reader.helpers:
            for one in reader.helpers[name]:
                text = f"{name}(…)" if one.strength else one.text
                reader.found.append(Assertion(text, one.strength if certain else _halved(one.strength)))
        elif name.startswith(("assert", "check", "verify", "expect", "ensure")):
            _add(reader, node, PREDICATE, certain=certain)
    if name in _SWALLOWING:
        return
    before = len(reader.found)
    _children(reader, node, certain=certain and (name != "spawn" or _is_joined(node)))
    if function is not None and function.type == "field_expression":
        receiver = function.child_by_field_name("value")
        given = node.child_by_field_name("arguments")
        closures = given is not None and any(one.type == "closure_expression" for one in given.named_children)
        if closures and receiver is not None and _count(reader, receiver, node) == 0:
            # Nothing is done with each of none.
            reader.found[before:] = [Assertion(one.text, 0) for one in reader.found[before:] if one.strength > REFUSAL]


def _is_joined(node: Node) -> bool:
    """Whether a thread is waited for, and its failure is looked at: `spawn(…).join().unwrap()`."""
    above = [node]
    while above[-1].parent is not None and len(above) < 4:
        above.append(above[-1].parent)
    return [one.type for one in above[1:]] == ["field_expression", "call_expression", "field_expression"]


def _macro_name(reader: _Reader, node: Node) -> str:
    name = node.child_by_field_name("macro")
    return text_of(reader.source, name).rsplit("::", 1)[-1].removeprefix("r#") if name is not None else ""


def _macro(reader: _Reader, node: Node, *, certain: bool) -> None:
    name = _macro_name(reader, node)
    tokens = [token for token in lex(text_of(reader.source, node)) if token.kind not in ("comment", "doc")]
    opening = next((at for at, token in enumerate(tokens) if token.text == "!"), len(tokens)) + 2
    arguments = tokens[opening:-1]
    strengths = macro_strengths(name, arguments, lambda variable: _value(reader, variable, node))
    if strengths is not None:
        for strength in strengths:
            _add(reader, node, strength, certain=certain)
    elif name in _FAILING:
        reader.found.append(Assertion(f"{name}!", REFUSAL))
    else:
        # What another macro makes of its tokens is not known; an assertion among them is taken for one.
        for at, token in enumerate(arguments[:-1]):
            inner = macro_strengths(token.text, (), lambda _: ()) if arguments[at + 1].text == "!" else None
            if inner is not None:
                reader.found.append(Assertion(f"{token.text}!", PREDICATE if certain else PREDICATE // 2))


def _value(reader: _Reader, name: str, node: Node) -> list[Token]:
    """What the variable is bound to, as tokens; none where that is not in sight."""
    bound = _bound(reader, name, node)
    return list(lex(text_of(reader.source, bound))) if bound is not None else []


def _add(reader: _Reader, node: Node, strength: int, *, certain: bool) -> None:
    text = " ".join(text_of(reader.source, node).split())
    reader.found.append(Assertion(text, strength if certain else _halved(strength)))


def _halved(strength: int) -> int:
    """What is left of it where the code may not run."""
    return strength if strength <= REFUSAL else max(strength // 2, REFUSAL + 1)


def body_of(source: Source, item: Item) -> Node | None:
    """The block of a function."""
    if item.body is None:
        return None
    path = path_at(source, item.body.start)
    return next((node for node in path if node.start_byte == item.body.start and node.type == "block"), None)
