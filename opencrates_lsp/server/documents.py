"""The texts that the editor has open: UTF-8 bytes, a line index and a tree-sitter tree, all edited in place.

pygls's own documents rebuild the whole text for every change and split it with `str.splitlines`, which also splits at
form feeds and U+2028; these do neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from opencrates_lsp.errors import WrongUsage
from opencrates_lsp.faces.line_index import LineIndex
from opencrates_lsp.faces.uris import path_of
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Document, Span

if TYPE_CHECKING:
    from tree_sitter import Tree

Encoding = Literal["utf-8", "utf-16", "utf-32"]


class Place(NamedTuple):
    """A position as the protocol has it: a line, and code units of the negotiated encoding into it; both from 0."""

    line: int
    character: int


class TextChange(NamedTuple):
    """One change of a `didChange`: `text` for `start:end`, or for the whole text where there is no range.

    The positions of each change of a batch count in the text that the changes before it left.
    """

    text: str
    start: Place | None = None
    end: Place | None = None


class OpenDocument:
    """One open text.

    `path` is None where the URI names no file (an untitled buffer, say).
    `version` is the editor's; `text` is UTF-8 and belongs to this object, so take `snapshot()` to keep it.
    """

    __slots__ = (
        "_lines",
        "_lone_returns",
        "_patched",
        "_shared",
        "_snapshot",
        "_source",
        "_tree",
        "encoding",
        "language",
        "path",
        "text",
        "uri",
        "version",
    )

    def __init__(self, uri: str, text: str, version: int, *, language: str = "rust", encoding: Encoding = "utf-16"):
        self.uri = uri
        self.path = path_of(uri)
        self.version = version
        self.language = language
        self.encoding = encoding
        self._replace_all(text)

    def _replace_all(self, text: str) -> None:
        self.text = bytearray(encoded(text))
        self._lines = LineIndex(self.text)
        self._lone_returns = self.text.count(b"\r") != self.text.count(b"\r\n")
        self._tree: Tree | None = None
        self._shared = False
        self._patched = False
        self._source: Source | None = None
        self._snapshot: Document | None = None

    def apply(self, changes: Sequence[TextChange], version: int) -> None:
        """Follow the editor: the changes one after the other, as `version`."""
        for text, start, end in changes:
            if start is None or end is None:
                self._replace_all(text)
            else:
                self._replace(self.offset(start), self.offset(end), encoded(text))
        self.version = version
        self._snapshot = None

    def _replace(self, start: int, end: int, new: bytes) -> None:
        if end < start:
            start, end = end, start
        new_end = start + len(new)
        text = self.text
        tree = self._tree
        if tree is not None:
            start_point, end_point = self._point(start), self._point(end)
        text[start:end] = new
        if self._lines.replaced(text, start, end, new_end):
            self._lone_returns = True
        self._source = None
        if tree is not None:
            if self._shared:
                # Whoever was given the tree keeps it as it was; copying one only counts a reference.
                tree = self._tree = tree.copy()
                self._shared = False
            tree.edit(start, end, new_end, start_point, end_point, self._point(new_end))

    def _point(self, offset: int) -> tuple[int, int]:
        """tree-sitter's row and byte column: its rows end at `\\n` alone."""
        if self._lone_returns:
            begin = self.text.rfind(b"\n", 0, offset) + 1
            return self.text.count(b"\n", 0, begin), offset - begin
        line = self._lines.line(offset)
        return line, offset - self._lines.start(line)

    def snapshot(self) -> Document:
        """The text as it is now; raises `WrongUsage` where the buffer is no file."""
        if self._snapshot is None:
            if self.path is None:
                raise WrongUsage(f"The buffer {self.uri} is not a file.", remedy="Save it into a crate first.")
            text = self._source.text if self._source is not None else bytes(self.text)
            self._snapshot = Document(self.path, text, self.version)
        return self._snapshot

    def source(self) -> Source:
        """The text as it is now and its tree: parsed when asked for, from the last tree where there is one.

        The tree is never edited afterwards.
        It is what a fresh parse gives, except that where the text has syntax errors tree-sitter may recover from them
        in another way (in about one of a thousand broken texts): good enough for offering, see `exact_source`.
        """
        if self._source is not None:
            return self._source
        text = self._snapshot.text if self._snapshot is not None else bytes(self.text)
        self._patched = self._tree is not None
        return self._kept(parse(text, self._tree))

    def exact_source(self) -> Source:
        """The text as it is now and the tree of a fresh parse: what edits are computed from.

        Costs a whole parse (about 35 ms for 10,000 lines) only where the text has syntax errors and the tree was made
        from an earlier one; without errors the two do not differ.
        """
        source = self.source()
        if self._patched and source.tree.root_node.has_error:
            self._patched = False
            return self._kept(parse(source.text))
        return source

    def _kept(self, source: Source) -> Source:
        self._source = source
        self._tree = source.tree
        self._shared = True
        return source

    def offset(self, place: Place) -> int:
        """The byte offset of a position.

        A line past the last is the end of the text, a character past the line's end is the end of the line (before its
        line break), and a position inside a character is the beginning of that character.
        """
        line, character = place
        if line >= len(self._lines):
            return len(self.text)
        start = self._lines.start(line)
        text = self.text
        if self.encoding == "utf-8":
            at = min(start + character, self._line_end(line))
            while at > start and at < len(text) and text[at] & 0xC0 == 0x80:
                at -= 1
            return at
        end = self._line_end(line)
        # ASCII takes one byte a unit; no character takes more than four bytes, nor less than one unit.
        head = bytes(text[start : min(start + character, end)])
        if head.isascii():
            return start + len(head)
        head = bytes(text[start : min(start + 4 * character, end)])
        if self.encoding == "utf-32":
            return start + len(head.decode(errors="ignore")[:character].encode())
        units = head.decode(errors="ignore").encode("utf-16-le")[: 2 * character]
        return start + len(units.decode("utf-16-le", errors="ignore").encode())

    def place(self, offset: int) -> Place:
        """The position of a byte offset; one inside a character is taken as the beginning of that character."""
        text = self.text
        offset = max(0, min(offset, len(text)))
        while 0 < offset < len(text) and text[offset] & 0xC0 == 0x80:
            offset -= 1
        line = self._lines.line(offset)
        # There is no position between the `\r` and the `\n` of one line end: both of its sides are the line's end.
        head = bytes(text[self._lines.start(line) : min(offset, self._line_end(line))])
        if self.encoding == "utf-8" or head.isascii():
            return Place(line, len(head))
        if self.encoding == "utf-32":
            return Place(line, len(head.decode()))
        return Place(line, len(head.decode().encode("utf-16-le")) // 2)

    def span(self, start: Place, end: Place) -> Span:
        """The bytes of a range of positions; a range that is told backwards is turned round."""
        first, last = self.offset(start), self.offset(end)
        return Span(min(first, last), max(first, last))

    def places(self, span: Span) -> tuple[Place, Place]:
        """The positions of a range of bytes."""
        return self.place(span.start), self.place(span.end)

    def _line_end(self, line: int) -> int:
        """The byte offset at which the characters of `line` end and its line break begins."""
        if line + 1 == len(self._lines):
            return len(self.text)
        end = self._lines.start(line + 1) - 1
        if self.text[end] == 0x0A and end > self._lines.start(line) and self.text[end - 1] == 0x0D:
            return end - 1
        return end


class Documents:
    """The open texts by URI and by path, and who waits for one of them to become something.

    `encoding` is what was negotiated in `initialize`; set it before the first text is opened.
    """

    def __init__(self, encoding: Encoding = "utf-16") -> None:
        self.encoding: Encoding = encoding
        self._by_uri: dict[str, OpenDocument] = {}
        self._by_path: dict[Path, OpenDocument] = {}
        self._waiting: dict[asyncio.Future[bool], tuple[Path, bytes]] = {}

    def __iter__(self) -> Iterator[OpenDocument]:
        return iter(tuple(self._by_uri.values()))

    def __len__(self) -> int:
        return len(self._by_uri)

    def open(self, uri: str, text: str, version: int, language: str = "rust") -> OpenDocument:
        """The editor opened a text; one that was open already under this URI is replaced."""
        document = OpenDocument(uri, text, version, language=language, encoding=self.encoding)
        self._by_uri[uri] = document
        if document.path is not None:
            self._by_path[document.path] = document
        self._tell()
        return document

    def change(self, uri: str, version: int, changes: Sequence[TextChange]) -> OpenDocument:
        """The editor changed a text; raises `WrongUsage` where it is not open."""
        document = self._by_uri.get(uri)
        if document is None:
            raise WrongUsage(f"The editor changed {uri}, which it has not opened.")
        document.apply(changes, version)
        if self._waiting:
            self._tell()
        return document

    def close(self, uri: str) -> OpenDocument | None:
        """The editor closed a text; None where it was not open."""
        document = self._by_uri.pop(uri, None)
        if document is not None and document.path is not None and self._by_path.get(document.path) is document:
            del self._by_path[document.path]
        self._tell()
        return document

    def get(self, uri: str) -> OpenDocument | None:
        """The open text of a URI; a file that the editor wrote otherwise when it opened it is found by its path."""
        document = self._by_uri.get(uri)
        if document is None and (path := path_of(uri)) is not None:
            document = self._by_path.get(path)
        return document

    def at(self, path: Path) -> OpenDocument | None:
        """The open text of a file."""
        return self._by_path.get(path)

    def snapshots(self) -> dict[Path, Document]:
        """The open files as they are now, by path; what `Face.documents` answers."""
        return {path: document.snapshot() for path, document in self._by_path.items()}

    async def becomes(self, path: Path, text: bytes, seconds: float) -> bool:
        """Wait until the open text of `path` equals `text`; False when it does not within `seconds`, or is closed.

        The answer to `workspace/applyEdit` may come before the `didChange` that it caused, and some editors say
        "applied" without having done so: only this tells.
        A text that was so for a moment counts, because the user may type on at once.
        Line ends are all the same here: an editor gives new lines those of its buffer.
        """
        document = self._by_path.get(path)
        if document is None or _same(document.text, text):
            return document is not None
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = path, text
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except TimeoutError:
            return False
        finally:
            del self._waiting[waiter]

    def _tell(self) -> None:
        for waiter, (path, text) in self._waiting.items():
            document = self._by_path.get(path)
            if not waiter.done() and (document is None or _same(document.text, text)):
                waiter.set_result(document is not None)


def _same(one: bytes | bytearray, other: bytes) -> bool:
    if one == other:
        return True
    if b"\r" not in one and b"\r" not in other:
        return False
    return one.replace(b"\r\n", b"\n") == other.replace(b"\r\n", b"\n")


def encoded(text: str) -> bytes:
    """The text in UTF-8; half a surrogate pair, which JSON can carry and UTF-8 cannot, becomes U+FFFD.

    Both are one unit of UTF-16, so the positions of an editor that counts in UTF-16 stay true.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text).encode()
