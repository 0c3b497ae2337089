"""Bodies of operators on newtypes of numbers, and on vectors of them component by component.

before
    impl Add for Metres { type Output = Self; fn add(self, other: Self) -> Self { todo!() } }
after, where it is `struct Metres(f64);`
    impl Add for Metres { type Output = Self; fn add(self, other: Self) -> Self { Self(self.0 + other.0) } }
"""

from __future__ import annotations

from collections.abc import Iterator

from opencrates_lsp.rust.known_case import Case
from opencrates_lsp.rust.known_types import FLOATS, INTEGERS, NUMBERS, literal, only_field
from opencrates_lsp.rust.shapes import Field, Parameter
from opencrates_lsp.rust.type_terms import Type, same

_BINARY = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "Rem": "%",
    "BitAnd": "&",
    "BitOr": "|",
    "BitXor": "^",
    "Shl": "<<",
    "Shr": ">>",
}
_UNARY = {"Neg": "-", "Not": "!"}
# Where each component stands for itself; a fraction's parts do not.
_COMPONENTS = (
    frozenset({"x", "y", "z", "w"}),
    frozenset({"dx", "dy", "dz"}),
    frozenset({"re", "im"}),
    frozenset({"real", "imaginary"}),
)
_LINEAR = frozenset({"Add", "Sub", "Neg", "AddAssign", "SubAssign"})
_SCALING = frozenset({"Mul", "Div", "MulAssign", "DivAssign"})


def operators(case: Case) -> Iterator[str]:
    """`Add`, `AddAssign`, `Neg`, `Sum` and their like."""
    fields = _fields(case)
    if not fields or case.owner is None:
        return
    parameters = case.function.parameters
    if case.trait in _UNARY and not parameters and case.gives_self(case.output):
        sign = _UNARY[case.trait]
        yield literal("Self", case.owner.form, {one.name: f"{sign}self.{one.name}" for one in fields})
    elif case.trait in ("Sum", "Product") and len(parameters) == 1 and len(fields) == 1:
        yield from _folded(case, fields[0], parameters[0])
    elif case.trait in _BINARY and len(parameters) == 1:
        yield from _binary(case, fields, parameters[0])
    elif case.trait.removesuffix("Assign") in _BINARY and len(parameters) == 1:
        sides = _sides(case, fields, parameters[0])
        sign = _BINARY[case.trait.removesuffix("Assign")]
        if sides is not None:
            yield "\n".join(f"self.{one.name} {sign}= {side};" for one, side in zip(fields, sides, strict=True))


def _fields(case: Case) -> tuple[Field, ...]:
    """The numbers that the operator works on, () where the meaning is not plain."""
    owner = case.owner
    if owner is None or owner.kind != "struct" or not owner.complete or not case.trait:
        return ()
    if any(not _is_number(case, one.type) for one in owner.fields):
        return ()
    names = {one.name for one in owner.fields}
    if len(owner.fields) == 1 or any(names <= known for known in _COMPONENTS):
        return owner.fields if only_field(owner) or case.trait in _LINEAR | _SCALING else ()
    return ()


def _is_number(case: Case, term: Type) -> bool:
    if term.head in NUMBERS:
        return term.head in INTEGERS or (term.head in FLOATS and not case.trait.startswith(("Bit", "Sh", "Not")))
    needed = case.trait.removesuffix("Assign")
    return any(bound.head in (needed, case.trait, "Num", "Float") for bound in case.bounds().get(term.head, ()))


def _sides(case: Case, fields: tuple[Field, ...], given: Parameter) -> list[str] | None:
    """The right side for each field: the other's field, or the one number for all of them."""
    term = case.meant(given.type)
    inner = term.first if term.head == "&" else term
    if case.gives_self(inner):
        if len(fields) > 1 and case.trait not in _LINEAR:
            return None
        return [f"{given.name}.{one.name}" for one in fields]
    if all(same(one.type, term) for one in fields) and (len(fields) == 1 or case.trait in _SCALING):
        return [given.name] * len(fields)
    return None


def _binary(case: Case, fields: tuple[Field, ...], given: Parameter) -> Iterator[str]:
    sides = _sides(case, fields, given)
    if sides is None or case.owner is None:
        return
    sign = _BINARY[case.trait]
    values = {one.name: f"self.{one.name} {sign} {side}" for one, side in zip(fields, sides, strict=True)}
    if case.gives_self(case.output) or case.output.head == case.owner.name:
        made = "Self" if case.gives_self(case.output) and case.block is not None else case.owner.name
        reference = case.block is not None and case.block.self_type.head == "&"
        yield literal(case.owner.name if reference else made, case.owner.form, values)
    elif len(fields) == 1 and same(case.output, fields[0].type):
        yield values[fields[0].name]


def _folded(case: Case, one: Field, given: Parameter) -> Iterator[str]:
    bounds = case.bounds().get(given.type.head, ())
    item = next((part.first for bound in bounds for part in bound.arguments if part.head == "Item="), None)
    if item is None or case.owner is None:
        return
    if not case.gives_self(item.first if item.head == "&" else item):
        return
    total = f"{given.name}.map(|one| one.{one.name}).{case.trait.lower()}()"
    yield literal("Self", case.owner.form, {one.name: total})
