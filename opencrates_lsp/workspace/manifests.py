"""Cargo.toml as a text: what can be read of a package without running cargo.

cargo runs programs that a repository names, so a folder that is not trusted is read by these functions alone.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opencrates_lsp.errors import Missing, WrongUsage

Table = Mapping[str, Any]
_PLACE = re.compile(r"\s*\(at line (\d+), column (\d+)\)$")
_SECTIONS = ("dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies", "build_dependencies")
_FOLDERS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """One Cargo.toml; `root` is its folder, `table` its content."""

    path: Path
    table: Table = field(repr=False)

    @property
    def root(self) -> Path:
        return self.path.parent

    @property
    def package(self) -> Table | None:
        """`[package]`, None in a virtual manifest."""
        return _table(self, self.table, "package") if "package" in self.table else None

    @property
    def workspace(self) -> Table | None:
        return _table(self, self.table, "workspace") if "workspace" in self.table else None

    @property
    def name(self) -> str:
        name = (self.package or {}).get("name")
        if not isinstance(name, str) or not name:
            raise WrongUsage(
                f"{self.path}: there is no package.name.", remedy="Give the package a name.", place=self.path
            )
        return name


def read_manifest(path: Path) -> Manifest:
    """The manifest at `path`; `Missing` when it cannot be read, `WrongUsage` with line and column when it is broken."""
    try:
        return Manifest(path, tomllib.loads(path.read_bytes().decode("utf-8")))
    except OSError as error:
        raise Missing(f"{path} cannot be read: {error.strerror}.", place=path) from error
    except UnicodeDecodeError as error:
        raise broken(path, "it is not UTF-8", None) from error
    except tomllib.TOMLDecodeError as error:
        said = str(error)
        at = _PLACE.search(said)
        raise broken(path, _PLACE.sub("", said), (int(at[1]), int(at[2])) if at else None) from error


def broken(path: Path, said: str, at: tuple[int, int] | None) -> WrongUsage:
    """The error for a Cargo.toml that cannot be read; `at` is the line and column, both from 1."""
    place = f"{path}:{at[0]}:{at[1]}" if at else str(path)
    return WrongUsage(f"{place}: {said}.", remedy="Mend this Cargo.toml, then try again.", place=path)


def workspace_root(manifest: Manifest) -> Manifest:
    """The manifest of the workspace that this one belongs to; itself where there is none around it."""
    if manifest.workspace is not None:
        return manifest
    named = (manifest.package or {}).get("workspace")
    if isinstance(named, str):
        return read_manifest(_normal(manifest.root / named / "Cargo.toml"))
    for folder in manifest.root.parents:
        path = folder / "Cargo.toml"
        if path.is_file():
            outer = read_manifest(path)
            if outer.workspace is not None:
                inside = any(member.path == manifest.path for member in members(outer))
                return outer if inside else manifest
    return manifest


def members(root: Manifest) -> tuple[Manifest, ...]:
    """The packages of a workspace: the root's own, those named by `members`, and their path dependencies inside it."""
    found: dict[Path, Manifest] = {}
    if root.package is not None:
        found[root.path] = root
    workspace = root.workspace or {}
    excluded = [_normal(root.root / name) for name in _strings(workspace.get("exclude"))]
    for pattern in _strings(workspace.get("members")):
        for folder in _folders(root.root, pattern):
            path = folder / "Cargo.toml"
            if path not in found and path.is_file() and folder not in excluded:
                found[path] = read_manifest(path)
    waiting = list(found.values()) if root.workspace is not None else []
    while waiting:
        for folder in path_dependencies(waiting.pop(0), root):
            path = folder / "Cargo.toml"
            outside = not folder.is_relative_to(root.root) or any(folder.is_relative_to(other) for other in excluded)
            if path in found or outside or not path.is_file():
                continue
            found[path] = read_manifest(path)
            waiting.append(found[path])
    return tuple(manifest for manifest in found.values() if manifest.package is not None)


def _folders(root: Path, pattern: str) -> list[Path]:
    if not any(mark in pattern for mark in "*?["):
        return [_normal(root / pattern)]
    if Path(pattern).is_absolute():
        return []
    return sorted(folder for folder in map(_normal, root.glob(pattern)) if folder.is_dir())


def dependencies(manifest: Manifest) -> Iterator[tuple[str, Table | str]]:
    """The dependencies of every section and target, by the key in the manifest; not those of `[workspace]`."""
    targets = manifest.table.get("target")
    tables = [manifest.table, *(targets.values() if isinstance(targets, Mapping) else ())]
    for table in tables:
        for section in _SECTIONS:
            wanted = table.get(section) if isinstance(table, Mapping) else None
            if isinstance(wanted, Mapping):
                yield from wanted.items()


def path_dependencies(manifest: Manifest, root: Manifest) -> tuple[Path, ...]:
    """The folders of the dependencies that have a path, in order; `root` is the workspace's manifest."""
    shared = (root.workspace or {}).get("dependencies")
    found: dict[Path, None] = {}
    for name, own in dependencies(manifest):
        wanted: object = own
        base = manifest.root
        if isinstance(own, Mapping) and own.get("workspace") is True and isinstance(shared, Mapping):
            wanted, base = shared.get(name), root.root
        if isinstance(wanted, Mapping) and isinstance(wanted.get("path"), str):
            found[_normal(base / wanted["path"])] = None
    return tuple(found)


def patched_folders(root: Manifest) -> tuple[Path, ...]:
    """The folders that `[patch]` and `[replace]` put in the place of other packages."""
    patches = root.table.get("patch")
    tables = [*(patches.values() if isinstance(patches, Mapping) else ()), root.table.get("replace")]
    return tuple(
        _normal(root.root / wanted["path"])
        for table in tables
        if isinstance(table, Mapping)
        for wanted in table.values()
        if isinstance(wanted, Mapping) and isinstance(wanted.get("path"), str)
    )


def crate_name(manifest: Manifest) -> str:
    """The name of the package's library in Rust code."""
    library = manifest.table.get("lib")
    named = library.get("name") if isinstance(library, Mapping) else None
    return (named if isinstance(named, str) else manifest.name).replace("-", "_")


def edition(manifest: Manifest, root: Manifest) -> str:
    """The package's edition, "2015" when it names none, as cargo has it."""
    named = (manifest.package or {}).get("edition")
    if isinstance(named, Mapping):
        shared = (root.workspace or {}).get("package")
        named = shared.get("edition") if isinstance(shared, Mapping) else None
    return named if isinstance(named, str) else "2015"


def features(manifest: Manifest) -> Mapping[str, tuple[str, ...]]:
    table = manifest.table.get("features")
    if not isinstance(table, Mapping):
        return {}
    return {name: _strings(enabled) for name, enabled in table.items()}


def targets(manifest: Manifest) -> tuple[tuple[str, str, Path], ...]:
    """The targets as (name, kind, path): those that the manifest names and those that cargo finds by their place."""
    found: dict[Path, tuple[str, str, Path]] = {}
    library = manifest.table.get("lib")
    declared = library if isinstance(library, Mapping) else {}
    path = manifest.root / str(declared.get("path", "src/lib.rs"))
    if path.is_file():
        kind = "proc-macro" if declared.get("proc-macro") is True else "lib"
        found[path] = (crate_name(manifest), kind, path)
    for kind, folder in _FOLDERS.items():
        for name, path in _named(manifest, kind, folder) + _discovered(manifest, kind, folder):
            found.setdefault(path, (name, kind, path))
    build = (manifest.package or {}).get("build", "build.rs")
    if isinstance(build, str) and (manifest.root / build).is_file():
        found.setdefault(manifest.root / build, ("build-script-build", "custom-build", manifest.root / build))
    return tuple(found.values())


def _named(manifest: Manifest, kind: str, folder: str) -> list[tuple[str, Path]]:
    tables = manifest.table.get(kind)
    found: list[tuple[str, Path]] = []
    for table in tables if isinstance(tables, list) else ():
        name = table.get("name") if isinstance(table, Mapping) else None
        if not isinstance(name, str):
            continue
        given = table.get("path")
        places = [given] if isinstance(given, str) else [f"{folder}/{name}.rs", f"{folder}/{name}/main.rs"]
        if kind == "bin" and given is None:
            places.append("src/main.rs")
        place = next((manifest.root / place for place in places if (manifest.root / place).is_file()), None)
        if place is not None:
            found.append((name, place))
    return found


def _discovered(manifest: Manifest, kind: str, folder: str) -> list[tuple[str, Path]]:
    if (manifest.package or {}).get(f"auto{kind}{'es' if kind == 'bench' else 's'}") is False:
        return []
    found: list[tuple[str, Path]] = []
    if kind == "bin" and (manifest.root / "src/main.rs").is_file():
        found.append((manifest.name, manifest.root / "src/main.rs"))
    place = manifest.root / folder
    for path in sorted(place.iterdir()) if place.is_dir() else ():
        if path.suffix == ".rs" and path.is_file():
            found.append((path.stem, path))
        elif (path / "main.rs").is_file():
            found.append((path.name, path / "main.rs"))
    return found


def _table(manifest: Manifest, table: Table, key: str) -> Table:
    value = table[key]
    if not isinstance(value, Mapping):
        raise broken(manifest.path, f"`{key}` is not a table", None)
    return value


def _strings(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _normal(path: Path) -> Path:
    """Without `.` and `..`, yet with its symbolic links, as cargo names paths."""
    return Path(os.path.normpath(path))
