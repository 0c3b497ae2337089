"""What the policy says of an edit, for its tests: "rule: message" for each violation; `$0` marks the asked item."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from laid import asked

from opencrates_lsp.rust.policy import violations
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Lints, Policy

STRICT = Policy(new_dependencies="deny")


def told(
    before: str,
    after: str,
    *,
    policy: Policy = STRICT,
    crates: frozenset[str] | None = None,
    lints: Lints | None = None,
    path: str = "src/lib.rs",
) -> list[str]:
    """The violations of the edit, in the order of the rules."""
    source, subject = asked(before)
    subject = replace(subject, path=Path(path))
    found = violations(source, parse(after.encode()), subject, policy, crates, lints or Lints())
    return [f"{violation.rule}: {violation.message}" for violation in found]


def rules(before: str, after: str, *, lints: Lints | None = None, path: str = "src/lib.rs") -> list[str]:
    """The rules that the edit breaks."""
    return sorted({line.split(":")[0] for line in told(before, after, lints=lints, path=path)})


def filled(body: str, *, around: str = "fn f() { $ }") -> tuple[str, str]:
    """A function with a hole, and with the body in its place."""
    return around.replace("$", "todo!()"), around.replace("$", body)
