"""The locked packages of a workspace as its texts tell them: Cargo.lock, the manifests, and cargo's own folders.

No program is run, so this holds for a folder that is not trusted too; which features are on is not known then.
"""

from __future__ import annotations

import contextlib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.workspace import manifests
from opencrates_lsp.workspace.locked import Locked
from opencrates_lsp.workspace.manifests import Manifest, read_manifest

_NUMBERS = re.compile(r"\d+")
_MOST_LOCK_BYTES = 8_000_000
_MOST_FOLDERS = 400


class LockFile:
    """See `locked.Dependencies`; the packages are looked up one by one, when they are asked for.

    `cargo_home` is the folder that cargo keeps its sources in; raises `Missing` without a lock file that can be read.
    """

    def __init__(self, root: Path, cargo_home: Path) -> None:
        self._root = root
        self._home = cargo_home
        self._packages: dict[str, list[Mapping[str, Any]]] = {}
        self._known: dict[str, Locked | None] = {}
        self._manifest = read_manifest(root / "Cargo.toml")
        for package in _packages(root / "Cargo.lock"):
            self._packages.setdefault(package["name"], []).append(package)

    def of_member(self, root: Path) -> Locked | None:
        """The member whose folder this is."""
        return self.get(f"path {root}")

    def get(self, key: str) -> Locked | None:
        """The package of this key, None where its sources are not found."""
        if key not in self._known:
            self._known[key] = None
            with contextlib.suppress(Missing, WrongUsage, OSError, ValueError):
                self._known[key] = self._read(key)
        return self._known[key]

    def _read(self, key: str) -> Locked | None:
        kind, _, rest = key.partition(" ")
        if kind == "path":
            folder: Path | None = Path(rest)
            locked = None
        else:
            name, _, version = rest.partition(" ")
            locked = self._entry(name, version)
            folder = self._folder(locked) if locked is not None else None
        if folder is None:
            return None
        manifest = read_manifest(folder / "Cargo.toml")
        own = locked or next((one for one in self._packages.get(manifest.name, ()) if "source" not in one), None)
        library = next((path for _, what, path in manifests.targets(manifest) if what in ("lib", "proc-macro")), None)
        around = manifests.workspace_root(manifest) if locked is None else manifest
        return Locked(
            key=key,
            name=manifest.name,
            version=str((own or {}).get("version", "")),
            root=folder,
            library=library,
            crate=manifests.crate_name(manifest),
            edition=manifests.edition(manifest, around),
            features=None,
            dependencies=_Names(list(self._dependencies(manifest, around, own)), self._library_name),
            source=str((locked or {}).get("checksum") or (locked or {}).get("source") or ""),
        )

    def _dependencies(
        self, manifest: Manifest, around: Manifest, own: Mapping[str, Any] | None
    ) -> Iterator[tuple[str, str, bool]]:
        """The names in the manifest, each with the key of what is locked for it, and whether the name is a new one."""
        listed = [str(one) for one in (own or {}).get("dependencies", ())]
        shared = (around.workspace or {}).get("dependencies")
        for name, stated in manifests.dependencies(manifest):
            wanted: object = stated
            base = manifest.root
            if isinstance(stated, Mapping) and stated.get("workspace") is True and isinstance(shared, Mapping):
                wanted, base = shared.get(name), around.root
            table = wanted if isinstance(wanted, Mapping) else {"version": wanted}
            package = str(table.get("package", name))
            path = table.get("path")
            if isinstance(path, str) and (base / path / "Cargo.toml").is_file():
                key: str | None = f"path {os.path.normpath(base / path)}"
            else:
                key = self._listed(package, str(table.get("version") or ""), listed)
            if key is not None:
                yield name.replace("-", "_"), key, "package" in table

    def _library_name(self, key: str) -> str:
        found = self.get(key)
        return found.crate if found is not None else ""

    def _listed(self, name: str, wanted: str, listed: list[str]) -> str | None:
        """The key of the package of this name among those that the lock file lists for the dependant."""
        versions = [one.split(" ")[1] for one in listed if one.split(" ")[0] == name and " " in one]
        if not versions and name in (one.split(" ")[0] for one in listed):
            versions = [str(one["version"]) for one in self._packages.get(name, ())]
        fitting = [version for version in versions if _fits(version, wanted)] or versions
        return f"locked {name} {max(fitting, key=_order)}" if fitting else None

    def _entry(self, name: str, version: str) -> Mapping[str, Any] | None:
        return next((one for one in self._packages.get(name, ()) if one["version"] == version), None)

    def _folder(self, locked: Mapping[str, Any]) -> Path | None:
        """Where cargo has unpacked the package."""
        name, version, source = locked["name"], locked["version"], str(locked.get("source", ""))
        if not _is_name(name) or not _is_name(version):
            return None
        if source.startswith("git+"):
            return self._checkout(name, source.rpartition("#")[2])
        places = [place / f"{name}-{version}" for place in sorted((self._home / "registry" / "src").glob("*"))]
        places += [vendor / part for vendor in self._vendored() for part in (f"{name}-{version}", name)]
        for place in places:
            with contextlib.suppress(Missing, WrongUsage):
                if (read_manifest(place / "Cargo.toml").package or {}).get("version") == version:
                    return place
        return None

    def _checkout(self, name: str, revision: str) -> Path | None:
        """The package's folder in the checkout of a git revision."""
        if not re.fullmatch(r"[0-9a-f]{7,40}", revision):
            return None
        for checkout in sorted((self._home / "git" / "checkouts").glob(f"*/{revision[:7]}*")):
            for count, manifest in enumerate(sorted(checkout.rglob("Cargo.toml"))):
                if count >= _MOST_FOLDERS:
                    break
                with contextlib.suppress(Missing, WrongUsage):
                    if read_manifest(manifest).name == name:
                        return manifest.parent
        return None

    def _vendored(self) -> list[Path]:
        """The folders of vendored sources, none outside of the workspace: the repository is not trusted to name one."""
        named = ["vendor"]
        for name in ("config.toml", "config"):
            with contextlib.suppress(Missing, WrongUsage):
                sources = read_manifest(self._root / ".cargo" / name).table.get("source")
                tables = sources.values() if isinstance(sources, Mapping) else ()
                named += [one["directory"] for one in tables if isinstance(one, Mapping) and "directory" in one]
        root = self._root.resolve()
        found = [(self._root / name).resolve() for name in named if isinstance(name, str)]
        return [folder for folder in dict.fromkeys(found) if folder.is_relative_to(root) and folder.is_dir()]


class _Names(Mapping[str, str]):
    """The keys of dependencies by the names that code has for them.

    A library may have another name than its package; manifests are read to learn of it only where no package fits.
    """

    def __init__(self, listed: list[tuple[str, str, bool]], library_name: Callable[[str], str]) -> None:
        self._plain = {name: key for name, key, _ in listed}
        self._unnamed = [key for _, key, is_renamed in listed if not is_renamed]
        self._library_name = library_name
        self._odd: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        if name in self._plain:
            return self._plain[name]
        if self._odd is None:
            self._odd = {self._library_name(key): key for key in self._unnamed}
        return self._odd[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._plain)

    def __len__(self) -> int:
        return len(self._plain)


def _packages(path: Path) -> list[Mapping[str, Any]]:
    try:
        if path.stat().st_size > _MOST_LOCK_BYTES:
            raise Missing(f"{path} is too large to be read.", place=path)
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Missing(f"{path} cannot be read.", place=path) from error
    packages = table.get("package")
    return [
        one
        for one in (packages if isinstance(packages, list) else ())
        if isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("version"), str)
    ]


def _is_name(text: str) -> bool:
    """Whether it is one part of a path, as names and versions are; a lock file can say anything."""
    return re.fullmatch(r"[\w.+-]+", text) is not None and ".." not in text


def _order(version: str) -> tuple[list[int], bool]:
    plain, _, pre = version.partition("-")
    return [int(number) for number in _NUMBERS.findall(plain.partition("+")[0])], not pre


def _fits(version: str, wanted: str) -> bool:
    """Whether the version may be what a requirement asks for: the leftmost number that is not zero is the same.

    Only to choose between versions that cargo has chosen already.
    """
    asked = [int(number) for number in _NUMBERS.findall(wanted.partition(",")[0])]
    has = _order(version)[0]
    significant = next((at for at, number in enumerate(asked) if number), len(asked) - 1)
    return has[: significant + 1] == asked[: significant + 1]
