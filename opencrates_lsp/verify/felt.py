"""How far an edit is felt: what may break by it that a plain check does not compile, tests, examples and benches.

Everything here is told from the texts, to choose what is compiled; what it finds too much of only costs time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

from opencrates_lsp.rust.attributes import attribute_parts, leading
from opencrates_lsp.rust.items import Identity, Item, items
from opencrates_lsp.rust.syntax import Source, parse, path_at
from opencrates_lsp.rust.uses import use_of

# What is seen beyond a body, wherever it stands, and what only builds of tests have.
_OUTSIDE = re.compile(rb"\bimpl\b|\bmacro_export\b")
_TESTS = re.compile(rb"#!?\[[^\]]*\btest\b")
# An `impl` block, and not an argument or a result of that type.
_BLOCK = re.compile(rb"(?:\A|[;{}\]]|\*/|^)\s*(?:(?:default|unsafe)\s+)*impl\b|\bmacro_export\b", re.MULTILINE)
_GLOB = re.compile(rb"::\s*(?:\{[^}]*)?\*")
_WHOLE = frozenset(("struct", "enum", "union", "const", "static", "macro"))
# Attributes that nobody who uses an item can notice.
_QUIET = frozenset(("allow", "cold", "doc", "expect", "inline", "rustfmt::skip", "track_caller"))

Declared = Counter[tuple[Identity, bytes]]


def reaches_out(before: bytes, after: bytes) -> bool:
    """Whether an edit adds or takes what is seen outside of a body even where it stands in one."""
    return len(_OUTSIDE.findall(before)) != len(_OUTSIDE.findall(after))


def adds_tests(before: bytes, after: bytes) -> bool:
    """Whether an edit adds what only builds of tests compile."""
    return len(_TESTS.findall(after)) > len(_TESTS.findall(before))


def has_tests(text: bytes) -> bool:
    """Whether a part of the text is for builds of tests alone, as far as its attributes tell."""
    return _TESTS.search(text) is not None


def concerns_tests(before: bytes, after: bytes, users: Iterable[bytes]) -> bool:
    """Whether an edit may break code that uses the file's items; `users` are texts with such code in them.

    It may where something that was there is gone or is declared otherwise, where a trait asks for more or a type
    implements more, and where a new name may be taken for another one's.
    """
    if len(_BLOCK.findall(before)) != len(_BLOCK.findall(after)):
        return True
    was, now = _declared(before), _declared(after)
    new = [identity for identity, _ in now - was]
    if was - now or any(map(_is_for_all, new)):
        return True
    names = [(one.name.encode(), one) for one in new if one.kind != "use" and one.name]
    return bool(names) and any(_may_mean(text, name, one) for text in users for name, one in names)


def _is_for_all(one: Identity) -> bool:
    """Whether something new changes what others may do, though nobody names it."""
    if one.kind == "macro" and one.name.endswith("!"):
        return True
    in_trait = one.header.startswith("trait ") or re.search(r"\bfor\b(?!\s*<)", one.header) is not None
    return one.kind in ("impl", "extern") or in_trait


def _may_mean(text: bytes, name: bytes, one: Identity) -> bool:
    """Whether the text says the name of something new where it meant something else until now."""
    if one.kind == "macro":
        return re.search(rb"\b%s!" % re.escape(name), text) is not None
    if one.header:
        return re.search(rb"(?:\.|::)\s*%s\b" % re.escape(name), text) is not None
    # A name that one glob brings hides nothing; that of two globs means neither.
    return len(_GLOB.findall(text)) > 1 and re.search(rb"\b%s\b" % re.escape(name), text) is not None


@lru_cache(maxsize=8)
def _declared(text: bytes) -> Declared:
    """What can be named, as it is declared; of a struct or the like its body is part of that."""
    source = parse(text)
    found: Declared = Counter()
    for item in items(source):
        if item.identity.kind == "use":
            found.update(_imported(source, item))
            continue
        declared = item.node_span if item.identity.kind in _WHOLE else item.signature
        words = b" ".join(text[slice(*declared)].split())
        found[item.identity, b" ".join([*_attributes(source, item), words])] += 1
    return found


def _imported(source: Source, item: Item) -> Iterator[tuple[Identity, bytes]]:
    """Each name that a `use` line brings, with its visibility; the line itself may be written in many ways."""
    node = next((one for one in path_at(source, item.node_span.start) if one.type == "use_declaration"), None)
    if node is None:
        yield item.identity, source.text[slice(*item.node_span)]
        return
    used = use_of(source, node)
    for leaf in used.leaves:
        name = "::".join((*leaf.prefix, leaf.name))
        yield Identity(item.identity.module, item.identity.header, "use", name), used.lead.encode()


def _attributes(source: Source, item: Item) -> Iterator[bytes]:
    if item.span.start == item.node_span.start:
        return
    node = next((one for one in path_at(source, item.node_span.start) if one.start_byte == item.node_span.start), None)
    for attribute in leading(node).attributes if node is not None else ():
        if attribute_parts(source, attribute)[0] not in _QUIET:
            yield b" ".join(source.text[attribute.start_byte : attribute.end_byte].split())
