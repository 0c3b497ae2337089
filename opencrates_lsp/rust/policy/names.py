"""What the paths of a file may stand for: through its `use` lines, renamed crates and globs, as far as one file tells.

Too many answers are given rather than too few: an import of any module of the file is followed in all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from opencrates_lsp.rust.lexer import lex
from opencrates_lsp.rust.policy.marks import Mark
from opencrates_lsp.rust.syntax import Source, path_at

Parts = tuple[str, ...]

_USE = re.compile(rb"(?<![\w#'$])(?:use|extern|type)(?=[\s/{:*])")
_TREE = frozenset({"::", "{", "}", ",", "*", "$"})
_TEXTS = frozenset({"line_comment", "block_comment", "string_literal", "raw_string_literal", "char_literal"})
# What a path begins with that no import of the file changes.
_GENUINE = frozenset({"std", "core", "alloc", ""})
_ROOTS = _GENUINE | {"crate", "self", "super", "Self"}
_RELATIVE = frozenset({"crate", "self", "super", "$crate"})
# No declaration is longer than this, in bytes.
_LENGTH = 8000
# A chain of imports longer than this is a circle.
_LIMIT = 64


@dataclass(frozen=True, slots=True)
class Names:
    """`bound` are the paths that each name is imported for, `globs` those of which all names are."""

    bound: dict[str, set[Parts]] = field(default_factory=dict)
    globs: set[Parts] = field(default_factory=set)

    def leading_to(self, words: frozenset[str]) -> frozenset[str]:
        """The words, and the names that, by one import or several, stand for a path with one of them."""
        found = set(words)
        size = -1
        while size != len(found):
            size = len(found)
            found |= {name for name, targets in self.bound.items() if any(not found.isdisjoint(one) for one in targets)}
        return frozenset(found)

    def meanings(self, path: Parts, through: frozenset[str]) -> set[Parts]:
        """Every path that this one may be, itself among them; a leading `::` is an empty first part.

        Only the names in `through` are followed, and globs of paths that have one; see `leading_to`.
        """
        found: set[Parts] = set()
        waiting = [path]
        if path[0] not in self.bound and path[0] not in _ROOTS:
            waiting += [glob + path for glob in self.globs if not through.isdisjoint(glob)]
        while waiting and len(found) < _LIMIT:
            one = waiting.pop(0)
            if one in found or not one:
                continue
            found.add(one)
            if one[0] == "" or one[0] in _RELATIVE:
                waiting.append(one[1:])
            own = [at for at, part in enumerate(one) if part in through and one[0] not in _GENUINE]
            waiting += [target + one[at + 1 :] for at in own for target in self.bound.get(one[at], ())]
        return found


def names_of(source: Source) -> Names:
    """The imports of all modules and bodies of the file, those within macros too, and its aliases of types."""
    names = Names()
    for match in _USE.finditer(source.text):
        if any(node.type in _TEXTS for node in path_at(source, match.start())):
            continue
        words = _declared(source.text[match.start() : match.start() + _LENGTH].decode("utf-8", "replace"))
        if words[:1] == ["type"]:
            # `type C = std::process::Command;`
            end = words.index("=") if "=" in words else len(words)
            target = _path(words[end + 1 :])
            if target:
                names.bound.setdefault(words[1], set()).add(target)
        elif words[:2] == ["extern", "crate"] and words[3:4] == ["as"] and len(words) > 4:
            names.bound.setdefault(words[4], set()).add((words[2],))
        elif words[:1] == ["use"]:
            _read(words[1:], names)
    return names


def _declared(text: str) -> list[str]:
    """The words and marks of the declaration that the text begins with; none where it turns out to be no such."""
    found: list[str] = []
    for token in lex(text):
        if token.text == ";":
            return found if len(found) > 2 or found[:1] == ["use"] else []
        if token.kind == "word":
            found.append(token.text.removeprefix("r#"))
        elif token.text in _TREE or (found[:1] == ["type"] and token.kind in ("mark", "lifetime")):
            found.append(token.text)
        elif token.kind not in ("comment", "doc"):
            return []
    return []


def _path(words: Sequence[str]) -> Parts:
    """The path that the words begin with."""
    found: list[str] = []
    for word in words:
        if word == "::":
            continue
        if not word.isidentifier():
            break
        found.append(word)
    return tuple(found)


def _read(words: Sequence[str], names: Names) -> None:
    """The imports of one `use` tree, from its words without the `use`."""
    prefixes: list[Parts] = [()]
    path: Parts = ()
    at = 0
    while at < len(words):
        word = words[at]
        if word == "{":
            prefixes.append(path)
        elif word in (",", "}"):
            if path != prefixes[-1]:
                _bind(path, names)
            if word == "}" and len(prefixes) > 1:
                prefixes.pop()
                # What stood before the braces is no import by itself.
                path = prefixes[-1]
                at += 1
                continue
            path = prefixes[-1]
        elif word == "*":
            names.globs.add(path)
            path = prefixes[-1]
        elif word == "as" and at + 1 < len(words):
            target = path[:-1] if path[-1:] == ("self",) else path
            names.bound.setdefault(words[at + 1], set()).add(target)
            path = prefixes[-1]
            at += 1
        elif word not in ("::", "$"):
            path = (*path, word)
        at += 1
    if path != prefixes[-1]:
        _bind(path, names)


def _bind(path: Parts, names: Names) -> None:
    target = path[:-1] if path[-1:] == ("self",) else path
    # `use serde;` and `use self::name` bind a name to what is found by it anyway.
    if len(target) > 1:
        names.bound.setdefault(target[-1], set()).add(target)


def paths_in(marks: Sequence[Mark], start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, Parts]]:
    """Every path of the code: the places of its first mark and behind its last, and its parts.

    What is given in angle brackets is no part (`Vec::<u8>::new` is `Vec::new`) and comes by itself; `use` trees are
    left out.
    """
    at, end = start, len(marks) if end is None else end
    while at < end:
        mark = marks[at]
        if mark.text == "use" and _at(marks, at + 1) != "<":
            while at < end and marks[at].text != ";":
                at += 1
            continue
        leading = mark.text == "::" and not (at and (marks[at - 1].kind == "word" or marks[at - 1].text == ">"))
        first = at
        if mark.kind == "word" and at and marks[at - 1].text == ".":
            # A field or a method.
            at += 1
            continue
        if mark.kind == "word" and not mark.text[0].isdigit():
            path = [mark.text]
        elif leading and _is_word(marks, at + 1):
            path = [""]
            at -= 1
        elif mark.text == "$" and _is_word(marks, at + 1):
            path = ["$" + marks[at + 1].text]
            at += 1
        else:
            at += 1
            continue
        given: list[tuple[int, int]] = []
        at = _rest(marks, at, path, given)
        yield first, at, tuple(path)
        for opening, closing in given:
            yield from paths_in(marks, opening, closing)


def _rest(marks: Sequence[Mark], at: int, path: list[str], given: list[tuple[int, int]]) -> int:
    """Add the further parts of the path that the mark at `at` begins; the place behind it.

    `given` gets the places of what stands in angle brackets.
    """
    at += 1
    while _at(marks, at) == "::":
        behind = at + 1
        if _at(marks, behind) == "<":
            depth = 0
            while behind < len(marks):
                depth += {"<": 1, ">": -1}.get(marks[behind].text, 0)
                behind += 1
                if depth == 0:
                    break
            given.append((at + 2, behind - 1))
            at = behind
        elif _is_word(marks, behind):
            path.append(marks[behind].text)
            at = behind + 1
        elif _at(marks, behind) == "$" and _is_word(marks, behind + 1):
            path.append("$" + marks[behind + 1].text)
            at = behind + 2
        else:
            break
    return at


def _at(marks: Sequence[Mark], at: int) -> str:
    return marks[at].text if 0 <= at < len(marks) else ""


def _is_word(marks: Sequence[Mark], at: int) -> bool:
    return 0 <= at < len(marks) and marks[at].kind == "word"
