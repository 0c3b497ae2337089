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


def build_target(root: Path, env: Mapping[str, str]) -> str | None:
    """The target triple that the user's builds are for where nothing else is said; None for the host's, or several."""
    told: object = env.get("CARGO_BUILD_TARGET")
    home = Path(env.get("CARGO_HOME") or Path.home() / ".cargo")
    for config in (*configs(root), home / "config.toml", home / "config"):
        build = _table(config).get("build")
        told = told or (build.get("target") if isinstance(build, Mapping) else None)
    only = told[0] if isinstance(told, list) and len(told) == 1 else told
    return only if isinstance(only, str) and not only.endswith(".json") else None


def named(config: Path) -> Iterator[Path]:
    """The files and folders that a settings file names by relative paths, where they are there."""
    base = config.parent.parent
    for key, text in _strings(_table(config)):
        if not text or Path(text).is_absolute() or key in _WRITTEN or "\n" in text:
            continue
        if "/" not in text and key not in _FOLDERS:
            continue
        place = Path(os.path.normpath(base / text))
        if place.exists():
            yield place


def _table(config: Path) -> Mapping[str, object]:
    """What a settings file says; nothing where it cannot be read."""
    try:
        return tomllib.loads(config.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}


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
