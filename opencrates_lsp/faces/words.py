"""What the user reads of a change, in an editor and in a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from opencrates_lsp.errors import Cancelled, Declined, OpenCratesError
from opencrates_lsp.values import Level, Usage, Verdict

_DONE = {"Fill": "Filled", "Undo:": "Undone:", "New": "Made", "Add": "Added"}
_CHECKED = {
    Level.PARSE: "syntax check only, nothing was compiled",
    Level.CHECK: "cargo check",
    Level.AUTO: "cargo check",
    Level.CLIPPY: "cargo clippy",
    Level.TEST: "cargo test",
}

_FOUND = (("error", "errors"), ("error or warning", "errors and warnings"))
"""What is counted, one and several, without clippy's lints and with them."""

_PLAIN = "default features"
_USUAL = re.compile(r", (host|all targets)(?=,|$)")
"""What need not be said of a configuration: it is what everybody expects, or more than that."""


def done(title: str, verdict: Verdict | None, usage: Usage | None) -> str:
    """`Filled `f`: cargo check: reached, 0 new errors, 1.2 s (openai/gpt-5)`."""
    first, _, rest = title.partition(" ")
    text = f"{_DONE[first]} {rest}" if first in _DONE else title
    proof = "" if verdict is None else proved(verdict)
    if proof:
        text += f": {proof}"
    if usage is not None and usage.provider not in ("", "none"):
        model = f"/{usage.model}" if usage.model else ""
        text += f" ({usage.provider}{model}{', remembered' if usage.cached else ''})"
    return text


def proved(verdict: Verdict) -> str:
    """What was tried and what came of it; empty where nothing was to be tried."""
    if verdict.level is Level.OFF:
        return ""
    if verdict.level is Level.PARSE:
        return _CHECKED[Level.PARSE]
    errors = len(verdict.new_errors)
    parts = [
        "reached" if verdict.reached else "not reached",
        f"{errors} new {_FOUND[verdict.level is Level.CLIPPY][errors != 1]}",
    ]
    if verdict.tests is not None:
        passed, failed = verdict.tests.passed, verdict.tests.failed
        if passed or not failed:
            parts.append(f"{_tests(passed)} passed")
        if failed:
            # Several examples of one item share its name, so there may be fewer names than failures.
            known = verdict.tests.failing_before and not verdict.tests.broken
            which = " as before" if known else ""
            which = f", {len(verdict.tests.waiting)} of them waited for it" if verdict.tests.waiting else which
            parts.append(f"{failed if passed else _tests(failed)} failed{which}")
        if verdict.tests.flaky:
            parts.append(f"{len(verdict.tests.flaky)} flaky")
    parts += _left_out(verdict.skipped)
    parts.append(f"{verdict.seconds:.1f} s")
    return f"{_CHECKED[verdict.level]}{_special(verdict.configuration)}: {', '.join(parts)}"


def _left_out(skipped: Sequence[str]) -> list[str]:
    """The first, and how many more there are: a sentence is read, a list is not; the answer has them all."""
    more = len(skipped) - 1
    return [*skipped[:1], *([f"{more} more {'is' if more == 1 else 'are'} left out"] if more > 0 else [])]


def _tests(count: int) -> str:
    return f"{count} {'test' if count == 1 else 'tests'}"


def _special(configuration: str) -> str:
    """The configuration in brackets, led by a space; empty for the plain one."""
    said = _USUAL.sub("", configuration)
    return "" if said in ("", _PLAIN) else f" ({said})"


def state_of(error: OpenCratesError) -> str:
    """The `state` that an error is answered with."""
    if isinstance(error, Cancelled):
        return "cancelled"
    return "declined" if isinstance(error, Declined) else "refused"
