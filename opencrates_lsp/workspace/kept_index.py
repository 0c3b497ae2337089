"""The index of a workspace on disk: what was found in each file, by the file's time and size.

One compact file a workspace, which is read in one go; anything that is not as it should be is as if it were not there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.workspace import keeping, skim

log = logging.getLogger(__name__)

# Raised when the layout of the file changes, or what is found in a text does.
FORMAT = 1
_MAGIC = b"opencrates-index"
_HEAD = len(_MAGIC) + 1 + 1 + 4 + 4
_MOST_FILES = 32
_MOST_BYTES = 256_000_000

Stamp = tuple[int, int]
"""The time of a file's last change in nanoseconds, and its size in bytes."""
UNKNOWN: Stamp = (0, -1)


@dataclass(slots=True)
class Skimmed:
    """What was found in a file.

    `packed` is its text, `names` the types that it may define or implement, `calls` the sorted marks of what it calls.
    `stamp` is that of the file on disk, `UNKNOWN` for a text that came from elsewhere.
    """

    packed: bytes | memoryview
    names: tuple[str, ...]
    calls: array[int]
    stamp: Stamp = UNKNOWN
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def text(self) -> bytes:
        return zlib.decompress(self.packed)

    def source(self) -> Source:
        return parse(self.text())


def skimmed(text: bytes, stamp: Stamp = UNKNOWN) -> Skimmed:
    """What is found in a text at a glance."""
    return Skimmed(zlib.compress(text, 1), skim.defined_names(text), array("I", skim.called_marks(text)), stamp)


def place_of(folder: Path, root: Path) -> Path:
    """Where the index of the workspace at `root` is kept, in the folder of all of them."""
    digest = hashlib.blake2b(str(root).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return folder / f"{digest}.index"


def save(place: Path, files: Mapping[Path, Skimmed]) -> None:
    """Keep what is known of the files."""
    rows, blob = [], bytearray()
    for path, file in files.items():
        rows.append([str(path), *file.stamp, "\n".join(file.names), len(file.calls), len(file.packed)])
        blob += file.calls.tobytes()
        blob += file.packed
    table = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
    body = len(table).to_bytes(4, "little") + table + bytes(blob)
    head = _MAGIC + bytes([FORMAT, sys.byteorder == "little"]) + zlib.crc32(body).to_bytes(4, "little")
    keeping.keep(place, head + body, most_files=_MOST_FILES, most_bytes=_MOST_BYTES)


def load(place: Path) -> dict[Path, Skimmed]:
    """What was kept; nothing where it is of another version, or damaged."""
    data = keeping.kept(place, _MOST_BYTES)
    if data is None:
        return {}
    head = _MAGIC + bytes([FORMAT, sys.byteorder == "little"])
    view = memoryview(data)
    try:
        if not data.startswith(head) or int.from_bytes(view[_HEAD - 8 : _HEAD - 4], "little") != zlib.crc32(
            view[_HEAD - 4 :]
        ):
            log.debug("%s is made anew: it is damaged, or of another version", place)
            return {}
        return _files(view[_HEAD - 4 :])
    except (ValueError, TypeError, zlib.error) as error:
        log.debug("%s is made anew: %r", place, error)
        return {}


def _files(body: memoryview) -> dict[Path, Skimmed]:
    at = 4 + int.from_bytes(body[:4], "little")
    found: dict[Path, Skimmed] = {}
    for path, changed, size, names, count, length in json.loads(zlib.decompress(body[4:at])):
        calls = array("I")
        calls.frombytes(body[at : at + count * calls.itemsize])
        at += count * calls.itemsize
        known = tuple(map(sys.intern, names.split("\n"))) if names else ()
        found[Path(path)] = Skimmed(body[at : at + length], known, calls, (changed, size))
        at += length
    return found
