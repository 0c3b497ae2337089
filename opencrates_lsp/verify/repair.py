"""What can be made of rustc's errors: the mends that it offers itself, and a short text for a model."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from opencrates_lsp.values import Diagnostic, Replace, Span, Suggestion

BUDGET = 2500
"""How many characters of errors a model is told."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SOURCE_LINE = re.compile(r"^\s*\d+\s*[|~+-]")
_ARROW = re.compile(r"^(?P<arrow>\s*(?:-->|:::) )(?P<path>(?:/|[A-Za-z]:[\\/]).+?)(?P<place>(?::\d+)*)$")
_QUOTED = re.compile(r"(?P<quote>[`'\"])(?P<path>(?:/|[A-Za-z]:[\\/])[^`'\"/\\]+[\\/][^`'\"]+)(?P=quote)")
_ABSOLUTE = re.compile(r"(?:(?<![\w./\\<])/|(?<!\w)[A-Za-z]:[\\/])(?:[^\s:*?\"'`<>|(),;{}/\\]+[\\/])+(?=[^\s/\\])")
_KEPT_FOLDERS = ("src", "tests", "benches", "examples")
_USE = re.compile(r"^\s*(?:pub(?:\([^)]*\))? )?use [^;{}]+;\s*$")
_NO_NEWS = re.compile(r"^(?:aborting due to|could not compile)|previous errors?(?:;|$)")


def suggested(text: bytes, path: Path, errors: Sequence[Diagnostic], within: Span) -> bytes | None:
    """`text` of `path` with rustc's machine-applicable suggestions applied; None when there are none that fit.

    A suggestion is taken whole or not at all: all that it replaces must lie in `within`, or be a `use` line that it
    puts in, and stand as rustc saw it.
    The same one said twice is applied once; of two that overlap the first.
    """
    offered = (one for error in errors for one in error.suggestions if one.applicability == "MachineApplicable")
    return _applied(text, path, offered, within)


def imported(text: bytes, path: Path, errors: Sequence[Diagnostic]) -> bytes | None:
    """`text` of `path` with the `use` lines that rustc offers for names that are not in scope; None without any.

    Only where rustc knows one candidate for the name and no more.
    rustc never calls these machine-applicable, so they are worth no more than what the next check says of them.
    """
    sure: list[Suggestion] = []
    for error in errors:
        offered = [one for one in error.suggestions if any(_is_import(edit) for edit in one.replacements)]
        candidates = {edit.text for one in offered for edit in one.replacements if _is_import(edit)}
        if len(candidates) == 1:
            sure += [one for one in offered if len(one.replacements) == 1]
    return _applied(text, path, sure, Span(0, 0))


def explain(errors: Sequence[Diagnostic], path: Path, text: bytes, within: Span) -> str:
    """The errors for a model, at most about `BUDGET` characters: those in `within` of `path` first, then the rest.

    Each is the compiler's own text, told once, without colours, and with no path of this machine: files are named from
    their source folder on.
    """
    told: list[str] = []
    used = 0
    distinct = _distinct(error for error in errors if not _NO_NEWS.search(error.message))
    ordered = sorted(distinct, key=lambda error: _distance(error, path, within))
    for error in ordered:
        said = _rendered(error, path, text)
        if told and used + len(said) > BUDGET:
            break
        told.append(said if len(said) <= BUDGET else _shortened(said))
        used += len(told[-1]) + 2
    left = len(ordered) - len(told)
    if left:
        told.append(f"({left} more {'error' if left == 1 else 'errors'})")
    return "\n\n".join(told)


def _applied(text: bytes, path: Path, offered: Iterable[Suggestion], within: Span) -> bytes | None:
    taken: dict[tuple[Span, str], Replace] = {}
    for one in offered:
        edits = {(edit.span, edit.text): edit for edit in one.replacements}
        new = {key: edit for key, edit in edits.items() if key not in taken}
        if not new or not all(_fits(edit, text, path, within) for edit in new.values()):
            continue
        # What only partly repeats another suggestion would leave it half done.
        if len(new) == len(edits) and _disjoint([*taken.values(), *new.values()]):
            taken |= new
    if not taken:
        return None
    pieces: list[bytes] = []
    at = 0
    for edit in sorted(taken.values(), key=lambda edit: edit.span):
        pieces += [text[at : edit.span.start], edit.text.encode()]
        at = edit.span.end
    return b"".join([*pieces, text[at:]])


def _fits(edit: Replace, text: bytes, path: Path, within: Span) -> bool:
    start, end = edit.span
    if edit.path != path or not 0 <= start <= end <= len(text) or text[start:end] != edit.expect.encode():
        return False
    return (within.start <= start and end <= within.end) or _is_import(edit)


def _is_import(edit: Replace) -> bool:
    """Whether the replacement only puts in a `use` line."""
    return edit.span.start == edit.span.end and _USE.match(edit.text) is not None


def _disjoint(edits: Sequence[Replace]) -> bool:
    """Whether no two of them touch the same place; only `use` lines may be put in at the same one."""
    ordered = sorted(edits, key=lambda edit: edit.span)
    for before, after in itertools.pairwise(ordered):
        if before.span.end > after.span.start:
            return False
        if before.span.start == after.span.start and not (_is_import(before) and _is_import(after)):
            return False
    return True


def _distinct(errors: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    seen: set[tuple[object, ...]] = set()
    for error in errors:
        key = (error.path, error.span, error.code, error.message)
        if key not in seen:
            seen.add(key)
            yield error


def _distance(error: Diagnostic, path: Path, within: Span) -> int:
    """How far the error is from the item: in it, in its file, elsewhere."""
    if error.path != path or error.span is None:
        return 2
    return 0 if within.start <= error.span.start and error.span.end <= within.end else 1


def _rendered(error: Diagnostic, path: Path, text: bytes) -> str:
    if error.rendered.strip():
        lines = _ANSI.sub("", error.rendered).strip("\n").splitlines()
        return "\n".join(
            line.rstrip() if _SOURCE_LINE.match(line) else _without_machine(line.rstrip()) for line in lines
        )
    code = f"[{error.code}]" if error.code else ""
    said = _without_machine(f"{error.severity}{code}: {error.message}")
    if error.path is None or error.span is None:
        return said
    said += f"\n --> {_short(str(error.path))}"
    if error.path != path:
        return said
    start = text.rfind(b"\n", 0, error.span.start) + 1
    line = text[start:].split(b"\n", 1)[0].decode("utf-8", "replace").rstrip()
    number = text.count(b"\n", 0, error.span.start) + 1
    return f"{said}:{number}\n{number} | {line}"


def _without_machine(line: str) -> str:
    """The line with absolute paths told from their source folder on, or by their file's name."""
    arrow = _ARROW.match(line)
    if arrow is not None:
        return arrow["arrow"] + _short(arrow["path"]) + arrow["place"]
    line = _QUOTED.sub(lambda match: match["quote"] + _short(match["path"]) + match["quote"], line)
    return _ABSOLUTE.sub(lambda match: _kept(match[0]), line)


def _short(path: str) -> str:
    folder, _, name = path.replace("\\", "/").rpartition("/")
    return _kept(folder + "/") + name


def _kept(folder: str) -> str:
    """The end of a folder's path that says nothing of the machine: from the last source folder on."""
    parts = [part for part in re.split(r"[\\/]", folder) if part]
    at = max((index for index, part in enumerate(parts) if part in _KEPT_FOLDERS), default=None)
    return "" if at is None else "/".join(parts[at:]) + "/"


def _shortened(said: str) -> str:
    """The head of an overlong error, cut at a line's end where it has lines."""
    head = said[:BUDGET]
    return head[: head.rfind("\n") if "\n" in head else BUDGET] + "\n…"
