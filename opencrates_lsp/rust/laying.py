"""Each item of an answer to its place: the asked one over the file's, new ones beside it, the rest nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import pairwise

from opencrates_lsp.errors import Refused
from opencrates_lsp.rust.growth import grown
from opencrates_lsp.rust.headers import normalised, self_type
from opencrates_lsp.rust.items import Identity, Item, items, items_around, named
from opencrates_lsp.rust.leads import lead_patches
from opencrates_lsp.rust.lexer import lex
from opencrates_lsp.rust.lookup import Lookup
from opencrates_lsp.rust.matching import Fit, describe, headers_like, loose, same_block
from opencrates_lsp.rust.placing import Patch, Style, after, at_end, indent_at, inside, laid_out
from opencrates_lsp.rust.syntax import Source, path_at, text_of
from opencrates_lsp.rust.uses import Use, merged_uses, module_node, use_of
from opencrates_lsp.values import Span

_BLOCKS = frozenset({"impl", "trait", "mod", "extern"})
_SHAPES = frozenset({"struct", "enum", "union"})
_Path = tuple[str, ...]
_VISIBILITY = re.compile(r"^pub(?:\s*\([^()]*\))?\s*")
_DEFINING = frozenset({"fn", "struct", "enum", "union", "trait", "mod", "static", "const", "type"})
# A comment that goes with what follows: no inner doc, and no name of a file.
_COMMENT = re.compile(rb"//(?!!|\s*[\w/.-]+\.rs\s*$)")


def lay(file: Source, asked: Item, given: Source, fit: Fit | None, style: Style) -> list[Patch]:
    """The patches of an answer that is items; without a fit only what is new in it is taken."""
    guess = Fit(asked, asked.identity.module, bare=bool(asked.identity.header))
    siblings, lookup = headers_like(file, asked), Lookup(file, asked)
    return _Laying(file, asked, given, fit or guess, fit is not None, style, siblings, lookup).run()


@dataclass
class _Laying:
    """One answer on its way into one file."""

    file: Source
    asked: Item
    given: Source
    fit: Fit
    fitted: bool
    style: Style
    siblings: frozenset[str]
    lookup: Lookup
    uses: list[Patch] = field(default_factory=list)
    changed: list[Patch] = field(default_factory=list)
    added: list[Patch] = field(default_factory=list)
    wanted: dict[tuple[_Path, _Path], list[tuple[Use, str]]] = field(default_factory=dict)

    def run(self) -> list[Patch]:
        done = -1
        for item in self._latest():
            if item.node_span.start < done:
                continue
            if item.identity.kind == "use":
                self._want(item)
                continue
            identity = self._placed(item)
            own = self.fitted and item.span == self.fit.item.span and item.identity.kind == self.asked.identity.kind
            old = self.asked if own else self.lookup.find(identity, item.cfgs)
            if old is None:
                self._add(item, identity)
                done = item.node_span.end
            elif old.identity.kind not in _BLOCKS:
                self._existing(old, item)
                done = item.node_span.end
            elif old == self.asked:
                self.changed += lead_patches(self.file, old, self.given, item, self.style, derives_only=False)
                self.changed += self._signature(old, item)
        for (module, cfgs), wanted in self.wanted.items():
            self.uses += self._use_patches(module, cfgs, wanted)
        return [*self.uses, *self.changed, *self.added]

    def _latest(self) -> list[Item]:
        """The answer's items; of one that comes twice only the fit, or the last."""
        found = list(items(self.given))
        if self.fit.item.span not in [item.span for item in found] and self.fitted:
            # The asked item is local to a function: what stands around it in the answer is not asked for.
            found = [self.fit.item]
        single = [item for item in found if item.identity.kind not in ("use", *_BLOCKS)]
        last = {(item.identity, item.cfgs): item.span for item in single}
        if self.fitted:
            last[self.fit.item.identity, self.fit.item.cfgs] = self.fit.item.span
        return [item for item in found if last.get((item.identity, item.cfgs), item.span) == item.span]

    # Where an item of the answer belongs.

    def _placed(self, item: Item) -> Identity:
        """The item's identity as the file would have it."""
        module = self.fit.modules + item.identity.module
        header = item.identity.header
        home = self.asked.identity
        if module == home.module and home.header:
            exact = self.fit.item.identity.header == home.header
            respelled = not exact and same_block(home.header, header) and header not in self.siblings
            if respelled or (not header and self.fit.bare and self._is_member(item)):
                header = home.header
        return Identity(module, header, item.identity.kind, item.identity.name)

    def _is_member(self, item: Item) -> bool:
        """Whether an item without a header belongs to the asked item's impl."""
        if item.identity.kind not in ("function", "const", "type"):
            return False
        text = self.given.text[item.node_span.start : item.node_span.end].decode("utf-8", "replace")
        words = [token.text for token in lex(text) if token.kind in ("word", "mark")]
        if "Self" in words or (item.identity.kind == "function" and _takes_self(words)):
            return True
        home = self.asked.identity
        if self.lookup.find(replace(item.identity, module=home.module, header=home.header)) is not None:
            return True
        owner = self_type(home.header)
        called = re.compile(rf"\b(?:Self|{re.escape(owner)})\s*::\s*{re.escape(item.identity.name)}\b")
        return called.search(self.given.text.decode("utf-8", "replace")) is not None

    # What the file has.

    def _existing(self, old: Item, new: Item) -> None:
        asked = old == self.asked
        within = self.asked.identity.kind in _BLOCKS and self.asked.span.start <= old.span.start < self.asked.span.end
        if old.identity.kind in _SHAPES and new.identity.kind == old.identity.kind:
            patches = grown(self.file, old, self.given, new, self.style, asked=asked or within)
            if patches or asked or within:
                patches += lead_patches(self.file, old, self.given, new, self.style, derives_only=not (asked or within))
            if asked or within:
                patches += self._signature(old, new)
            self.changed += patches
        elif asked or (within and not old.is_test):
            self.changed += lead_patches(self.file, old, self.given, new, self.style, derives_only=False)
            self.changed += self._signature(old, new) + self._body(old, new)

    def _signature(self, old: Item, new: Item) -> list[Patch]:
        """The answer's signature, where it is another one; a visibility that it leaves out is kept."""
        before = self.file.text[old.signature.start : old.signature.end].decode()
        text = self.given.text[new.signature.start : new.signature.end].decode("utf-8", "replace")
        if old.identity.kind == "impl" or normalised(before) == normalised(text):
            return []
        visible, fresh = _VISIBILITY.match(before), _VISIBILITY.match(text)
        bare = text[fresh.end() :] if fresh is not None else text
        own = before[visible.end() :] if visible is not None else before
        in_trait = old.identity.header.startswith("trait") or loose(old.identity.header)[0] != ""
        kept = fresh is None or (in_trait and old.identity.header.startswith(("impl", "trait")))
        if kept:
            if normalised(own) == normalised(bare):
                return []
            text = (visible.group() if visible is not None else "") + bare
        base = indent_at(self.given.text, new.node_span.start)
        indent = indent_at(self.file.text, old.node_span.start)
        return [Patch(old.signature, laid_out(text, base, indent, self.style))]

    def _body(self, old: Item, new: Item) -> list[Patch]:
        base = indent_at(self.given.text, new.node_span.start)
        indent = indent_at(self.file.text, old.node_span.start)
        if new.body is None:
            if old.body is not None:
                raise Refused(
                    f"The answer has only the signature of {describe(old)}.", remedy="Answer with its body too."
                )
            return []
        if old.body is None:
            text = self.given.text[new.signature.end : new.node_span.end].decode("utf-8", "replace")
            return [Patch(Span(old.signature.end, old.node_span.end), laid_out(text, base, indent, self.style))]
        before = self.file.text[old.body.start : old.body.end].decode()
        text = self.given.text[new.body.start : new.body.end].decode("utf-8", "replace")
        if [token.text.split() for token in lex(before)] == [token.text.split() for token in lex(text)]:
            return []
        lost = _defined(before) - _defined(text)
        if lost:
            kind, name = min(lost)
            raise Refused(
                f"The answer drops `{kind} {name}` inside of {describe(old)}.", remedy="Keep what was not asked for."
            )
        return [Patch(old.body, laid_out(text, base, indent, self.style))]

    # What is new.

    def _add(self, item: Item, identity: Identity) -> None:
        """The item in its place: by the asked one, or last in the block or module that it names."""
        if item.identity.name == "main" and not identity.header and item.identity.kind == "function":
            return
        home = self.asked.identity
        if identity.header and identity.kind not in ("impl", "extern"):
            self._add_member(item, identity)
            return
        beside = identity.module == home.module
        tests = "test" in item.cfgs and identity.kind == "mod"
        if beside and not tests:
            anchor = self.lookup.outermost()
            indent = indent_at(self.file.text, anchor.node_span.start)
            self.added.append(after(self.file.text, anchor.span.end, self._piece(item, indent), indent, self.style))
            return
        self._add_last(item, identity.module)

    def _add_member(self, item: Item, identity: Identity) -> None:
        home = self.asked.identity
        indent = indent_at(self.file.text, self.asked.node_span.start)
        ours = identity.module == home.module and identity.header == home.header and home.kind not in _BLOCKS
        if (
            ours
            and self.fit.bare
            and not item.identity.header
            and loose(home.header)[0]
            and home.header.startswith("impl")
        ):
            self._add_inherent(item)
            return
        if ours:
            self.added.append(after(self.file.text, self.asked.span.end, self._piece(item, indent), indent, self.style))
            return
        block = self.lookup.block(identity, item.cfgs)
        if block is None or block.body is None:
            return
        indent = indent_at(self.file.text, block.node_span.start) + self.style.step
        self.added.append(inside(self.file.text, block.body, self._piece(item, indent), indent, self.style))

    def _add_inherent(self, item: Item) -> None:
        """A method that a trait does not have, in an impl of its own behind the trait's."""
        block = self.lookup.outermost()
        outer = indent_at(self.file.text, block.node_span.start)
        indent = outer + self.style.step
        end = self.style.line_end + outer.encode()
        opening = _inherent_opening(self.file, block, self.style, outer).encode()
        piece = opening + end + self.style.step.encode() + self._piece(item, indent) + end + b"}"
        self.added.append(after(self.file.text, block.span.end, piece, outer, self.style))

    def _add_last(self, item: Item, module: tuple[str, ...]) -> None:
        if not module:
            self.added.append(at_end(self.file.text, self._piece(item, ""), self.style))
            return
        place = self.lookup.module(module, item.cfgs)
        if place is None:
            return
        indent = indent_at(self.file.text, place.start) + self.style.step
        self.added.append(inside(self.file.text, place, self._piece(item, indent), indent, self.style))

    def _piece(self, item: Item, indent: str) -> bytes:
        """The item's text, with the comment right above it, for a line of this indentation."""
        start = item.span.start
        line = self.given.text.rfind(b"\n", 0, start) + 1
        while line > 0:
            above = self.given.text.rfind(b"\n", 0, line - 1) + 1
            comment = self.given.text[above:line].strip()
            if not _COMMENT.match(comment):
                break
            line = above
            start = self.given.text.index(comment[:2], above)
        text = self.given.text[start : item.node_span.end].decode("utf-8", "replace")
        return laid_out(text, indent_at(self.given.text, item.node_span.start), indent, self.style)

    # Imports.

    def _want(self, item: Item) -> None:
        module = tuple(part for part in self.fit.modules + item.identity.module if " " not in part)
        node = next((n for n in path_at(self.given, item.node_span.start) if n.type == "use_declaration"), None)
        if node is None or any(" " in part for part in item.identity.module):
            return
        text = self.given.text[item.span.start : item.node_span.end].decode("utf-8", "replace")
        base = indent_at(self.given.text, item.node_span.start)
        text = laid_out(text, base, "", Style(b"\n", self.style.step)).decode()
        around = items_around(self.given, item.node_span.start)[-2:-1]
        cfgs = around[0].cfgs if around else ()
        self.wanted.setdefault((module, cfgs), []).append((use_of(self.given, node), text))

    def _use_patches(self, module: _Path, cfgs: _Path, wanted: list[tuple[Use, str]]) -> list[Patch]:
        body = self.lookup.module(module, cfgs) if module else None
        if module and body is None:
            return []

        def defined(name: str) -> bool:
            return any(
                item.identity.module == module and not item.identity.header and item.identity.kind != "macro"
                for item in named(self.file, name)
            )

        return merged_uses(self.file, module_node(self.file, body), wanted, defined, self.style)


def _takes_self(words: list[str]) -> bool:
    """Whether the first parameter is a `self`."""
    if "(" not in words:
        return False
    at = words.index("(") + 1
    return "self" in words[at : at + 4] and "," not in words[at : words.index("self", at)]


def _defined(body: str) -> set[tuple[str, str]]:
    """The items that a body defines, as ("fn", "helper")."""
    tokens = [token for token in lex(body) if token.kind not in ("comment", "doc")]
    found: set[tuple[str, str]] = set()
    for one, other in pairwise(tokens):
        if one.text in _DEFINING and other.kind == "word" and other.text not in (*_DEFINING, "mut", "unsafe", "async"):
            found.add((one.text, other.text))
    return {(kind, name) for kind, name in found if kind != "const" or name.isupper()}


def _inherent_opening(file: Source, block: Item, style: Style, indent: str) -> str:
    """The header and brace of an impl of the type alone, with the trait impl's generics and bounds."""
    node = next((node for node in path_at(file, block.name_span.start) if node.type == "impl_item"), None)
    if node is None:
        return f"impl {self_type(block.identity.header)} {{"
    bounds = next((child for child in node.children if child.type == "where_clause"), None)
    parts = [node.child_by_field_name(name) for name in ("type_parameters", "type")]
    generics, owner = (text_of(file, part) if part is not None else "" for part in parts)
    if bounds is None:
        return f"impl{generics} {owner} {{"
    line_end = style.line_end.decode() + indent
    return f"impl{generics} {owner}{line_end}{text_of(file, bounds)}{line_end}{{"
