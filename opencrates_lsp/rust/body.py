"""An answer that is no item but a body: statements, an expression, or a block.

It takes the place of the whole body, or of the one hole where it has little of what else the body holds.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.answer import Snippet
from opencrates_lsp.rust.holes import Hole, holes
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.lexer import lex
from opencrates_lsp.rust.matching import describe
from opencrates_lsp.rust.placing import Patch, Style, indent_at, laid_out, leading_blank
from opencrates_lsp.rust.syntax import Source, error_spans, parse, path_at
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tree_sitter import Node

# Of the words around the hole, an answer must have more than this share to be taken for the whole body.
_SHARE = 0.5
_KEYWORDS = frozenset(
    {"let", "mut", "if", "else", "match", "return", "for", "in", "while", "loop", "move", "as", "ref"}
)
_WRAP = b"fn body() {\n"
# What binds closer than the operators of an answer might.
_OPERANDS = frozenset(
    {
        "binary_expression",
        "unary_expression",
        "field_expression",
        "try_expression",
        "await_expression",
        "index_expression",
        "reference_expression",
        "type_cast_expression",
        "range_expression",
    }
)


def body_patches(file: Source, asked: Item, snippet: Snippet, style: Style) -> list[Patch]:
    """The body, laid in; raises `Refused` for what cannot be read as Rust, or has no place."""
    code = snippet.text.strip("\n").rstrip()
    _check_readable(code, claimed=bool(snippet.tag))
    if asked.body is None:
        raise Refused(f"{_name(asked)} has no body to fill.", remedy=f"Answer with {describe(asked)}, whole.")
    found = [hole for hole in holes(file, asked.body) if hole.span.end <= asked.body.end]
    value = asked.identity.kind in ("const", "static")
    if asked.identity.kind == "macro" or (len(found) == 1 and not _is_whole(file, asked.body, found[0], code)):
        if len(found) != 1:
            raise Refused(
                f"It is not clear where in {describe(asked)} the answer belongs.",
                remedy=f"Answer with {describe(asked)}, whole.",
            )
        return [_in_hole(file, found[0], code, style)]
    indent = indent_at(file.text, asked.node_span.start)
    if value:
        return [Patch(asked.body, _as_value(code, indent, style))]
    if not _is_block(code):
        code = _block(code, style)
        return [Patch(asked.body, laid_out(code, "", indent, style))]
    return [Patch(asked.body, laid_out(code.strip(), leading_blank(code), indent, style))]


def _name(asked: Item) -> str:
    described = describe(asked)
    return described[:1].upper() + described[1:]


def _check_readable(code: str, *, claimed: bool) -> None:
    """What is `claimed` to be Rust may hold some that the grammar does not know yet."""
    encoded = code.encode()
    wrapped = parse(_WRAP + encoded + b"\n}\n")
    if not wrapped.tree.root_node.has_error:
        return
    size = sum(span.end - span.start for span in error_spans(wrapped) if span.start >= len(_WRAP) or span.start == 0)
    if not claimed or size * 2 >= len(encoded):
        line = " ".join(code.strip().split("\n")[0].split())[:60]
        raise Refused(f"The answer cannot be read as Rust: `{line}`.", remedy="Answer with the whole item.")


def _words(text: str) -> Counter[str]:
    telling = (token.text for token in lex(text) if token.kind in ("word", "string", "char"))
    return Counter(word for word in telling if word not in _KEYWORDS)


def _is_whole(file: Source, body: Span, hole: Hole, code: str) -> bool:
    around = _words((file.text[body.start : hole.span.start] + b" " + file.text[hole.span.end : body.end]).decode())
    total = sum(around.values())
    return total == 0 or sum((around & _words(code)).values()) > total * _SHARE


def _statements(code: str) -> list[Node]:
    """The nodes of the code as a body, comments left out."""
    function = parse(_WRAP + code.encode() + b"\n}\n").tree.root_node.child(0)
    block = function.child_by_field_name("body") if function is not None else None
    return [] if block is None else [node for node in block.named_children if not node.type.endswith("comment")]


def _is_block(code: str) -> bool:
    if not code.lstrip().startswith("{"):
        return False
    nodes = _statements(code)
    if len(nodes) != 1:
        return False
    only = nodes[0].child(0) if nodes[0].type == "expression_statement" else nodes[0]
    return only is not None and only.type == "block"


def _is_expression(code: str) -> bool:
    nodes = _statements(code)
    return (
        len(nodes) == 1
        and not nodes[0].is_error
        and not nodes[0].type.endswith(("_statement", "_declaration", "_item"))
    )


def _block(code: str, style: Style) -> str:
    """The code in braces, one step in."""
    base = leading_blank(next(line for line in code.split("\n") if line.strip()))
    inner = laid_out("\n" + code, base, style.step, Style(b"\n", style.step)).decode()
    return "{" + inner + "\n}"


def _as_value(code: str, indent: str, style: Style) -> bytes:
    bare = code.strip().removesuffix(";")
    if not _is_expression(bare):
        bare = _block(code, style)
        return laid_out(bare, "", indent, style)
    return laid_out(bare, leading_blank(code), indent, style)


def _in_hole(file: Source, hole: Hole, code: str, style: Style) -> Patch:
    """The code at the hole: as it is where statements may stand, else as one expression."""
    node = next(node for node in reversed(path_at(file, hole.span.start)) if node.end_byte >= hole.span.end)
    parent = node.parent
    around = parent if parent is None or parent.type != "expression_statement" else parent.parent
    indent = indent_at(file.text, hole.span.start)
    base = leading_blank(next(line for line in code.split("\n") if line.strip()))
    bare = code.strip()
    if around is not None and around.type == "block" and node.type == "macro_invocation":
        if file.text[hole.span.end : hole.span.end + 1] == b";":
            bare = bare.removesuffix(";")
        return Patch(hole.span, laid_out(bare, base, indent, style))
    bare = bare.removesuffix(";")
    if not _is_expression(bare):
        bare, base = (bare, base) if _is_block(code) else (_block(code, style), "")
    elif parent is not None and parent.type in _OPERANDS and len(bare.split()) > 1:
        bare = f"({bare})"
    return Patch(hole.span, laid_out(bare, base, indent, style))
