"""`#[cfg]` predicates: what they come to in a build, which ones an edit brings, and what features make them hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import product

from opencrates_lsp.rust.attributes import COMMENTS
from opencrates_lsp.rust.syntax import Source, parse, path_at
from opencrates_lsp.terms import Configuration
from opencrates_lsp.workspace.layout import Package

# What is known of one predicate without `all`, `any` and `not`: whether it holds, None where nobody can tell.
Known = Callable[[str], bool | None]

_FEATURE = re.compile(r'feature\s*=\s*"([^"]+)"')
_BLANK = rb"(?:\s|/\*.*?\*/|//[^\n]*\n)*"
_CFG = re.compile(rb"#%s!?%s\[%s(?P<name>cfg(?:_attr)?)%s\(" % ((_BLANK,) * 4), re.DOTALL)
_INNER = re.compile(r"cfg\s*\((.*)\)", re.DOTALL)
_CHOICE = re.compile(rb"\bcfg_(?:select|if|match)!")
_CALL = re.compile(r"(all|any|not)\s*\((.*)\)", re.DOTALL)
_WORDS = frozenset({*COMMENTS, "string_literal", "raw_string_literal"})
# What has its attributes within it.
_LED = frozenset({"match_arm", "field_initializer", "shorthand_field_initializer"})
_MOST_FEATURES = 8


@dataclass(frozen=True, slots=True)
class Conditions:
    """What holds in a build; `holding` are the predicates as rustc prints them ("unix", `target_os="linux"`).

    `unknown` are the names of those that a profile decides, `test` the values that `test` has in it, None for any.
    """

    holding: frozenset[str]
    unknown: frozenset[str] = frozenset()
    test: tuple[bool | None, ...] = (None,)

    def has(self, predicate: str, *, test: bool | None = None) -> bool | None:
        """Whether a plain predicate holds, `test` being as it is told."""
        if predicate in ("true", "false"):
            return predicate == "true"
        if predicate in ("test", "doctest", "doc"):
            return test if predicate == "test" else None
        if predicate in self.holding:
            return True
        return None if predicate.partition("=")[0] in self.unknown else False

    def compiles(self, predicate: str) -> bool:
        """Whether what is behind the predicate is surely compiled in one of the runs of the build."""
        return any(value(predicate, partial(self.has, test=test)) for test in self.test)

    def excludes(self, predicate: str) -> bool:
        """Whether no features, no targets and no profile can make the predicate hold."""

        def known(one: str) -> bool | None:
            return None if _FEATURE.fullmatch(one) else self.has(one)

        return value(predicate, known) is False


def value(predicate: str, known: Known) -> bool | None:
    """Whether a predicate holds, None where that depends on what is not known; nothing that is broken holds."""
    text = predicate.strip()
    call = _CALL.fullmatch(text)
    if call is None:
        return known(text.replace(" ", ""))
    inner = [value(part, known) for part in _parts(call[2]) if part.strip()]
    if call[1] == "not":
        return None if not inner or inner[0] is None else not inner[0]
    decisive = call[1] == "any"
    if decisive in inner:
        return decisive
    return None if None in inner else not decisive


def features_in(predicates: Iterable[str]) -> tuple[str, ...]:
    """The features that predicates name, in order."""
    return tuple(dict.fromkeys(name for one in predicates for name in _FEATURE.findall(one)))


def features_of(package: Package, configuration: Configuration) -> frozenset[str]:
    """The package's features that are on, as predicates."""
    return frozenset(f'feature="{name}"' for name in _on(package, configuration))


def fitting(predicates: Sequence[str], package: Package, base: Configuration) -> Iterator[Configuration]:
    """The configurations nearest to `base` in whose features the predicates may hold, `base` itself left out.

    Everything but features is taken to hold as it should.
    """
    names = [name for name in features_in(predicates) if name in package.features]
    if not names or len(names) > _MOST_FEATURES:
        return
    before = _on(package, base)
    wishes = [dict(zip(names, values, strict=True)) for values in product((True, False), repeat=len(names))]
    wishes.sort(key=lambda wish: sum(wish[name] != (name in before) for name in names))
    for wish in wishes:

        def known(one: str, wish: dict[str, bool] = wish) -> bool | None:
            feature = _FEATURE.fullmatch(one)
            return wish.get(feature[1], False) if feature is not None else None

        if any(value(one, known) is False for one in predicates):
            continue
        configuration = _with(package, base, wish)
        on = _on(package, configuration)
        if configuration != base and all((name in on) is wanted for name, wanted in wish.items()):
            yield configuration


def added(before: bytes, after: bytes) -> tuple[str, ...]:
    """The predicates of the `#[cfg]`s that an edit adds, and of those whose code it changes."""
    return tuple(predicate for predicate, _ in (_cfgs(after) - _cfgs(before)).elements())


def adds_choices(before: bytes, after: bytes) -> bool:
    """Whether an edit adds a macro that compiles one of several texts."""
    return len(_CHOICE.findall(after)) > len(_CHOICE.findall(before))


def _with(package: Package, base: Configuration, wish: dict[str, bool]) -> Configuration:
    """The configuration with features turned on and off; the other default features stay."""
    off = {name for name, wanted in wish.items() if not wanted}
    wanted = [name for name, on in wish.items() if on]
    usual = set() if base.no_default_features else _closed(package, ("default",))
    kept = [name for name in base.features if not off & _closed(package, (name.rpartition("/")[2],))]
    if base.all_features or off & usual:
        direct = dict(package.enables).get("default", ()) if usual else ()
        names = package.features if base.all_features else direct
        kept += [name for name in names if name in package.features and not off & _closed(package, (name,))]
        base = replace(base, all_features=False, no_default_features=True)
        usual = set()
    kept = [name for name in kept if name != "default"]
    on = _closed(package, [*kept, *usual])
    return replace(base, features=tuple(dict.fromkeys((*kept, *(name for name in sorted(wanted) if name not in on)))))


def _on(package: Package, configuration: Configuration) -> set[str]:
    if configuration.all_features:
        return set(package.features)
    names = [name.rpartition("/")[2] for name in configuration.features]
    return _closed(package, names if configuration.no_default_features else [*names, "default"])


def _closed(package: Package, names: Iterable[str]) -> set[str]:
    """The features that these turn on, they themselves among them."""
    enables = dict(package.enables)
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for one in enables.get(name, ()) if one in enables]
    return found


@lru_cache(maxsize=8)
def _cfgs(text: bytes) -> Counter[tuple[str, bytes]]:
    """Each predicate with the code behind it, in one spelling."""
    found: Counter[tuple[str, bytes]] = Counter()
    source: Source | None = None
    for match in _CFG.finditer(text):
        depth, end = 1, match.end()
        while end < len(text) and depth:
            depth += (text[end : end + 1] == b"(") - (text[end : end + 1] == b")")
            end += 1
        words = " ".join(text[match.end() : end - 1].decode("utf-8", "replace").split())
        source = source or parse(text)
        behind = _behind(source, match.start())
        for predicate in [words] if match["name"] == b"cfg" else _of_attributes(words):
            if behind is not None:
                found[predicate, b"".join(behind.split())] += 1
    return found


def _of_attributes(words: str) -> Iterator[str]:
    """What a `#[cfg_attr(...)]` of these arguments makes of the code behind it, where it holds another condition."""
    predicate, *attributes = _parts(words)
    for inner in filter(None, (_INNER.fullmatch(one.strip()) for one in attributes)):
        yield f"any(not({predicate}), {inner[1]})"


def _behind(source: Source, start: int) -> bytes | None:
    """The code that an attribute stands before, or in; b"" where it is tokens of a macro's, None where it is none."""
    path = path_at(source, start)
    node = next((one for one in path if one.type.endswith("attribute_item")), None)
    if node is None:
        return None if any(one.type in _WORDS for one in path) else b""
    whole = node.parent
    if whole is not None and (node.type == "inner_attribute_item" or whole.type in _LED):
        return whole.text or b""
    after = node.next_sibling
    while after is not None and after.type in ("attribute_item", *COMMENTS):
        after = after.next_sibling
    return after.text or b"" if after is not None else b""


def _parts(text: str) -> Iterator[str]:
    depth = start = 0
    for at, mark in enumerate(text):
        depth += (mark == "(") - (mark == ")")
        if mark == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]
