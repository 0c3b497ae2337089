"""A registry in a folder, a cargo home that knows it alone, and what the registry of a workspace tells of an item."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from opencrates_lsp.rust.items import named
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Configuration
from opencrates_lsp.values import Excerpt
from opencrates_lsp.workspace.layout import Layout, load_layout
from opencrates_lsp.workspace.locked import Cargo, cargo_home
from opencrates_lsp.workspace.registry import Registry

CARGO = shutil.which("cargo") or "cargo"
RUSTC = shutil.which("rustc") or "rustc"


def lay(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@dataclass
class Crates:
    """A cargo home in `folder` with a registry of its own."""

    folder: Path
    env: dict[str, str] = field(init=False)
    checksums: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        place = json.dumps(str(self.folder / "local"))
        lay(
            self.folder / "home",
            {"config.toml": f'[source.crates-io]\nreplace-with = "here"\n[source.here]\nlocal-registry = {place}\n'},
        )
        rustup = os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup"))
        self.env = {"PATH": os.environ["PATH"], "CARGO_HOME": str(self.folder / "home"), "RUSTUP_HOME": rustup}

    def publish(self, name: str, version: str, files: Mapping[str, str], manifest: str = "") -> None:
        """A crate of these files; `manifest` are the sections after `[package]`, dependencies as `name = "1"`."""
        head = f'[package]\nname = "{name}"\nversion = "{version}"\nedition = "2021"\n'
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path, text in {"Cargo.toml": head + manifest, **files}.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        local = self.folder / "local"
        local.mkdir(parents=True, exist_ok=True)
        (local / f"{name}-{version}.crate").write_bytes(packed.getvalue())
        index = local / "index" / name[:2] / name[2:4] / name
        index.parent.mkdir(parents=True, exist_ok=True)
        self.checksums[f"{name}-{version}"] = hashlib.sha256(packed.getvalue()).hexdigest()
        line = {
            "name": name,
            "vers": version,
            "deps": _dependencies(manifest),
            "cksum": self.checksums[f"{name}-{version}"],
            "features": {"fast": []} if "[features]" in manifest else {},
            "yanked": False,
        }
        with index.open("a") as lines:
            lines.write(json.dumps(line) + "\n")

    def lock(self, workspace: Path, *arguments: str) -> None:
        """Write the lock file, and fetch what it names; or what else cargo is told."""
        subprocess.run([CARGO, *(arguments or ("fetch", "-q"))], cwd=workspace, env=self.env, check=True)

    async def asked(self, path: Path, *, trusted: bool, configuration: Configuration | None = None) -> Told:
        """What answers for the items of the file, again and again."""
        return await ask(path, self.env, self.folder / "cache", trusted, configuration)

    async def told(
        self, path: Path, item: str, *, trusted: bool, limit: int = 40_000, configuration: Configuration | None = None
    ) -> Sequence[Excerpt]:
        """What a session that has just begun tells of the item in the file."""
        told = await self.asked(path, trusted=trusted, configuration=configuration)
        return await told(item, limit)


@dataclass
class Told:
    """Tells of the items of a file, by their names."""

    registry: Registry
    layout: Layout
    path: Path

    async def __call__(self, item: str, limit: int = 40_000) -> Sequence[Excerpt]:
        source = parse(await asyncio.to_thread(self.path.read_bytes))
        found = next(named(source, item))
        return await self.registry.excerpts(source, found, self.layout.package_of(self.path), self.path, limit)


async def ask(
    path: Path, env: Mapping[str, str], cache: Path, trusted: bool, configuration: Configuration | None = None
) -> Told:
    layout = await load_layout(path, cargo=[CARGO], env=env, trusted=trusted)
    programs = Cargo(Path(CARGO), Path(RUSTC), env, configuration or Configuration()) if trusted else None
    return Told(Registry(layout, cargo_home(env), cache, programs), layout, path)


def _dependencies(manifest: str) -> list[dict[str, object]]:
    found = []
    for name, wanted in tomllib.loads(manifest).get("dependencies", {}).items():
        table = wanted if isinstance(wanted, dict) else {"version": wanted}
        found.append(
            {
                "name": name,
                "req": f"^{table['version']}",
                "features": table.get("features", []),
                "optional": False,
                "default_features": True,
                "target": None,
                "kind": "normal",
                **({"package": table["package"]} if "package" in table else {}),
            }
        )
    return found
