"""Bodies known from the fields of a struct: constructors, getters, setters, builders.

before
    pub fn new(name: String) -> Self { todo!() }
after, where the struct has `name: String, tags: Vec<String>`
    pub fn new(name: String) -> Self { Self { name, tags: Vec::new() } }
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from opencrates_lsp.rust.items import Item, item_at
from opencrates_lsp.rust.known_case import Case, implements, inherent_impls
from opencrates_lsp.rust.known_types import (
    NUMBERS,
    POINTERS,
    borrowed,
    converted,
    default,
    literal,
    mutable,
    only_field,
)
from opencrates_lsp.rust.shapes import Field, Parameter, Shape
from opencrates_lsp.rust.type_terms import UNIT, names, same

_CONSTRUCTORS = re.compile(
    r"new(?:_(?:with_\w+|shared|arc|rc|boxed|empty))?|from_(?:raw_)?parts|with_\w+|empty|default"
)
_CHECKED = re.compile(r"# (?:Panics|Errors)|\bpanics?\b|\bmust\b", re.IGNORECASE)
_WITH_CAPACITY = names("Vec VecDeque String HashMap HashSet BinaryHeap")
# What the one field of a wrapper is asked for by.
_INNER = frozenset({"get", "inner", "value", "get_ref", "as_inner", "inner_ref", "as_ref", "to_inner"})
_INNER_MUT = frozenset({"get_mut", "inner_mut", "value_mut", "as_inner_mut", "as_mut"})
_INTO_INNER = frozenset({"into_inner", "into_value", "into_string", "into_vec", "into_boxed", "into_bytes"})


def constructors(case: Case) -> Iterator[str]:
    """`new`, `from_parts`, `with_FIELD`, `default`: every parameter goes to a field, the other fields to a default."""
    function, owner = case.function, case.owner
    if owner is None or owner.kind != "struct" or not owner.complete or function.receiver:
        return
    in_default = case.trait == "Default" and function.name == "default"
    if not in_default and (case.trait or not _CONSTRUCTORS.fullmatch(function.name)):
        return
    wrapper = function.output if function.output.head in POINTERS else None
    made = wrapper.first if wrapper is not None else function.output
    if _CHECKED.search(function.docs):
        return
    if not case.gives_self(made) and made.head != owner.name:
        return
    for body in _made(case, owner, in_default):
        yield body if wrapper is None else f"{wrapper.path}::new({body})"


def _made(case: Case, owner: Shape, in_default: bool) -> Iterator[str]:
    parameters = case.function.parameters
    if not parameters and not in_default and _defaults(case, owner):
        yield "Self::default()"
    if in_default and _calls_new(case):
        yield "Self::new()"
    given = _assigned(case, owner, parameters)
    if given is None:
        return
    values: dict[str, str] = {}
    for one in owner.fields:
        value = given.get(one.name) or default(case, one.type, trusting=in_default)
        if value is None or (one.name not in given and _is_told(case, one)):
            return
        values[one.name] = value
    yield literal("Self", owner.form, values)


def _defaults(case: Case, owner: Shape) -> bool:
    """Whether `Self::default()` is there and does not itself lead to this function."""
    if "Default" in owner.derives:
        return True
    at = case.source.text.find(f"Default for {owner.name}".encode())
    impl = item_at(case.source, at) if at >= 0 else None
    return impl is not None and _is_written(case, impl, f"{case.function.name}(")


def _calls_new(case: Case) -> bool:
    """Whether the type has a `new` without parameters that does not lead back here."""
    for impl in inherent_impls(case):
        at = case.source.text.find(b"fn new()", *impl.node_span)
        new = item_at(case.source, at) if at >= 0 else None
        if new is not None:
            return _is_written(case, new, "default()")
    return False


def _is_written(case: Case, item: Item, without: str) -> bool:
    body = case.source.text[slice(*item.body)] if item.body is not None else b""
    return bool(body) and not any(word in body for word in (without.encode(), b"todo!", b"unimplemented!"))


def _is_told(case: Case, one: Field) -> bool:
    """Whether the docs may tell another value than the default for a plain field."""
    return one.type.head in NUMBERS | {"bool"} and re.search(r"[0-9`]", case.function.docs) is not None


def _assigned(case: Case, owner: Shape, parameters: tuple[Parameter, ...]) -> dict[str, str] | None:
    """The parameters by the field that each goes to; None where one has no certain place."""
    if owner.form == "tuple":
        return _assigned_in_order(case, owner, parameters)
    given: dict[str, str] = {}
    left: list[Parameter] = []
    for parameter in parameters:
        one = next((one for one in owner.fields if one.name == parameter.name.lstrip("_")), None)
        value = converted(case, parameter.name, case.meant(parameter.type), one.type) if one is not None else None
        if one is None or value is None:
            left.append(parameter)
        else:
            given[one.name] = value
    for parameter in left:
        found = _place_by_type(case, owner, given, parameter)
        if found is None:
            return None
        given[found[0]] = found[1]
    return given


def _assigned_in_order(case: Case, owner: Shape, parameters: tuple[Parameter, ...]) -> dict[str, str] | None:
    held = [one for one in owner.fields if not one.is_marker]
    if not parameters:
        return {}
    if len(held) != len(parameters):
        return None
    given: dict[str, str] = {}
    for one, parameter in zip(held, parameters, strict=True):
        value = converted(case, parameter.name, case.meant(parameter.type), one.type)
        if value is None:
            return None
        given[one.name] = value
    return given


def _place_by_type(case: Case, owner: Shape, given: dict[str, str], parameter: Parameter) -> tuple[str, str] | None:
    """The only field that a parameter of another name can be for; a plain number could be for anything."""
    held = [one for one in owner.fields if not one.is_marker]
    if parameter.name.lstrip("_") == "capacity":
        rooms = [one for one in held if one.type.head in _WITH_CAPACITY and one.name not in given]
        if len(rooms) == 1 and parameter.type.head == "usize":
            return rooms[0].name, f"{rooms[0].type.path}::with_capacity({parameter.name})"
        return None
    if parameter.type.head in NUMBERS | {"bool"} and len(held) > 1:
        return None
    free = [one for one in held if one.name not in given]
    found = [
        (one.name, value)
        for one in free
        if (value := converted(case, parameter.name, case.meant(parameter.type), one.type)) is not None
    ]
    return found[0] if len(found) == 1 else None


def getters(case: Case) -> Iterator[str]:
    """`name`, `get_name`, `name_mut`, `into_name`, `is_name`, `has_name`, and `get`, `into_inner` of wrappers."""
    function, owner = case.function, case.owner
    if owner is None or owner.kind != "struct" or function.parameters or not function.receiver:
        return
    for one in owner.fields:
        yield from _read(case, one, case.function.name in (one.name, f"get_{one.name}", f"{one.name}_ref"))
    wrapped = only_field(owner)
    if wrapped is not None and (not wrapped.name.isdigit() or owner.form == "tuple"):
        yield from _read_inner(case, wrapped)


def _read(case: Case, one: Field, named: bool) -> Iterator[str]:
    name, receiver, output = case.function.name, case.function.receiver, case.output
    place = f"self.{one.name}"
    if receiver == "&mut self" and (named or name in (f"{one.name}_mut", f"get_{one.name}_mut", f"mut_{one.name}")):
        found = mutable(place, one.type, output)
        yield from () if found is None else (found,)
    if receiver in ("self", "mut self") and (named or name in (f"into_{one.name}", f"take_{one.name}")):
        if same(one.type, output):
            yield place
        elif one.type.head == "Box" and same(one.type.first, output):
            yield f"*{place}"
    if receiver in ("&self", "self") and named and not (receiver == "self" and same(one.type, output)):
        yield from borrowed(case, place, one.type, output)
    if receiver in ("&self", "self") and output.head == "bool" and name in (f"is_{one.name}", f"has_{one.name}"):
        if one.type.head == "bool":
            yield place
        elif one.type.head == "Option" and name.startswith("has_"):
            yield f"{place}.is_some()"


def _read_inner(case: Case, one: Field) -> Iterator[str]:
    name, receiver, output = case.function.name, case.function.receiver, case.output
    place = f"self.{one.name}"
    if case.trait or name == one.name:
        return
    telling = output.head in ("&", "Option") and name.startswith("as_")
    if receiver in ("&self", "self") and (name in _INNER or telling):
        yield from borrowed(case, place, one.type, output)
    elif receiver == "&mut self" and name in _INNER_MUT:
        found = mutable(place, one.type, output)
        yield from () if found is None else (found,)
    elif receiver in ("self", "mut self") and name in _INTO_INNER and same(one.type, output):
        yield place


def setters(case: Case) -> Iterator[str]:
    """`set_x`, `replace_x`, `take_x`, `clear_x` by `&mut self`."""
    function, owner = case.function, case.owner
    if owner is None or owner.kind != "struct" or function.receiver != "&mut self" or _CHECKED.search(function.docs):
        return
    for one in owner.fields:
        place = f"self.{one.name}"
        if len(function.parameters) == 1 and function.name in _setter_names(one):
            parameter = function.parameters[0]
            value = converted(case, parameter.name, case.meant(parameter.type), one.type)
            yield from () if value is None else _assignments(case, one, place, value)
        elif not function.parameters and function.name == f"take_{one.name}":
            yield from _taken(case, one, place)
        elif not function.parameters and function.name == f"clear_{one.name}" and one.type.head == "Option":
            yield from (f"{place} = None;",) if function.output == UNIT else ()


def _setter_names(one: Field) -> tuple[str, ...]:
    # A bool field is often called as it is asked for.
    bare = one.name.removeprefix("is_")
    return (f"set_{one.name}", f"set_{bare}", f"replace_{one.name}", f"with_{one.name}", one.name)


def _assignments(case: Case, one: Field, place: str, value: str) -> Iterator[str]:
    replaces = case.function.name.startswith(("set_", "replace_"))
    if case.function.output == UNIT and not case.function.name.startswith("with_"):
        yield f"{place} = {value};"
    elif case.function.output.head == "&mut" and case.gives_self(case.function.output.first):
        yield f"{place} = {value};\nself"
    elif replaces and same(case.output, one.type):
        yield f"std::mem::replace(&mut {place}, {value})"
        yield f"core::mem::replace(&mut {place}, {value})"


def _taken(case: Case, one: Field, place: str) -> Iterator[str]:
    if not same(case.output, one.type):
        return
    if one.type.head == "Option":
        yield f"{place}.take()"
    elif default(case, one.type) is not None and one.type.head not in NUMBERS:
        yield f"std::mem::take(&mut {place})"
        yield f"core::mem::take(&mut {place})"


def builders(case: Case) -> Iterator[str]:
    """`with_x(self, x) -> Self`, `x(mut self, x) -> Self`, and switches `x(mut self) -> Self` of bool fields."""
    function, owner = case.function, case.owner
    if owner is None or owner.kind != "struct" or case.trait or not case.gives_self(function.output):
        return
    if function.receiver not in ("self", "mut self") or _CHECKED.search(function.docs):
        return
    for one in owner.fields:
        if len(function.parameters) == 1 and function.name in _setter_names(one):
            parameter = function.parameters[0]
            value = converted(case, parameter.name, case.meant(parameter.type), one.type)
        elif not function.parameters and one.type.head == "bool":
            value = _switched(function.name, one.name)
        else:
            value = None
        if value is not None:
            yield from _with(case, owner, one, value)


def _switched(name: str, field: str) -> str | None:
    if name in (field, f"with_{field}"):
        return "true"
    return "false" if name in (f"no_{field}", f"without_{field}") else None


def _with(case: Case, owner: Shape, one: Field, value: str) -> Iterator[str]:
    if case.function.receiver == "mut self":
        yield f"self.{one.name} = {value};\nself"
    elif len(owner.fields) == 1:
        yield literal("Self", owner.form, {one.name: value})
    elif not implements(case, owner.name, "Drop"):
        part = value if value == one.name else f"{one.name}: {value}"
        yield f"Self {{ {part}, ..self }}"
