"""What `cargo test` printed, as the outcome of each test by its name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from opencrates_lsp.values import Diagnostic, Severity, TestCount

_RUNNING = re.compile(r"^\s+(?:Running (?P<what>.+?) \(|Doc-tests (?P<doc>\S+))", re.MULTILINE)
_BLOCK = re.compile(r"^running \d+ tests?$", re.MULTILINE)
_END = re.compile(r"^test result: ", re.MULTILINE)
_RESULT = re.compile(
    r"^test (?P<name>.+?)(?: - should panic)? \.\.\. .*?\b(?P<outcome>ok|FAILED|ignored)\b", re.MULTILINE
)
# With one thread libtest tells a test's name before the test runs, and what the test prints comes right after it.
_STARTED = re.compile(r"^test (?P<name>.+?)(?: - should panic)? \.\.\. ", re.MULTILINE)
_PRINTED = re.compile(
    r"^---- (?P<name>.+?) (?:stdout|stderr) ----\n(?P<text>.*?)(?=^---- |^failures:$|\Z)", re.MULTILINE | re.DOTALL
)
_LINE = re.compile(r" \(line \d+\)")
_COMPILING = re.compile(r"^\s+Compiling (?P<name>\S+) v", re.MULTILINE)
_ERROR = re.compile(
    r"^error(?:\[(?P<code>E\d+)\])?: (?P<message>.+)\n(?P<rest>(?:^[ \d|=].*\n|^\n(?=[ \d|]))*)", re.MULTILINE
)
# The words of `todo!()` and `unimplemented!()`; before Rust 1.73 they stood in front of the place.
_HOLE = re.compile(
    r"panicked at (?P<file>[^\n:]+):(?P<line>\d+):\d+:\nnot (?:yet )?implemented"
    r"|panicked at '(?:not (?:yet )?implemented)[^\n]*', (?P<old_file>[^\n:]+):(?P<old_line>\d+):\d+"
)
WHOLE = "cargo test"
"""The name of a run as one test: programs that print in another way."""
PRINTED_CHARACTERS = 2000
_MOST_NAMES = 50
_MOST_ERRORS = 8


@dataclass(frozen=True, slots=True)
class Tested:
    """The outcomes of one run: how often each test passed, failed and was ignored, by program and name.

    The same documentation test may be there more than once, because its line is not part of its name.
    `printed` is what failed tests printed, `errors` those of rustc, `compiled` the packages that were compiled.
    `unfinished` tells that a program ended, or was stopped, before it had told of all its tests; `interrupted` is the
    test that it was in then, "" where that is not known. `started` tells that cargo came to run programs.
    `stopped` says in one clause what bound the run has met (see `process.Ended`).
    """

    passed: Counter[str]
    failed: Counter[str]
    ignored: Counter[str]
    printed: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[Diagnostic, ...] = ()
    compiled: frozenset[str] = frozenset()
    unfinished: bool = False
    interrupted: str = ""
    timed_out: bool = False
    started: bool = False
    seconds: float = 0.0
    stopped: str | None = None

    @property
    def ran(self) -> bool:
        """Whether any test was run."""
        return bool(self.passed or self.ignored or self.failed.keys() - {WHOLE})

    @property
    def is_built(self) -> bool:
        """Whether the programs were there to be run, even if none of them had a test."""
        return self.started or self.ran or not (self.errors or self.timed_out or self.failed[WHOLE])


def read_tests(out: str, err: str, code: int, *, timed_out: bool = False, seconds: float = 0.0) -> Tested:
    """The outcomes; programs that print in another way count as one test, "cargo test"."""
    programs = [match["what"] or f"doc {match['doc']}" for match in _RUNNING.finditer(err)]
    starts = [match.start() for match in _BLOCK.finditer(out)]
    outcomes = {"ok": Counter[str](), "FAILED": Counter[str](), "ignored": Counter[str]()}
    printed: dict[str, str] = {}
    unfinished, interrupted = False, ""
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(out)
        # A program that prints no block has no line of its own among the blocks; then names alone must do.
        program = f"{programs[number]}: " if len(programs) == len(starts) else ""
        told: set[str] = set()
        for match in _RESULT.finditer(out, start, end):
            told.add(match["name"])
            outcomes[match["outcome"]][program + _LINE.sub("", match["name"])] += 1
        for match in _PRINTED.finditer(out, start, end):
            printed[program + _LINE.sub("", match["name"])] = match["text"].strip()[:PRINTED_CHARACTERS]
        if _END.search(out, start, end) is None:
            unfinished = True
            begun = [match["name"] for match in _STARTED.finditer(out, start, end)]
            interrupted = program + _LINE.sub("", begun[-1]) if begun and begun[-1] not in told else ""
    # A program that tells nothing of its tests, or does so late, was in the middle of them.
    unfinished = unfinished or (timed_out and len(programs) > len(starts))
    if code != 0 and not outcomes["FAILED"]:
        outcomes["FAILED"][WHOLE] += 1
    if code == 0:
        outcomes["ok"][WHOLE] += 1
    return Tested(
        outcomes["ok"],
        outcomes["FAILED"],
        outcomes["ignored"],
        printed,
        tuple(_errors(err)) if code != 0 else (),
        frozenset(match["name"] for match in _COMPILING.finditer(err)),
        unfinished,
        interrupted,
        timed_out,
        bool(programs),
        seconds,
    )


class Panicked(NamedTuple):
    """Where a test came to a `todo!()` or an `unimplemented!()`; lines count from 1."""

    file: str
    line: int


def ended_in_hole(printed: str) -> Panicked | None:
    """The hole in which a test ended, by what it printed; None where it ended otherwise."""
    ends = list(_HOLE.finditer(printed))
    if not ends:
        return None
    found = ends[-1]
    return Panicked(found["file"] or found["old_file"], int(found["line"] or found["old_line"]))


def named(name: str) -> str:
    """A test's name without its program's."""
    return name.partition(": ")[2] or name


def suspects(before: Tested | None, after: Tested, written: frozenset[str] = frozenset()) -> list[str]:
    """What fails now and is not known to have failed as often before, and what passed and is not even there.

    `written` are ends of the names of tests that the edit itself wrote, which have to pass.
    """
    found = [
        name
        for name, times in sorted(after.failed.items())
        if before is None or times > before.failed[name] or is_written(name, written)
    ]
    if before is not None and (after.unfinished or after.failed[WHOLE]):
        # A test that passed and is now not even there did not pass.
        found += [name for name in sorted(before.passed) if name not in found and not after.passed[name]]
    return [name for name in found if name != WHOLE or len(found) == 1]


def is_written(name: str, written: frozenset[str]) -> bool:
    """Whether the edit wrote the test of this name; a case that a macro made of it is one more part of the name."""
    parts = named(name).split("::")
    ends = {"::".join(parts[at:end]) for end in (len(parts), len(parts) - 1) for at in range(len(parts))}
    return not ends.isdisjoint(written)


def compared(before: Tested | None, after: Tested) -> TestCount:
    """The count of `after`; broken is what failed more often than before and passed less often.

    Without a run before, whatever fails is broken.
    """
    broken = [
        name
        for name in suspects(before, after)
        if before is None or not after.failed[name] or after.passed[name] < before.passed[name]
    ]
    return counted([after], broken, known=[])


def counted(
    runs: list[Tested],
    broken: list[str],
    *,
    known: list[str],
    flaky: tuple[str, ...] = (),
    programs: tuple[str, ...] = (),
) -> TestCount:
    """The count of some runs, of which `broken` are to blame and `known` failed before."""
    ran = [named(name) for one in runs for name in (*one.passed, *one.failed) if name != WHOLE]
    printed = {name: text for one in runs for name, text in one.printed.items()}
    return TestCount(
        passed=sum(one.passed.total() - one.passed[WHOLE] for one in runs),
        failed=sum(one.failed.total() for one in runs),
        ignored=sum(one.ignored.total() for one in runs),
        broken=tuple(map(named, broken)),
        printed=tuple(printed.get(name, "") for name in broken),
        ran=tuple(ran[:_MOST_NAMES]),
        programs=programs,
        failing_before=tuple(map(named, known)),
        flaky=flaky,
    )


def _errors(err: str) -> list[Diagnostic]:
    """rustc's errors, as it printed them for people."""
    found = [
        Diagnostic(Severity.ERROR, match["message"], code=match["code"], rendered=match[0].rstrip())
        for match in _ERROR.finditer(err)
        if match["rest"].strip() and not match["message"].startswith(("could not compile", "test failed", "doctest"))
    ]
    return found[:_MOST_ERRORS]
