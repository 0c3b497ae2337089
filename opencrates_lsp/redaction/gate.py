"""The gate that every prompt passes on its way out: secrets stay behind, and come back with the answer.

A secret is replaced by a marker that Rust can read wherever it stands: a word.
Markers are numbered in reading order, so that the same prompt always leaves as the same bytes, and prompts with a
common beginning keep it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from opencrates_lsp.errors import Refused
from opencrates_lsp.redaction.find import Found, find, is_distinct
from opencrates_lsp.rust.lexer import lex
from opencrates_lsp.values import Prompt

MARKER = "SECRET_LEFT_OUT_"
_MARKED = re.compile(rf"{MARKER}\d+")
# A piece of a secret that is as long as this is kept back as well: rustc cuts long lines in the middle.
_PIECE = 12
_FENCE = re.compile(r"^(\s*(?:```|~~~).*\n?)", re.MULTILINE)
_PIECES = re.compile(rf"[A-Za-z0-9+/=_.~-]{{{_PIECE},}}")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One secret that is not in a prompt: what it is, and the marker that stands in its place."""

    kind: str
    marker: str


@dataclass(frozen=True, slots=True)
class Redacted:
    """Texts without their secrets; `secrets` names those that were in them, each once.

    A key of several lines has several markers and is one secret.
    """

    texts: tuple[str, ...]
    secrets: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True)
class _Spot:
    start: int
    end: int
    kind: str
    whole: object


class Gate:
    """The gate of one job: what is left out of one prompt has the same marker in the next.

    `known` gives the values of the workspace's environment files, by value what each is.
    """

    def __init__(self, known: Callable[[], Mapping[str, str]] = dict) -> None:
        self._known = known
        self._values: Mapping[str, str] | None = None
        self._beside: tuple[str, Mapping[str, str]] = ("", {})
        self._markers: dict[str, str] = {}
        self._secrets: dict[str, LeftOut] = {}
        self._lock = threading.Lock()

    def redacted(self, texts: Sequence[str], beside: str = "") -> Redacted:
        """The texts as they may leave; `beside` is the file that they are about, whose secrets are known by it.

        For a thread: the first time it reads the environment files and imports the rules.
        """
        with self._lock:
            if self._values is None:
                self._values = dict(self._known())
            if self._beside[0] != beside:
                self._beside = (beside, _values(beside, find(beside)))
            found = [find(text) for text in texts]
            known = {**self._values, **self._beside[1]}
            for text, its in zip(texts, found, strict=True):
                known |= _values(text, its)
            taken = {word for text in texts for word in _MARKED.findall(text)} - set(self._markers.values())
            secrets: dict[str, LeftOut] = {}
            done = [
                self._replaced(text, _spots(text, its, known), taken, secrets)
                for text, its in zip(texts, found, strict=True)
            ]
            return Redacted(tuple(done), tuple(secrets.values()))

    def prompt(self, prompt: Prompt, text: bytes = b"") -> tuple[Prompt, tuple[LeftOut, ...]]:
        """The prompt as it may leave, and what was left out of it; `text` is the file that it is about."""
        redacted = self.redacted([message.content for message in prompt.messages], text.decode("utf-8", "replace"))
        messages = zip(prompt.messages, redacted.texts, strict=True)
        return replace(
            prompt, messages=tuple(replace(message, content=content) for message, content in messages)
        ), redacted.secrets

    def restored(self, answer: str, document: str) -> str:
        """The answer with the user's own literals and comments where it has their markers.

        Raises `Refused` where a marker stands in anything but the very literal or comment that the document has: a
        secret is never put into another place, and never overwritten by its marker.
        """
        if MARKER not in answer:
            return answer
        own = _marked_tokens(document, self._markers)
        pieces: list[str] = []
        # What is said around a fence is no Rust, and a quote in it would turn all that follows inside out.
        for part in _FENCE.split(answer):
            at = 0
            for token in lex(part):
                if _MARKED.search(token.text) is None:
                    continue
                original = own.get(token.text)
                if original is None and token.text not in document:
                    raise Refused(
                        "The answer writes the marker of a secret where that secret did not stand.",
                        remedy=f"Leave each literal and comment that has {MARKER}… exactly as it was given, or out.",
                    )
                pieces += [part[at : token.start], original or token.text]
                at = token.end
            pieces.append(part[at:])
        return "".join(pieces)

    def _replaced(self, text: str, spots: Sequence[_Spot], taken: set[str], secrets: dict[str, LeftOut]) -> str:
        """The text with its markers; new ones are numbered in reading order."""
        pieces: list[str] = []
        wholes: dict[object, LeftOut] = {}
        at = 0
        for spot in spots:
            value = text[spot.start : spot.end]
            if value not in self._markers:
                number = len(self._markers) + 1
                while f"{MARKER}{number}" in taken:
                    number += 1
                taken.add(f"{MARKER}{number}")
                self._markers[value] = f"{MARKER}{number}"
                fresh = LeftOut(spot.kind, self._markers[value])
                self._secrets[value] = fresh if spot.whole is None else wholes.setdefault(spot.whole, fresh)
            secrets.setdefault(self._secrets[value].marker, self._secrets[value])
            pieces += [text[at : spot.start], self._markers[value]]
            at = spot.end
        return "".join([*pieces, text[at:]])


def told(secrets: Sequence[LeftOut]) -> str:
    """What the user is told: "1 secret was left out of the prompt: a GitHub token."."""
    kinds = ", ".join(sorted({secret.kind for secret in secrets}))
    count = "1 secret was" if len(secrets) == 1 else f"{len(secrets)} secrets were"
    return f"{count} left out of the prompt: {kinds}."


def _values(text: str, found: Sequence[Found]) -> dict[str, str]:
    """The secrets that can be nothing else wherever they stand, by value what each is."""
    return {text[one.start : one.end]: one.kind for one in found if one.distinct}


def _spots(text: str, found: Sequence[Found], known: Mapping[str, str]) -> list[_Spot]:
    """Where the secrets stand, in order: those that rules find, those that are known, and pieces of both."""
    spots = [_Spot(one.start, one.end, one.kind, one.whole) for one in found]
    spots += [spot for value, kind in known.items() for spot in _said_again(text, value, kind)]
    long = [value for value in known if len(value) > _PIECE]
    if long:
        spots += [
            _Spot(piece.start(), piece.end(), known[value], None)
            for piece in _PIECES.finditer(text)
            for value in long
            if piece[0] in value and is_distinct(piece[0])
        ]
    spots.sort(key=lambda spot: (spot.start, -spot.end))
    kept: list[_Spot] = []
    for spot in spots:
        if not kept or spot.start >= kept[-1].end:
            kept.append(spot)
        elif spot.end > kept[-1].end:
            first = kept.pop()
            kept.append(_Spot(first.start, spot.end, first.kind, first.whole))
    return kept


def _said_again(text: str, value: str, kind: str) -> Iterator[_Spot]:
    at = text.find(value)
    while at >= 0:
        yield _Spot(at, at + len(value), kind, None)
        at = text.find(value, at + len(value))


def _marked_tokens(document: str, markers: Mapping[str, str]) -> dict[str, str | None]:
    """The document's literals and comments with secrets, by what they are shown as; None where that is ambiguous.

    `markers` are the markers by value.
    """
    spots = _spots(document, find(document), dict.fromkeys(filter(is_distinct, markers), ""))
    spots = [spot for spot in spots if document[spot.start : spot.end] in markers]
    found: dict[str, str | None] = {}
    for token in lex(document):
        inside = [spot for spot in spots if token.start <= spot.start and spot.end <= token.end]
        if token.kind not in ("string", "comment", "doc") or not inside:
            continue
        shown, at = "", token.start
        for spot in inside:
            shown += document[at : spot.start] + markers[document[spot.start : spot.end]]
            at = spot.end
        shown += document[at : token.end]
        found[shown] = token.text if found.get(shown, token.text) == token.text else None
    return found
