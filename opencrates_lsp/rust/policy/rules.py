"""The rules, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from opencrates_lsp.rust.policy.capabilities import new_capabilities
from opencrates_lsp.rust.policy.dependencies import new_dependencies
from opencrates_lsp.rust.policy.doctests import weaker_doctests
from opencrates_lsp.rust.policy.edit import Edit, Violation
from opencrates_lsp.rust.policy.panics import new_panics
from opencrates_lsp.rust.policy.shadows import shadowed
from opencrates_lsp.rust.policy.signatures import changed_imports, changed_signatures
from opencrates_lsp.rust.policy.silenced import silenced_lints
from opencrates_lsp.rust.policy.tests import changed_tests
from opencrates_lsp.rust.policy.unsafety import new_unsafe

ALL: tuple[Callable[[Edit], Iterator[Violation]], ...] = (
    changed_signatures,
    changed_imports,
    changed_tests,
    weaker_doctests,
    shadowed,
    new_unsafe,
    silenced_lints,
    new_panics,
    new_capabilities,
    new_dependencies,
)
