"""Bodies known from the trait that is implemented: newtypes and wrappers hand on to what they hold.

before
    impl Deref for Names { type Target = [String]; fn deref(&self) -> &Self::Target { todo!() } }
after, where it is `struct Names(Vec<String>);`
    impl Deref for Names { type Target = [String]; fn deref(&self) -> &Self::Target { &self.0 } }
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from opencrates_lsp.rust.known_case import Case, has_bound, implements, set_by, shape
from opencrates_lsp.rust.known_types import FLOATS, NUMBERS, borrowed, converted, is_copy, literal, mutable, only_field
from opencrates_lsp.rust.shapes import Field, Shape, Variant
from opencrates_lsp.rust.type_terms import Type, named, names, same, substituted

_FORMATS = names("Display LowerHex UpperHex Octal Binary LowerExp UpperExp Pointer")
_DISPLAYED = names("char String str IpAddr Ipv4Addr Ipv6Addr SocketAddr Cow")
_PARSED_ERRORS = {
    "bool": "ParseBoolError",
    "char": "ParseCharError",
    "IpAddr": "AddrParseError",
    "Ipv4Addr": "AddrParseError",
    "Ipv6Addr": "AddrParseError",
    "SocketAddr": "AddrParseError",
}
# What a plain wrapper of an iterator is called; another name tells of an adapter that does something.
_PLAIN_ITERATOR = re.compile(r"(?:Iter|IterMut|IntoIter|Iterator|Keys|Values|ValuesMut|Drain)$")
# What a number that is shown bare is called.
_BARE = re.compile(r"(?:I[dD]|Index|Port|Number|Count|Key|Handle|Year)$")
_OTHER_ORDER = re.compile(r"(?i)rev|desc|min|insens|approx|fuzz|fold|loose")
_ITERATES = names("Iterator DoubleEndedIterator ExactSizeIterator")


def wrappers(case: Case) -> Iterator[str]:
    """What a trait's method must be for a type around another one."""
    rule = _RULES.get(case.trait)
    if rule is not None and case.block is not None:
        yield from rule(case)
    if case.block is not None and case.block.trait is not None:
        yield from _forwarded(case)


def _places(case: Case, read: Callable[[Field], list[str]]) -> Iterator[str]:
    """The expression of the only field that can give it."""
    if case.owner is None or case.owner.kind != "struct" or case.function.parameters:
        return
    found = [expressions for one in case.owner.fields if (expressions := read(one))]
    if len(found) == 1:
        yield from found[0]


def _borrowing(case: Case) -> Iterator[str]:
    def read(one: Field) -> list[str]:
        return list(borrowed(case, f"self.{one.name}", one.type, case.output))

    if case.output.head == "&" and case.gives_self(case.function.output.first):
        yield "self"
    else:
        yield from _places(case, read)


def _borrowing_mutably(case: Case) -> Iterator[str]:
    # `DerefMut` takes its target from the impl of `Deref`.
    output = substituted(case.output, set_by(case, case.trait.removesuffix("Mut")))

    def read(one: Field) -> list[str]:
        found = mutable(f"self.{one.name}", one.type, output)
        return [found] if found is not None else []

    if case.output.head == "&mut" and case.gives_self(case.function.output.first):
        yield "self"
    else:
        yield from _places(case, read)


def _from(case: Case) -> Iterator[str]:
    """`From<X>`: into the newtype, out of the newtype, into the one variant that holds an X."""
    if len(case.function.parameters) != 1 or case.function.receiver or case.function.name != "from":
        return
    given = case.function.parameters[0]
    term = case.meant(given.type)
    if case.owner is not None and case.owner.kind == "enum":
        yield from _variant_from(case, case.owner, given.name, term)
    elif case.owner is not None:
        yield from _struct_from(case, case.owner, given.name, term)
    held = only_field(shape(case, term.head))
    if held is not None and case.gives_self(held.type):
        yield f"{given.name}.{held.name}"


def _variant_from(case: Case, owner: Shape, value: str, term: Type) -> Iterator[str]:
    found: list[tuple[Variant, str]] = []
    for variant in owner.variants:
        made = converted(case, value, term, variant.fields[0].type) if len(variant.fields) == 1 else None
        if made is not None:
            found.append((variant, made))
    # A variant that holds the very type is meant before one that boxes it.
    exact = [(variant, made) for variant, made in found if variant.fields[0].type.path == term.path] or found
    if len(exact) == 1:
        variant, made = exact[0]
        yield literal(f"Self::{variant.name}", variant.form, {variant.fields[0].name: made})


def _struct_from(case: Case, owner: Shape, value: str, term: Type) -> Iterator[str]:
    held = only_field(owner)
    if held is not None:
        made = converted(case, value, term, held.type)
        values = {held.name: made} if made is not None else {}
        values |= {one.name: one.type.path for one in owner.fields if one.type.head == "PhantomData"}
        if made is not None and len(values) == len(owner.fields):
            yield literal("Self", owner.form, {one.name: values[one.name] for one in owner.fields})
        return
    if term.head != "()" or not owner.complete or not len(term.arguments) == len(owner.fields) > 1:
        return
    if all(same(one.type, part) for one, part in zip(owner.fields, term.arguments, strict=True)):
        yield literal("Self", owner.form, {one.name: f"{value}.{at}" for at, one in enumerate(owner.fields)})


def _into(case: Case) -> Iterator[str]:
    held = only_field(case.owner)
    if held is not None and case.function.name == "into" and same(held.type, case.output):
        yield f"self.{held.name}"


def _formatting(case: Case) -> Iterator[str]:
    held = only_field(case.owner)
    if held is None or len(case.function.parameters) != 1 or case.block is None or case.block.trait is None:
        return
    term = held.type
    while term.head in ("&", "Box", "Rc", "Arc"):
        term = term.first
    shown = term.head in _DISPLAYED or has_bound(case, term.head, case.trait)
    if term.head in NUMBERS and case.owner is not None:
        # A number may be meant to be shown with its unit.
        shown = case.trait not in ("Display", "Debug") or _BARE.search(case.owner.name) is not None
    # Docs may tell another form than the bare value's.
    if not case.function.docs and (shown or implements(case, term.head, case.trait)):
        yield f"{case.block.trait.path}::fmt(&self.{held.name}, {case.function.parameters[0].name})"


def _parsing(case: Case) -> Iterator[str]:
    held = only_field(case.owner)
    if held is None or case.owner is None or len(case.function.parameters) != 1 or len(case.owner.fields) != 1:
        return
    text, error = case.function.parameters[0].name, case.output.arguments[-1:] or (Type("?"),)
    made = literal("Self", case.owner.form, {held.name: "value"})
    if held.type.head == "String":
        # With another error something is checked.
        if error[0].head != "Infallible":
            return
        yield f"Ok({literal('Self', case.owner.form, {held.name: f'{text}.to_string()'})})"
        return
    wanted = _PARSED_ERRORS.get(held.type.head)
    if held.type.head in NUMBERS:
        wanted = "ParseIntError" if held.type.head[0] in "ui" else "ParseFloatError"
    if error[0].head in (wanted, f"{held.type.head}::Err"):
        mapped = "Self" if case.owner.form == "tuple" else f"|value| {made}"
        yield f"{text}.parse().map({mapped})"
    elif wanted is not None and f"From<{wanted}> for {error[0].head}" in case.source.text.decode("utf-8", "replace"):
        yield f"Ok({literal('Self', case.owner.form, {held.name: f'{text}.parse()?'})})"


def _equality(case: Case) -> Iterator[str]:
    held = only_field(case.owner)
    if held is None or len(case.function.parameters) != 1 or case.function.name not in ("eq", "ne"):
        return
    other = case.function.parameters[0]
    if case.owner is None or _OTHER_ORDER.search(case.owner.name):
        return
    sign = "==" if case.function.name == "eq" else "!="
    term = case.meant(other.type)
    if term.head == "&" and case.gives_self(term.first):
        yield f"self.{held.name} {sign} {other.name}.{held.name}"
        return
    textual = held.type.head == "String" and term.first.head in ("str", "&")
    if term.head == "&" and (textual or same(held.type, term.first)):
        yield f"self.{held.name} {sign} *{other.name}"


def _order(case: Case) -> Iterator[str]:
    held = only_field(case.owner)
    if held is None or case.owner is None or len(case.function.parameters) != 1:
        return
    other = case.function.parameters[0].name
    if case.function.name == "partial_cmp" and implements(case, case.owner.name, "Ord"):
        yield f"Some(self.cmp({other}))"
    elif _OTHER_ORDER.search(case.owner.name):
        return
    elif case.function.name == "cmp" and held.type.head in FLOATS:
        yield f"self.{held.name}.total_cmp(&{other}.{held.name})"
    elif case.function.name in ("cmp", "partial_cmp"):
        yield f"self.{held.name}.{case.function.name}(&{other}.{held.name})"


def _collecting(case: Case) -> Iterator[str]:
    """`FromIterator` and `Extend` of a struct around one collection."""
    held = only_field(case.owner)
    if held is None or case.owner is None or len(case.owner.fields) != 1 or len(case.function.parameters) != 1:
        return
    given = case.function.parameters[0]
    made = converted(case, given.name, case.meant(given.type), held.type)
    if made is None or not made.endswith(".collect()"):
        return
    if case.function.name == "from_iter":
        yield literal("Self", case.owner.form, {held.name: made})
    elif case.function.name == "extend":
        yield f"self.{held.name}.extend({given.name});"


def _hash(case: Case) -> Iterator[str]:
    held = only_field(case.owner)
    if held is not None and case.function.name == "hash" and len(case.function.parameters) == 1:
        yield f"self.{held.name}.hash({case.function.parameters[0].name});"


def _clone(case: Case) -> Iterator[str]:
    owner = case.owner
    if owner is None or case.function.name != "clone":
        return
    if implements(case, owner.name, "Copy"):
        yield "*self"
    elif owner.kind == "struct" and owner.complete:
        values = {
            one.name: f"self.{one.name}" if is_copy(case, one.type) else f"self.{one.name}.clone()"
            for one in owner.fields
        }
        yield literal("Self", owner.form, values)


def _forwarded(case: Case) -> Iterator[str]:
    """Hand the call on: a plain iterator around another, or the impl of a trait for `&T`, `Box<T>` where T has it."""
    function, block = case.function, case.block
    if block is None or block.trait is None or not function.receiver:
        return
    arguments = ", ".join(parameter.name for parameter in function.parameters)
    pointed = block.self_type
    if pointed.head in ("&", "&mut", "Box", "Rc", "Arc") and has_bound(case, pointed.first.head, case.trait):
        if function.receiver in ("&self", "&mut self"):
            yield f"(**self).{function.name}({arguments})"
        return
    held = only_field(case.owner)
    if held is None or case.owner is None or case.trait not in _ITERATES or not _PLAIN_ITERATOR.search(case.owner.name):
        return
    if has_bound(case, held.type.head, case.trait) or _is_iterator(case, held.type):
        yield f"self.{held.name}.{function.name}({arguments})"


def _is_iterator(case: Case, term: Type) -> bool:
    """Whether a field's type is an iterator of the very items that the impl gives."""
    item = case.block.associated.get("Self::Item") if case.block is not None else None
    if term.head == "Box" and term.first.head == "dyn":
        return any(bound.head == case.trait for bound in term.first.arguments)
    gives = {
        "Chars": named("char"),
        "Bytes": named("u8"),
        "Lines": Type("&", (named("str"),)),
        "IntoIter": term.first,
        "Iter": Type("&", (term.first,)),
        "IterMut": Type("&mut", (term.first,)),
        "Drain": term.first,
        "Range": term.first,
    }
    return item is None or (term.head in gives and same(gives[term.head], item))


_RULES: Mapping[str, Callable[[Case], Iterator[str]]] = MappingProxyType(
    {
        "Deref": _borrowing,
        "AsRef": _borrowing,
        "Borrow": _borrowing,
        "DerefMut": _borrowing_mutably,
        "AsMut": _borrowing_mutably,
        "BorrowMut": _borrowing_mutably,
        "From": _from,
        "Into": _into,
        "FromStr": _parsing,
        "PartialEq": _equality,
        "PartialOrd": _order,
        "Ord": _order,
        "Hash": _hash,
        "FromIterator": _collecting,
        "Extend": _collecting,
        "Clone": _clone,
        "Debug": _formatting,
        **dict.fromkeys(_FORMATS, _formatting),
    }
)
