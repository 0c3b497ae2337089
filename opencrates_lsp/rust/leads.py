"""What leads an item: its doc comments and attributes, in the file and in an answer."""

from __future__ import annotations

from dataclasses import dataclass

from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.lexer import Token, code, lex
from opencrates_lsp.rust.placing import Patch, Style, indent_at, laid_out
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Span

_REPEATED = frozenset({"allow", "warn", "deny", "expect", "doc", "cfg_attr"})


def attributes_of(source: Source, item: Item) -> list[tuple[str, str]]:
    """The attributes of an item in reading order, each with its path ("tokio::test") and its text."""
    return _Lead.of(source, item).attributes


def lead_patches(file: Source, old: Item, given: Source, new: Item, style: Style, *, derives_only: bool) -> list[Patch]:
    """What leads the answer's item and not the file's: doc comments where there are none or more, new attributes.

    The file's doc comments stay unless the answer's hold all their lines and more.
    Of attributes that the file has with other arguments, the file's stay, but for a `derive` that gained traits.
    """
    indent = indent_at(file.text, old.node_span.start)
    base = indent_at(given.text, new.node_span.start)
    before = _Lead.of(file, old)
    after = _Lead.of(given, new)
    patches: list[Patch] = []
    if not derives_only and after.docs and (not before.docs or _holds_more(after.docs, before.docs)):
        text = "\n".join(doc.rstrip("\n") for doc in after.docs)
        piece = (style.line_end + indent.encode()).join(line.strip().encode() for line in text.split("\n"))
        if not before.docs:
            patches.append(Patch(Span(old.span.start, old.span.start), piece + style.line_end + indent.encode()))
        elif before.docs_span is not None:
            patches.append(Patch(before.docs_span, piece))
    for path, text in after.attributes:
        present = zip(before.spans, before.attributes, strict=True)
        same = [(span, other) for span, (name, other) in present if name == path]
        if any(code(other) == code(text) for _, other in same):
            continue
        if path == "derive" and same:
            span, other = same[0]
            if set(code(text)) > set(code(other)):
                patches.append(Patch(span, text.encode()))
        elif not derives_only and (not same or path in _REPEATED):
            at = old.node_span.start
            patches.append(Patch(Span(at, at), laid_out(text, base, indent, style) + style.line_end + indent.encode()))
    return patches


def _holds_more(after: list[str], before: list[str]) -> bool:
    """Whether all lines of `before` come in `after`, in this order, and others too."""
    lines = iter([" ".join(line.split()) for doc in after for line in doc.split("\n")])
    wanted = [" ".join(line.split()) for doc in before for line in doc.strip("\n").split("\n")]
    return all(line in lines for line in wanted) and sum(doc.count("\n") + 1 for doc in after) > len(wanted)


@dataclass(frozen=True, slots=True)
class _Lead:
    docs: list[str]
    docs_span: Span | None
    attributes: list[tuple[str, str]]
    spans: list[Span]

    @classmethod
    def of(cls, source: Source, item: Item) -> _Lead:
        """Doc comments and attributes before the item; `docs_span` is None where attributes stand among them."""
        start = item.span.start
        text = source.text[start : item.node_span.start].decode("utf-8", "replace")
        offsets = _Offsets(text, start)
        docs: list[str] = []
        edges: list[tuple[int, int]] = []
        attributes: list[tuple[str, str]] = []
        spans: list[Span] = []
        tokens = list(lex(text))
        at = 0
        while at < len(tokens):
            token = tokens[at]
            if token.kind == "doc":
                docs.append(token.text.rstrip("\r"))
                edges.append((token.start, token.start + len(token.text.rstrip("\r"))))
            elif token.text == "#" and at + 1 < len(tokens) and tokens[at + 1].text == "[":
                end = _closing(tokens, at + 1)
                whole = text[token.start : tokens[end].end]
                path = "".join(part.text for part in tokens[at + 2 : end] if part.kind == "word" or part.text == "::")
                name = path if end == at + 3 else _attribute_path([part.text for part in tokens[at + 2 : end]])
                attributes.append((name, whole))
                spans.append(Span(offsets.at(token.start), offsets.at(tokens[end].end)))
                at = end
            at += 1
        together = bool(edges) and not any(
            offsets.at(edges[0][0]) < span.start < offsets.at(edges[-1][1]) for span in spans
        )
        docs_span = Span(offsets.at(edges[0][0]), offsets.at(edges[-1][1])) if together else None
        return cls(docs, docs_span, attributes, spans)


def _attribute_path(parts: list[str]) -> str:
    path = ""
    for part in parts:
        if not (part == "::" or part.replace("#", "").isidentifier()):
            break
        path += part
    return path


def _closing(tokens: list[Token], at: int) -> int:
    depth = 0
    for number in range(at, len(tokens)):
        depth += {"[": 1, "]": -1}.get(tokens[number].text, 0)
        if depth == 0:
            return number
    return len(tokens) - 1


@dataclass(frozen=True, slots=True)
class _Offsets:
    """Bytes of the file for characters of a piece of it."""

    text: str
    start: int

    def at(self, character: int) -> int:
        return self.start + len(self.text[:character].encode())
