"""A user who types while models answer, and what must hold whatever he does.

Each function with a hole stands between two marks, so that what an edit may change is known without parsing: the user's
text, or the user's text with the whole of one verified change, and nothing in between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drive import Editor
from lsprotocol import types
from model_server import Request, Say

from opencrates_lsp.server.headless import NotApplied
from opencrates_lsp.server.offers import TAKE
from opencrates_lsp.values import Span

HEAD = "//! Größe 𝄞 🦀.\nuse std::fmt;\n\npub struct Größe{number};\n\n"
PLAIN = '/// Doc é𝄞.\npub fn {name}(x: u32) -> u32 {{\n    let _s = "🦀𝄞"; todo!("{key}")\n}}\n'
METHOD = '    pub fn {name}(&self, x: u32) -> u32 {{\n        todo!("{key}")\n    }}\n'
TWIN = '#[cfg({cfg})]\npub fn {name}(x: u32) -> u32 {{\n    todo!("{key}")\n}}\n'


def begin(key: str) -> str:
    return f"// begin {key}\n"


def end(key: str) -> str:
    return f"// end {key}\n"


def file_text(number: int, crlf: bool) -> tuple[str, dict[str, str]]:
    """A file of five holes, and the names of the functions by the keys of their holes."""
    keys = {f"k{number}{letter}": f"fill{number}{letter}" for letter in "abcd"}
    keys[f"k{number}e"] = keys[f"k{number}d"]
    shapes = (PLAIN, PLAIN, METHOD, TWIN, TWIN)
    blocks = []
    for (key, name), shape in zip(keys.items(), shapes, strict=True):
        indent = "    " if shape is METHOD else ""
        cfg = "unix" if key.endswith("d") else "not(unix)"
        block = shape.format(name=name, key=key, cfg=cfg)
        block = f"{indent}{begin(key)}{block}{indent}{end(key)}"
        blocks.append(f"impl Größe{number} {{\n{block}}}\n" if shape is METHOD else block)
    text = HEAD.format(number=number) + "\n".join(blocks)
    return (text.replace("\n", "\r\n") if crlf else text), keys


def normal(text: str) -> str:
    return text.replace("\r\n", "\n")


def block_of(text: str, key: str) -> str | None:
    """What stands between the marks of a key, with plain line ends; None where they are not there once."""
    text = normal(text)
    if text.count(begin(key)) != 1 or text.count(end(key)) != 1:
        return None
    return text.split(begin(key))[1].split(end(key))[0]


def hole(key: str) -> str:
    return f'todo!("{key}")'


def answer_to(request: Request) -> Say:
    """The right answer for the function that is asked for, another one each time, when the machine lets it."""
    content = str(request.body["messages"][1]["content"])
    name = content.partition("in `")[2].partition("`")[0].rpartition("::")[2]
    owner = "&self, " if name.endswith("c") else ""
    first = 'let _s = "🦀𝄞"; ' if name[-1] in "ab" else ""
    body = f"{first}let größe = x; // 𝄞\n    größe + {next(_numbers)}"
    return Say(
        f"```rust\npub fn {name}({owner}x: u32) -> u32 {{\n    {body}\n}}\n```",
        gated=True,
        piece_characters=1 << 20,
    )


def _counting() -> Iterator[int]:
    number = 1000
    while True:
        number += 1
        yield number


_numbers = _counting()


@dataclass(eq=False)
class Fill:
    """One command; `base` is the block as it was when it was asked for."""

    number: str
    key: str
    path: Path
    base: str
    future: asyncio.Future[Any] = field(repr=False)
    answer: Mapping[str, Any] | None = None


@dataclass(eq=False)
class User(Editor):
    """An editor that holds every edit of the server against what may be.

    `keys` are the names of the functions by their keys, of each file that he has, `names` those of all.
    `problems` are what must not happen; `fills` those of this life; `agreed` the keys and blocks that he said yes to.
    `wrote` are the blocks before and after each edit of the server; `interrupt` types in the moment of the next one.
    """

    problems: list[str] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    agreed: list[tuple[str, str]] = field(default_factory=list)
    wrote: list[tuple[Path, str, str, str]] = field(default_factory=list)
    undoing: bool = False
    keys: dict[Path, dict[str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    questions: list[tuple[str, Sequence[str], asyncio.Future[str | None]]] = field(default_factory=list)
    interrupt: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.answer = self._later

    def _later(self, message: str, choices: Sequence[str]) -> asyncio.Future[str | None]:
        self.asking().append((message, choices, asyncio.get_running_loop().create_future()))
        return self.questions[-1][2]

    def asking(self) -> list[tuple[str, Sequence[str], asyncio.Future[str | None]]]:
        """The questions that stand."""
        self.questions = [one for one in self.questions if not one[2].done()]
        return self.questions

    def say(self, number: int, choice: str | None) -> None:
        """Answer a question that stands; what he agrees to is the text as he sees it."""
        message, choices, future = self.questions.pop(number)
        if choice is not None and choice not in choices:
            choice = choices[0]
        if choice == TAKE:
            self.agree(message.partition("`")[2].partition("`")[0])
        if not future.done():
            future.set_result(choice)

    def agree(self, title: str) -> None:
        """The user says yes to what is offered for the function of this name."""
        name = title.rpartition("::")[2]
        for path, keys in self.keys.items():
            for key, its in keys.items():
                block = block_of(self.text(path), key)
                if its == name and block is not None:
                    self.agreed.append((key, block))

    def now(self) -> dict[Path, str]:
        """Every buffer, and the files that are not open."""
        return {path: self.text(path) for path in self.keys}

    def _apply(self, edit: types.WorkspaceEdit) -> None:
        if self.interrupt is not None:
            interrupt, self.interrupt = self.interrupt, None
            interrupt()
        before = self.now()
        disk = {path: path.read_bytes() for path in self.keys}
        try:
            super()._apply(edit)
        except NotApplied:
            if self.now() != before:
                self.problems.append("An edit was applied in part.")
            raise
        after = self.now()
        changed = [path for path in before if after[path] != before[path]]
        for path in changed:
            self._hold(path, before[path], after[path])
        for path, text in disk.items():
            if path.read_bytes() != text and (path in self.documents or path not in changed):
                self.problems.append(f"{path.name} was changed on disk.")
        if len(changed) > 1:
            self.problems.append("A fill changed more than one file.")

    def _hold(self, path: Path, before: str, after: str) -> None:
        """Note what is no whole change of one pending fill, nor the undoing of one."""
        if ("\r\n" in before) != ("\r\n" in after) or "\r" in after.replace("\r\n", ""):
            self.problems.append(f"The line ends of {path.name} are others now.")
        for key in self.keys[path]:
            old, new = block_of(before, key), block_of(after, key)
            if old is None or new is None or old == new:
                continue
            marks = begin(key) + old + end(key), begin(key) + new + end(key)
            if normal(before).replace(*marks) != normal(after):
                self.problems.append(f"Beside {key} something else was changed.")
            undone = self.undoing and (path, key, new, old) in self.wrote
            if not undone and not any(self._is_whole(fill, path, key, old, new) for fill in self.fills):
                self.problems.append(f"{key} is no whole change of what it was: {old!r} {new!r}")
            self.wrote.append((path, key, old, new))
            return
        self.problems.append(f"{path.name} was changed where nothing was asked for: {before!r} {after!r}")

    def _is_whole(self, fill: Fill, path: Path, key: str, old: str, new: str) -> bool:
        if fill.key != key or fill.path != path:
            return False
        if old == fill.base:
            bases = [old]
        elif (key, old) in self.agreed:
            bases = [old, fill.base]
        else:
            return False
        return any(_filled(base, key, new) for base in bases)

    def begin_key(self, path: Path, key: str, number: str) -> Fill | None:
        """Fill the hole of a key, if it stands there once."""
        text, block = self.text(path), block_of(self.text(path), key)
        if block is None or text.count(hole(key)) != 1:
            return None
        at = len(text[: text.index(hole(key))].encode())
        fill = Fill(number, key, path, block, self.begin("fill", number, **self.place(path, at)))
        self.fills.append(fill)
        return fill

    def stands(self, fill: Fill) -> bool:
        """Whether nobody touched what is filled: the block is what it was, and there is no second one of its name."""
        if fill.path not in self.keys:
            return False
        text, name = self.text(fill.path), self.keys[fill.path][fill.key]
        others = [key for key, its in self.keys[fill.path].items() if its == name]
        alike = all(block_of(text, key) is not None for key in others)
        return block_of(text, fill.key) == fill.base and alike and text.count(f"fn {name}(") == len(others)

    def forget(self) -> None:
        """A new life begins."""
        for each in (self.keys, self.fills, self.agreed, self.wrote, self.problems, self.questions):
            each.clear()

    def harvest(self) -> None:
        """The answers that have come."""
        for fill in self.fills:
            if fill.answer is None and fill.future.done():
                if fill.future.exception() is not None:
                    fill.answer = {"state": "cancelled", "job": ""}
                else:
                    fill.answer = json.loads(json.dumps(fill.future.result(), default=lambda one: one._asdict()))

    def seen(self, path: Path) -> list[dict[str, int]]:
        """The position of each hole, counted here and not by the server's rules."""
        text = self.text(path)
        found = []
        for key in self.keys[path]:
            at = text.find(hole(key))
            while at >= 0:
                line = text[:at].rpartition("\n")[2]
                width = {"utf-8": len(line.encode()), "utf-16": len(line.encode("utf-16-le")) // 2}
                place = {"line": text[:at].count("\n"), "character": width.get(self.encoding, len(line))}
                found.append(place)
                at = text.find(hole(key), at + 1)
        return sorted(found, key=lambda one: (one["line"], one["character"]))

    def type_text(self, path: Path, at: int, old: str, new: str) -> None:
        """Type over `old`, which stands at this character, with the line ends of the file."""
        text = self.text(path)
        if "\r\n" in text:
            new = normal(new).replace("\n", "\r\n")
        start = len(text[:at].encode())
        self.type(path, Span(start, start + len(old.encode())), new)


def _filled(base: str, key: str, new: str) -> bool:
    """Whether `new` is `base` with one of the answers in the place of one hole of the key."""
    at = base.find(hole(key))
    while at >= 0:
        head, tail = base[:at].rstrip(" "), base[at + len(hole(key)) :]
        if new.startswith(head) and new.endswith(tail):
            body = new[len(head) : len(new) - len(tail)].strip()
            if body.startswith("let größe = x; // 𝄞") and body.count("größe +") == 1 and "todo" not in body:
                return True
        at = base.find(hole(key), at + 1)
    return False


def places(text: str) -> list[tuple[int, bool]]:
    """Where a line may be put in without standing in a function, and whether that is in the impl."""
    found = [(0, False), (len(text), False)]
    at = 0
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("// begin"):
            found.append((at, line.startswith(" ")))
        at += len(line)
        if line.lstrip().startswith("// end"):
            found.append((at, line.startswith(" ")))
    return found
