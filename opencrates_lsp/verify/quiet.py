"""A canary that breaks nothing: a warning at the head of a function's body, which rustc gives after the body's types.

One run of cargo then tells both what is wrong without the edit and that rustc looks at the item; and because it does
not fail, rustc keeps what it found out for the candidates.
Where the warning may not be left out of the report without a trace there is none, and the two are run apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from opencrates_lsp.rust.items import items_around
from opencrates_lsp.rust.syntax import parse, path_at
from opencrates_lsp.values import Diagnostic, Severity, Span, Subject
from opencrates_lsp.verify.canary import Canary, hidden_holes
from opencrates_lsp.verify.messages import Finding, Report

_NAME = "opencrates_canary"
_WARNING = f" #[warn(unused_variables)] let {_NAME} = ();".encode()
_LINT = "unused_variables"
_ATTRIBUTE = re.compile(rb"#!?\[\s*([\w:]+)")
# Attributes of the language itself, which take an item as it stands; a macro's may take offence at another statement.
_PLAIN = frozenset(("allow", "cfg", "cold", "deny", "deprecated", "doc", "expect", "inline", "must_use", "no_mangle"))
_PLAIN |= {"non_exhaustive", "target_feature", "test", "track_caller", "warn"}


def quiet_canary(text: bytes, subject: Subject) -> Canary | None:
    """The text with the warning in it; None for what is no plain body of a function."""
    source = parse(text)
    probe = subject.probe
    block = next((node for node in path_at(source, probe.start) if (node.start_byte, node.end_byte) == probe), None)
    if block is None or block.type != "block" or hidden_holes(text, subject):
        return None
    around = items_around(source, probe.start)
    if not around or around[-1].identity.kind != "function" or around[-1].body != probe:
        return None
    heads = [text[item.span.start : item.node_span.start] for item in around]
    heads += [text[child.start_byte : child.end_byte] for child in block.children if child.type.startswith("inner")]
    if any(name.decode() not in _PLAIN for head in heads for name in _ATTRIBUTE.findall(head)):
        return None
    inner = [child.end_byte for child in block.children if child.type == "inner_attribute_item"]
    at = max([probe.start + 1, *inner])
    return Canary(text[:at] + _WARNING + text[at:], (Span(at, at + len(_WARNING)),), _LINT)


def without(report: Report, path: Path, canary: Canary) -> Report | None:
    """What the report would have been without the canary in the file; None where that is not known to the letter."""
    (laid,) = canary.spans
    line_end = canary.text.find(b"\n", laid.end)
    later = line_end if line_end >= 0 else len(canary.text)
    findings: list[Finding] = []
    for one in report.findings:
        if one.diagnostic.code == _LINT and any(_NAME in part for part in one.key):
            if one.diagnostic.severity is Severity.ERROR:
                return None
            continue
        spans = [span for place, span in _places(one) if place == path]
        # What stands on the line of the canary is shown with it.
        if _NAME in one.diagnostic.rendered or any(span.start < later and span.end > laid.start for span in spans):
            return None
        findings.append(_moved(one, path, laid) if any(span.start >= later for span in spans) else one)
    return replace(report, findings=tuple(findings))


def _places(one: Finding) -> Iterator[tuple[Path, Span]]:
    if one.diagnostic.path is not None and one.diagnostic.span is not None:
        yield one.diagnostic.path, one.diagnostic.span
    yield from one.primaries
    yield from ((edit.path, edit.span) for part in one.diagnostic.suggestions for edit in part.replacements)


def _moved(one: Finding, path: Path, laid: Span) -> Finding:
    """The finding in the text without the canary: what stands behind it moves to the front."""

    def back(place: Path | None, span: Span) -> Span:
        width = laid.end - laid.start
        return Span(span.start - width, span.end - width) if place == path and span.start >= laid.end else span

    told = one.diagnostic
    suggestions = tuple(
        replace(part, replacements=tuple(replace(edit, span=back(edit.path, edit.span)) for edit in part.replacements))
        for part in told.suggestions
    )
    span = back(told.path, told.span) if told.span is not None else None
    moved: Diagnostic = replace(told, span=span, suggestions=suggestions)
    return replace(one, diagnostic=moved, primaries=tuple((place, back(place, span)) for place, span in one.primaries))
