"""The values of a workspace's environment files (`.env`, `.env.local`), which are secrets wherever they are quoted."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from opencrates_lsp.redaction.find import find, is_distinct
from opencrates_lsp.redaction.gate import Gate
from opencrates_lsp.redaction.said import is_setting

MOST_FOLDERS = 500
MOST_BYTES = 100_000
_DEPTH = 3
_SHORTEST = 8
_SAMPLES = (".example", ".sample", ".template", ".dist", ".defaults")
_LINE = re.compile(
    r"""^\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*(?:"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<plain>[^\n#]*))""",
    re.MULTILINE,
)
_SECRET_NAME = re.compile(r"SECRET|TOKEN|PASS|PWD|KEY|CREDENTIAL|DSN|AUTH|PRIVATE|SALT|_URL|_URI", re.IGNORECASE)


def gate_of(root: Path) -> Gate:
    """The gate of one job in the workspace at `root`."""
    return Gate(lambda: values_below(root))


def values_below(root: Path) -> dict[str, str]:
    """The values that are secrets, by value what each is; for a thread, because it reads files.

    Files of samples are no secrets; folders are looked into three deep.
    """
    found: dict[str, str] = {}
    for path in _files(root):
        with contextlib.suppress(OSError):
            if path.stat().st_size <= MOST_BYTES:
                found |= values_of(path.read_text(encoding="utf-8", errors="replace"))
    return found


def values_of(text: str) -> dict[str, str]:
    """The secrets of one environment file: those that look it, and what stands under a name that says it."""
    kind = "a value of an environment file"
    found = {text[one.start : one.end]: kind for one in find(text) if one.distinct}
    for line in _LINE.finditer(text):
        value = (line["double"] or line["single"] or line["plain"] or "").strip()
        named = _SECRET_NAME.search(line["name"]) is not None
        if len(value) >= _SHORTEST and is_setting(value) and (named or (is_distinct(value) and "://" in value)):
            found[value] = kind
    return found


def _files(root: Path) -> Iterator[Path]:
    waiting = [(root, 0)]
    for count, (folder, depth) in enumerate(waiting):
        if count >= MOST_FOLDERS:
            return
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name.startswith(".env") and not entry.name.endswith(_SAMPLES) and entry.is_file():
                    yield Path(entry.path)
                elif (
                    depth < _DEPTH
                    and not entry.name.startswith(".")
                    and entry.name not in ("target", "node_modules")
                    and entry.is_dir(follow_symlinks=False)
                ):
                    waiting.append((Path(entry.path), depth + 1))
