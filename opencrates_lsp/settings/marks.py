"""What a project may do to a setting: take part where the user said nothing, tighten, or nothing at all.

A mark stands in the `Annotated` type of a field of `models`; a field without one is the user's alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stricter:
    """Of two words the stricter holds; `order` goes from the loosest to the strictest."""

    order: tuple[str, ...]
    words: str = "may only tighten"

    def combine(self, one: str, other: str) -> str:
        return max(one, other, key=self.order.index)

    def looser(self, value: str, than: str) -> bool:
        return self.order.index(value) < self.order.index(than)


@dataclass(frozen=True, slots=True)
class Lower:
    """Of two amounts the lower holds; "none" is no bound at all."""

    words: str = "may only lower"

    def combine(self, one: float | str, other: float | str) -> float | str:
        return min(one, other, key=_amount)

    def looser(self, value: float | str, than: float | str) -> bool:
        return _amount(value) > _amount(than)


@dataclass(frozen=True, slots=True)
class Union:
    """Both lists hold."""

    words: str = "may add"

    def combine(self, one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*one, *other)))

    def looser(self, value: tuple[str, ...], than: tuple[str, ...]) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Taken:
    """The project's value holds where no layer of the user's sets the key."""

    words: str = "where the user set nothing"


Tightening = Stricter | Lower | Union
Mark = Tightening | Taken


def _amount(value: float | str) -> float:
    return math.inf if isinstance(value, str) else value
