"""Where the packages of a workspace are and who sees whom: cargo's own answer where cargo may run."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.workspace import manifests
from opencrates_lsp.workspace.configs import build_target, configs, named
from opencrates_lsp.workspace.manifests import Manifest, read_manifest

_ARROW = re.compile(r"^\s*--> (?P<path>.+?):(?P<line>\d+):(?P<column>\d+)$", re.MULTILINE)
_QUOTED = re.compile(r"manifest (?:at|for .*?) `(?P<path>[^`]+)`")
_REFERRED = re.compile(r"^(?:referenced|required) by .*?at `(?P<path>[^`]+)`", re.MULTILINE)
_DEADLINE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that cargo builds; `kind` as in cargo's metadata ("lib", "bin", "test", "custom-build").

    `required` are the features without which it is not built.
    """

    name: str
    kind: tuple[str, ...]
    path: Path
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Package:
    """One member of the workspace; `root` is the folder of its `manifest`.

    `path_dependencies` are the folders of the packages that it depends on by path.
    `dependencies` are the crate names that its code may use, as Rust spells them, its own among them; a registry
    crate whose library has another name than its package is listed by its package's.
    `enables` are the features with what each turns on, in any form that a manifest knows ("other", "dep:name").
    `default_features` are the features that "default" turns on, directly or not.
    `unified` are those beyond them that other members turn on where the whole workspace is built.
    `is_apart` tells that the default members, where they alone are built, have it compiled with other features.
    """

    name: str
    id: str
    manifest: Path
    root: Path
    edition: str
    targets: tuple[Target, ...]
    features: tuple[str, ...]
    default_features: tuple[str, ...]
    path_dependencies: tuple[Path, ...]
    dependencies: frozenset[str]
    unified: tuple[str, ...] = ()
    is_apart: bool = False
    enables: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def source_folders(self) -> tuple[Path, ...]:
        """The folders of the targets that lie outside of its own."""
        return tuple(one.path.parent for one in self.targets if not one.path.is_relative_to(self.root))


@dataclass(frozen=True, slots=True)
class Layout:
    """A workspace; a package without one is its own.

    `outside` are the folders outside of `root` that it is built from: path dependencies, theirs, and patches.
    `outside_manifests` are the manifests of the workspaces that those folders inherit from.
    `trusted` tells whether cargo was asked, or the manifests alone were read.
    `default_members` are the folders of what a plain `cargo build` in the root builds; none where cargo was not asked.
    `target` is the triple that cargo's own settings name, None where they name none, or several.
    `build_directory` is where cargo keeps what it builds from, None where that is the target directory.
    """

    root: Path
    packages: tuple[Package, ...]
    target_directory: Path
    trusted: bool
    outside: tuple[Path, ...] = ()
    outside_manifests: tuple[Path, ...] = ()
    default_members: tuple[Path, ...] = ()
    build_directory: Path | None = None
    target: str | None = None

    def package_of(self, path: Path) -> Package | None:
        """The member whose folder is the nearest one around the file; else that of which a target is."""
        around = [package for package in self.packages if path.is_relative_to(package.root)]
        if not around:
            around = [package for package in self.packages if any(map(path.is_relative_to, package.source_folders))]
        return max(around, key=lambda package: len(package.root.parts), default=None)

    def dependants(self, package: Package) -> tuple[Package, ...]:
        """The other members that are built from this one, directly or not, in the workspace's order."""
        reached = {package.root}
        while True:
            new = {one.root for one in self.packages if reached & set(one.path_dependencies)} - reached
            if not new:
                return tuple(one for one in self.packages if one.root in reached and one.root != package.root)
            reached |= new


def find_manifest(path: Path) -> Path:
    """The nearest Cargo.toml at or above `path` (a file, a folder, or a place where a file is yet to be)."""
    start = Path(os.path.abspath(path))  # noqa: PTH100 - `Path.absolute` keeps "..", which is no parent.
    folder = start if start.is_dir() else start.parent
    for place in (folder, *folder.parents):
        manifest = place / "Cargo.toml"
        if manifest.is_file():
            return manifest
    raise Missing(
        f"There is no Cargo.toml in {folder} or above it.",
        remedy="Run `cargo init` there, or make a crate with `opencrates new`.",
        place=folder / "Cargo.toml",
    )


async def load_layout(path: Path, *, cargo: Sequence[str], env: Mapping[str, str], trusted: bool) -> Layout:
    """The workspace that the file or folder `path` belongs to.

    `cargo` is the program with its first arguments and `env` its whole environment; neither is used unless trusted.
    Raises `Missing` without a manifest or without cargo, `WrongUsage` naming file, line and column of a broken one.
    """
    manifest = await asyncio.to_thread(find_manifest, path)
    if not trusted:
        return await asyncio.to_thread(_read_layout, manifest)
    metadata = await _metadata(manifest, cargo, env)
    return await asyncio.to_thread(_layout_of, metadata, env)


async def _metadata(manifest: Path, cargo: Sequence[str], env: Mapping[str, str]) -> Mapping[str, Any]:
    arguments = ["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path", str(manifest)]
    try:
        process = await asyncio.create_subprocess_exec(
            *cargo,
            *arguments,
            cwd=manifest.parent,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise Missing(
            f"cargo cannot be started: {error.strerror}.", remedy="Install Rust from https://rustup.rs."
        ) from error
    try:
        out, said = await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)
    except TimeoutError as error:
        raise Missing("cargo metadata does not answer.", remedy="Run it in a terminal.", place=manifest) from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise _complaint(manifest, said.decode("utf-8", "replace"))
    metadata = json.loads(out)
    if not isinstance(metadata, dict):
        raise Missing("cargo metadata answers something else than an object.", place=manifest)
    return metadata


def _complaint(manifest: Path, said: str) -> WrongUsage | Missing:
    """cargo's own words with the place that they name."""
    message = said.strip().removeprefix("error: ")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    first = lines[0] if lines else "it says nothing"
    arrow = _ARROW.search(said)
    if arrow is not None:
        place = _normal(manifest.parent / arrow["path"])
        return manifests.broken(place, first.rstrip("."), (int(arrow["line"]), int(arrow["column"])))
    if "manifest" not in said and "workspace" not in said:
        return Missing(f"cargo metadata failed: {first}", remedy="Run it in a terminal.", place=manifest)
    # The causes get nearer to what is wrong; what stands before them tells how cargo came there.
    causes = [line for before, line in pairwise(lines) if before == "Caused by:"] or [first]
    return manifests.broken(_blamed(manifest, said), ": ".join(causes).rstrip("."), None)


def _blamed(manifest: Path, said: str) -> Path:
    """The manifest that cargo complains of; a member that is not there is its workspace's mistake."""
    quoted = _QUOTED.search(said)
    if quoted is None:
        return manifest
    place = _normal(manifest.parent / quoted["path"])
    if place.name == "Cargo.toml":
        return place
    referring = _REFERRED.search(said)
    if not (place / "Cargo.toml").is_file() and referring is not None:
        return _normal(manifest.parent / referring["path"])
    return place / "Cargo.toml"


def _layout_of(metadata: Mapping[str, Any], env: Mapping[str, str]) -> Layout:
    root = Path(metadata["workspace_root"])
    listed = set(metadata["workspace_members"])
    members = [package for package in metadata["packages"] if package["id"] in listed]
    # An older cargo does not tell its default members.
    chosen = set(metadata.get("workspace_default_members") or listed)
    defaults = tuple(Path(one["manifest_path"]).parent for one in members if one["id"] in chosen)
    unified = _turned_on(members, [Path(one["manifest_path"]).parent for one in members])
    by_default = _turned_on(members, defaults)
    packages = tuple(_package_of(package, unified, by_default) for package in members)
    outside, inherited = _outside(root, packages)
    target = Path(metadata["target_directory"])
    # An older cargo has no other directory.
    build = Path(metadata.get("build_directory") or target)
    return Layout(
        root,
        packages,
        target,
        True,
        outside,
        inherited,
        defaults,
        build if build != target else None,
        build_target(root, env),
    )


def _turned_on(members: Sequence[Mapping[str, Any]], built: Iterable[Path]) -> Mapping[Path, frozenset[str]]:
    """The features of each member that is compiled, by its folder, where those of `built` are built together."""
    features = {folder: {"default"} for folder in built}
    known = -1
    while known != (known := sum(1 + len(own) for own in features.values())):
        for member in members:
            own = features.get(Path(member["manifest_path"]).parent)
            if own is None:
                continue
            own |= _enabled(member, own)
            for folder, asked in _asked(member, own):
                features.setdefault(folder, set()).update(asked)
    return {folder: frozenset(own) for folder, own in features.items()}


def _enabled(package: Mapping[str, Any], features: Iterable[str]) -> set[str]:
    """What these features turn on, in any form that a manifest knows ("other", "dep:name", "name/theirs")."""
    found, waiting = set(features), list(features)
    while waiting:
        new = set(package["features"].get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _asked(package: Mapping[str, Any], enabled: Iterable[str]) -> Iterator[tuple[Path, set[str]]]:
    """The features of path dependencies that the package is built with, each with the dependency's folder."""
    enabled = set(enabled)
    for wanted in package["dependencies"]:
        name = wanted["rename"] or wanted["name"]
        if not wanted.get("path") or wanted["kind"] is not None:
            continue
        forwarded = {one.partition("/")[2] for one in enabled if one.partition("/")[0].rstrip("?") == name}
        if not wanted["optional"] or {name, f"dep:{name}"} & enabled:
            usual = {"default"} if wanted["uses_default_features"] else set()
            yield Path(wanted["path"]), {*wanted["features"], *filter(None, forwarded), *usual}


def _package_of(
    package: Mapping[str, Any], turned_on: Mapping[Path, frozenset[str]], by_default: Mapping[Path, frozenset[str]]
) -> Package:
    wanted = package["dependencies"]
    folders = {Path(one["path"]): None for one in wanted if one.get("path")}
    names = {_crate_of(one["rename"] or one["name"], one.get("path") if not one["rename"] else None) for one in wanted}
    own = [target["name"] for target in package["targets"] if "lib" in target["kind"] or "proc-macro" in target["kind"]]
    names.update(name.replace("-", "_") for name in own or [package["name"]])
    manifest = Path(package["manifest_path"])
    usual = _enabled(package, ("default",))
    return Package(
        name=package["name"],
        id=package["id"],
        manifest=manifest,
        root=manifest.parent,
        edition=package["edition"],
        targets=tuple(
            Target(
                target["name"],
                tuple(target["kind"]),
                _normal(Path(target["src_path"])),
                tuple(target.get("required-features", ())),
            )
            for target in package["targets"]
        ),
        features=tuple(sorted(package["features"])),
        default_features=tuple(sorted(usual & package["features"].keys() - {"default"})),
        path_dependencies=tuple(folders),
        dependencies=frozenset(names),
        unified=tuple(sorted((turned_on[manifest.parent] - usual) & package["features"].keys())),
        is_apart=bool(
            (turned_on[manifest.parent] ^ by_default.get(manifest.parent, turned_on[manifest.parent]))
            & package["features"].keys()
        ),
        enables=tuple((name, tuple(turned)) for name, turned in sorted(package["features"].items())),
    )


def _read_layout(path: Path) -> Layout:
    """The layout from the manifests' texts alone."""
    root = manifests.workspace_root(read_manifest(path))
    packages = tuple(_package_from(manifest, root) for manifest in manifests.members(root))
    outside, inherited = _outside(root.root, packages)
    return Layout(root.root, packages, root.root / "target", False, outside, inherited)


def _package_from(manifest: Manifest, root: Manifest) -> Package:
    enabled = manifests.features(manifest)
    version = (manifest.package or {}).get("version")
    names = {manifests.crate_name(manifest)}
    for name, wanted in manifests.dependencies(manifest):
        folder = wanted.get("path") if isinstance(wanted, Mapping) and "package" not in wanted else None
        names.add(_crate_of(name, str(manifest.root / folder) if isinstance(folder, str) else None))
    return Package(
        name=manifest.name,
        id=f"path+file://{manifest.root}#{manifest.name}@{version if isinstance(version, str) else '0.0.0'}",
        manifest=manifest.path,
        root=manifest.root,
        edition=manifests.edition(manifest, root),
        targets=tuple(Target(name, (kind,), _normal(place)) for name, kind, place in manifests.targets(manifest)),
        features=tuple(sorted(enabled)),
        default_features=enabled.get("default", ()),
        path_dependencies=manifests.path_dependencies(manifest, root),
        dependencies=frozenset(names),
        enables=tuple(sorted(enabled.items())),
    )


def _crate_of(name: str, folder: str | None) -> str:
    """How Rust code calls a dependency; the library of a path dependency may have a name of its own."""
    if folder is not None:
        with contextlib.suppress(Missing, WrongUsage):
            return manifests.crate_name(read_manifest(Path(folder) / "Cargo.toml"))
    return name.replace("-", "_")


def _outside(root: Path, packages: Iterable[Package]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """See `Layout.outside` and `Layout.outside_manifests`; a folder without a manifest is left to cargo to tell."""
    waiting = [folder for package in packages for folder in package.path_dependencies]
    with contextlib.suppress(Missing):
        waiting += manifests.patched_folders(read_manifest(root / "Cargo.toml"))
    waiting += [place for config in configs(root) for place in named(config) if not root.is_relative_to(place)]
    found: dict[Path, None] = {}
    inherited: dict[Path, None] = {}
    seen: set[Path] = {package.root for package in packages}
    while waiting:
        folder = waiting.pop(0)
        if folder in seen or not (folder / "Cargo.toml").is_file():
            continue
        seen.add(folder)
        manifest = read_manifest(folder / "Cargo.toml")
        around = manifests.workspace_root(manifest)
        if not folder.is_relative_to(root):
            found[folder] = None
            if around.path != manifest.path:
                inherited[around.path] = None
        waiting += manifests.path_dependencies(manifest, around)
    return tuple(found), tuple(inherited)


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
