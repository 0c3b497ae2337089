"""What an edit may change without being asked: signatures, tests, `unsafe`, lints, and what the code can reach.

Two texts of one file are compared, item by item; what rustc would find anyway is left to rustc.
"""

from __future__ import annotations

from opencrates_lsp.rust.changed import changed_spans, paired
from opencrates_lsp.rust.matching import asked_item
from opencrates_lsp.rust.policy.edit import Edit, Side, Violation
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.terms import Lints, Policy
from opencrates_lsp.values import Subject

_NO_LINTS = Lints()


def violations(
    before: Source,
    after: Source,
    subject: Subject,
    policy: Policy,
    dependencies: frozenset[str] | None,
    lints: Lints = _NO_LINTS,
) -> tuple[Violation, ...]:
    """What the edit from `before` to `after` does beyond what `policy` allows; `subject` stands in `before`.

    `dependencies` are the crates that the file may name, its own library among them; None where they are unknown,
    and then nothing is said of crates.
    `lints` are the levels that hold for the file before its own attributes.
    """
    # The start of a language server has no need of them.
    from opencrates_lsp.rust.policy.rules import ALL

    spans = changed_spans(before, after)
    pairs = paired(before, after, spans)
    edit = Edit(
        before=Side.of(before, spans[0]),
        after=Side.of(after, spans[1]),
        pairs=pairs,
        asked=asked_item(before, subject),
        path=subject.path,
        lints=lints,
        dependencies=dependencies,
    )
    found = [violation for rule in ALL for violation in rule(edit)]
    return tuple(dict.fromkeys(violation for violation in found if getattr(policy, violation.rule) != "allow"))
