"""The packages that a workspace is locked to, and where their sources are: cargo's own answer where cargo may run."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from opencrates_lsp.errors import Missing
from opencrates_lsp.terms import Configuration

_DEADLINE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of the locked graph.

    `library` is its library's first file, None for a package without one, and `crate` the library's name in Rust.
    `features` are those that are on, None where nobody tells.
    `dependencies` are the keys of what its code may use, by the name that its code has for them.
    `source` is what its text is known by (a checksum, a revision); "" for a folder whose text may change.
    """

    key: str
    name: str
    version: str
    root: Path
    library: Path | None
    crate: str
    edition: str
    features: frozenset[str] | None
    dependencies: Mapping[str, str] = field(repr=False)
    source: str

    @property
    def title(self) -> str:
        """For people: "serde 1.0.219"."""
        return f"{self.name} {self.version}".strip()


class Dependencies(Protocol):
    """The locked graph of one workspace."""

    def of_member(self, root: Path) -> Locked | None:
        """The member whose folder this is."""
        ...

    def get(self, key: str) -> Locked | None:
        """The package of this key, None where its sources are not there."""
        ...


@dataclass(frozen=True, slots=True)
class Cargo:
    """The programs of a trusted folder, and what cargo is told there."""

    cargo: Path
    rustc: Path
    env: Mapping[str, str] = field(repr=False)
    configuration: Configuration = field(default_factory=Configuration)


def cargo_home(env: Mapping[str, str]) -> Path:
    """The folder that cargo keeps its sources in."""
    named = env.get("CARGO_HOME", "")
    return Path(named) if named else Path.home() / ".cargo"


async def ask_cargo(root: Path, programs: Cargo) -> Dependencies:
    """The graph as `cargo metadata` resolves it for this configuration; the lock file is read, never written.

    Raises `Missing` where cargo cannot tell: there is no lock file yet, it is behind the manifests, a package was
    never fetched, or cargo does not answer in time because somebody else holds its lock.
    """
    told = await _said([str(programs.rustc), "-vV"], root, programs.env)
    host = next((line.split()[1] for line in told.decode("utf-8", "replace").splitlines() if line[:5] == "host:"), "")
    chosen = programs.configuration
    arguments = ["metadata", "--format-version=1", "--offline", "--locked", f"--manifest-path={root / 'Cargo.toml'}"]
    arguments += [f"--filter-platform={chosen.target or host}"] if chosen.target or host else []
    arguments += ["--all-features"] if chosen.all_features else []
    arguments += ["--no-default-features"] if chosen.no_default_features else []
    arguments += [f"--features={','.join(chosen.features)}"] if chosen.features else []
    out = await _said([str(programs.cargo), *arguments], root, programs.env)
    return await asyncio.to_thread(_Resolved, json.loads(out))


async def _said(command: Sequence[str], folder: Path, env: Mapping[str, str]) -> bytes:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise Missing(f"{command[0]} cannot be started: {error.strerror}.") from error
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)
    except TimeoutError as error:
        raise Missing(f"{command[0]} does not answer.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        raise Missing(f"{command[0]} {command[1]} fails in {folder}.")
    return out


class _Resolved:
    """See `Dependencies`; from cargo's metadata."""

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
        self._packages = {
            package["id"]: _locked(package, nodes[package["id"]])
            for package in metadata["packages"]
            if package["id"] in nodes
        }
        self._members = {self._packages[key].root: key for key in metadata["workspace_members"]}

    def of_member(self, root: Path) -> Locked | None:
        key = self._members.get(root)
        return self._packages[key] if key is not None else None

    def get(self, key: str) -> Locked | None:
        return self._packages.get(key)


def _locked(package: Mapping[str, Any], node: Mapping[str, Any]) -> Locked:
    libraries = [one for one in package["targets"] if {"lib", "rlib", "dylib", "proc-macro"} & set(one["kind"])]
    manifest = Path(package["manifest_path"])
    source = package.get("source") or ""
    # A registry never changes a version, and a git source has its revision.
    known_by = f"{source} {package['version']}" if source else ""
    return Locked(
        key=package["id"],
        name=package["name"],
        version=package["version"],
        root=manifest.parent,
        library=Path(libraries[0]["src_path"]) if libraries else None,
        crate=(libraries[0] if libraries else package)["name"].replace("-", "_"),
        edition=package["edition"],
        features=frozenset(node["features"]),
        dependencies={one["name"]: one["pkg"] for one in node["deps"]},
        source=known_by,
    )
