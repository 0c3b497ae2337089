"""Bodies known from the variants of an enum: `is_variant`, `as_variant`, `into_variant`, the list of all.

before
    pub fn as_text(&self) -> Option<&str> { todo!() }
after, where the enum has `Text(String)`
    pub fn as_text(&self) -> Option<&str> { match self { Self::Text(value) => Some(value), _ => None } }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opencrates_lsp.rust.known_case import Case
from opencrates_lsp.rust.known_types import borrows, is_copy
from opencrates_lsp.rust.shapes import Shape, Variant
from opencrates_lsp.rust.type_terms import Type, same

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WAYS = ("{}", "as_{}", "as_{}_mut", "as_mut_{}", "get_{}", "into_{}", "try_into_{}", "to_{}")


def snake(name: str) -> str:
    """`HTTPError` as `http_error`."""
    return _HUMP.sub("_", name).lower()


def variants(case: Case) -> Iterator[str]:
    """The one question or access that the function's name asks of one variant."""
    function, owner = case.function, case.owner
    if owner is None or owner.kind != "enum" or not owner.complete or case.trait or function.parameters:
        return
    for variant in owner.variants:
        name = snake(variant.name)
        if function.name == f"is_{name}" and function.output.head == "bool" and function.receiver:
            yield f"matches!({_scrutinee(function.receiver)}, {_any(variant)})"
        elif function.name in [way.format(name) for way in _WAYS]:
            yield from _accessed(case, owner, variant)


def _scrutinee(receiver: str) -> str:
    return "self" if receiver.startswith("&") or receiver in ("self", "mut self") else "*self"


def _any(variant: Variant) -> str:
    return f"Self::{variant.name}" + {"unit": "", "tuple": "(..)", "named": " { .. }"}[variant.form]


def _accessed(case: Case, owner: Shape, variant: Variant) -> Iterator[str]:
    output = case.output
    if output.head not in ("Option", "Result") or not variant.fields:
        return
    wanted = output.first.arguments if len(variant.fields) > 1 and output.first.head == "()" else (output.first,)
    if len(wanted) != len(variant.fields):
        return
    names = ["value"] if variant.form == "tuple" and len(wanted) == 1 else [_bound(one.name) for one in variant.fields]
    values = [_value(case, name, one.type, term) for name, one, term in zip(names, variant.fields, wanted, strict=True)]
    given = [value for value in values if value is not None]
    if len(given) != len(values):
        return
    pattern = f"Self::{variant.name}({', '.join(names)})"
    if variant.form == "named":
        pattern = f"Self::{variant.name} {{ {', '.join(names)} }}"
    result = given[0] if len(given) == 1 else f"({', '.join(given)})"
    if output.head == "Result":
        if len(output.arguments) != 2 or not _gives_back(case, output.arguments[1]):
            return
        arms = [f"{pattern} => Ok({result}),", "other => Err(other),"]
    else:
        arms = [f"{pattern} => Some({result}),", "_ => None,"]
    # With one variant there is no other.
    kept = arms if len(owner.variants) > 1 else arms[:1]
    yield "\n".join(["match self {", *(f"    {arm}" for arm in kept), "}"])


def _bound(name: str) -> str:
    return "abcdefgh"[int(name)] if name.isdigit() and int(name) < 8 else name


def _gives_back(case: Case, error: Type) -> bool:
    return case.gives_self(error) and case.function.receiver in ("self", "mut self")


def _value(case: Case, name: str, term: Type, wanted: Type) -> str | None:
    """What gives `wanted` of a field that the pattern binds."""
    receiver = case.function.receiver
    if receiver in ("self", "mut self"):
        return name if same(term, wanted) else None
    ways = ("&", "&mut") if receiver == "&mut self" else ("&",)
    if wanted.head in ways and borrows(term, wanted.first):
        return name
    if same(term, wanted):
        return f"*{name}" if is_copy(case, term) else f"{name}.clone()"
    return None


def listed(owner: Shape, term: Type) -> str | None:
    """The array of all variants, for a constant of that type; None where they hold something."""
    if owner.kind != "enum" or not owner.complete or any(one.form != "unit" for one in owner.variants):
        return None
    borrow = "&" if term.head == "&" else ""
    inner = term.first if borrow else term
    if inner.head == "[;]" and inner.rest.isdigit() and int(inner.rest) != len(owner.variants):
        return None
    if inner.head not in ("[;]", "[]") or inner.first.head not in ("Self", owner.name):
        return None
    name = inner.first.head
    return f"{borrow}[{', '.join(f'{name}::{one.name}' for one in owner.variants)}]"
