"""rustc's errors as a short text for a model: by cause, and without a word of this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from opencrates_lsp.rust.causes import Cause, causes, labels, plain
from opencrates_lsp.values import Diagnostic, Span

BUDGET = 2500
"""How many characters of errors a model is told."""

_SOURCE_LINE = re.compile(r"^\s*\d+\s*[|~+-]")
_ARROW = re.compile(r"^(?P<arrow>\s*(?:-->|:::) )(?P<path>(?:/|[A-Za-z]:[\\/]).+?)(?P<place>(?::\d+)*)$")
_QUOTED = re.compile(r"(?P<quote>[`'\"])(?P<path>(?:/|[A-Za-z]:[\\/])[^`'\"/\\]+[\\/][^`'\"]+)(?P=quote)")
_ABSOLUTE = re.compile(r"(?:(?<![\w./\\<])/|(?<!\w)[A-Za-z]:[\\/])(?:[^\s:*?\"'`<>|(),;{}/\\]+[\\/])+(?=[^\s/\\])")
_KEPT_FOLDERS = ("src", "tests", "benches", "examples")
_MOST_FOLLOWING = 4


def explain(errors: Sequence[Diagnostic], path: Path, text: bytes, within: Span) -> str:
    """The errors for a model, at most about `BUDGET` characters: those in `within` of `path` first, then the rest.

    One of each cause is the compiler's own text, without colours, and with no path of this machine: files are named
    from their source folder on; what says the same or comes of it is counted, or told in a line.
    """
    told: list[str] = []
    used = 0
    ordered = sorted(causes(errors), key=lambda cause: _distance(cause.error, path, within))
    for cause in ordered:
        said = _rendered(cause.error, path, text)
        if told and used + len(said) > BUDGET:
            break
        said = said if len(said) <= BUDGET else _shortened(said)
        told.append("\n".join([said, *_beside(cause)]))
        used += len(told[-1]) + 2
    left = sum(1 + len(cause.again) + len(cause.following) for cause in ordered[len(told) :])
    if left:
        told.append(f"({left} more {'error' if left == 1 else 'errors'})")
    return "\n\n".join(told)


def _beside(cause: Cause) -> list[str]:
    """What the cause makes wrong as well, in a line each."""
    lines = []
    if cause.again:
        lines.append(f"(the same {'once' if len(cause.again) == 1 else f'{len(cause.again)} times'} more)")
    if cause.following:
        lines.append("This comes of it, or goes with it:")
    said = dict.fromkeys(_in_a_line(error) for error in cause.following)
    lines += list(said)[:_MOST_FOLLOWING]
    if len(said) > _MOST_FOLLOWING:
        lines.append(f"- and {len(said) - _MOST_FOLLOWING} more")
    return lines


def _in_a_line(error: Diagnostic) -> str:
    code = f"[{error.code}]" if error.code else ""
    return _without_machine(f"- {error.severity}{code}: {'; '.join([error.message, *labels(error)])}")


def _distance(error: Diagnostic, path: Path, within: Span) -> int:
    """How far the error is from the item: in it, in its file, elsewhere."""
    if error.path != path or error.span is None:
        return 2
    return 0 if within.start <= error.span.start and error.span.end <= within.end else 1


def _rendered(error: Diagnostic, path: Path, text: bytes) -> str:
    if error.rendered.strip():
        lines = plain(error).strip("\n").splitlines()
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
