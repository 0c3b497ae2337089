"""The order in which rustfmt puts imports: lines in a run, and names in braces.

The style editions differ: up to 2021 lower case goes before Camel case and upper case, from 2024 on it is by ASCII.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

RELATIVE = ("self", "super", "crate")
Order = Callable[[str], tuple[int, str]]


def before_2024(part: str) -> tuple[int, str]:
    rank, bare = _rank(part)
    if rank == 3 and not bare[:1].islower():
        return 5 if bare.isupper() and len(bare) > 1 else 4, bare
    return rank, bare


def since_2024(part: str) -> tuple[int, str]:
    return _rank(part)


def order_of(paths: Sequence[Sequence[str]]) -> Order | None:
    """The order that these paths are in; None where they are in none."""
    for order in (before_2024, since_2024):
        if all(key(one, order) <= key(other, order) for one, other in pairwise(paths)):
            return order
    return None


def key(path: Sequence[str], order: Order) -> list[tuple[int, str]]:
    """The sort key of a line; a path ends in "{" for names in braces, in "*" for a glob."""
    return [order(part) for part in path]


def _rank(part: str) -> tuple[int, str]:
    bare = part.removeprefix("r#")
    word = bare.split(" ", 1)[0].split("::", 1)[0]
    if word in RELATIVE:
        return RELATIVE.index(word), bare
    if bare.startswith("*"):
        return 8, bare
    return (9 if bare.startswith("{") else 3), bare
