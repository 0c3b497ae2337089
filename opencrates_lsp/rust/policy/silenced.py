"""The rule `lints`: no new attribute that silences a lint, or makes it quieter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opencrates_lsp.rust.lint_levels import settings_in
from opencrates_lsp.rust.policy.edit import Edit, Finding, Violation, beyond, name_at
from opencrates_lsp.rust.policy.marks import Mark, attribute_ranges

_QUIETER = ("allow", "expect", "warn")


def silenced_lints(edit: Edit) -> Iterator[Violation]:
    """`#[allow]`, `#[expect]` and `#[warn]`, outer, inner, in `cfg_attr` or in a macro; clippy's own attributes."""
    for finding in beyond(edit, _silencing(edit.before.marks), _silencing(edit.after.marks)):
        where = name_at(edit.after, finding.at)
        yield Violation("lints", f"{where} gets {finding.told}.")


def _silencing(marks: Sequence[Mark]) -> Iterator[Finding]:
    for start, end in attribute_ranges(marks):
        texts = [mark.text for mark in marks[start:end]]
        for setting in settings_in(texts):
            if setting.level in _QUIETER:
                # Whether a lint is allowed or expected is the same here: neither stops anyone.
                loud = "warn" if setting.level == "warn" else ""
                kind = f"{loud}{setting.lint}{setting.conditions}"
                told = f"`#[{setting.level}({setting.lint})]`, which silences a lint"
                yield Finding(kind, told, marks[start].at)
        if texts[:1] == ["$"] and texts[2:3] != [":"]:
            yield Finding("any", "`#[$…]`, which is any attribute that a macro is given", marks[start].at)
        if texts[:1] == ["doc"] and "test" in texts[1:3]:
            yield Finding("doc test", "`#[doc(test(…))]`, which silences its examples", marks[start].at)
        path = "".join(texts[:3])
        if path.startswith("clippy::") or texts[:1] == ["automatically_derived"]:
            shown = path if path.startswith("clippy::") else texts[0]
            yield Finding(shown, f"`#[{shown}]`, which keeps lints away", marks[start].at)
