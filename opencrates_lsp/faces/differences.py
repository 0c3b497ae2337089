"""Changes as unified diffs, as `git apply` takes them: what a dry run prints, and what an editor is offered."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from opencrates_lsp.rust.edits import applied
from opencrates_lsp.values import Change


def patch_of(change: Change, start: Path) -> bytes:
    """The change as a patch of the texts that it was judged on; see `patch_between`."""
    before = {document.path: document.text for document in change.documents}
    return patch_between(before, applied(change.edits, before), start)


def patch_between(before: Mapping[Path, bytes], after: Mapping[Path, bytes | None], start: Path) -> bytes:
    """The files of `after` against those before as a unified diff; None is a removed file.

    Its paths are relative to the folder `start`.
    """
    return b"".join(line for path in sorted(after) for line in _diff(path, before.get(path), after[path], start))


def _diff(path: Path, old: bytes | None, new: bytes | None, start: Path) -> Iterator[bytes]:
    name = os.fsencode(Path(os.path.relpath(path, start)).as_posix())
    # Behind a tab there would be a date; without the tab a name with a space ends at the space.
    source = b"a/%s\t" % name if old is not None else b"/dev/null"
    target = b"b/%s\t" % name if new is not None else b"/dev/null"
    lines = difflib.diff_bytes(difflib.unified_diff, _lines(old or b""), _lines(new or b""), source, target)
    for line in lines:
        yield line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n"


def _lines(text: bytes) -> list[bytes]:
    """The lines as git counts them: they end at `\n` alone."""
    lines = text.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
