"""The items of a file by identity, around one of them: a few by their names, many from one reading of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from opencrates_lsp.rust.headers import self_type
from opencrates_lsp.rust.items import Identity, Item, items, items_around, named
from opencrates_lsp.rust.matching import loose, same_block
from opencrates_lsp.rust.syntax import Source
from opencrates_lsp.values import Span

# Beyond so many look-ups by name it is cheaper to read the whole file once.
_BY_NAME = 12


@dataclass
class Lookup:
    """Finds items of `file`; of several with one identity the one under the same `#[cfg]`, then the nearest."""

    file: Source
    asked: Item
    around: tuple[Item, ...] = ()
    index: dict[Identity, list[Item]] = field(default_factory=dict)
    by_name: int = 0

    def __post_init__(self) -> None:
        self.around = items_around(self.file, self.asked.name_span.start)

    def find(self, identity: Identity, cfgs: tuple[str, ...] = ()) -> Item | None:
        """The file's item of this identity; one that all stand under other `#[cfg]`s than `cfgs` is another."""
        key = _key(identity)
        chain = [item for item in self.around if _key(item.identity) == key]
        if any(item.cfgs == cfgs or not cfgs for item in chain):
            return self._nearest(chain, cfgs)
        plain = identity.kind not in ("impl", "extern") and identity.name.isidentifier()
        if plain and not self.index and self.by_name < _BY_NAME:
            self.by_name += 1
            return self._nearest([item for item in named(self.file, identity.name) if item.identity == identity], cfgs)
        self._read()
        found = self._nearest(self.index.get(key, []), cfgs)
        if found is None and identity.kind == "impl" and loose(identity.header)[0]:
            return self._alike(identity, "impl", cfgs)
        return found

    def block(self, identity: Identity, cfgs: tuple[str, ...] = ()) -> Item | None:
        """The impl, trait or extern block that has a member of this identity, however its header is spelled."""
        kind = identity.header.split("<", 1)[0].split(" ", 1)[0]
        if kind == "trait":
            return self.find(Identity(identity.module, "", "trait", self_type(identity.header)), cfgs)
        chain = [item for item in self.around if (item.identity.kind, item.identity.header) == (kind, identity.header)]
        return self._nearest(chain, cfgs) or self._alike(identity, kind, cfgs)

    def module(self, path: tuple[str, ...], cfgs: tuple[str, ...]) -> Span | None:
        """The braces of an inline module, under the outermost of the `#[cfg]`s of a thing in it."""
        if " " in path[-1]:
            return None
        identity = Identity(path[:-1], "", "mod", path[-1])
        twins = [item for item in (*self.around, *named(self.file, path[-1])) if item.identity == identity]
        within = [item for item in twins if item.body is not None and item.cfgs == cfgs[: len(item.cfgs)]]
        found = max(within, key=lambda item: len(item.cfgs), default=None) or self._nearest(twins, ())
        return found.body if found is not None else None

    def outermost(self) -> Item:
        """The asked item, or the block that it is a member of."""
        module = self.asked.identity.module
        beside = (item for item in self.around if item.identity.module == module and item.identity.kind != "mod")
        return next(beside, self.asked)

    def _read(self) -> None:
        if not self.index:
            for item in items(self.file):
                self.index.setdefault(_key(item.identity), []).append(item)

    def _alike(self, identity: Identity, kind: str, cfgs: tuple[str, ...]) -> Item | None:
        self._read()
        exact = Identity(identity.module, identity.header, kind, "" if kind == "impl" else identity.name)
        blocks = self.index.get(exact) or [
            item
            for other, same in self.index.items()
            if other.kind == kind and other.module == identity.module and same_block(other.header, identity.header)
            for item in same
        ]
        return self._nearest(blocks, cfgs)

    def _nearest(self, found: Sequence[Item], cfgs: tuple[str, ...]) -> Item | None:
        same = [item for item in found if item.cfgs == cfgs]
        if cfgs and not same:
            same = [item for item in found if not item.cfgs or item.cfgs[-len(cfgs) :] == cfgs]
        elif not same:
            same = list(found)
        return min(same, key=lambda item: abs(item.span.start - self.asked.span.start), default=None)


def _key(identity: Identity) -> Identity:
    """The identity for look-ups: an impl is known by its header, however its type is spelled."""
    return replace(identity, name="") if identity.kind == "impl" else identity
