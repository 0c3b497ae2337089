"""The programs of the Rust toolchain that a folder is built with, without the rustup shim in front of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from opencrates_lsp.errors import Missing
from opencrates_lsp.terms import Configuration
from opencrates_lsp.verify.process import run

_DEADLINE_SECONDS = 20.0
_SUFFIX = ".exe" if sys.platform == "win32" else ""
# What would send the output of our runs into the user's folders, or make cargo silent about what it waits for.
_TARGETS = ("CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR", "CARGO_BUILD_BUILD_DIR")
_DROPPED = (*_TARGETS, "CARGO_TERM_QUIET", "CARGO")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Programs by absolute path; `rustfmt` is None where the toolchain has none.

    `version` is rustc's ("rustc 1.95.0 (59807616e 2026-04-14)"), `env` the whole environment of its programs.
    `targets` are the variables by which the user sends the output of his own runs elsewhere.
    """

    cargo: Path
    rustc: Path
    rustfmt: Path | None
    version: str
    env: Mapping[str, str]
    targets: Mapping[str, str] = field(default_factory=dict)

    @property
    def users_env(self) -> Mapping[str, str]:
        """The environment of the user's own runs; for what only asks where they write to."""
        return {**self.env, **self.targets}

    @property
    def has_clippy(self) -> bool:
        return self.cargo.with_name("cargo-clippy" + _SUFFIX).is_file()

    @property
    def minor(self) -> int:
        """The N of 1.N; a large number when rustc says something else."""
        words = self.version.split()
        parts = words[1].split(".") if len(words) > 1 else []
        return int(parts[1]) if len(parts) > 1 and parts[0] == "1" and parts[1].isdigit() else 9999


async def find_toolchain(folder: Path, configuration: Configuration, env: Mapping[str, str]) -> Toolchain:
    """The toolchain that cargo would use in `folder`, its `rust-toolchain.toml` respected; nothing is installed.

    Only for trusted folders: the files of a folder can name a toolchain's path.
    Raises `Missing` without cargo, or when the toolchain that is asked for is not installed.
    """
    clean = {name: value for name, value in env.items() if name not in _DROPPED}
    if clean.pop("RUST_RECURSION_COUNT", None) is not None:
        # Set by the shim that started us, so that its toolchain is not the user's choice for this folder.
        clean.pop("RUSTUP_TOOLCHAIN", None)
    clean.update(configuration.extra_env)
    clean |= {"CARGO_TERM_COLOR": "never", "CARGO_TERM_PROGRESS_WHEN": "never", "RUSTUP_AUTO_INSTALL": "0"}
    if configuration.toolchain:
        clean["RUSTUP_TOOLCHAIN"] = configuration.toolchain
    search = clean.get("PATH", os.defpath)
    found = {name: await asyncio.to_thread(shutil.which, name, path=search) for name in ("cargo", "rustc", "rustfmt")}
    if not found["cargo"] or not found["rustc"]:
        name = "cargo" if not found["cargo"] else "rustc"
        raise Missing(f"There is no {name} on the PATH.", remedy="Install Rust from https://rustup.rs.")
    told, spoken = await asyncio.gather(
        _said(found["rustc"], "--print=sysroot", folder, clean), _said(found["rustc"], "--version", folder, clean)
    )
    toolchain = await asyncio.to_thread(_toolchain, Path(told), spoken, found, clean)
    return replace(toolchain, targets={name: env[name] for name in _TARGETS if name in env})


async def _said(rustc: str, option: str, folder: Path, env: Mapping[str, str]) -> str:
    """The one line that rustc answers."""
    told = await run([rustc, option], cwd=folder, env=env, deadline_seconds=_DEADLINE_SECONDS)
    line = told.out.decode("utf-8", "replace").strip()
    if told.code == 0 and line:
        return line
    said = next((line.removeprefix("error: ").strip() for line in told.err.splitlines() if line.strip()), "")
    raise Missing(
        f"rustc does not tell where its toolchain is: {said or 'it says nothing'}.",
        remedy="Install the toolchain that this folder asks for, with `rustup toolchain install`.",
        place=folder,
    )


def _toolchain(sysroot: Path, version: str, found: Mapping[str, str | None], env: dict[str, str]) -> Toolchain:
    folder = sysroot / "bin"
    places: dict[str, Path | None] = {}
    for name, fallback in found.items():
        own = folder / (name + _SUFFIX)
        # With a shim in front, a program that the toolchain lacks is one that only complains.
        shim = fallback is not None and (Path(fallback).parent / ("rustup" + _SUFFIX)).exists()
        other = None if fallback is None or (shim and name == "rustfmt") else Path(fallback)
        places[name] = own if own.is_file() else other
    cargo, rustc = places["cargo"], places["rustc"]
    if cargo is None or rustc is None:
        raise Missing(
            "The toolchain has no cargo.", remedy="Install it with `rustup toolchain install`.", place=sysroot
        )
    if cargo.parent == folder:
        # cargo looks for rustc and its own subcommands on the PATH.
        env["PATH"] = os.pathsep.join([str(folder), env["PATH"]]) if env.get("PATH") else str(folder)
    if sysroot.parent.name == "toolchains":
        env["RUSTUP_TOOLCHAIN"] = sysroot.name
    return Toolchain(cargo, rustc, places["rustfmt"], version, env)
