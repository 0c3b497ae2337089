"""The three folders that OpenCrates keeps its own files in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """Absolute folders, which may not exist yet.

    `config` holds what the user writes (config.toml, templates), `data` what must not be lost (the store), and
    `cache` what can be made again (mirrors and their targets).
    """

    config: Path
    data: Path
    cache: Path


def find_home(env: Mapping[str, str]) -> Home:
    """Folders below `OPENCRATES_HOME` where that is set, else the platform's own for this user.

    The platform's come from the process's environment (`XDG_CONFIG_HOME` and its like), whatever `env` holds.
    """
    named = env.get("OPENCRATES_HOME", "").strip()
    if named:
        root = Path(named).expanduser().absolute()
        return Home(root / "config", root / "data", root / "cache")
    from platformdirs import PlatformDirs

    places = PlatformDirs("opencrates", appauthor=False)
    return Home(places.user_config_path, places.user_data_path, places.user_cache_path)
