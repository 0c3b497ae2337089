"""What `cargo test` printed, as the outcome of each test by its name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from opencrates_lsp.values import TestCount

_RUNNING = re.compile(r"^\s+(?:Running (?P<what>.+?) \(|Doc-tests (?P<doc>\S+))", re.MULTILINE)
_BLOCK = re.compile(r"^running \d+ tests?$", re.MULTILINE)
_RESULT = re.compile(
    r"^test (?P<name>.+?)(?: - should panic)? \.\.\. .*?\b(?P<outcome>ok|FAILED|ignored)\b", re.MULTILINE
)
_LINE = re.compile(r" \(line \d+\)")
_WHOLE = "cargo test"


@dataclass(frozen=True, slots=True)
class Tested:
    """The outcomes of one run: how often each test passed, failed and was ignored, by program and name.

    The same documentation test may be there more than once, because its line is not part of its name.
    """

    passed: Counter[str]
    failed: Counter[str]
    ignored: Counter[str]

    @property
    def ran(self) -> bool:
        """Whether any test was run."""
        return bool(self.passed or self.ignored or self.failed.keys() - {_WHOLE})


def read_tests(out: str, err: str, code: int) -> Tested:
    """The outcomes; programs that print in another way count as one test, "cargo test"."""
    programs = [match["what"] or f"doc {match['doc']}" for match in _RUNNING.finditer(err)]
    starts = [match.start() for match in _BLOCK.finditer(out)]
    outcomes = {"ok": Counter[str](), "FAILED": Counter[str](), "ignored": Counter[str]()}
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(out)
        # A program that prints no block has no line of its own among the blocks; then names alone must do.
        program = f"{programs[number]}: " if len(programs) == len(starts) else ""
        for match in _RESULT.finditer(out, start, end):
            outcomes[match["outcome"]][program + _LINE.sub("", match["name"])] += 1
    if code != 0 and not outcomes["FAILED"]:
        outcomes["FAILED"][_WHOLE] += 1
    if code == 0:
        outcomes["ok"][_WHOLE] += 1
    return Tested(outcomes["ok"], outcomes["FAILED"], outcomes["ignored"])


def compared(before: Tested | None, after: Tested) -> TestCount:
    """The count of `after`; broken is what failed more often than before and passed less often.

    Without a run before, whatever fails is broken.
    """
    broken = [
        name
        for name, times in sorted(after.failed.items())
        if before is None or (times > before.failed[name] and after.passed[name] < before.passed[name])
    ]
    # A test that passed and is now not even there did not pass.
    if before is not None and after.failed[_WHOLE]:
        broken += [name for name in sorted(before.passed) if name not in broken and not after.passed[name]]
    return TestCount(
        passed=sum(after.passed.values()) - after.passed[_WHOLE],
        failed=sum(after.failed.values()),
        ignored=sum(after.ignored.values()),
        broken=tuple(name.partition(": ")[2] or name for name in broken if name != _WHOLE or len(broken) == 1),
    )
