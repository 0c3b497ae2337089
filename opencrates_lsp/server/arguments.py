"""The arguments of commands, read by hand: one object, and every wrong field is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from pygls.exceptions import JsonRpcInvalidParams

from opencrates_lsp.server.documents import Place

Reader = Callable[[object], Any]
"""The value of a field; raises `ValueError` saying what is wanted."""

LARGEST: Final = 2**31 - 1


def text(value: object) -> str:
    """A text that is not empty."""
    if isinstance(value, str) and value:
        return value
    raise ValueError("a text")


def words(value: object) -> str:
    """Any text."""
    if isinstance(value, str):
        return value
    raise ValueError("a text")


def position(value: object) -> Place:
    """A position of the protocol."""
    if isinstance(value, Mapping):
        line, character = value.get("line"), value.get("character")
        if type(line) is int and type(character) is int and 0 <= line <= LARGEST and 0 <= character <= LARGEST:
            return Place(line, character)
    raise ValueError('a position, {"line": 0, "character": 0}')


def count(value: object) -> int:
    """A whole number from 1."""
    if type(value) is int and 1 <= value <= LARGEST:
        return value
    raise ValueError("a number from 1")


def read(
    command: str,
    arguments: Sequence[object] | None,
    required: Mapping[str, Reader],
    optional: Mapping[str, Reader],
) -> dict[str, Any]:
    """The fields of a command's one argument; null is the same as left out.

    Raises InvalidParams naming what is wrong.
    """
    given = whole(command, arguments)
    wrong = [f"{name}: there is no such field" for name in given if name not in required and name not in optional]
    values: dict[str, Any] = {}
    for name, reader in {**required, **optional}.items():
        value = given.get(name)
        if value is None:
            if name in required:
                wrong.append(f"{name}: is missing")
            continue
        try:
            values[name] = reader(value)
        except ValueError as error:
            wrong.append(f"{name}: has to be {error}")
    if wrong:
        raise JsonRpcInvalidParams(f"Wrong arguments of {command}: {'; '.join(wrong)}.")
    return values


def whole(command: str, arguments: Sequence[object] | None) -> Mapping[str, object]:
    """The one object that a command takes; none is an empty one."""
    if not arguments or list(arguments) == [None]:
        return {}
    if len(arguments) == 1 and isinstance(arguments[0], Mapping):
        return arguments[0]
    raise JsonRpcInvalidParams(f"Wrong arguments of {command}: it takes one object.")
