"""What is known of types without a compiler: who is Copy, what stands for a default, how one becomes another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opencrates_lsp.rust.known_case import Case, has_bound, implements, shape
from opencrates_lsp.rust.shapes import Field, Shape
from opencrates_lsp.rust.type_terms import Type, exclusive, names, read_type, same, shared

INTEGERS = names("u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize")
FLOATS = frozenset({"f32", "f64"})
NUMBERS = INTEGERS | FLOATS
_COPY = NUMBERS | names(
    "bool char & *const *mut fn ! PhantomData Ordering Duration Instant SystemTime IpAddr Ipv4Addr Ipv6Addr "
    "SocketAddr TypeId Layout ThreadId"
)
_COPY_OF_COPY = frozenset({"()", "[;]", "Option", "Result", "Wrapping", "Reverse", "Poll", "ControlFlow"})
_CLONE_OF_CLONE = _COPY_OF_COPY | names(
    "Vec VecDeque HashMap BTreeMap HashSet BTreeSet BinaryHeap LinkedList Box Cow Cell RefCell"
)
_CLONE = frozenset({"String", "PathBuf", "OsString", "CString", "Rc", "Arc", "Weak", "Sender", "Range"})
_NEITHER = frozenset({"&mut", "[]", "str", "dyn", "Mutex", "RwLock", "File", "JoinHandle", "Receiver"})
_NEW = names("String Vec VecDeque HashMap HashSet BTreeMap BTreeSet BinaryHeap LinkedList PathBuf OsString")
_HASHED = {"HashMap": 2, "HashSet": 1}
WRAPPERS = frozenset({"Box", "Rc", "Arc", "Cell", "RefCell", "Mutex", "RwLock", "OnceCell", "Wrapping", "Reverse"})
POINTERS = frozenset({"Box", "Rc", "Arc"})
_ATOMICS = frozenset(
    {f"Atomic{size}" for size in ["U8", "U16", "U32", "U64", "Usize", "I8", "I16", "I32", "I64", "Isize"]}
)
# What a reference to the owned type derefs to.
_BORROWED = {"String": "str", "PathBuf": "Path", "OsString": "OsStr", "CString": "CStr"}
_COLLECTED = names("Vec VecDeque HashMap BTreeMap HashSet BTreeSet BinaryHeap LinkedList String PathBuf")


def is_copy(case: Case, term: Type) -> bool | None:
    """None where it is not known."""
    if term.head in _COPY or term.head.startswith("NonZero"):
        return True
    if term.head in _COPY_OF_COPY:
        return _all(is_copy(case, argument) for argument in term.arguments)
    if term.head in _NEITHER or term.head in _CLONE or term.head in _CLONE_OF_CLONE or term.head in WRAPPERS:
        return False
    if term.head in case.bounds():
        return has_bound(case, term.head, "Copy")
    known = shape(case, term.head)
    return implements(case, term.head, "Copy") if known is not None else None


def is_clone(case: Case, term: Type) -> bool | None:
    """None where it is not known."""
    if term.head in _CLONE or term.head in _CLONE_OF_CLONE:
        shallow = term.head in _CLONE
        return shallow or _all(is_clone(case, argument) for argument in term.arguments)
    if term.head in _NEITHER:
        return False
    if term.head in case.bounds():
        return has_bound(case, term.head, "Clone", "Copy")
    if shape(case, term.head) is not None:
        return implements(case, term.head, "Clone")
    return is_copy(case, term)


def _all(answers: Iterator[bool | None]) -> bool | None:
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def by_value(case: Case, place: str, term: Type) -> Iterator[str]:
    """What gives the value of a place that is only borrowed."""
    copies = is_copy(case, term)
    if copies is not False:
        yield place
    if copies is not True and is_clone(case, term) is not False:
        yield f"{place}.clone()"


def borrowed(case: Case, place: str, term: Type, wanted: Type) -> Iterator[str]:
    """Expressions of type `wanted` out of a place of type `term` behind `&self`."""
    if same(term, wanted):
        yield from by_value(case, place, term)
    elif wanted.head == "&":
        if borrows(term, wanted.first):
            yield f"&*{place}" if term.first.head == "dyn" else f"&{place}"
        elif term.head in ("&", "&mut") and borrows(term.first, wanted.first):
            yield place
    elif wanted.head == "Option" and term.head == "Option":
        inner = term.first
        if same(shared(inner), wanted.first):
            yield f"{place}.as_ref()"
        elif wanted.first.head == "&" and borrows(inner, wanted.first.first):
            yield f"{place}.as_deref()"
    elif term.head == "Cell" and same(term.first, wanted):
        yield f"{place}.get()"
    elif term.head in POINTERS and same(term.first, wanted) and is_copy(case, wanted):
        yield f"*{place}"
    elif wanted.head == "String" and same(term, read_type("&str")):
        yield f"{place}.to_string()"


def mutable(place: str, term: Type, wanted: Type) -> str | None:
    """The expression of type `wanted`, which borrows exclusively, out of a place behind `&mut self`."""
    if wanted.head == "&mut":
        if term.head not in ("Rc", "Arc") and borrows(term, wanted.first):
            return f"&mut *{place}" if term.first.head == "dyn" else f"&mut {place}"
        return place if same(term, wanted) else None
    if wanted.head == "Option" and term.head == "Option":
        if same(exclusive(term.first), wanted.first):
            return f"{place}.as_mut()"
        if wanted.first.head == "&mut" and borrows(term.first, wanted.first.first):
            return f"{place}.as_deref_mut()"
    return None


def borrows(term: Type, wanted: Type) -> bool:
    """Whether `&term` is, or derefs to, `&wanted`."""
    if same(term, wanted):
        return True
    if term.head in _BORROWED:
        return wanted.head == _BORROWED[term.head]
    if term.head in ("Vec", "[;]"):
        return wanted.head == "[]" and same(term.first, wanted.first)
    if term.head == "Cow":
        return same(term.arguments[-1], wanted) if term.arguments else False
    return term.head in POINTERS and same(term.first, wanted)


def converted(case: Case, value: str, term: Type, wanted: Type) -> str | None:
    """`value`, which is owned and of type `term`, as a `wanted`; None where nothing certain leads there."""
    if same(term, wanted):
        return value
    for bound in (*term.arguments, *case.bounds().get(term.head, ())) if _is_generic(case, term) else ():
        through = _through_bound(value, bound, term, wanted)
        if through is not None:
            return through
    if wanted.head == "Option":
        inner = converted(case, value, term, wanted.first)
        return f"Some({inner})" if inner is not None else None
    if term.head == "&":
        return _owned(value, term.first, wanted)
    if wanted.head in POINTERS and wanted.first.head == "str":
        return f"{value}.into()" if term.head == "String" else None
    if wanted.head == "Cow":
        return f"{value}.into()" if term.head == "String" and wanted.first.head == "str" else None
    if wanted.head in WRAPPERS:
        inner = converted(case, value, term, wanted.first)
        return f"{wanted.path}::new({inner})" if inner is not None else None
    return None


def _is_generic(case: Case, term: Type) -> bool:
    return term.head == "impl" or term.head in case.bounds()


def _through_bound(value: str, bound: Type, term: Type, wanted: Type) -> str | None:
    if bound.head == "Into" and same(bound.first, wanted):
        return f"{value}.into()"
    if bound.head in ("ToString", "Display") and wanted.head == "String":
        return f"{value}.to_string()"
    if bound.head == "AsRef" and _BORROWED.get(wanted.head) == bound.first.head:
        return f"{value}.as_ref().{'to_string' if wanted.head == 'String' else _owning(wanted)}()"
    if bound.head in ("IntoIterator", "Iterator") and wanted.head in _COLLECTED:
        start = value if bound.head == "Iterator" else f"{value}.into_iter()"
        item = next((one.first for one in bound.arguments if one.head == "Item="), None)
        return f"{start}.collect()" if item is not None and item in _collected_from(wanted) else None
    if wanted.head in POINTERS and wanted.first.head == "dyn" and same(bound, wanted.first.first):
        return f"{wanted.path}::new({value})"
    if wanted.head in POINTERS and same(term, wanted.first):
        return f"{wanted.path}::new({value})"
    return None


def _collected_from(wanted: Type) -> tuple[Type, ...]:
    if wanted.head in ("HashMap", "BTreeMap"):
        return (Type("()", wanted.arguments[:2]),)
    return wanted.arguments[:1]


def _owned(value: str, term: Type, wanted: Type) -> str | None:
    """What makes the owned value of a reference."""
    if term.head == "str" and wanted.head == "String":
        return f"{value}.to_string()"
    if term.head == "str" and (wanted.head in POINTERS or wanted.head == "Cow") and wanted.first.head == "str":
        return f"{value}.into()"
    if wanted.head in _BORROWED and _BORROWED[wanted.head] == term.head:
        return f"{value}.{_owning(wanted)}()"
    if term.head == "[]" and wanted.head == "Vec" and same(term.first, wanted.first):
        return f"{value}.to_vec()"
    if term.head == "str" and wanted.head == "PathBuf":
        return f"{wanted.path}::from({value})"
    return None


def _owning(wanted: Type) -> str:
    return {"PathBuf": "to_path_buf", "OsString": "to_os_string"}.get(wanted.head, "to_owned")


def default(case: Case, term: Type, *, trusting: bool = False) -> str | None:
    """The default value of a type; with `trusting`, a type that is not known is taken to have one."""
    plain = _plain_default(term)
    if plain is not None:
        return plain
    if term.head == "()":
        parts = [default(case, argument, trusting=trusting) for argument in term.arguments]
        known = [part for part in parts if part is not None]
        return f"({', '.join(known)}{',' * (len(known) == 1)})" if len(known) == len(parts) else None
    if term.head == "[;]":
        inner = default(case, term.first)
        return f"[{inner}; {term.rest}]" if inner is not None and is_copy(case, term.first) else None
    if term.head in POINTERS and term.first.head in ("[]", "str"):
        return f"{term.path}::default()"
    if term.head in WRAPPERS - {"OnceCell"}:
        inner = default(case, term.first, trusting=trusting)
        return f"{term.path}::new({inner})" if inner is not None else None
    if not term.path:
        return None
    if has_bound(case, term.head, "Default") or implements(case, term.head, "Default"):
        return f"{term.path}::default()"
    trusted = trusting and shape(case, term.head) is None and term.head not in case.bounds()
    return f"{term.path}::default()" if trusted else None


def _plain_default(term: Type) -> str | None:
    if term.head in NUMBERS:
        return "0.0" if term.head in FLOATS else "0"
    if term.head in _NEW:
        # A map with another hasher has no `new`.
        usual = len(term.arguments) <= _HASHED.get(term.head, 9)
        return f"{term.path}::{'new' if usual else 'default'}()"
    if term.head in _ATOMICS:
        return f"{term.path}::new(0)"
    fixed = {"bool": "false", "Option": "None", "PhantomData": term.path}
    if term.head in fixed:
        return fixed[term.head]
    if term.head == "AtomicBool":
        return f"{term.path}::new(false)"
    if term.head in ("OnceCell", "OnceLock"):
        return f"{term.path}::new()"
    return f"{term.path}::ZERO" if term.head == "Duration" else None


def only_field(owner: Shape | None) -> Field | None:
    """The one field of a struct that holds anything; None where there are several, or none."""
    if owner is None or owner.kind != "struct" or not owner.complete:
        return None
    held = [one for one in owner.fields if not one.is_marker]
    return held[0] if len(held) == 1 else None


def literal(name: str, form: str, values: Mapping[str, str]) -> str:
    """A struct or variant with these values by field name, laid out as rustfmt does for short values."""
    if form == "unit":
        return name
    if form == "tuple":
        return f"{name}({', '.join(values.values())})"
    parts = [field if field == value else f"{field}: {value}" for field, value in values.items()]
    if not parts:
        return f"{name} {{}}"
    line = ", ".join(parts)
    if len(line) <= 18:
        return f"{name} {{ {line} }}"
    return "\n".join([f"{name} {{", *(f"    {part}," for part in parts), "}"])
