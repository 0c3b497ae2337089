"""Items in fewer words, as Rust text: whole, as a signature, or as an outline without bodies."""

from __future__ import annotations

from opencrates_lsp.rust.items import Item, items
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Span

INDENT = "    "


def shown(source: Source, span: Span) -> str:
    """The text of the span, moved to the left margin."""
    line = source.text.rfind(b"\n", 0, span.start) + 1
    indent = source.text[line : span.start]
    text = source.text[span.start : span.end]
    if indent and not indent.strip():
        text = text.replace(b"\n" + indent, b"\n")
    return text.decode("utf-8", "replace").replace("\r\n", "\n").rstrip()


def whole(source: Source, item: Item) -> str:
    """The item with its attributes and doc comments."""
    return shown(source, item.span)


def documented(source: Source, item: Item) -> str:
    """The attributes, the doc comment and the signature."""
    return shown(source, Span(item.span.start, item.signature.end)) + ";"


def signed(source: Source, item: Item) -> str:
    """The signature alone."""
    return shown(source, item.signature) + ";"


def outlined(source: Source, item: Item) -> str:
    """An impl, trait or extern block with the signatures of its members; its doc comment is kept, theirs are not."""
    opening = shown(source, Span(item.span.start, item.signature.end))
    inside = [INDENT + signed(source, member).replace("\n", "\n" + INDENT) for member in members(source, item)]
    return "\n".join([opening + " {", *inside, "}"])


def members(source: Source, item: Item) -> tuple[Item, ...]:
    """What stands directly in an impl, trait or extern block."""
    if item.body is None:
        return ()
    return tuple(
        member
        for member in items(source, item.body)
        if item.body.start < member.span.start and member.span.end <= item.body.end and member.identity.header
    )
