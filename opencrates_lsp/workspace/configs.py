"""cargo's own settings files around a workspace: which of them hold there, and what of the file system they name."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAMES = (".cargo/config.toml", ".cargo/config")
# Where cargo writes to, or installs what it was told to; nothing is read there.
_WRITTEN = ("target-dir", "build-dir", "root")
_FOLDERS = ("directory", "path", "paths")


def configs(root: Path) -> tuple[Path, ...]:
    """The settings files of the root and of the folders above it, the nearest first; not that of cargo's home."""
    return tuple(folder / name for folder in (root, *root.parents) for name in _NAMES if (folder / name).is_file())


def named(config: Path) -> Iterator[Path]:
    """The files and folders that a settings file names by relative paths, where they are there."""
    try:
        table = tomllib.loads(config.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return
    base = config.parent.parent
    for key, text in _strings(table):
        if not text or Path(text).is_absolute() or key in _WRITTEN or "\n" in text:
            continue
        if "/" not in text and key not in _FOLDERS:
            continue
        place = Path(os.path.normpath(base / text))
        if place.exists():
            yield place


def _strings(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        if value.get("relative") is True:
            # A variable of the environment that is a place.
            yield "path", str(value.get("value", ""))
        for name, one in value.items():
            yield from _strings(one, str(name) if name != "value" else key)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one, key)
