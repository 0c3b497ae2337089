"""The shapes of items: the fields of a struct, the variants of an enum, the parameters of a function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from opencrates_lsp.rust.syntax import Source, text_of
from opencrates_lsp.rust.type_terms import UNIT, UNKNOWN, Type, read_bounds, read_type, substituted

if TYPE_CHECKING:
    from tree_sitter import Node

Form = Literal["unit", "tuple", "named"]
Bounds = Mapping[str, tuple[Type, ...]]
_DERIVES = re.compile(r"#\s*\[\s*derive\s*\(([^)]*)\)")
_RECEIVERS = {
    "self:Self": "self",
    "self:&Self": "&self",
    "self:&mutSelf": "&mut self",
    "self:Box<Self>": "box self",
}
_MOST_FIELDS = 64


@dataclass(frozen=True, slots=True)
class Field:
    """A field; those of tuples are called "0", "1"."""

    name: str
    type: Type

    @property
    def is_marker(self) -> bool:
        """Whether it holds nothing, as `PhantomData` does."""
        return self.type.head == "PhantomData" or self.type == UNIT


@dataclass(frozen=True, slots=True)
class Variant:
    name: str
    form: Form
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A struct or an enum.

    `parameters` are the names of its type and const parameters.
    `complete` is False where a field or variant depends on a configuration, or could not be read.
    """

    name: str
    kind: Literal["struct", "enum"]
    form: Form
    fields: tuple[Field, ...]
    variants: tuple[Variant, ...]
    derives: frozenset[str]
    complete: bool
    parameters: tuple[str, ...] = ()

    def filled(self, arguments: tuple[Type, ...]) -> Shape:
        """The shape with these arguments in its parameters' places; unchanged where their numbers differ."""
        if not arguments or len(arguments) != len(self.parameters):
            return self
        meanings = dict(zip(self.parameters, arguments, strict=True))
        variants = tuple(replace(one, fields=_filled(one.fields, meanings)) for one in self.variants)
        return replace(self, fields=_filled(self.fields, meanings), variants=variants)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Function:
    """A function's signature.

    `receiver` is "", "self", "mut self", "&self", "&mut self" or "box self".
    `parameters` are those beside it; `bounds` are the traits that its type parameters have.
    """

    name: str
    receiver: str
    parameters: tuple[Parameter, ...]
    output: Type
    bounds: Bounds
    docs: str


@dataclass(frozen=True, slots=True)
class Block:
    """The impl or trait around a function.

    `trait` is None in an inherent impl, `self_type` `UNKNOWN` in a trait.
    `associated` are the types that it sets, as "Self::Target".
    """

    trait: Type | None
    self_type: Type
    bounds: Bounds
    associated: Mapping[str, Type]


def shape_of(source: Source, node: Node, attributes: str) -> Shape | None:
    """The shape of a struct_item or enum_item; None for anything else, or where it is broken.

    `attributes` is the text of what leads it.
    """
    name = node.child_by_field_name("name")
    if node.type not in ("struct_item", "enum_item") or name is None or node.has_error:
        return None
    derives = {path.rsplit(":", 1)[-1].strip() for listed in _DERIVES.findall(attributes) for path in listed.split(",")}
    body = node.child_by_field_name("body")
    if node.type == "struct_item":
        form, fields, complete = _fields(source, body)
        return Shape(
            text_of(source, name), "struct", form, fields, (), frozenset(derives), complete, _parameters(source, node)
        )
    variants, complete = _variants(source, body)
    return Shape(
        text_of(source, name), "enum", "unit", (), variants, frozenset(derives), complete, _parameters(source, node)
    )


def _filled(fields: tuple[Field, ...], meanings: Mapping[str, Type]) -> tuple[Field, ...]:
    return tuple(replace(one, type=substituted(one.type, meanings)) for one in fields)


def _parameters(source: Source, node: Node) -> tuple[str, ...]:
    listed = node.child_by_field_name("type_parameters")
    found = [
        child.child_by_field_name("name")
        for child in (listed.named_children if listed is not None else ())
        if child.type in ("type_parameter", "const_parameter")
    ]
    return tuple(text_of(source, name) for name in found if name is not None)


def _fields(source: Source, body: Node | None) -> tuple[Form, tuple[Field, ...], bool]:
    if body is None:
        return "unit", (), True
    complete = body.named_child_count <= 4 * _MOST_FIELDS and b"cfg" not in source.text[body.start_byte : body.end_byte]
    if body.type == "field_declaration_list":
        found = []
        for child in body.named_children if complete else ():
            if child.type == "field_declaration":
                name, term = child.child_by_field_name("name"), child.child_by_field_name("type")
                if name is not None and term is not None:
                    found.append(Field(text_of(source, name), read_type(text_of(source, term))))
        return "named", tuple(found), complete
    terms = body.children_by_field_name("type") if complete else []
    fields = tuple(Field(str(at), read_type(text_of(source, term))) for at, term in enumerate(terms))
    return "tuple", fields, complete


def _variants(source: Source, body: Node | None) -> tuple[tuple[Variant, ...], bool]:
    if body is None or body.named_child_count > 4 * _MOST_FIELDS:
        return (), body is None
    complete = True
    found = []
    for child in body.named_children:
        if child.type != "enum_variant":
            complete = complete and not (child.type == "attribute_item" and "cfg" in text_of(source, child))
            continue
        name = child.child_by_field_name("name")
        form, fields, whole = _fields(source, child.child_by_field_name("body"))
        complete = complete and whole
        if name is not None:
            found.append(Variant(text_of(source, name), form, fields))
    return tuple(found), complete


def function_of(source: Source, node: Node, docs: str) -> Function | None:
    """The signature of a function_item; None where a parameter is a pattern or the signature is broken."""
    name, listed = node.child_by_field_name("name"), node.child_by_field_name("parameters")
    if name is None or listed is None or listed.has_error:
        return None
    receiver = ""
    parameters: list[Parameter] = []
    for child in listed.named_children:
        pattern = child.child_by_field_name("pattern")
        if child.type == "self_parameter":
            receiver = _receiver(text_of(source, child))
        elif child.type == "parameter" and pattern is not None and pattern.type == "self":
            written = _RECEIVERS.get(re.sub(r"\s|'\w+", "", text_of(source, child)))
            if written is None:
                return None
            receiver = written
        elif child.type == "parameter" and pattern is not None and pattern.type == "identifier":
            term = child.child_by_field_name("type")
            parameters.append(
                Parameter(text_of(source, pattern), read_type(text_of(source, term)) if term is not None else UNKNOWN)
            )
        elif child.type not in ("line_comment", "block_comment", "attribute_item"):
            return None
    output = node.child_by_field_name("return_type")
    return Function(
        name=text_of(source, name),
        receiver=receiver,
        parameters=tuple(parameters),
        output=read_type(text_of(source, output)) if output is not None else UNIT,
        bounds=_bounds(source, node),
        docs=docs,
    )


def _receiver(text: str) -> str:
    words = re.sub(r"'\w+", "", text).replace("&", "& ").split()
    return " ".join(words).replace("& ", "&")


def block_of(source: Source, node: Node) -> Block:
    """What an impl_item or trait_item says of the functions in it."""
    trait = node.child_by_field_name("trait") if node.type == "impl_item" else None
    term = node.child_by_field_name("type") if node.type == "impl_item" else None
    associated: dict[str, Type] = {}
    body = node.child_by_field_name("body")
    # Only a trait's impl sets types, and those are short; a long inherent impl is not walked.
    for child in body.named_children if body is not None and trait is not None else ():
        if child.type == "type_item":
            name, value = child.child_by_field_name("name"), child.child_by_field_name("type")
            if name is not None and value is not None:
                associated[f"Self::{text_of(source, name)}"] = read_type(text_of(source, value))
    return Block(
        trait=read_type(text_of(source, trait)) if trait is not None else None,
        self_type=read_type(text_of(source, term)) if term is not None else UNKNOWN,
        bounds=_bounds(source, node),
        associated=associated,
    )


def _bounds(source: Source, node: Node) -> dict[str, tuple[Type, ...]]:
    """The bounds of the type parameters, where clauses included; a parameter without any has none."""
    found: dict[str, tuple[Type, ...]] = {}
    listed = node.child_by_field_name("type_parameters")
    for child in listed.named_children if listed is not None else ():
        if child.type == "type_parameter":
            _add(source, found, child.child_by_field_name("name"), child.child_by_field_name("bounds"))
    clause = next((child for child in node.named_children if child.type == "where_clause"), None)
    for child in clause.named_children if clause is not None else ():
        if child.type == "where_predicate":
            _add(source, found, child.child_by_field_name("left"), child.child_by_field_name("bounds"))
    return found


def _add(source: Source, found: dict[str, tuple[Type, ...]], name: Node | None, bounds: Node | None) -> None:
    if name is None:
        return
    more = read_bounds(text_of(source, bounds).removeprefix(":")) if bounds is not None else ()
    found[text_of(source, name)] = found.get(text_of(source, name), ()) + more
