"""A function with a hole, and what the texts at hand say of the types around it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opencrates_lsp.rust.items import Item, defined, impls
from opencrates_lsp.rust.shapes import Block, Bounds, Function, Shape, block_of, shape_of
from opencrates_lsp.rust.syntax import Source, parse, path_at
from opencrates_lsp.rust.type_terms import Type, same, substituted
from opencrates_lsp.values import Span

_FOR = re.compile(r"\sfor\s")


@dataclass(frozen=True, slots=True)
class Case:
    """A function with a hole, and what stands around it.

    `owner` is the shape of the self type where its definition is at hand; `around` spans the impl or trait.
    """

    source: Source
    related: Mapping[str, tuple[str, ...]]
    function: Function
    block: Block | None
    owner: Shape | None
    item: Span
    around: Span
    shapes: dict[str, Shape | None] = field(default_factory=dict)

    @property
    def trait(self) -> str:
        """The name of the trait that is implemented; "" in an inherent impl."""
        return self.block.trait.head if self.block is not None and self.block.trait is not None else ""

    def meant(self, term: Type) -> Type:
        """The type with `Self` and the types that the impl sets spelled out."""
        if self.block is None:
            return term
        meanings = {"Self": self.block.self_type, **self.block.associated}
        return substituted(substituted(term, meanings), meanings)

    @property
    def output(self) -> Type:
        return self.meant(self.function.output)

    def bounds(self) -> Bounds:
        around = self.block.bounds if self.block is not None else {}
        return {**around, **{name: (*around.get(name, ()), *more) for name, more in self.function.bounds.items()}}

    def gives_self(self, term: Type) -> bool:
        """Whether the type is the one that the impl is for."""
        return term.head == "Self" or (self.block is not None and same(term, self.block.self_type))


def shape(case: Case, name: str) -> Shape | None:
    """The struct or enum of this name, of this file or of the related ones; None where there is not exactly one."""
    if name not in case.shapes:
        found = list(_shapes(case, name))
        case.shapes[name] = found[0] if len(found) == 1 else None
    return case.shapes[name]


def _shapes(case: Case, name: str) -> Iterator[Shape]:
    if not name.isidentifier():
        return
    here = list(_shapes_in(case.source, name))
    yield from here
    for text in () if here else case.related.get(name, ()):
        if not text.startswith("impl"):
            yield from _shapes_in(parse(text.encode()), name)


def _shapes_in(source: Source, name: str) -> Iterator[Shape]:
    for item in defined(source, name, ("struct", "enum")):
        node = path_at(source, item.name_span.start)[-2]
        leading = source.text[item.span.start : item.node_span.start].decode("utf-8", "replace")
        found = shape_of(source, node, leading)
        if found is not None:
            yield found


def implements(case: Case, name: str, trait: str) -> bool:
    """Whether the type of this name is seen to have the trait: derived, or by an impl in the texts at hand."""
    known = shape(case, name)
    if known is not None and trait in known.derives:
        return True
    header = f"{trait} for {name}"
    return header.encode() in case.source.text or any(header in text for text in case.related.get(name, ()))


def inherent_impls(case: Case) -> tuple[Item, ...]:
    """The impl blocks of the owner's own, in this file."""
    found = impls(case.source, case.owner.name) if case.owner is not None else ()
    return tuple(impl for impl in found if not _FOR.search(impl.identity.header))


def set_by(case: Case, trait: str) -> Mapping[str, Type]:
    """The types that the owner's impl of another trait sets, as "Self::Target"; none where it is not in the file."""
    words = f" for {case.owner.name}".encode() if case.owner is not None else b""
    at = case.source.text.find(words) if words else -1
    while at >= 0:
        if re.search(rf"\b{trait}\s*(?:<.*>)?$".encode(), case.source.text[max(0, at - 200) : at]):
            impl = next((node for node in path_at(case.source, at) if node.type == "impl_item"), None)
            return block_of(case.source, impl).associated if impl is not None else {}
        at = case.source.text.find(words, at + len(words))
    return {}


def has_bound(case: Case, name: str, *traits: str) -> bool:
    """Whether a type parameter has one of the traits."""
    return any(bound.head in traits for bound in case.bounds().get(name, ()))


def has_function(case: Case, name: str) -> bool:
    """Whether the impl or trait around the hole has another function of this name."""
    at = case.source.text.find(f"fn {name}(".encode(), *case.around)
    return at >= 0 and not case.item.start <= at < case.item.end
