"""What helps with an error of rustc: the names whose definitions it is about, and a rule in one sentence.

`ADVICE` is a table from rustc's codes to functions of the error; see `rustc --explain` for what each code means.
Only rustc's words are read here; whoever knows the code finds the definitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from opencrates_lsp.rust.causes import Cause, labels, marked_lines, plain, quoted
from opencrates_lsp.values import Diagnostic

_PATH = re.compile(r"^(?:r#)?\w+(?:::(?:r#)?\w+)*$")
_TYPE_NAME = re.compile(r"(?:\w+::)*\b([A-Z]\w*)\b")
_CALL = re.compile(r"(?<![\w!])(?P<name>[a-z_]\w*)\s*(?:::\s*<[^()]*>)?\(")
_NO_CALLS = frozenset({"if", "while", "match", "for", "return", "in", "let", "fn", "move", "loop", "as", "async"})
_STANDARD = frozenset({"std", "core", "alloc"})
_TYPED = re.compile(r"has type `([^`]+)`|if `([A-Z]\w*)` implemented")
_DERIVED = re.compile(r"`(?P<trait>[A-Z]\w*)(?:<[^`]*>)?` is (?:not )?implemented for `(?P<type>[^`]+)`")
_MISSING_MEMBER = re.compile(r"named `(?P<name>(?:r#)?\w+)` found|`(?P<exists>\w+)` exists for|field `(?P<field>\w+)`")


@dataclass(frozen=True, slots=True)
class Help:
    """What to look up, and what to say.

    `types` are types and traits whose definitions help; with `members`, what can be called on them too.
    `functions` are functions whose signatures help, `modules` paths whose content does.
    `missing` is the name that was not found, for those that are spelled like it.
    `lifetimes` asks for the lifetimes that are in scope.
    """

    types: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    missing: str = ""
    rule: str = ""
    members: bool = False
    lifetimes: bool = False


def advice(cause: Cause) -> Help:
    """What helps with the cause; nothing for a code that the table does not have."""
    found = ADVICE.get(cause.error.code or "")
    return found(cause.error) if found is not None else Help()


def _unresolved_import(error: Diagnostic) -> Help:
    """E0432: what the module, or the crate, really has."""
    path = next((one for one in quoted(error.message) if _PATH.match(one)), "")
    holder, _, last = path.rpartition("::")
    # "no `Pint` in `geometry`" blames the last part; else the module before it is not there either.
    blamed = next((quoted(label)[0] for label in labels(error) if quoted(label)), last)
    if blamed != last and "::" in path:
        parts = path.split("::")
        holder = "::".join(parts[: parts.index(blamed)]) if blamed in parts else ""
        last = blamed
    return Help(modules=_own(holder or "crate"), missing=last, types=_types(last), rule=_linked(error))


def _unresolved_path(error: Diagnostic) -> Help:
    """E0433, E0425, E0412 and their like: what the module has, or where such a name is defined."""
    found = quoted(error.message)
    name = found[0] if found else ""
    within = found[1] if len(found) > 1 and _PATH.match(found[1]) else ""
    functions = (name,) if name.isidentifier() and name.islower() else ()
    return Help(modules=_own(within), missing=name, types=_types(name), functions=functions, rule=_linked(error))


def _no_such_member(error: Diagnostic) -> Help:
    """E0599: what can be called on the type, and what is spelled like the name."""
    match = _MISSING_MEMBER.search(error.message)
    missing = next(filter(None, match.groups()), "") if match is not None else ""
    said = [one for one in quoted(error.message) if one != missing]
    rule = "Call only what is listed for the type, or what the standard library gives it."
    if "trait bounds were not satisfied" in error.message:
        rule = "The method is there only where the bounds hold: satisfy them, or do it another way."
    elif "items from traits can only be used" in plain(error):
        rule = "The method is of a trait: import the trait with `use`."
    return Help(types=_types(*said), missing=missing, members=True, rule=rule)


def _mismatched(error: Diagnostic) -> Help:
    """E0308: the definitions of both types."""
    notes = [line for line in plain(error).splitlines() if re.match(r"\s*(?:= note: )?\s*(?:expected|found) ", line)]
    said = [one for text in (*labels(error), *notes) for one in quoted(text)]
    functions = _calls(error) if "argument" in error.message or "arguments" in plain(error) else ()
    rule = "Make the expression of the expected type: convert, borrow, dereference, wrap or unwrap it."
    return Help(types=_types(*said), functions=functions, rule=rule, members=True)


def _not_implemented(error: Diagnostic) -> Help:
    """E0277: the trait and which types implement it."""
    said = list(quoted(error.message))
    for match in _DERIVED.finditer(plain(error)):
        said += [match["trait"], match["type"]]
    needed = re.findall(r"required by (?:a|this) bound in `([^`]+)`", plain(error))
    rule = "Use a type that implements the trait, or convert to one; an impl of your own only if nothing else does."
    if "`?` couldn't convert" in error.message:
        rule = "`?` converts errors with `From`: where there is no such impl, convert with `map_err`."
    elif "cannot be indexed by" in error.message:
        rule = "Index with `usize`: convert with `usize::try_from`, or `as usize` where it cannot be lost."
    elif "is not an iterator" in error.message:
        rule = "Iterate with `.iter()`, `.iter_mut()`, `.into_iter()` or `.chars()`."
    elif "can only be used in" in error.message:
        rule = "`?` needs a function that returns `Result` or `Option`: match on the value here."
    functions = tuple(name.rsplit("::", 1)[-1] for name in needed)
    return Help(types=_types(*said), functions=functions, rule=rule, members=True)


def _moved(error: Diagnostic) -> Help:
    """E0382: what took the value, and what its type is."""
    rule = (
        "A moved value is gone: borrow it (`&`) where it is only read, clone it before it is moved, or move it last;"
        " loop over `&v` to keep `v`."
    )
    return Help(types=_types(*_typed(error)), functions=_calls(error), rule=rule)


def _borrowed(error: Diagnostic) -> Help:
    """E0502, E0499, E0506: which calls hold the borrows."""
    rule = (
        "End the first borrow before the second begins: copy or clone what is needed out of it, put it in a block of"
        " its own, or do the second thing first."
    )
    return Help(types=_types(*_typed(error)), functions=_calls(error), rule=rule)


def _moved_while_borrowed(error: Diagnostic) -> Help:
    """E0505: what took the value while it was borrowed."""
    rule = "Use the borrow for the last time before the value is moved, clone the value, or hand on a reference."
    return Help(types=_types(*_typed(error)), functions=_calls(error), rule=rule)


def _missing_lifetime(error: Diagnostic) -> Help:
    """E0106: the signature and the lifetimes in scope."""
    rule = (
        "A returned reference needs the lifetime of the argument that it is borrowed from: name it on both, or return"
        " an owned value; a struct that holds a reference needs a lifetime parameter."
    )
    return Help(rule=rule, lifetimes=True)


ADVICE: Mapping[str, Callable[[Diagnostic], Help]] = {
    "E0061": _mismatched,
    "E0106": _missing_lifetime,
    "E0277": _not_implemented,
    "E0308": _mismatched,
    "E0382": _moved,
    "E0405": _unresolved_path,
    "E0412": _unresolved_path,
    "E0422": _unresolved_path,
    "E0423": _unresolved_path,
    "E0425": _unresolved_path,
    "E0432": _unresolved_import,
    "E0433": _unresolved_path,
    "E0499": _borrowed,
    "E0502": _borrowed,
    "E0505": _moved_while_borrowed,
    "E0506": _borrowed,
    "E0531": _unresolved_path,
    "E0560": _no_such_member,
    "E0599": _no_such_member,
    "E0609": _no_such_member,
}


def _own(path: str) -> tuple[str, ...]:
    """The path as a module to look into; the standard library is known to everybody."""
    return (path,) if path and path.split("::", 1)[0] not in _STANDARD else ()


def _types(*said: str) -> tuple[str, ...]:
    """The names of types and traits in rustc's words, without paths and without single letters."""
    found: dict[str, None] = {}
    for text in said:
        for match in _TYPE_NAME.finditer(text):
            if len(match[1]) > 1 and match[1] != "Self":
                found.setdefault(match[1])
    return tuple(found)


def _calls(error: Diagnostic) -> tuple[str, ...]:
    """The functions that the lines call which rustc points at."""
    found: dict[str, None] = {}
    for line in marked_lines(error):
        for match in _CALL.finditer(line):
            if match["name"] not in _NO_CALLS and not re.search(rf"\bfn\s+{match['name']}\b", line):
                found.setdefault(match["name"])
    return tuple(found)


def _typed(error: Diagnostic) -> list[str]:
    """The types that rustc says the places to have: "move occurs because `p` has type `Point`"."""
    return [said for pair in _TYPED.findall(plain(error)) for said in pair if said]


def _linked(error: Diagnostic) -> str:
    if "unlinked crate" in plain(error) or "missing a crate" in plain(error):
        return "Only the crates that are listed as available can be used."
    return "Use the names that are there, with their full path or a `use` line."
