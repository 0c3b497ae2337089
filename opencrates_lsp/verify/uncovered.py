"""What an edit only brings to light: rustc keeps its lints to itself as long as an older error stands in the item.

Asked where an edit would be refused for something outside of its item: the same state is compiled with a body that does
nothing and never returns, and what is found then is no fault of any body.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from opencrates_lsp.rust.items import find
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Span
from opencrates_lsp.verify.cargo import Progress
from opencrates_lsp.verify.messages import Finding, new_findings
from opencrates_lsp.verify.proof import Analysed, Proof, counted, tool_of
from opencrates_lsp.verify.trial import Trial, in_thread

_NOTHING = b"{ loop {} }"
# Lints of what nobody uses: a body may have been the last to use it.
_UNUSED = re.compile(r"^(?:dead_code|unused\w*|unreachable\w*)$")
_WORD = re.compile(r"\w+")


async def its_own(
    trial: Trial,
    proof: Proof,
    found: Analysed,
    after: Mapping[Path, bytes | None],
    new: tuple[Finding, ...],
    progress: Progress,
) -> tuple[Finding, ...]:
    """Those of the new findings that may be the edit's fault."""
    subject, place = proof.subject, found.place
    text = after.get(subject.path)
    plain = place.item is not None and place.item.identity.kind == "function" and not (place.leaks or place.is_constant)
    if found.baseline.ok or text is None or not plain or place.item is None:
        return new
    if place.is_run or place.is_macro or any(route.target.kind[0] == "custom-build" for route in place.routes):
        # It would run while it is compiled, and never return.
        return new
    now = await in_thread(lambda: find(parse(text), place.item.identity, subject.item.start) if place.item else None)
    if now is None:
        return new
    outside = [one for one in new if not _within(one, subject.path, now.span)]
    if not outside:
        return new
    before = trial.base(subject.path)
    body = before[slice(*subject.probe)]
    if not body.startswith(b"{"):
        return new
    progress("check", "what comes to light without the item")
    emptied = before[: subject.probe.start] + _NOTHING + before[subject.probe.end :]
    own = (place.package, *place.sharing)
    tool = tool_of(proof.level)
    report = await trial.candidate(proof.ground, tool, found.scope, {subject.path: emptied}, own, progress)
    if report is None:
        return new
    came = new_findings(counted(proof.level, found.baseline), counted(proof.level, report))
    guilty = new_findings([one for one in came if not _is_of(one, body)], outside)
    return tuple(one for one in new if one not in outside or one in guilty)


def _within(one: Finding, path: Path, item: Span) -> bool:
    span = one.diagnostic.span
    return one.diagnostic.path == path and span is not None and item.start <= span.start and span.end <= item.end


def _is_of(one: Finding, body: bytes) -> bool:
    """Whether the finding may be there only because the body that was there is not: it used what nobody uses now."""
    code = one.diagnostic.code or ""
    if not _UNUSED.match(code):
        return False
    if code == "unused_imports" and (b"." in body or b"::" in body):
        # A trait is used without being named.
        return True
    words = _words([one.diagnostic.message, *one.key[4:]])
    return not words.isdisjoint(_words([body.decode("utf-8", "replace")]))


def _words(texts: Iterable[str]) -> set[str]:
    return {word for text in texts for word in _WORD.findall(text)}
