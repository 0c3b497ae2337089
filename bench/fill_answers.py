"""What a scripted model answers for `bench/fill.py`: right, wrong in ways that rustc names, and spoilt in its form.

All of it is made from the right answer to a hole, so that every hole of every crate can have every shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.rust.holes import holes, subject
from opencrates_lsp.rust.items import Item, items, qualified_name
from opencrates_lsp.rust.merge import merge
from opencrates_lsp.rust.syntax import parse

_HOLE = re.compile(r"\{\s*(?:todo|unimplemented)!\([^()]*\)\s*\}")
_FENCE = re.compile(r"^(?P<marks>```|~~~)[^\n]*\n(?P<code>.*?)^(?P=marks)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Right:
    """The right answer to a hole: the item's `code`, and the text of its file without it and with it.

    `header` is that of the block around the item ("impl Ledger"), `root` the crate whose paths are always there.
    """

    code: str
    name: str
    header: str
    before: str
    whole: str
    root: str

    @property
    def item(self) -> Item:
        """The answered item, in `code`."""
        name = self.name.rpartition("::")[2]
        return next(one for one in items(parse(self.code.encode())) if one.identity.name == name and one.body)

    @property
    def is_body(self) -> bool:
        """Whether the hole is the whole body, so that a body alone says unmistakably what is meant."""
        source = parse(self.before.encode())
        item = next(one for one in items(source) if qualified_name(one) == self.name and one.body)
        return _HOLE.fullmatch(self.before.encode()[slice(*(item.body or item.span))].decode()) is not None

    def with_body(self, more: str) -> str:
        """The code with a line more at the start of the item's body."""
        text, body = self.code.encode(), self.item.body
        assert body is not None
        return (text[: body.start + 1] + f"\n    {more}\n".encode() + text[body.start + 1 :]).decode()


def right_answer(path: Path, item: str, answer: str, root: str) -> Right:
    """The answer to the hole in `item` of the file, laid in once; `answer` is Markdown with a fence."""
    text = path.read_bytes()
    source = parse(text)
    about = next(told for hole in holes(source) if (told := subject(source, path, hole.item)).name == item)
    found = next(one for one in items(source) if one.span == about.item)
    fenced = _FENCE.search(answer)
    assert fenced is not None, answer
    whole = merge(path, source, about, answer).text.decode()
    return Right(fenced["code"], item, found.identity.header, text.decode(), whole, root)


def fenced(code: str, tag: str = "rust", marks: str = "```") -> str:
    return f"{marks}{tag}\n{code.rstrip()}\n{marks}\n"


# What rustc finds wrong with an answer and does not mend itself; each line has an error of its own, without std too.
WRONG: Mapping[str, str] = {
    "E0308": "let _wrong: () = 1u8;",
    "E0425": "let _wrong = no_such_name_here;",
    "E0599": "().no_such_method_here();",
    "E0382": "let gone = &mut 0u8; let _one = gone; let _two = gone;",
    "E0433": "let _wrong = no_such_crate_here::thing();",
    "E0277": "for _wrong in () {}",
}


def wrong(right: Right, number: int) -> str:
    """The right answer with one line that does not compile; another one for each number."""
    lines = tuple(WRONG.values())
    return fenced(right.with_body(lines[number % len(lines)]))


def _in_its_block(right: Right) -> str:
    if not right.header or right.header.startswith("extern"):
        return right.code
    inner = "".join(f"    {line}\n" for line in right.code.splitlines())
    return f"{right.header} {{\n{inner}}}\n"


def _body(right: Right) -> str:
    body = right.item.body
    assert body is not None
    return right.code.encode()[slice(*body)].decode()


def _imported(right: Right) -> str:
    return f"use {right.root}::cmp::Ordering as Answered;\n\n{right.code}\n"


def _inlined(right: Right) -> str:
    text, at = right.code.encode(), right.item.span.start
    return (text[:at] + b"#[inline]\n" + text[at:]).decode()


SHAPES: Mapping[str, Callable[[Right], str]] = {
    "prose around it": lambda one: f"Sure! Here it is:\n\n{fenced(one.code)}\nIt compiles; let me know.\n",
    "a tag of rs": lambda one: fenced(one.code, "rs"),
    "no tag": lambda one: fenced(one.code, ""),
    "tildes": lambda one: fenced(one.code, marks="~~~"),
    "no fence": lambda one: one.code,
    "thoughts with code": lambda one: (
        f"<think>\n{fenced('fn idea() { todo!() }')}\nNo.\n</think>\n\n{fenced(one.code)}"
    ),
    "several fences": lambda one: f"{fenced('cargo add nothing', 'sh')}\nand then\n\n{fenced(one.code)}",
    "CRLF": lambda one: fenced(one.code).replace("\n", "\r\n"),
    "the whole file": lambda one: fenced(one.whole),
    "only a body": lambda one: fenced(_body(one)),
    "in its impl": lambda one: fenced(_in_its_block(one)),
    "a new use": lambda one: fenced(_imported(one)),
    "a helper": lambda one: fenced(f"{one.code}\n\nfn answered_by_a_helper() {{}}\n"),
    "an attribute": lambda one: fenced(_inlined(one)),
}
"""Right answers in every form that models give them; each is to land."""


def _cut(right: Right) -> str:
    code = right.code.rstrip()
    return "```rust\n" + code[: max(len(code) - 6, len(code) * 2 // 3)]


SPOILT: Mapping[str, Callable[[Right], str]] = {
    "no code": lambda _: "I would rather not: please tell me more about what this function should do.",
    "cut off": _cut,
    "an elision": lambda one: fenced(one.with_body("// ... existing code ...")),
    "another item": lambda _: fenced("pub struct Unasked;\n\nimpl Unasked {\n    pub fn thing(&self) {}\n}"),
    "the hole is left": lambda one: fenced(one.with_body("todo!();")),
    "no Rust": lambda one: fenced(one.code.replace("{", "{ )) let", 1)),
    "unsafe": lambda one: fenced(one.with_body("unsafe { core::hint::black_box(()) };")),
}
"""Answers that are not to land, whatever rustc would say of them."""
