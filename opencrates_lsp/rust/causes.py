"""rustc's errors, grouped by what causes them: a model is told the cause, and the rest only by number.

rustc tells one missing import once for every use of the name, and what follows from it in other words: a type that
cannot be inferred, a method that is not found.
Told apart are only texts: nothing is known here of the types that rustc inferred.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from opencrates_lsp.values import Diagnostic

UNRESOLVED = frozenset({"E0405", "E0412", "E0422", "E0423", "E0425", "E0432", "E0433", "E0531", "E0583"})
"""A name that stands for nothing; whatever is made of it has no type."""
FOLLOWING = frozenset({"E0277", "E0282", "E0283", "E0308", "E0599", "E0605", "E0609", "E0614", "E0618"})
"""What rustc tells as well where a name stands for nothing."""
_INFERRED = frozenset({"E0282", "E0283"})

_OF_A_TRAIT = "items from traits can only be used if the trait is in scope"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_NO_NEWS = re.compile(
    r"^(?:aborting due to|could not compile|Some errors have detailed|For more information)|previous errors?(?:;|$)"
)
_QUOTED = re.compile(r"`([^`]+)`")
_LABEL = re.compile(r"^\s*\|.*?[\^]+(?: +(?P<label>\S.*))?$", re.MULTILINE)
_SOURCE_LINE = re.compile(r"^\s*(?P<number>\d+) *\| ?(?P<code>.*)$")
_MARKED = re.compile(r"^\s*\|[\s|]*[\^-]")
_BINDING = re.compile(r"\blet\s+(?:mut\s+)?(?P<name>\w+)")
_PLACE = re.compile(r"(?::\d+)+|\b\d+\b")


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong; `again` says the same of other places, `following` are what comes of it."""

    error: Diagnostic
    again: tuple[Diagnostic, ...] = ()
    following: tuple[Diagnostic, ...] = ()


Signature = frozenset[tuple[str, str]]
"""Errors without their places: pairs of code and message, the compiler's words at the place among the message."""


def causes(errors: Sequence[Diagnostic]) -> tuple[Cause, ...]:
    """The errors by cause, causes in the order of the errors but names that stand for nothing first."""
    told = [error for error in _distinct(errors) if not _NO_NEWS.search(error.message)]
    roots = [error for error in told if error.code in UNRESOLVED]
    followers = [error for error in told if any(_follows(error, root) for root in roots)]
    leading = [*roots, *(error for error in told if error not in roots and error not in followers)]
    groups: dict[tuple[str, str], list[Diagnostic]] = {}
    for error in leading:
        groups.setdefault(_subject(error), []).append(error)
    claimed: set[int] = set()
    found: list[Cause] = []
    for first, *again in groups.values():
        mine = [error for error in followers if id(error) not in claimed and _follows_any(error, (first, *again))]
        claimed.update(id(error) for error in mine)
        found.append(Cause(first, tuple(again), tuple(mine)))
    return tuple(found)


def signature(errors: Sequence[Diagnostic]) -> Signature:
    """What the errors say, without saying where: equal for two answers that fail in the same way."""
    return frozenset(
        (error.code or "", _PLACE.sub("", " ".join([error.message, *labels(error)])))
        for error in errors
        if not _NO_NEWS.search(error.message)
    )


def plain(error: Diagnostic) -> str:
    """The compiler's own text without colours; the message where there is none."""
    return _ANSI.sub("", error.rendered) or error.message


def labels(error: Diagnostic) -> tuple[str, ...]:
    """What the compiler says at the error's own place."""
    found = (match["label"] for match in _LABEL.finditer(_head(plain(error))))
    return tuple(label for label in found if label)


def marked_lines(error: Diagnostic) -> tuple[str, ...]:
    """The lines of code that the compiler points at, notes left out."""
    lines = _head(plain(error)).splitlines()
    found: dict[str, None] = {}
    code = ""
    for line in lines:
        source = _SOURCE_LINE.match(line)
        if source is not None:
            code = source["code"]
        elif code and _MARKED.match(line):
            found.setdefault(code)
            code = ""
    return tuple(found)


def quoted(text: str) -> tuple[str, ...]:
    """What stands between backticks, in reading order."""
    return tuple(_QUOTED.findall(text))


def _head(text: str) -> str:
    """The error without the notes and the helps under it."""
    return re.split(r"(?m)^(?:note|help): ", text, maxsplit=1)[0]


def _distinct(errors: Sequence[Diagnostic]) -> list[Diagnostic]:
    found: dict[tuple[object, ...], Diagnostic] = {}
    for error in errors:
        found.setdefault((error.path, error.span, error.code, error.message), error)
    return list(found.values())


def _subject(error: Diagnostic) -> tuple[str, str]:
    """What is the same in errors of one cause: the name that stands for nothing, else code and words."""
    if error.code in UNRESOLVED:
        name = _missing(error)
        # An import and its uses are one thing, whatever rustc calls each of them.
        return ("unresolved", name) if name else (error.code or "", error.message)
    return (error.code or "", " ".join([error.message, *labels(error)]))


def _missing(error: Diagnostic) -> str:
    """The last part of the path that stands for nothing."""
    names = quoted(error.message)
    return names[0].rsplit("::", 1)[-1] if names else ""


def _follows_any(error: Diagnostic, roots: Sequence[Diagnostic]) -> bool:
    return any(_follows(error, root) for root in roots)


def _follows(error: Diagnostic, root: Diagnostic) -> bool:
    """Whether the error comes of a name that stands for nothing: it says the name, or uses what was made of it."""
    if error.code not in FOLLOWING or error.path != root.path:
        return False
    if error.code in _INFERRED or (root.code == "E0432" and _OF_A_TRAIT in plain(error)):
        return True
    words = f"{error.message}\n" + "\n".join((*labels(error), *marked_lines(error)))
    names = {_missing(root), *(match["name"] for line in marked_lines(root) for match in _BINDING.finditer(line))}
    return any(re.search(rf"\b{re.escape(name)}\b", words) for name in names if name)
