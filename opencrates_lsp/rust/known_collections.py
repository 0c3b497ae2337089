"""Bodies known from a collection in a field: `len`, `push`, `get`, `iter`, `insert` and the like, handed on.

before
    pub fn get(&self, index: usize) -> Option<&T> { todo!() }
after, where the struct has `items: Vec<T>`
    pub fn get(&self, index: usize) -> Option<&T> { self.items.get(index) }
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from opencrates_lsp.rust.known_case import Case, has_function, set_by
from opencrates_lsp.rust.known_types import NUMBERS, converted, is_copy, only_field
from opencrates_lsp.rust.shapes import Field, Parameter
from opencrates_lsp.rust.type_terms import UNIT, Type, named, names, read_type, same, shared, substituted

# One method a line: receiver, name, parameters, output. T, K and V are the collection's arguments; `iter T` is
# whatever gives that item; `_` takes any argument.
_SHARED = """
& len() -> usize
& size() -> usize = {place}.len()
& count() -> usize = {place}.len()
& is_empty() -> bool
&mut clear() -> ()
"""
_ROOMY = """
& capacity() -> usize
&mut reserve(usize) -> ()
&mut shrink_to_fit() -> ()
"""
_LISTED = """
& iter() -> iter &T
&mut iter_mut() -> iter &mut T
self into_iter() -> iter T
& contains(&T) -> bool
&mut append(Self) -> ()
&mut extend(_) -> ()
&mut retain(_) -> ()
"""
_INDEXED = """
& get(usize) -> Option<&T>
&mut get_mut(usize) -> Option<&mut T>
&mut swap(usize, usize) -> ()
&mut insert(usize, T) -> ()
&mut truncate(usize) -> ()
"""
_SLICE = """
& get(usize) -> Option<&T>
&mut get_mut(usize) -> Option<&mut T>
&mut swap(usize, usize) -> ()
& first() -> Option<&T>
&mut first_mut() -> Option<&mut T>
& last() -> Option<&T>
&mut last_mut() -> Option<&mut T>
& iter() -> iter &T
&mut iter_mut() -> iter &mut T
& contains(&T) -> bool
& len() -> usize
& is_empty() -> bool
&mut sort() -> ()
&mut reverse() -> ()
&mut fill(T) -> ()
& as_slice() -> &[T]
&mut as_mut_slice() -> &mut [T]
& to_vec() -> Vec<T>
"""
_VEC = """
&mut push(T) -> ()
&mut add(T) -> () = {place}.push({0});
&mut pop() -> Option<T>
&mut remove(usize) -> T
&mut swap_remove(usize) -> T
&mut dedup() -> ()
self into_vec() -> Vec<T> = {place}
"""
_DEQUE = """
& front() -> Option<&T>
& back() -> Option<&T>
&mut front_mut() -> Option<&mut T>
&mut back_mut() -> Option<&mut T>
&mut push_front(T) -> ()
&mut push_back(T) -> ()
&mut pop_front() -> Option<T>
&mut pop_back() -> Option<T>
"""
_QUEUE = """
&mut enqueue(T) -> () = {place}.push_back({0});
&mut push(T) -> () = {place}.push_back({0});
&mut dequeue() -> Option<T> = {place}.pop_front()
&mut pop() -> Option<T> = {place}.pop_front()
& peek() -> Option<&T> = {place}.front()
"""
_STACK = """
& peek() -> Option<&T> = {place}.last()
& top() -> Option<&T> = {place}.last()
&mut peek_mut() -> Option<&mut T> = {place}.last_mut()
"""
_HEAP = """
&mut push(T) -> ()
&mut pop() -> Option<T>
& peek() -> Option<&T>
& iter() -> iter &T
self into_sorted_vec() -> Vec<T>
&mut append(Self) -> ()
&mut extend(_) -> ()
"""
_MAP = """
& get(&K) -> Option<&V>
&mut get_mut(&K) -> Option<&mut V>
& contains_key(&K) -> bool
& has(&K) -> bool = {place}.contains_key({0})
& contains(&K) -> bool = {place}.contains_key({0})
&mut insert(K, V) -> Option<V>
&mut remove(&K) -> Option<V>
& keys() -> iter &K
& values() -> iter &V
&mut values_mut() -> iter &mut V
& iter() -> iter (&K, &V)
&mut iter_mut() -> iter (&K, &mut V)
self into_iter() -> iter (K, V)
&mut extend(_) -> ()
&mut retain(_) -> ()
"""
_SET = """
&mut insert(T) -> bool
&mut add(T) -> bool = {place}.insert({0})
& has(&T) -> bool = {place}.contains({0})
&mut remove(&T) -> bool
& contains(&T) -> bool
& get(&T) -> Option<&T>
&mut take(&T) -> Option<T>
& iter() -> iter &T
self into_iter() -> iter T
&mut extend(_) -> ()
&mut retain(_) -> ()
& is_subset(Self) -> bool
& is_superset(Self) -> bool
& is_disjoint(Self) -> bool
"""
_ORDERED = """
& first() -> Option<&T>
& last() -> Option<&T>
&mut pop_first() -> Option<T>
&mut pop_last() -> Option<T>
"""
_ORDERED_MAP = """
& first_key_value() -> Option<(&K, &V)>
& last_key_value() -> Option<(&K, &V)>
&mut pop_first() -> Option<(K, V)>
&mut pop_last() -> Option<(K, V)>
"""
_STRING = """
& as_str() -> &str
& as_bytes() -> &[u8]
self into_bytes() -> Vec<u8>
&mut push(char) -> ()
&mut push_str(&str) -> ()
&mut pop() -> Option<char>
& chars() -> iter char
& lines() -> iter &str
& bytes() -> iter u8
& contains(&str) -> bool
& starts_with(&str) -> bool
& ends_with(&str) -> bool
&mut truncate(usize) -> ()
"""
_TABLES = {
    "Vec": (_SHARED, _ROOMY, _LISTED, _INDEXED, _SLICE, _VEC),
    "VecDeque": (_SHARED, _ROOMY, _LISTED, _INDEXED, _DEQUE),
    "[;]": (_SLICE,),
    "[]": (_SLICE,),
    "BinaryHeap": (_SHARED, _ROOMY, _HEAP),
    "HashMap": (_SHARED, _ROOMY, _MAP),
    "BTreeMap": (_SHARED, _MAP, _ORDERED_MAP),
    "HashSet": (_SHARED, _ROOMY, _SET),
    "BTreeSet": (_SHARED, _SET, _ORDERED),
    "String": (_SHARED, _ROOMY, _STRING),
    "str": (_SHARED, _STRING),
}
_ITERATORS = names("Iter IterMut IntoIter Keys Values ValuesMut Chars Bytes Lines Drain")
_ANY = Type("_", path="_")
# Fields that say which part of a buffer counts.
_POSITION = re.compile(r"^(?:len|length|size|count|head|tail|start|end|front|back|read|write|cursor|offset|used|free)$")


@dataclass(frozen=True, slots=True)
class _Method:
    receiver: str
    name: str
    parameters: tuple[Type, ...]
    output: Type
    iterates: bool
    body: str


@cache
def _methods(tables: tuple[str, ...]) -> Mapping[str, _Method]:
    found: dict[str, _Method] = {}
    for table in tables:
        for line in table.strip().splitlines():
            signature, _, body = line.partition(" = ")
            before, output = signature.split(" -> ")
            receiver, called = before.split(" ", 1)
            name, listed = called.removesuffix(")").split("(")
            found[name] = _Method(
                receiver,
                name,
                tuple(_ANY if one == "_" else read_type(one) for one in listed.split(", ") if one),
                read_type(output.removeprefix("iter ")),
                output.startswith("iter "),
                body,
            )
    return found


def delegates(case: Case) -> Iterator[str]:
    """The method of the one collection field that has this function's name and fits its signature."""
    if case.owner is None or case.owner.kind != "struct" or case.trait or not case.function.receiver:
        return
    held = [one for one in case.owner.fields if _collection(one.type).head in _TABLES]
    for one in held:
        yield from _added(case, one)
    entries = [one for one in held if _collection(one.type).head not in ("String", "str")]
    entry = entries[0] if len(entries) == 1 else only_field(case.owner) if not entries else None
    if entry is not None and _collection(entry.type).head in _TABLES and _is_plain(case, entry):
        yield from _delegated(case, entry)


def _is_plain(case: Case, entry: Field) -> bool:
    """Whether the collection alone is what the struct holds, with nothing beside it that must be kept in step."""
    fields = case.owner.fields if case.owner is not None else ()
    beside = [one for one in fields if one != entry and not one.is_marker]
    if beside and (entry.type.head == "[;]" or any(_POSITION.search(one.name) for one in beside)):
        return False
    counted = any(one.type.head in NUMBERS or one.type.head == "Option" for one in beside)
    return not (counted and case.function.receiver in ("&mut self", "mut self"))


def emptiness(case: Case) -> Iterator[str]:
    """`is_empty` beside a `len`, in an impl or a trait."""
    function = case.function
    asked = function.name == "is_empty" and function.receiver == "&self" and not function.parameters
    if asked and function.output.head == "bool" and has_function(case, "len"):
        yield "self.len() == 0"


def into_iterators(case: Case) -> Iterator[str]:
    """`IntoIterator` for a struct around a collection, by value or by reference; `Index` into it."""
    if case.block is None or case.trait not in ("IntoIterator", "Index", "IndexMut") or case.owner is None:
        return
    held = [one for one in case.owner.fields if _collection(one.type).head in _TABLES]
    if len(held) != 1:
        return
    place = f"self.{held[0].name}"
    if case.function.name == "into_iter":
        way = {"&": "iter", "&mut": "iter_mut"}.get(case.block.self_type.head, "into_iter")
        yield f"{place}.{way}()"
    elif len(case.function.parameters) == 1 and _indexes(case, held[0]):
        borrow = "&mut " if case.function.name == "index_mut" else "&"
        yield f"{borrow}{place}[{case.function.parameters[0].name}]"


def _indexes(case: Case, one: Field) -> bool:
    index = case.meant(case.function.parameters[0].type)
    output = substituted(case.output, set_by(case, "Index")).first
    if one.type.head in ("Vec", "VecDeque", "[;]"):
        return index.head == "usize" and same(output, one.type.first)
    if one.type.head in ("HashMap", "BTreeMap") and len(one.type.arguments) > 1:
        return index.head == "&" and same(output, one.type.arguments[1])
    return False


def _collection(term: Type) -> Type:
    """The collection that a field holds, through a reference or a box."""
    return term.first if term.head in ("&", "&mut", "Box") else term


def _delegated(case: Case, one: Field) -> Iterator[str]:
    function, held = case.function, _collection(one.type)
    method = _method(case, held)
    if method is None or len(method.parameters) != len(function.parameters):
        return
    if not _can_call(function.receiver, method.receiver):
        return
    meanings = _meanings(held)
    arguments = [
        _argument(case, one, given, substituted(wanted, meanings))
        for given, wanted in zip(function.parameters, method.parameters, strict=True)
    ]
    passed = [argument for argument in arguments if argument is not None]
    if len(passed) != len(arguments):
        return
    place = f"self.{one.name}"
    written = method.body or f"{{place}}.{method.name}({', '.join(f'{{{at}}}' for at in range(len(passed)))})"
    call = written.format(*passed, place=place)
    yield from _given(case, call, method, substituted(method.output, meanings))


def _method(case: Case, held: Type) -> _Method | None:
    name = case.function.name
    found = _methods(_TABLES[held.head]).get(name)
    kind = case.owner.name.lower() if case.owner is not None else ""
    if held.head == "VecDeque" and "queue" in kind:
        return _methods((_QUEUE,)).get(name, found)
    if held.head == "Vec" and "stack" in kind:
        return _methods((_STACK,)).get(name, found)
    return found


def _can_call(has: str, needs: str) -> bool:
    if needs == "&":
        return has in ("&self", "&mut self", "self", "mut self")
    if needs == "&mut":
        return has in ("&mut self", "mut self")
    return has in ("self", "mut self")


def _meanings(held: Type) -> dict[str, Type]:
    arguments = held.arguments
    meanings = {"T": arguments[0]} if arguments else {}
    if held.head in ("HashMap", "BTreeMap") and len(arguments) > 1:
        meanings |= {"K": arguments[0], "V": arguments[1]}
    return meanings


def _argument(case: Case, one: Field, given: Parameter, wanted: Type) -> str | None:
    term = case.meant(given.type)
    if wanted == _ANY:
        return given.name
    if wanted.head == "Self":
        if term.head not in ("&", "&mut") or not case.gives_self(term.first):
            return None
        return f"&{'mut ' if term.head == '&mut' else ''}{given.name}.{one.name}"
    if wanted.head != "&":
        return converted(case, given.name, term, wanted)
    if same(term, wanted) or (term.head == "&" and wanted.first.head == "String" and term.first.head == "str"):
        # A list of owned strings is not asked for a borrowed one, a map or a set is.
        strict = wanted.first.head == "String" and term.first.head == "str" and one.type.head in ("Vec", "VecDeque")
        return None if strict else given.name
    return f"&{given.name}" if same(term, wanted.first) else None


def _given(case: Case, call: str, method: _Method, output: Type) -> Iterator[str]:
    wanted = case.output
    if method.iterates:
        if _iterates(wanted, output):
            yield call
    elif wanted == UNIT:
        yield call if call.endswith(";") else f"{call};"
    elif same(wanted, output):
        yield call
    elif wanted.head == "&mut" and case.gives_self(case.function.output.first):
        yield f"{call.removesuffix(';')};\nself"
    elif wanted.head == "Option" and output.head == "Option":
        if same(shared(wanted.first), output.first):
            yield f"{call}.{'copied' if is_copy(case, wanted.first) else 'cloned'}()"
        elif same(wanted.first, shared(named("str"))) and same(output.first, shared(named("String"))):
            yield f"{call}.map(String::as_str)"


def _iterates(wanted: Type, item: Type) -> bool:
    if wanted.head in ("impl", "dyn"):
        found = [one for bound in wanted.arguments for one in bound.arguments if one.head == "Item="]
        return len(found) == 1 and same(found[0].first, item)
    return wanted.head in _ITERATORS


def _added(case: Case, one: Field) -> Iterator[str]:
    """`add_tag(&mut self, tag)`, `tag(mut self, tag) -> Self` where the field is `tags`."""
    function = case.function
    by_value = function.receiver == "mut self" and case.gives_self(function.output)
    chained = function.output.head == "&mut" and case.gives_self(function.output.first)
    plain = function.output == UNIT
    if not by_value and not (function.receiver == "&mut self" and (chained or plain)):
        return
    single = function.name
    for verb in ("add_", "push_", "with_", "insert_", "append_"):
        single = single.removeprefix(verb)
    bare = single == function.name
    if one.name not in (f"{single}s", f"{single}es", f"{single.removesuffix('y')}ies") or (bare and plain):
        return
    ways = {"Vec": ("push", 1), "VecDeque": ("push_back", 1), "HashSet": ("insert", 1), "BTreeSet": ("insert", 1)}
    way, count = {**ways, "HashMap": ("insert", 2), "BTreeMap": ("insert", 2)}.get(one.type.head, ("", 0))
    if len(function.parameters) != count or len(one.type.arguments) < count or not count:
        return
    values = [
        converted(case, given.name, case.meant(given.type), wanted)
        for given, wanted in zip(function.parameters, one.type.arguments, strict=False)
    ]
    passed = [value for value in values if value is not None]
    if len(passed) == count:
        yield f"self.{one.name}.{way}({', '.join(passed)});" + ("" if plain else "\nself")
