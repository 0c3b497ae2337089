"""Whether a `#[cfg]` holds, as far as the features of a package tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

_TOKEN = re.compile(r'\s*([A-Za-z_]\w*|"(?:\\.|[^"\\])*"|[(),=])')
# What a library is not compiled with when it is somebody's dependency.
_NEVER = frozenset({"test", "doc", "docsrs", "doctest", "miri", "loom", "fuzzing", "kani", "rustdoc"})


def holds(predicate: str, features: frozenset[str] | None) -> bool | None:
    """Whether the predicate of a `#[cfg]` holds in a dependency; None where that is not known.

    `features` are the package's features that are on, None where nobody tells.

    >>> holds('all(feature = "std", not(test))', frozenset({"std"}))
    True
    """
    marks = _TOKEN.findall(predicate)
    value, _ = _value(marks, 0, features)
    return value


def all_hold(predicates: Iterable[str], features: frozenset[str] | None) -> bool | None:
    """Whether all of the predicates hold."""
    return _all([holds(predicate, features) for predicate in predicates])


def _value(marks: list[str], at: int, features: frozenset[str] | None) -> tuple[bool | None, int]:
    """The value of the predicate that begins at a mark, and where the next one stands; never raises."""
    if at >= len(marks):
        return None, at
    name, at = marks[at], at + 1
    if marks[at : at + 1] == ["="]:
        text = marks[at + 1].strip('"') if at + 1 < len(marks) else ""
        known = name == "feature" and features is not None
        return (text in features if known and features is not None else None), at + 2
    if marks[at : at + 1] != ["("]:
        return (False if name in _NEVER else None), at
    inner: list[bool | None] = []
    at += 1
    while at < len(marks) and marks[at] != ")":
        if marks[at] == ",":
            at += 1
            continue
        value, after = _value(marks, at, features)
        inner.append(value)
        at = max(after, at + 1)
    return _combined(name, inner), at + 1


def _combined(name: str, inner: list[bool | None]) -> bool | None:
    if name == "all":
        return _all(inner)
    if name == "any":
        return _not(_all([_not(value) for value in inner]))
    return _not(inner[0]) if name == "not" and inner else None


def _all(values: list[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value
