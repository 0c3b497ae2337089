"""What the items of a file name, skimmed as words: enough to tell who may reach whom, and quick for a workspace.

No types are inferred and no paths resolved; a word in a comment counts as one in code: more is never wrong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opencrates_lsp.rust.headers import self_type, tokens
from opencrates_lsp.rust.items import Item, items
from opencrates_lsp.rust.syntax import Source, parse

Names = frozenset[bytes]

_WORDS = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
# What an attribute is called that makes a function a test, the usual ones and those of other people.
_TEST = re.compile(rb"#\[\s*(?:\w+\s*::\s*)*(?:\w*test\w*|\w*check|\w*case|bench|apply|parameterized)\b(?!\s*=)")
_TEST_BY_CONDITION = re.compile(rb"#\[\s*cfg_attr\s*\([^\]]*,\s*(?:\w+\s*::\s*)*test\b")
_DEFINED = re.compile(rb"\b(?:fn|struct|enum|union|trait|type|mod|const|static(?:\s+ref)?|macro_rules\s*!)\s+(\w+)")
_ALIAS = re.compile(rb"\b(\w+)\s+as\s+(\w+)")
_DERIVES = re.compile(rb"proc_macro_derive\s*\(([^\]]*)\)\s*\]")
_FUNCTION = re.compile(rb"\bfn\s+(\w+)")
_RUST_FENCE = re.compile(rb"(?:rust|should_panic|no_run|compile_fail|ignore[\w-]*|edition\d+|E\d+|test_harness|[\s,])*")
_DOC_LINE = re.compile(rb"^[ \t]*(?://[/!]|/\*[*!]|\*)?(?P<rest>.*)$", re.MULTILINE)
_DOC = re.compile(rb"^[ \t]*///.*$|/\*\*.*?\*/", re.MULTILINE | re.DOTALL)
_INNER_DOC = re.compile(rb"^[ \t]*//!.*$|/\*!.*?\*/", re.MULTILINE | re.DOTALL)
_INCLUDED = re.compile(rb"\bdoc\s*=\s*include_str!\s*\(\s*\"([^\"]+)\"")
_INDENTED = re.compile(rb"^ {5,}\S|^\t")


@dataclass(frozen=True, slots=True)
class Part:
    """One item of a file.

    `words` are all that it says, its attributes and the header around it included, without the name it gives itself,
    `signature` those before its body.
    `makes` are further names that it gives to what it says: an alias, a derive macro, what a macro call defines.
    `snippets` are the words of each piece of code in its documentation.
    `tests` is by what its tests are found, when it is one or makes some: parts of their names, "" for all of its file.
    """

    item: Item
    name: bytes
    owner: bytes
    words: Names
    signature: Names
    makes: Names = frozenset()
    snippets: tuple[Names, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skim:
    """One file; `inner` are the pieces of code in the documentation of the file and its modules (`//!`), `included` the
    texts that are taken as documentation, by the paths that it names."""

    words: Names
    parts: tuple[Part, ...]
    inner: tuple[Names, ...]
    included: tuple[str, ...]


def skim(text: bytes) -> Skim:
    """The file's items and what they name; never raises on broken Rust."""
    source = parse(text)
    # A macro may make tests of anything where there are tests.
    tested = b"test" in text
    parts = tuple(_part(source, item, tested=tested) for item in items(source))
    inner = tuple(_snippets(b"\n".join(_INNER_DOC.findall(text))))
    included = tuple(name.decode("utf-8", "replace") for name in _INCLUDED.findall(text))
    return Skim(words_of(text), parts, inner, included)


def words_of(text: bytes) -> Names:
    """The words of a text, of its comments and strings too."""
    return frozenset(_WORDS.findall(text))


def documented(text: bytes) -> tuple[Names, ...]:
    """The words of each piece of Rust in a Markdown text."""
    return tuple(_snippets(text))


def trait_of(header: str) -> str:
    """The trait of an impl's header, without path and generics: "Display" of `impl<T> fmt::Display for Foo<T>`."""
    if " for " not in header:
        return ""
    depth, last = 0, ""
    for mark in tokens(header)[1:]:
        if mark in ("<", "("):
            depth += 1
        elif mark in (">", ")"):
            depth -= 1
        elif mark == "for" and depth == 0:
            return last
        elif depth == 0 and mark[-1].isalnum():
            last = mark
    return ""


def is_blanket(header: str) -> bool:
    """Whether the impl is for a type parameter of its own."""
    match = re.match(r"impl<([^>]*)>", header)
    return match is not None and self_type(header) in re.split(r"[\s,:+]+", match[1])


def _part(source: Source, item: Item, *, tested: bool) -> Part:
    identity = item.identity
    name = identity.name.removeprefix("r#").encode()
    text = source.text[slice(*item.span)]
    lead = source.text[item.span.start : item.node_span.start]
    signature = words_of(source.text[slice(*item.signature)] + b" " + identity.header.encode())
    # Members are items of their own; of what is around them the head alone counts.
    whole = identity.kind in ("impl", "mod", "extern")
    named = slice(item.span.start, item.name_span.start), slice(item.name_span.end, item.span.end)
    body = text if identity.kind == "use" or name.endswith(b"!") else b" ".join(source.text[part] for part in named)
    words = words_of(lead) | signature if whole else words_of(body) | words_of(identity.header.encode())
    makes: set[bytes] = set()
    for derived in _DERIVES.findall(lead):
        makes |= words_of(derived)
    if identity.kind == "use":
        makes = {alias for _, alias in _ALIAS.findall(text)}
    elif name.endswith(b"!"):
        makes = set(_DEFINED.findall(text))
    docs = text if identity.kind in ("struct", "enum", "union") else lead
    tests = _tests(item, name, lead, text, tested=tested)
    owner = self_type(identity.header).encode()
    snippets = tuple(_snippets(b"\n".join(_DOC.findall(docs)))) if b"///" in docs or b"/**" in docs else ()
    return Part(item, name, owner, words, signature, frozenset(makes), snippets, tests)


def _tests(item: Item, name: bytes, lead: bytes, text: bytes, *, tested: bool) -> tuple[str, ...]:
    """See `Part.tests`."""
    around = "".join(f"{part.removeprefix('r#')}::" for part in item.identity.module if " " not in part)
    if item.identity.kind == "function":
        if item.is_test or _TEST.search(lead) or _TEST_BY_CONDITION.search(lead):
            return (around + name.decode("utf-8", "replace"),)
        return ()
    if not name.endswith(b"!") or not tested:
        return ()
    made = _FUNCTION.findall(text)
    return tuple(around + one.decode("utf-8", "replace") for one in made) or (around,)


def _snippets(docs: bytes) -> Iterator[Names]:
    """The words of each piece of Rust in doc comments, or in Markdown."""
    fence, taken = b"", False
    lines: list[bytes] = []
    indented: list[bytes] = []
    for match in _DOC_LINE.finditer(docs):
        line = match["rest"]
        bare = line.strip()
        if not fence and bare.startswith((b"```", b"~~~")):
            fence, lines = bare[:3], []
            taken = _RUST_FENCE.fullmatch(bare.strip(b"`~").strip(b"{} ")) is not None
        elif fence and bare.startswith(fence):
            if taken:
                yield words_of(b"\n".join(lines))
            fence = b""
        elif fence:
            lines.append(line)
        elif _INDENTED.match(line):
            # An indented block is code as well, where it is no part of a list.
            indented.append(line)
    if indented:
        yield words_of(b"\n".join(indented))
