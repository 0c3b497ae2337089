"""cargo's JSON, read into findings: byte spans in the user's own files, and a key that survives moved lines.

rustc tells byte offsets of the file as it lies on disk, a byte order mark and carriage returns counted, so they are
taken as they are.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

from opencrates_lsp.values import Diagnostic, Replace, Severity, Span, Suggestion

_POSITION = re.compile(r":\d+:\d+(?:: ?\d+:\d+)?")
_LINE = re.compile(r":\d+")
_SUMMARY = re.compile(r"aborting due to|\d+ warnings? emitted|Some errors have detailed explanations|For more inform")
_SNIPPET_BYTES = 200
_SEVERITIES = {"error": Severity.ERROR, "warning": Severity.WARNING, "note": Severity.NOTE, "help": Severity.HELP}

Key = tuple[str, ...]


class Places(Protocol):
    """Where the compiled files really belong."""

    @property
    def root(self) -> Path:
        """The folder that rustc's relative paths count from."""
        ...

    def back(self, path: Path) -> Path:
        """The user's own path of a file that was compiled."""
        ...

    def renamed(self, text: str) -> str:
        """A text of the compiler with the user's own paths."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning.

    `key` is what it says without saying where: two texts of which one is only moved have equal keys.
    `package` is the folder of the package that was compiled, in the user's tree; None where cargo does not tell.
    `primaries` are the places that it is about, macro expansions included.
    """

    diagnostic: Diagnostic
    key: Key
    package: Path | None = None
    primaries: tuple[tuple[Path, Span], ...] = ()


@dataclass(frozen=True)
class Report:
    """What one run of cargo said.

    `compiled` are the folders of the packages of which cargo compiled something anew; the rest it took for unchanged.
    `built` are the folders of the packages of which anything was compiled or taken for unchanged.
    `programs` are the executables that were built: the package's folder, the target's name and kind, and the path.
    `conditions` are what build scripts set for `#[cfg]`, each with the folder of the package.
    `was_killed` tells that cargo was ended by a signal: then it says nothing of what it did not come to.
    """

    ok: bool
    findings: tuple[Finding, ...] = ()
    compiled: frozenset[Path] = frozenset()
    built: frozenset[Path] = frozenset()
    programs: tuple[tuple[Path, str, str, Path], ...] = ()
    conditions: frozenset[tuple[Path, str]] = frozenset()
    said: str = ""
    was_killed: bool = False

    @cached_property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.diagnostic.severity is Severity.ERROR)


@dataclass
class _Reader:
    places: Places
    texts: dict[Path, bytes] = field(default_factory=dict)

    def text(self, path: Path) -> bytes:
        if path not in self.texts:
            try:
                self.texts[path] = path.read_bytes()
            except OSError:
                self.texts[path] = b""
        return self.texts[path]

    def at(self, name: str) -> Path:
        return self.places.root / name


def read_report(out: bytes, err: str, code: int, places: Places) -> Report:
    """The report of a run that printed `out` (JSON lines) and `err`; files are read to cut out what is meant."""
    reader = _Reader(places)
    findings: dict[tuple[Key, tuple[tuple[Path, Span], ...]], Finding] = {}
    compiled: set[Path] = set()
    built: set[Path] = set()
    programs: list[tuple[Path, str, str, Path]] = []
    conditions: set[tuple[Path, str]] = set()
    for message in _messages(out):
        package = places.back(Path(message["manifest_path"]).parent) if message.get("manifest_path") else None
        if message["reason"] == "compiler-artifact" and package is not None:
            built.add(package)
            if not message["fresh"]:
                compiled.add(package)
            if message.get("executable"):
                target = message["target"]
                programs.append((package, target["name"], target["kind"][0], Path(message["executable"])))
        elif message["reason"] == "build-script-executed":
            folder = _folder_of(message["package_id"])
            conditions.update((places.back(folder), one.replace(" ", "")) for one in message["cfgs"] if folder)
        elif message["reason"] == "compiler-message":
            finding = _finding(message["message"], package, reader)
            if finding is None:
                continue
            # A library and its test build report the same error once each.
            findings.setdefault((finding.key, finding.primaries), finding)
            if package is not None and finding.diagnostic.severity is Severity.ERROR:
                compiled.add(package)
    for said in _complaints(places.renamed(err)):
        findings.setdefault((said.key, ()), said)
    return Report(
        code == 0,
        tuple(findings.values()),
        frozenset(compiled),
        frozenset(built),
        tuple(programs),
        frozenset(conditions),
        places.renamed(err),
    )


def _folder_of(package_id: str) -> Path | None:
    """The folder of a package that has a path, from what cargo calls it ("path+file:///a/b%20c#name@0.1.0")."""
    address = urlsplit(package_id.removeprefix("path+"))
    return Path(url2pathname(address.path)) if address.scheme == "file" else None


def new_findings(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of `after` that `before` does not have, as often as they are there; places do not count."""
    known = Counter(one.key for one in before)
    found: list[Finding] = []
    for one in after:
        if known[one.key] > 0:
            known[one.key] -= 1
        else:
            found.append(one)
    return tuple(found)


def clippy_findings(report: Report) -> tuple[Finding, ...]:
    """The errors, and what clippy warns of."""
    return tuple(
        one
        for one in report.findings
        if one.diagnostic.severity is Severity.ERROR or (one.diagnostic.code or "").startswith("clippy::")
    )


def _messages(out: bytes) -> Iterator[dict[str, Any]]:
    for line in out.splitlines():
        # Programs that cargo runs may print between its messages.
        if not line.startswith(b"{"):
            continue
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if isinstance(message, dict) and isinstance(message.get("reason"), str):
            yield message


def _finding(message: dict[str, Any], package: Path | None, reader: _Reader) -> Finding | None:
    severity = _SEVERITIES.get(message["level"].split(":")[0])
    text = reader.places.renamed(message["message"])
    if severity not in (Severity.ERROR, Severity.WARNING) or (not message["spans"] and _SUMMARY.search(text)):
        return None
    primaries = [span for span in message["spans"] if span["is_primary"]]
    chosen = _local(primaries[0], reader) if primaries else None
    path = reader.places.back(reader.at(chosen["file_name"])) if chosen else None
    span = Span(chosen["byte_start"], chosen["byte_end"]) if chosen else None
    code = message["code"]["code"] if message.get("code") else None
    snippet = _snippet(reader, chosen)
    diagnostic = Diagnostic(
        severity=severity,
        message=text,
        path=path,
        span=span,
        code=code,
        rendered=reader.places.renamed(message.get("rendered") or ""),
        suggestions=tuple(_suggestions(message, reader)),
    )
    # "mismatched types" alone is the same for any two types; which they are stands at the place.
    labels = (_placeless(reader.places.renamed(one["label"] or "")) for one in primaries)
    key = (severity.value, code or "", _placeless(text), str(path or ""), snippet, *labels)
    places = tuple(
        (reader.places.back(reader.at(one["file_name"])), Span(one["byte_start"], one["byte_end"]))
        for primary in primaries
        for one in _expansions(primary)
    )
    return Finding(diagnostic, key, package, places)


def _placeless(text: str) -> str:
    return _LINE.sub("", _POSITION.sub("", text))


def _snippet(reader: _Reader, span: dict[str, Any] | None) -> str:
    """What is meant, in one spelling; of several lines the first, because the rest may be what is edited."""
    if span is None:
        return ""
    text = reader.text(reader.at(span["file_name"]))[span["byte_start"] : span["byte_end"]]
    return b" ".join(text[:_SNIPPET_BYTES].partition(b"\n")[0].split()).decode("utf-8", "replace")


def _expansions(span: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The span and the macro calls that it comes from, innermost first."""
    one: dict[str, Any] | None = span
    while one is not None:
        yield one
        one = (one.get("expansion") or {}).get("span")


def _local(span: dict[str, Any], reader: _Reader) -> dict[str, Any]:
    """The innermost of the span and its macro calls that stands in a file that is there; else the span itself."""
    return next((one for one in _expansions(span) if reader.text(reader.at(one["file_name"]))), span)


def _suggestions(message: dict[str, Any], reader: _Reader) -> Iterator[Suggestion]:
    for child in message.get("children", ()):
        spans = [span for span in child["spans"] if span.get("suggested_replacement") is not None]
        if not spans:
            continue
        edits = tuple(_replacement(span, reader) for span in spans)
        words = {span.get("suggestion_applicability") or "Unspecified" for span in spans}
        applicability = words.pop() if len(words) == 1 else "MaybeIncorrect"
        text = reader.places.renamed(child["message"])
        ordered = sorted(edit.span for edit in edits)
        if any(before.end > after.start or before == after for before, after in pairwise(ordered)):
            # Alternatives come in one list; they exclude each other.
            yield from (Suggestion(text, "MaybeIncorrect", (edit,)) for edit in edits)
        else:
            yield Suggestion(text, applicability, edits)


def _replacement(span: dict[str, Any], reader: _Reader) -> Replace:
    place = reader.at(span["file_name"])
    where = Span(span["byte_start"], span["byte_end"])
    expect = reader.text(place)[where.start : where.end].decode("utf-8", "replace")
    return Replace(reader.places.back(place), where, span["suggested_replacement"], expect)


def _complaints(err: str) -> Iterator[Finding]:
    """The errors that cargo itself tells: a broken manifest, a failed build script, a crashed compiler."""
    for block in re.split(r"(?m)^(?=error|warning)", err):
        if not block.startswith("error") or (block.startswith("error: could not compile") and "Caused by" not in block):
            continue
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        message = lines[0].removeprefix("error: ")
        if message.startswith(("aborting due to", "test failed", "doctest failed", "1 target failed")):
            continue
        diagnostic = Diagnostic(Severity.ERROR, message, rendered=block)
        yield Finding(diagnostic, (Severity.ERROR.value, "", _placeless(message), "", ""))
