"""Types as terms, read from their text: enough to tell whether a field's type and a signature's type fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from opencrates_lsp.rust.headers import normalised, tokens

_MOST_TOKENS = 160


@dataclass(frozen=True, slots=True)
class Type:
    """A type without its lifetimes.

    `head` is the last name of a path ("Vec"; "I::Item" behind a type), "&", "&mut", "*const", "*mut", "()" (any tuple),
    "[]", "[;]" (an array), "fn", "dyn", "impl" (their arguments are the bounds), "Item=" (a binding), or "?" for what
    cannot be read.
    `path` is the path as it is written, without generics, as an expression needs it.
    `rest` tells apart what the arguments do not say: an array's length, the text of what cannot be read.
    """

    head: str
    arguments: tuple[Type, ...] = ()
    rest: str = ""
    path: str = field(default="", compare=False)

    @property
    def first(self) -> Type:
        """The first argument; `UNKNOWN` where there is none."""
        return self.arguments[0] if self.arguments else UNKNOWN


UNKNOWN = Type("?")
UNIT = Type("()")


def names(text: str) -> frozenset[str]:
    """The words of a list of type names."""
    return frozenset(text.split())


def named(head: str, *arguments: Type) -> Type:
    """The type of this name: `named("Option", named("u8"))`."""
    return Type(head, arguments, path=head)


def shared(inner: Type) -> Type:
    return Type("&", (inner,))


def exclusive(inner: Type) -> Type:
    return Type("&mut", (inner,))


def same(one: Type, other: Type) -> bool:
    """Whether two spellings can mean one type: `Error` and `io::Error` can, `fmt::Error` and `io::Error` cannot."""
    if one.head == "?" or other.head == "?" or one.head != other.head or one.rest != other.rest:
        return False
    if len(one.arguments) != len(other.arguments):
        return False
    short, long = sorted((one.path.split("::"), other.path.split("::")), key=len)
    if short != [""] and long[-len(short) :] != short and short[0] not in ("crate", "super", "self"):
        return False
    return all(same(mine, yours) for mine, yours in zip(one.arguments, other.arguments, strict=True))


def substituted(term: Type, meanings: Mapping[str, Type]) -> Type:
    """The type with names replaced: `Self`, `Self::Output`, a table's `T`."""
    if term.head in meanings and not term.arguments:
        return meanings[term.head]
    if not term.arguments:
        return term
    rest = meanings[term.rest].head if term.rest in meanings else term.rest
    return replace(term, arguments=tuple(substituted(argument, meanings) for argument in term.arguments), rest=rest)


@lru_cache(maxsize=4096)
def read_type(text: str) -> Type:
    """The type that the text spells; head "?" where it is none that is understood."""
    marks = tokens(text)
    if len(marks) > _MOST_TOKENS:
        return UNKNOWN
    reader = _Reader(marks)
    try:
        found = reader.type()
    except _UnreadableError:
        return Type("?", rest=normalised(text))
    return found if reader.peek() == "" else Type("?", rest=normalised(text))


def read_bounds(text: str) -> tuple[Type, ...]:
    """The traits of `A + B<C> + 'a`; lifetimes and `?Sized` are left out."""
    return read_type(f"impl {text}").arguments


class _UnreadableError(Exception):
    """The tokens are no type that is understood."""


class _Reader:
    """Reads a type from tokens, from left to right."""

    def __init__(self, marks: list[str]) -> None:
        self._marks = marks
        self._at = 0

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._marks[at] if at < len(self._marks) else ""

    def take(self, wanted: str = "") -> str:
        mark = self.peek()
        if mark == "" or (wanted and mark != wanted):
            raise _UnreadableError
        self._at += 1
        return mark

    def skip(self, mark: str) -> bool:
        if self.peek() != mark:
            return False
        self._at += 1
        return True

    def type(self) -> Type:
        mark = self.peek()
        if mark == "&":
            self.take()
            if self.peek().startswith("'"):
                self.take()
            return Type("&mut" if self.skip("mut") else "&", (self.type(),))
        if mark == "*":
            self.take()
            return Type(f"*{self.take()}", (self.type(),))
        if mark == "(":
            return self._tuple()
        if mark == "[":
            return self._slice()
        if mark in ("dyn", "impl"):
            self.take()
            return Type(mark, self._bounds())
        if mark == "!":
            return Type(self.take())
        return self._path()

    def _tuple(self) -> Type:
        self.take("(")
        parts: list[Type] = []
        comma = False
        while not self.skip(")"):
            parts.append(self.type())
            comma = self.skip(",")
            if not comma and self.peek() != ")":
                raise _UnreadableError
        # One type in parentheses without a comma is that type.
        return parts[0] if len(parts) == 1 and not comma else Type("()", tuple(parts))

    def _slice(self) -> Type:
        self.take("[")
        inner = self.type()
        if not self.skip(";"):
            self.take("]")
            return Type("[]", (inner,))
        length: list[str] = []
        depth = 0
        while depth or self.peek() != "]":
            mark = self.take()
            depth += (mark in "([{") - (mark in ")]}")
            length.append(mark)
        self.take("]")
        return Type("[;]", (inner,), normalised(" ".join(length)))

    def _bounds(self) -> tuple[Type, ...]:
        found: list[Type] = []
        while True:
            if self.peek().startswith("'"):
                self.take()
            elif self.skip("?"):
                self._path()
            elif self.skip("("):
                found += self._bounds()
                self.take(")")
            elif self.peek() in ("", ">", ",", ")", "=", "{"):
                return tuple(found)
            else:
                found.append(self._path())
            if not self.skip("+"):
                return tuple(found)

    def _path(self) -> Type:
        if self.skip("for"):
            while self.take() != ">":
                pass
        written: list[str] = ["::"] if self.skip("::") else []
        segments: list[str] = []
        arguments: tuple[Type, ...] = ()
        while True:
            word = self.take()
            if not (word[0].isalpha() or word[0] == "_"):
                raise _UnreadableError
            segments.append(word)
            arguments = self._arguments()
            if self.peek() != "::" or arguments or self.peek(1) in ("<", "("):
                break
            self.take()
        if self.peek() == "::" and arguments:
            # What an instance of a generic type leads to is not followed.
            raise _UnreadableError
        first = next((at for at, segment in enumerate(segments[:-1]) if segment[0].isupper()), len(segments) - 1)
        return Type("::".join(segments[first:]), arguments, path="".join(written) + "::".join(segments))

    def _arguments(self) -> tuple[Type, ...]:
        if self.peek() == "::" and self.peek(1) in ("<", "("):
            self.take()
        if self.skip("("):
            self._at -= 1
            inputs = self._tuple_of_inputs()
            return (inputs, self.type() if self.skip("->") else UNIT)
        if not self.skip("<"):
            return ()
        found: list[Type] = []
        while not self.skip(">"):
            if self.peek().startswith("'"):
                self.take()
            elif self.peek(1) == "=":
                name = self.take()
                self.take()
                found.append(Type(f"{name}=", (self.type(),)))
            elif self.peek()[:1].isdigit():
                found.append(Type(self.take()))
            else:
                found.append(self.type())
            if not self.skip(",") and self.peek() != ">":
                raise _UnreadableError
        return tuple(found)

    def _tuple_of_inputs(self) -> Type:
        self.take("(")
        parts: list[Type] = []
        while not self.skip(")"):
            parts.append(self.type())
            if not self.skip(",") and self.peek() != ")":
                raise _UnreadableError
        return Type("()", tuple(parts))
