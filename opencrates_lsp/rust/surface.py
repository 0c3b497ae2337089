"""What somebody else's item looks like from outside: its public parts, without bodies, with the docs cut short."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opencrates_lsp.rust.attributes import leading
from opencrates_lsp.rust.items import Item, items
from opencrates_lsp.rust.outline import INDENT, members, shown
from opencrates_lsp.rust.syntax import Source, parse, text_of
from opencrates_lsp.values import Span

_DOC = re.compile(r"^\s*///(?!/)|^\s*//!")
_KEPT = re.compile(r"^#\[(?:derive|must_use|deprecated|non_exhaustive|macro_export|repr|default)\b")
_LONGEST_ATTRIBUTE = 200
_LONGEST_DOC = 400
_LONGEST_RULES = 1_500
_LONGEST_LINE = 160
_PUBLIC = re.compile(r"(?:default\s+)?pub(?!\s*\()\b")
_HIDDEN = re.compile(r"#\[\s*doc\s*\(\s*hidden\s*\)\s*\]")
_LEADING = re.compile(r"\A(?:\s*(?:///[^\n]*\n|//[^\n]*\n|#\[[^\n]*\]\s))*\s*")
_STRUCT = re.compile(r"\b(?:struct|union) +\w")
_PRIVATE = "/* private fields */"


@dataclass(frozen=True, slots=True)
class Member:
    """A public member of an impl or trait: its name, its signature, the first paragraph of its docs, its `#[cfg]`s."""

    name: str
    signature: str
    doc: str
    cfgs: tuple[str, ...]


def slice_of(text: bytes, start: int, end: int) -> tuple[Source, Item] | None:
    """An item's own bytes as a source, and the item in it; None where there is none."""
    source = parse(text[start:end])
    found = items(source)
    return (source, found[0]) if found else None


def definition(source: Source, item: Item) -> str:
    """The item with the first paragraph of its docs: of a struct the public fields, of a function the signature, of a
    macro the patterns, of a trait the header alone."""
    kind = item.identity.kind
    lead = _lead(source, item)
    if kind in ("function", "const", "static"):
        return lead + _ended(shown(source, item.signature))
    if kind == "trait":
        return lead + shown(source, item.signature)
    if kind in ("struct", "union"):
        return lead + _fields(source, item)
    if kind == "macro" and item.identity.name.endswith("!"):
        return lead + shown(source, item.node_span)
    if kind == "macro":
        return lead + _rules(source, item)
    return lead + _short_docs(shown(source, item.node_span))


def is_opaque(text: str) -> bool:
    """Whether a definition shows nothing but a name."""
    named = _STRUCT.search(text)
    return _PRIVATE in text and named is not None and not re.search(r"\bpub\b", text[named.end() :])


def public_members(source: Source, block: Item) -> tuple[Member, ...]:
    """What an inherent impl offers, or all that a trait has; what is hidden from docs is left out."""
    found: list[Member] = []
    is_trait = block.identity.kind == "trait"
    for member in members(source, block):
        lead = source.text[member.span.start : member.node_span.start].decode("utf-8", "replace")
        signature = shown(source, member.signature)
        if not _HIDDEN.search(lead) and (is_trait or _PUBLIC.match(signature)):
            found.append(
                Member(
                    member.identity.name,
                    _ended(signature),
                    _first_paragraph(lead),
                    member.cfgs[len(block.cfgs) :],
                )
            )
    return tuple(found)


def implemented(source: Source, block: Item) -> str:
    """An impl of a trait in one line: its header, and the types that it names."""
    header = _one_line(shown(source, block.signature)).removesuffix(",")
    types = [
        shown(source, Span(member.node_span.start, member.span.end))
        for member in members(source, block)
        if member.identity.kind == "type"
    ]
    return f"{header} {{ {' '.join(types)} }}" if types else f"{header} {{}}"


def outline(opening: str, chosen: Sequence[Member], *, docs: str, left_out: int = 0) -> str:
    """A block of members as Rust; `docs` is how much of them is shown: "paragraph", "sentence" or "none"."""
    lines: list[str] = []
    for member in chosen:
        doc = member.doc if docs == "paragraph" else _sentence(member.doc) if docs == "sentence" else ""
        lines += [f"{INDENT}/// {line}" for line in doc.splitlines()]
        lines.append(INDENT + member.signature.replace("\n", "\n" + INDENT))
    if left_out:
        lines.append(f"{INDENT}// … and {left_out} more")
    return "\n".join([opening + " {", *lines, "}"])


def _ended(signature: str) -> str:
    """The signature with its semicolon; in one line where that is not long."""
    signature = signature.rstrip().removesuffix(",")
    flat = _one_line(signature)
    return (flat if len(flat) <= _LONGEST_LINE and "//" not in signature else signature) + ";"


def _one_line(text: str) -> str:
    flat = re.sub(r"\s+", " ", text)
    return re.sub(r",? ([)>\]])", r"\1", re.sub(r"([(\[<]) ", r"\1", flat))


def _lead(source: Source, item: Item) -> str:
    """The docs, cut short, and those attributes that matter to who uses the item."""
    text = source.text[item.span.start : item.node_span.start].decode("utf-8", "replace")
    doc = "".join(f"/// {line}\n" for line in _first_paragraph(text).splitlines())
    node = source.tree.root_node.descendant_for_byte_range(item.node_span.start, item.node_span.start)
    while node is not None and node.parent is not None and node.parent.parent is not None:
        node = node.parent
    kept = []
    for attribute in leading(node).attributes if node is not None else ():
        said = re.sub(r"\s+", " ", text_of(source, attribute))
        if _KEPT.match(said) and len(said) <= _LONGEST_ATTRIBUTE:
            kept.append(said + "\n")
    return doc + "".join(kept)


def _first_paragraph(lead: str) -> str:
    """The first paragraph of the doc comments among the lines."""
    found: list[str] = []
    for line in lead.splitlines():
        if not _DOC.match(line):
            continue
        words = _DOC.sub("", line, count=1).strip()
        if not words and found:
            break
        if words:
            found.append(words)
        if sum(map(len, found)) > _LONGEST_DOC:
            break
    return "\n".join(found)


def _sentence(doc: str) -> str:
    """The first sentence, in one line."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z`\[])", doc.replace("\n", " "), maxsplit=1)[0]


def _short_docs(text: str) -> str:
    """The text with each doc comment cut to its first paragraph, and without attributes that say nothing to users."""
    kept: list[str] = []
    is_over = False
    for line in text.splitlines():
        if _DOC.match(line):
            is_over = is_over or not _DOC.sub("", line, count=1).strip()
            if is_over:
                continue
        elif line.strip().startswith("#[") and line.strip().endswith("]") and not _KEPT.match(line.strip()):
            continue
        else:
            is_over = False
        kept.append(line)
    return "\n".join(kept)


def _fields(source: Source, item: Item) -> str:
    """A struct with its public fields."""
    opening = shown(source, item.signature)
    if item.body is None:
        return opening + ";"
    text = source.text[item.body.start : item.body.end].decode("utf-8", "replace")
    named = text.startswith("{")
    public: list[str] = []
    private = 0
    for field in _field_texts(source, item, named=named):
        if _PUBLIC.match(_LEADING.sub("", field)):
            public.append(_short_docs(field))
        else:
            private += 1
    if named:
        lines = [INDENT + field.replace("\n", "\n" + INDENT) + "," for field in public]
        lines += [f"{INDENT}{_PRIVATE}"] if private else []
        return "\n".join([opening + " {", *lines, "}"]) if lines else opening + " {}"
    tail = source.text[item.body.end : item.node_span.end].decode("utf-8", "replace").strip()
    inside = ", ".join([*public, *([_PRIVATE] if private else [])])
    return f"{opening.removesuffix(';')}({inside}){' ' if tail[:1] == 'w' else ''}{tail or ';'}"


def _field_texts(source: Source, item: Item, *, named: bool) -> Iterator[str]:
    """The fields with their docs; of a tuple struct, with their visibility."""
    body = item.body
    if body is None:
        return
    node = source.tree.root_node.descendant_for_byte_range(body.start, body.end)
    begin: int | None = None
    for child in node.children if node is not None else ():
        if child.type in ("{", "}", "(", ")", ","):
            begin = None if child.type == "," or begin is None else begin
            continue
        begin = child.start_byte if begin is None else begin
        is_last = (
            child.type == "field_declaration" if named else child.type not in ("visibility_modifier", "attribute_item")
        )
        if is_last and "comment" not in child.type:
            yield shown(source, Span(begin, child.end_byte))
            begin = None


def _rules(source: Source, item: Item) -> str:
    """A `macro_rules!` with its patterns, and without what they become."""
    if item.body is None:
        return shown(source, item.signature)
    patterns: list[str] = []
    node = source.tree.root_node.child(0)
    for one in source.tree.root_node.children:
        node = one if one.type == "macro_definition" else node
    for rule in node.children if node is not None else ():
        left = rule.child_by_field_name("left") if rule.type == "macro_rule" else None
        pattern = re.sub(r"\s+", " ", text_of(source, left)) if left is not None else ""
        # What begins with an `@` is between the macro's own rules.
        if pattern and not pattern[1:].lstrip().startswith("@"):
            patterns.append(f"{INDENT}{pattern} => {{ … }};")
    text = "\n".join([f"macro_rules! {item.identity.name} {{", *patterns, "}"])
    return text if len(text) <= _LONGEST_RULES else f"macro_rules! {item.identity.name} {{ … }}"
