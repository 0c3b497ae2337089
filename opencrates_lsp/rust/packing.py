"""Pieces of Rust packed into a budget of tokens: the most telling first, whole, and never over it.

Only whole items are shown, or their signatures; what does not fit is left out and told, and the next one is tried.
The same pieces and budget always give the same text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from opencrates_lsp.rust.outline import INDENT

BYTES_PER_TOKEN = 3.5
USES = "use"
"""The group, and the block, of `use` lines."""
_SHARE = 0.35
_BETWEEN = "\n\n"

Key = tuple[object, str]
"""An item and how much of it is shown: "whole", "documented" or "signed"."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of context as the user is told of it; `shown` is False where there was no room for it.

    `reason` and `origin` are as in `values.Excerpt`; `tokens` is its own size, as it is shown, else at its shortest.
    """

    reason: str
    origin: str
    tokens: int
    shown: bool


@dataclass(frozen=True, slots=True)
class Form:
    """A text that shows something, and what it shows."""

    text: str
    shows: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing to show, in the first of its forms that fits; `within` is the header of the block around it.

    All of one `group` together get a share of the room, so that a long list leaves some for what comes after it.
    """

    forms: tuple[Form, ...]
    reason: str
    origin: str
    within: str = ""
    group: str = ""


def tokens(text: str) -> int:
    """How many tokens a model counts, roughly: Rust has about 3.5 bytes a token."""
    return int(len(text.encode()) / BYTES_PER_TOKEN) + 1


def room_of(limit_tokens: int) -> int:
    """The most bytes that a text of at most so many `tokens` can have."""
    return max(0, math.ceil(limit_tokens * BYTES_PER_TOKEN) - 1)


@dataclass
class Packed:
    """What is packed so far; `pieces` are told in the order in which they were tried."""

    pieces: list[Piece] = field(default_factory=list)
    _shown: dict[Key, int] = field(default_factory=dict)

    def pack(self, candidates: Iterable[Candidate], room: int) -> str:
        """The candidates that fit into `room` bytes, as one text; what is shown already is not shown again."""
        sheet = _Sheet()
        most = int(room * _SHARE)
        shares: dict[str, int] = {}
        for candidate in candidates:
            if self._is_shown(candidate):
                continue
            left = room - sheet.size
            if candidate.group:
                left = min(left, most - shares.get(candidate.group, 0))
            costs = ((form, sheet.cost(candidate.within, form.text)) for form in candidate.forms)
            form, cost = next(((form, cost) for form, cost in costs if cost <= left), (candidate.forms[-1], -1))
            piece = Piece(candidate.reason, candidate.origin, tokens(form.text), cost >= 0)
            if piece.shown:
                shares[candidate.group] = shares.get(candidate.group, 0) + cost
                sheet.add(candidate.within, form.text, cost)
                self._shown |= dict.fromkeys(form.shows, len(self.pieces))
            self.pieces.append(piece)
        return sheet.text()

    def _is_shown(self, candidate: Candidate) -> bool:
        """Whether all of it is shown already; then it is told with the reason that counts more, the item's own."""
        at = [self._shown.get(key) for key in candidate.forms[0].shows]
        if None in at:
            return False
        for one in {one for one in at if one is not None}:
            if self.pieces[one].reason == OUTLINE:
                self.pieces[one] = replace(self.pieces[one], reason=f"{candidate.reason}, in the outline")
        return True


OUTLINE = "the outline of the file"
"""The reason of what every item of a file is shown with."""


@dataclass
class _Sheet:
    """Blocks by their headers, in the order in which they began; `size` is that of the text in bytes."""

    blocks: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0

    def cost(self, within: str, text: str) -> int:
        """By how many bytes the text grows when this is put in."""
        header = within or text
        if header in self.blocks:
            before = self.blocks[header]
            return len(_block(header, [*before, text]).encode()) - len(_block(header, before).encode())
        return len(_block(header, [text]).encode()) + (len(_BETWEEN) if self.blocks else 0)

    def add(self, within: str, text: str, cost: int) -> None:
        # What stands in no block is a block of its own.
        self.blocks.setdefault(within or text, []).append(text)
        self.size += cost

    def text(self) -> str:
        return _BETWEEN.join(_block(header, texts) for header, texts in self.blocks.items())


def _block(header: str, texts: list[str]) -> str:
    if header == USES:
        return "\n".join(texts)
    if texts == [header]:
        return header
    return "\n".join([header + " {", *(INDENT + text.replace("\n", "\n" + INDENT) for text in texts), "}"])
