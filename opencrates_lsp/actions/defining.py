"""The definitions that rustc's errors name: from the file, the workspace, and the locked versions of dependencies."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from opencrates_lsp.actions.base import Request, Tools
from opencrates_lsp.rust.advice import Help
from opencrates_lsp.rust.causes import marked_lines
from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Item, defined, impls, item_at, items, items_around, named
from opencrates_lsp.rust.merge import Merged
from opencrates_lsp.rust.outline import outlined, signed, whole
from opencrates_lsp.rust.packing import tokens
from opencrates_lsp.rust.ranking import named_types
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Diagnostic

MOST_TOKENS = 1200
"""How many tokens of definitions a repair is given."""
_LONG = 1500
_LIKE = 3
_MEMBER = re.compile(r"\bfn\s+(\w+)|^\s*(?:pub(?:\([^)]*\))?\s+)?(\w+)\s*(?:[:,({=]|$)", re.MULTILINE)
_BEFORE = re.compile(r"(?:\w+\s*::\s*)+\Z")
# What is true of nearly every type says nothing, and its methods are called by nobody.
_USUAL = re.compile(
    r"(?:unsafe )?impl(?:<.*?>)? (?:\w+::)*(?:Eq|PartialEq|Ord|PartialOrd|Hash|Debug|Display|Clone|Copy|Send|Sync|Drop)"
    r"(?:<.*?>)? for "
)
_LIFETIME = re.compile(r"'[a-z_]\w*\b(?!')")
_IMPL_FOR = re.compile(r"^impl(?:<.*?>)? (?:\w+::)*(?P<trait>\w+)(?:<.*>)? for (?P<type>.+)$")


@dataclass
class Definitions:
    """Looks up what helps; each text is given once, and nothing that the failed answer shows itself.

    `here` is the file as it was, `merged` the file with the answer; `related` and `locked` are asked once.
    """

    request: Request
    tools: Tools
    merged: Merged | None
    shown: str
    found: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    related: dict[str, tuple[str, ...]] = field(default_factory=dict)
    locked: Sequence[str] | None = None

    async def gather(self, helps: Sequence[tuple[Help, Diagnostic]]) -> None:
        """Fill `found`, most telling first and within the budget, and `notes`."""
        left = min(MOST_TOKENS, self.tools.limits.context_tokens)
        helps = [*helps, *self._of_self(helps)]
        for help_, error in helps:
            texts = [*await self._types(help_), *await self._functions(help_), *await self._modules(help_, error)]
            self._note(help_, error, texts)
            for text in texts:
                cost = tokens(text)
                if text not in self.found and text not in self.shown and cost <= left:
                    left -= cost
                    self.found.append(text)

    def _of_self(self, helps: Sequence[tuple[Help, Diagnostic]]) -> Iterator[tuple[Help, Diagnostic]]:
        """The type of `self`, where rustc points at something of it."""
        asked = self._asked()
        owner = self_type(asked[1].identity.header) if asked is not None else ""
        pointed = [error for _, error in helps if any("self" in line for line in marked_lines(error))]
        if owner and pointed:
            yield Help(types=(owner,)), pointed[0]

    async def _types(self, help_: Help) -> list[str]:
        texts: list[str] = []
        for name in help_.types:
            known = list(self._here(name, members=help_.members)) or self._elsewhere([name]).get(name, ())
            if not known:
                known = [text for text in await self._of_dependencies() if _defines(text, name)]
            kept = (text for text in known if not _is_impl(text) or (help_.members and not _USUAL.match(text)))
            texts += [_bounded(text, help_.missing) for text in kept]
        return texts

    def _here(self, name: str, *, members: bool) -> Iterator[str]:
        source = self.request.source
        for item in defined(source, name):
            text = outlined(source, item) if item.identity.kind == "trait" else whole(source, item)
            yield text if len(text) <= _LONG else signed(source, item)
        for impl in impls(source, name) if members else ():
            yield outlined(source, impl)

    async def _functions(self, help_: Help) -> list[str]:
        texts: list[str] = []
        for name in help_.functions:
            known = [_signature(self.request.source, item) for item in named(self.request.source, name)]
            if not known:
                beside = self._elsewhere([name, *self._names()])
                everything = [text for some in beside.values() for text in some]
                known = list(_lines_with(name, [*everything, *await self._of_dependencies()]))
            texts += known
        return texts

    async def _modules(self, help_: Help, error: Diagnostic) -> list[str]:
        texts: list[str] = []
        for module in (self._qualified(module, error) for module in help_.modules):
            offered = await self.tools.offered(module, self._module(), self.request.source)
            if offered is not None:
                texts.append(f"// What `{module}` has ({offered.origin}):\n{_bounded(offered.text, help_.missing)}")
        return texts

    def _qualified(self, module: str, error: Diagnostic) -> str:
        """The path of the module as the answer says it, of which rustc may tell the last part alone."""
        if self.merged is None or error.span is None or error.path != self.request.document.path:
            return module
        written = _BEFORE.search(self.merged.text[: error.span.start].decode("utf-8", "replace"))
        path = re.sub(r"\s", "", written[0]).removesuffix("::") if written is not None else ""
        return path if path.endswith(f"::{module}") else module

    def _note(self, help_: Help, error: Diagnostic, texts: Sequence[str]) -> None:
        like = difflib.get_close_matches(help_.missing, sorted(_names_in(texts)), _LIKE) if help_.missing else []
        if like:
            names = ", ".join(f"`{name}`" for name in like)
            self.notes.append(f"Spelled like `{help_.missing}` and really there: {names}.")
        if error.code == "E0277":
            self.notes += self._implementers(help_.types)
        if help_.lifetimes:
            self.notes += self._lifetimes(error)

    def _implementers(self, names: Iterable[str]) -> Iterator[str]:
        """Which types of this file implement the traits among the names."""
        source, wanted = self.request.source, set(names)
        by_trait: dict[str, list[str]] = {}
        for item in items(source):
            match = _IMPL_FOR.match(item.identity.header) if item.identity.kind == "impl" else None
            if match is not None and match["trait"] in wanted:
                by_trait.setdefault(match["trait"], []).append(f"`{match['type']}`")
        for trait, types in by_trait.items():
            yield f"`{trait}` is implemented here for {', '.join(types)}."

    def _lifetimes(self, error: Diagnostic) -> Iterator[str]:
        """The signature that lacks a lifetime, and those that are in scope there."""
        if self.merged is None or error.span is None or error.path != self.request.document.path:
            return
        source = parse(self.merged.text)
        around = items_around(source, error.span.start)
        signatures = [signed(source, item) for item in around if item.identity.kind != "mod"]
        if signatures:
            scope = dict.fromkeys(name for text in signatures for name in _LIFETIME.findall(text))
            names = ", ".join(f"`{name}`" for name in [*scope, *([] if "'static" in scope else ["'static"])])
            yield f"In scope of `{signatures[-1].removesuffix(';')}`: {names}."

    def _elsewhere(self, names: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        new = [name for name in names if name not in self.related]
        if new:
            told = self.request.related(new)
            self.related |= {name: told.get(name, ()) for name in new}
        return {name: self.related[name] for name in names}

    async def _of_dependencies(self) -> Sequence[str]:
        """What the answer's item needs to know of the dependencies."""
        if self.locked is None:
            asked = self._asked()
            excerpts = await self.tools.locked(*asked) if asked is not None else ()
            self.locked = [f"// {one.origin}\n{one.text}" for one in excerpts]
        return self.locked

    def _asked(self) -> tuple[Source, Item] | None:
        if self.merged is None:
            return None
        source = parse(self.merged.text)
        item = item_at(source, self.merged.subject.probe.start)
        return (source, item) if item is not None else None

    def _names(self) -> Sequence[str]:
        asked = self._asked()
        return named_types(*asked) if asked is not None else ()

    def _module(self) -> tuple[str, ...]:
        """The inline modules around the item."""
        asked = self._asked()
        return tuple(part for part in asked[1].identity.module if " " not in part) if asked is not None else ()


def _signature(source: Source, item: Item) -> str:
    """A function's signature, in the header of the block that it is a member of."""
    around = items_around(source, item.name_span.start)
    block = next((one for one in reversed(around) if one.identity.kind in ("impl", "trait")), None)
    if block is None or not item.identity.header:
        return signed(source, item)
    return f"{signed(source, block).removesuffix(';')} {{ {signed(source, item)} }}"


def _lines_with(name: str, texts: Iterable[str]) -> Iterator[str]:
    """The signatures of the functions of this name in texts of outlines."""
    for text in texts:
        for match in re.finditer(rf"^.*\bfn\s+{re.escape(name)}\b[^{{;]*", text, re.MULTILINE):
            header = text.removeprefix("//").split("\n", 1)[0].removesuffix(" {") if _is_impl(text) else ""
            line = match[0].strip() + ";"
            yield f"{header} {{ {line} }}" if header else line


def _defines(text: str, name: str) -> bool:
    word = re.escape(name)
    return re.search(rf"\b(?:struct|enum|union|trait|type)\s+{word}\b|\bimpl\b[^{{;]*\b{word}\b", text) is not None


def _is_impl(text: str) -> bool:
    return re.match(r"(?://[^\n]*\n)?(?:unsafe )?impl\b", text) is not None


def _names_in(texts: Iterable[str]) -> set[str]:
    """The names of members, fields and variants, and of what is declared in the texts."""
    found = {name for text in texts for pair in _MEMBER.findall(text) for name in pair if name}
    declared = r"\b(?:struct|enum|union|trait|type|mod|const|static)\s+(\w+)"
    return found | {name for text in texts for name in re.findall(declared, text)}


def _bounded(text: str, missing: str) -> str:
    """The text, or of a long one the lines that are most like what was missed, in their order."""
    if len(text) <= _LONG:
        return text
    first, *rest = text.split("\n")
    likeness = [
        max((difflib.SequenceMatcher(None, missing, name).ratio() for name in _names_in([line])), default=0.0)
        for line in rest
    ]
    kept: set[int] = set()
    size = len(first)
    for at in sorted(range(len(rest)), key=lambda at: (-likeness[at], at)):
        size += len(rest[at]) + 1
        if size > _LONG:
            break
        kept.add(at)
    return "\n".join([first, *(rest[at] for at in sorted(kept))])
