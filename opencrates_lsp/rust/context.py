"""What a model is shown around an item, within a budget of tokens.

First comes the outline of the file, which is the same for every item of it: a provider that remembers the beginning of
a prompt reads it once for all holes of a file.
Then comes what this item needs, the most telling first; what the outline shows already is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opencrates_lsp.rust.holes import Hole
from opencrates_lsp.rust.items import Item
from opencrates_lsp.rust.packing import OUTLINE, Candidate, Packed, Piece, room_of
from opencrates_lsp.rust.ranking import Beside, outline, ranked
from opencrates_lsp.rust.syntax import Source

_OF_THE_OUTLINE = 0.35
# Below this no provider remembers a beginning, and the item needs all the room that there is.
LEAST_WITH_OUTLINE = 1000
# In a longer file an outline would show what stands first, and not what matters.
LONGEST_OUTLINED = 150_000


@dataclass(frozen=True, slots=True)
class Context:
    """What is shown, in two texts, and the pieces that it is made of, with those that had no room."""

    outline: str
    needs: str
    pieces: tuple[Piece, ...] = ()

    @property
    def text(self) -> str:
        """Both as one text, which is what the budget is of."""
        return "\n\n".join(part for part in (self.outline, self.needs) if part)


def context(source: Source, hole_or_item: Hole | Item, beside: Beside, limit_tokens: int) -> Context:
    """The Rust around an item, of at most `limit_tokens` tokens, most important things first."""
    item = hole_or_item.item if isinstance(hole_or_item, Hole) else hole_or_item
    packed = Packed()
    room = room_of(limit_tokens)
    first = ""
    if limit_tokens >= LEAST_WITH_OUTLINE and len(source.text) <= LONGEST_OUTLINED:
        first = packed.pack(_of_the_file(source), int(room * _OF_THE_OUTLINE))
    left = room - len(first.encode()) - (2 if first else 0)
    needs = packed.pack(ranked(source, item, beside), left)
    # What had no room in the outline was tried again where the item needs it.
    return Context(first, needs, tuple(piece for piece in packed.pieces if piece.shown or piece.reason != OUTLINE))


def _of_the_file(source: Source) -> Iterator[Candidate]:
    return (replace(candidate, reason=OUTLINE) for candidate in outline(source))
