"""The rule `panics`: nothing new that panics, of the kinds that the crate's own clippy lints are set against.

Counted is what clippy counts, without its types: `[…]` on what is plainly a map, an array within its bounds or a
parser's own `expect` is let pass, and a panic within a `macro_rules!` or behind a renamed macro is not.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence

from opencrates_lsp.rust.items import Item, items_around
from opencrates_lsp.rust.lint_levels import level_of, levels_at
from opencrates_lsp.rust.policy.edit import Edit, Finding, Side, Violation, beyond, is_for_tests, name_at
from opencrates_lsp.rust.policy.marks import Mark, closing
from opencrates_lsp.rust.policy.names import Names, Parts, paths_in
from opencrates_lsp.rust.syntax import Source, path_at

_GROUPS = ("clippy::restriction",)
_LOUD = frozenset({"warn", "deny", "forbid"})
_METHODS = {"unwrap": "unwrap", "unwrap_err": "unwrap", "expect": "expect", "expect_err": "expect"}
_LINTS = {
    "unwrap": ("clippy::unwrap_used",),
    "expect": ("clippy::expect_used",),
    "get": ("clippy::get_unwrap",),
    "panic": ("clippy::panic",),
    "panic in result": ("clippy::panic", "clippy::panic_in_result_fn"),
    "unreachable": ("clippy::unreachable",),
    "todo": ("clippy::todo",),
    "unimplemented": ("clippy::unimplemented",),
    "index": ("clippy::indexing_slicing",),
    "text": ("clippy::string_slice",),
}
_OWN = re.compile(rb"\bfn\s+((?:unwrap|expect)(?:_err)?)\b")
_FUNCTIONS = frozenset({"panic_any", "resume_unwind", "begin_panic", "panic_fmt"})
_MACROS = ("panic", "unreachable", "todo", "unimplemented")
_HOLES = ("todo", "unimplemented")
# A hole under another name is no answer, whatever the lints are; `merge` refuses those that are called by their own.
_HIDDEN = "hidden hole"
# Before these brackets stands no value that could be indexed.
_NO_VALUES = (
    "as box break const dyn else for if impl in let loop match move mut ref return static type unsafe where while yield"
)
_KEYWORDS = frozenset(_NO_VALUES.split())
# The words of which any path to what panics has at least one.
_WORDS = frozenset({*_MACROS, *_FUNCTIONS, *_METHODS, "assert", "index", "index_mut"})
_ROOTS = frozenset({"std", "core", "Option", "Result"})
# Macros whose arguments are expressions.
_CODE_MACROS = re.compile(
    r"(?:e?print|write|format|panic|assert|debug_assert|prop_assert|vec|matches|dbg|log|trace|debug|info|warn|error"
    r"|todo|unreachable|unimplemented|bail|ensure|anyhow|try)\w*"
)
_TEXT = re.compile(rb"(?:str|String|Cow<[^>]*str>)(?!\w)")
# A parameter, field or variable of this name, with its type, or the array that it is bound to.
_NAMED = (
    rb"\b%b\s*(?::\s*(?:&\s*|'\w+\s+|mut\s+)*(?:(?P<array>\[[^\[\]]*;)|(?P<type>[^=,;){}]+))"
    rb"|=(?!=)\s*(?:(?P<bound>\[)|\S))"
)


def new_panics(edit: Edit) -> Iterator[Violation]:
    """Calls that come new where a lint against them is at `warn` or above."""
    # A method of this name that comes with the answer excuses nothing.
    own = frozenset(name.decode() for name in _OWN.findall(edit.before.source.text))
    now = list(_panics(edit.after, own))
    if not now:
        return
    was = list(_panics(edit.before, own))
    usual: frozenset[str] | None = None
    for finding in beyond(edit, was, now):
        tested = _tested(edit.after, finding.at)
        if tested and usual is None:
            usual = _usual_in_tests(edit.before, own)
        lint = "" if tested and finding.kind in (usual or ()) else _forbidding(edit, finding, tested=tested)
        if lint:
            where = name_at(edit.after, finding.at)
            yield Violation("panics", f"{where} gets {finding.told}{lint}.")


def _usual_in_tests(side: Side, own: Container[str]) -> frozenset[str]:
    """The kinds that the tests of the file have already: who writes tests there lives with them."""
    return frozenset(one.kind for one in _panics(side.whole(), own) if _tested(side, one.at))


def _tested(side: Side, offset: int) -> bool:
    return any(is_for_tests(item) for item in items_around(side.source, offset))


def _forbidding(edit: Edit, finding: Finding, *, tested: bool) -> str:
    """What is to be told of the lint against it; "" where there is none."""
    if finding.kind == _HIDDEN:
        return ", which leaves it unwritten"
    constant = _is_constant(edit.after.source, finding.at)
    levels = edit.lints.levels_in_tests if tested else edit.lints.levels
    own = levels_at(edit.after.source, finding.at, for_tests=tested)
    for lint in _LINTS[finding.kind]:
        if (tested and lint in edit.lints.exempt_in_tests) or (constant and lint not in edit.lints.checked_in_consts):
            continue
        level = level_of(lint, _GROUPS, [*levels, *own])
        if level in _LOUD:
            return f", and `{lint}` is at `{level}` there"
    return ""


def _is_constant(source: Source, offset: int) -> bool:
    """Whether the code runs in the compiler: in the value of a constant, or in a `const` block."""
    for node in reversed(path_at(source, offset)):
        if node.type in ("const_item", "static_item", "const_block"):
            return True
        if node.type in ("function_item", "closure_expression", "macro_definition"):
            return False
    return False


def _panics(side: Side, own: Container[str]) -> Iterator[Finding]:
    """What may panic; `own` are names of methods that the file's own types have."""
    source, marks, names = side.source, side.marks, side.names
    for at, mark in enumerate(marks):
        if mark.text in (".", "::"):
            yield from _unwraps(marks, at, own)
        elif mark.text == "[":
            yield from _indexing(source, marks, at)
        elif mark.text in ("index", "index_mut") and at and marks[at - 1].text == "." and _is_indexed(marks, at, names):
            yield Finding("index", f"`.{mark.text}(…)`", mark.at)
        elif mark.text in _METHODS and _is_handed(source, marks, at):
            yield Finding(_METHODS[mark.text], f"`{mark.text}` as a macro's argument", mark.at)
    through = names.leading_to(_WORDS | _ROOTS)
    known = through - _ROOTS
    for start, end, path in paths_in(marks):
        found = _of_path(side, through, (start, end, path)) if not known.isdisjoint(path) else None
        if found is not None:
            yield found


def _unwraps(marks: Sequence[Mark], at: int, own: Container[str]) -> Iterator[Finding]:
    """`.unwrap()`, `Option::unwrap`, and `.get(…).unwrap()`."""
    name = marks[at + 1].text if at + 1 < len(marks) else ""
    kind = _METHODS.get(name)
    if kind is None:
        return
    if marks[at].text == "::":
        # `<Option<u8>>::unwrap`; a path without brackets is looked at as a path.
        if at and marks[at - 1].text == ">" and marks[at - 2].text == ">":
            yield Finding(kind, f"`{name}`", marks[at + 1].at)
        return
    if at + 2 >= len(marks) or marks[at + 2].text != "(" or not _is_optional(marks, at, own):
        return
    yield Finding(kind, f"`.{name}()`", marks[at + 1].at)
    if kind == "unwrap" and _is_got(marks, at):
        yield Finding("get", "`.get(…).unwrap()`", marks[at + 1].at)


def _is_optional(marks: Sequence[Mark], at: int, own: Container[str]) -> bool:
    """Whether the method at the dot is that of `Option` or `Result`; `own` are names of methods that the file has."""
    end = closing(marks, at + 2)
    name, arguments = marks[at + 1].text, marks[at + 3 : end]
    if name.startswith("unwrap") == bool(arguments):
        return False
    of_self = marks[at - 1].text == "self"
    if name.startswith("unwrap") or any(one.kind == "string" for one in arguments[:3]):
        return not (of_self and name in own)
    # A parser's `self.expect(Token::Semi)?` may be defined in another file.
    following = marks[end + 1].text if end + 1 < len(marks) else ""
    return not (of_self or name in own or following == "?")


def _is_got(marks: Sequence[Mark], at: int) -> bool:
    """Whether `.get(…)` or `.get_mut(…)` stands right before the dot."""
    if marks[at - 1].text != ")":
        return False
    depth = 0
    for number in range(at - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(marks[number].text, 0)
        if depth == 0:
            return marks[number - 1].text in ("get", "get_mut") and marks[number - 2].text == "."
    return False


def _of_path(side: Side, through: frozenset[str], found: tuple[int, int, Parts]) -> Finding | None:
    """What the path is the name of: a macro that panics and is called, or a function that does."""
    source, marks = side.source, side.marks
    start, end, path = found
    called = end + 1 < len(marks) and marks[end].text == "!" and marks[end + 1].text in ("(", "[", "{")
    for meaning in side.names.meanings(path, through):
        last, genuine = meaning[-1], len(meaning) == 1 or meaning[0] in ("std", "core")
        if called and genuine and (last in _MACROS or (last == "assert" and marks[end + 2].text == "false")):
            kind = last if last in _MACROS else "panic"
            if kind in _HOLES and path not in ((kind,), ("std", kind), ("core", kind)):
                kind = _HIDDEN
            if kind == "panic" and _returns_result(source, marks[start].at):
                kind = "panic in result"
            return Finding(kind, f"`{last}!`", marks[start].at)
        if last in _METHODS and meaning[-2:-1] in (("Option",), ("Result",)):
            return Finding(_METHODS[last], f"`{'::'.join(path)}`", marks[start].at)
        if meaning[0] in ("std", "core") and last in _FUNCTIONS:
            return Finding("panic", f"`{'::'.join(path)}`", marks[start].at)
        if meaning[-2:] in (("Index", "index"), ("IndexMut", "index_mut")):
            return Finding("index", f"`{'::'.join(path)}`", marks[start].at)
    return None


def _is_indexed(marks: Sequence[Mark], at: int, names: Names) -> bool:
    """Whether the method is that of the operator, which is only in scope by name."""
    traits = names.bound.get("Index", set()) | names.bound.get("IndexMut", set())
    return marks[at + 1 : at + 2] != [] and marks[at + 1].text == "(" and any("ops" in path for path in traits)


def _is_handed(source: Source, marks: Sequence[Mark], at: int) -> bool:
    """Whether the word is handed to a macro by itself, to be called there."""
    alone = 0 < at < len(marks) - 1 and marks[at - 1].text in ("(", ",", "[", "{") and marks[at + 1].text in ")],}"
    return alone and path_at(source, marks[at].at)[-2].type == "token_tree"


def _returns_result(source: Source, offset: int) -> bool:
    function = _function(source, offset)
    if function is None:
        return False
    signature = source.text[slice(*function.signature)]
    return re.search(rb"->\s*(?:[\w:]+::)?Result\b", signature) is not None


def _function(source: Source, offset: int) -> Item | None:
    around = items_around(source, offset)
    return next((item for item in reversed(around) if item.identity.kind == "function"), None)


def _indexing(source: Source, marks: Sequence[Mark], at: int) -> Iterator[Finding]:
    """`a[i]`, but where the index or the type, as far as it is written in the file, tells that it cannot panic."""
    before = marks[at - 1] if at else None
    if before is None or at + 1 >= len(marks):
        return
    value = before.text in (")", "]", "?") or (before.kind == "word" and before.text not in _KEYWORDS)
    if not value or before.text[0].isdigit() or not _is_code(source, marks[at].at):
        return
    end = closing(marks, at)
    index = marks[at + 1 : end]
    texts = [one.text for one in index]
    if texts == [".."] or (index and (index[0].text == "&" or index[0].kind in ("string", "char"))):
        return
    if before.text == "]" and _is_attribute(marks, at - 1):
        return
    written = _type_of(source, marks, at - 1) if before.kind == "word" else b""
    ranged = ".." in texts or "..=" in texts
    if ranged and _TEXT.match(written):
        yield Finding("text", f"`{before.text}[{''.join(texts)}]`", marks[at].at)
        return
    constant = all(text.isdigit() or text in ("..", "..=") for text in texts)
    if constant and written == b"[":
        return
    shown = f"{before.text}[{''.join(texts)}]" if before.kind == "word" else f"…[{''.join(texts)}]"
    yield Finding("index", f"the index `{shown}`", marks[at].at)


def _is_code(source: Source, offset: int) -> bool:
    """Whether the brackets index something: an expression, or the arguments of a macro that takes expressions."""
    path = path_at(source, offset)
    for node in reversed(path):
        if node.type == "index_expression":
            return True
        if node.type == "macro_invocation":
            name = node.child_by_field_name("macro")
            text = name.text.decode("utf-8", "replace") if name is not None and name.text is not None else ""
            return _CODE_MACROS.fullmatch(text.rsplit("::", 1)[-1]) is not None
        if node.type == "macro_definition":
            return False
    return False


def _is_attribute(marks: Sequence[Mark], at: int) -> bool:
    """Whether the `]` at this place ends an attribute."""
    depth = 0
    for number in range(at, 0, -1):
        depth += {"]": 1, "[": -1}.get(marks[number].text, 0)
        if depth == 0:
            return marks[number - 1].text in ("#", "!")
    return False


def _type_of(source: Source, marks: Sequence[Mark], at: int) -> bytes:
    """The type that the file writes for the name at this place, without references; `[` for an array."""
    name = marks[at].text
    known = re.compile(_NAMED % re.escape(name.encode()))
    function = _function(source, marks[at].at)
    if (at and marks[at - 1].text == ".") or name.isupper() or function is None:
        bound = known.search(source.text)
    else:
        # Of several variables of one name, the last one counts.
        bound = next(reversed(list(known.finditer(source.text, function.span.start, marks[at].at))), None)
    if bound is None:
        return b""
    return b"[" if bound["array"] or bound["bound"] else (bound["type"] or b"").strip()
