"""The rule `new_dependencies`: no crate that the package does not depend on."""

from __future__ import annotations

from collections.abc import Iterator

from opencrates_lsp.rust.crate_names import BUILT_IN, new_crates
from opencrates_lsp.rust.policy.edit import Edit, Violation, name_at


def new_dependencies(edit: Edit) -> Iterator[Violation]:
    """Crates that the edit names first, and that are not among the dependencies."""
    if edit.dependencies is None:
        return
    allowed = {name.replace("-", "_") for name in edit.dependencies} | BUILT_IN
    for crate in new_crates(edit.before.source, edit.after.source, edit.after.span):
        if crate.name not in allowed:
            where = name_at(edit.after, crate.offset)
            yield Violation("new_dependencies", f"{where} uses the crate `{crate.name}`, which is no dependency.")
