"""What a new crate shall be, and whether that can mean anything."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.errors import Missing, WrongUsage

EDITIONS = ("2018", "2021", "2024")
LICENSE = "MIT OR Apache-2.0"
_MAX_NAME = 64
_MAX_DESCRIPTION = 4000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_FEATURE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+.-]*")
_NUMBER = r"(?:0|[1-9]\d*)"
_TAG = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_COMPARATOR = re.compile(
    rf"(?:=|>=?|<=?|~|\^)?\s*{_NUMBER}(?:\.(?:\*|{_NUMBER}(?:\.(?:\*|{_NUMBER}(?:-{_TAG})?(?:\+{_TAG})?))?))?"
)
_LICENSE = re.compile(r"[A-Za-z0-9.+-]+(?:\s+(?:OR|AND|WITH)\s+[A-Za-z0-9.+-]+)*")
_WORDS = """
Self abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if
impl in let loop macro match mod move mut override priv pub ref return self static struct super trait true try type
typeof unsafe unsized use virtual where while yield
"""
KEYWORDS = frozenset(_WORDS.split())
# Crates that every toolchain brings along; a package of that name shadows them or clashes with them.
_BUILTIN = frozenset({"alloc", "core", "proc-macro", "proc_macro", "std", "test"})
# Folders that cargo keeps beside the binaries in `target/debug`.
_ARTIFACTS = frozenset({"build", "deps", "examples", "incremental"})
_WINDOWS = frozenset({"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})
_FIELDS = ("name", "description", "kind", "path", "features", "dependencies", "license", "edition")


@dataclass(frozen=True, slots=True)
class Dependency:
    """A registry crate; `version` is a requirement as in Cargo.toml, None for the newest."""

    name: str
    version: str | None = None
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CrateSpec:
    """A crate to be made as the folder `path / name`.

    `path` is the folder in which the crate's folder is made.
    `kind` is a folder below `crates/` of the templates.
    `edition` None means the newest that the toolchain knows.
    `features` are declared by the crate, without anything that they turn on.
    """

    name: str
    path: Path
    description: str = ""
    kind: str = "lib"
    edition: str | None = None
    license: str = LICENSE
    features: tuple[str, ...] = ()
    dependencies: tuple[Dependency, ...] = ()

    @property
    def target(self) -> Path:
        """The folder that the crate will be."""
        return self.path / self.name

    @property
    def crate_name(self) -> str:
        """The name in Rust code."""
        return self.name.replace("-", "_")


def checked(spec: CrateSpec, kinds: Sequence[str]) -> CrateSpec:
    """The spec, if every field can mean something; `kinds` are the kinds that there are templates for.

    Raises `WrongUsage` naming each violated field, `Missing` when the folder may not be written.
    """
    wrong = [
        *_wrong_name(spec),
        *_wrong_text("description", spec.description),
        *([] if spec.kind in kinds else [f"kind: {spec.kind!r} is none of {', '.join(sorted(kinds)) or 'the kinds'}"]),
        *_wrong_edition(spec.edition),
        *([] if _LICENSE.fullmatch(spec.license) else [f"license: {spec.license!r} is no SPDX expression"]),
        *(f"features: {name!r} cannot be a feature's name" for name in spec.features if not _FEATURE.fullmatch(name)),
        *_twice("features", spec.features),
        *_wrong_dependencies(spec),
        *_wrong_path(spec.path),
    ]
    if wrong:
        raise WrongUsage(f"The crate cannot be made: {'; '.join(wrong)}.", remedy="Change what is named and try again.")
    if os.access(spec.path, os.X_OK) and (spec.target.exists() or spec.target.is_symlink()):
        raise WrongUsage(
            f"{spec.target} exists already.", remedy="Choose another name or another folder.", place=spec.target
        )
    if not os.access(spec.path, os.W_OK | os.X_OK):
        raise Missing(
            f"Nothing may be written to {spec.path}.", remedy="Choose a folder that is yours.", place=spec.path
        )
    return spec


def from_json(value: object, *, folder: Path | None = None) -> CrateSpec:
    """The spec of a command's argument (CONTRACT, `opencrates.newCrate`); not `checked` yet.

    `path` is relative to `folder` and stays inside it, or is absolute; without it the crate is made in `folder`.
    Without a folder it has to be absolute.
    A dependency is "serde", "serde@1.0" or {"name", "version"?, "features"?}.
    Raises `WrongUsage` naming each field that is unknown or of a wrong type.
    """
    if not isinstance(value, Mapping):
        raise WrongUsage("A crate is described by an object.", remedy='Send at least {"name": "…"}.')
    wrong = [f"{key}: no such field" for key in value if key not in _FIELDS]
    if "name" not in value:
        wrong.append("name: is missing")
    texts = {}
    for key, default in (("name", ""), ("description", ""), ("kind", "lib"), ("license", LICENSE), ("path", "")):
        texts[key] = given = value.get(key, default)
        if not isinstance(given, str):
            wrong.append(f"{key}: is not a text")
    edition = value.get("edition")
    if edition is not None and not isinstance(edition, str):
        wrong.append("edition: is not a text")
    features = value.get("features", [])
    if not _are_texts(features):
        wrong.append("features: is not a list of texts")
    dependencies = value.get("dependencies", [])
    if not isinstance(dependencies, list):
        dependencies = []
        wrong.append("dependencies: is not a list")
    read = [_dependency(at, one, wrong) for at, one in enumerate(dependencies)]
    path = Path()
    if not wrong:
        path = _normal((folder or Path()) / texts["path"])
        if folder is not None and not Path(texts["path"]).is_absolute() and not path.is_relative_to(_normal(folder)):
            wrong.append(f"path: {texts['path']!r} leads out of {folder}")
    if wrong:
        raise WrongUsage(f"The crate cannot be made: {'; '.join(wrong)}.", remedy=f"Fields: {', '.join(_FIELDS)}.")
    return CrateSpec(
        name=texts["name"],
        path=path,
        description=texts["description"],
        kind=texts["kind"],
        edition=edition,
        license=texts["license"],
        features=tuple(features),
        dependencies=tuple(read),
    )


def _dependency(at: int, given: object, wrong: list[str]) -> Dependency:
    place = f"dependencies[{at}]"
    if isinstance(given, str):
        name, _, version = given.partition("@")
        return Dependency(name.strip(), version.strip() or None)
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        wrong.append(f'{place}: is neither a text nor an object with a "name"')
        return Dependency("")
    wrong += [f"{place}.{key}: no such field" for key in given if key not in ("name", "version", "features")]
    wanted, features = given.get("version"), given.get("features", [])
    if wanted is not None and not isinstance(wanted, str):
        wrong.append(f"{place}.version: is not a text")
    if not _are_texts(features):
        wrong.append(f"{place}.features: is not a list of texts")
        features = []
    return Dependency(given["name"], wanted, tuple(features))


def _wrong_name(spec: CrateSpec) -> list[str]:
    name = spec.name
    if not _NAME.fullmatch(name):
        rule = "begins with an ASCII letter and goes on with letters, digits, `-` and `_`"
        return [f"name: {name!r} cannot be a package's name, which {rule}"]
    reserved = {
        "is longer than 64 characters": len(name) > _MAX_NAME,
        "is a Rust keyword": name in KEYWORDS or spec.crate_name in KEYWORDS,
        "is a crate of Rust itself": name in _BUILTIN,
        "is a reserved file name on Windows": name.lower() in _WINDOWS,
        "is a folder of cargo's own beside a program": spec.kind == "bin" and name in _ARTIFACTS,
    }
    return [f"name: {name!r} {reason}" for reason, holds in reserved.items() if holds]


def _wrong_text(field: str, text: str) -> list[str]:
    if len(text) > _MAX_DESCRIPTION:
        return [f"{field}: is longer than {_MAX_DESCRIPTION} characters"]
    if any("\ud800" <= character <= "\udfff" for character in text):
        return [f"{field}: is not valid Unicode"]
    return []


def _wrong_edition(edition: str | None) -> list[str]:
    if edition is None or edition in EDITIONS:
        return []
    return [f"edition: {edition!r} is none of {', '.join(EDITIONS)}"]


def _wrong_dependencies(spec: CrateSpec) -> list[str]:
    wrong = _twice("dependencies", [one.name.replace("-", "_") for one in spec.dependencies])
    for one in spec.dependencies:
        place = f"dependencies: {one.name!r}"
        if not _NAME.fullmatch(one.name) or len(one.name) > _MAX_NAME:
            wrong.append(f"{place} cannot be a crate's name")
        if one.name.replace("-", "_") == spec.crate_name:
            wrong.append(f"{place} is the crate itself")
        if one.version is not None and not is_requirement(one.version):
            wrong.append(f"{place} has {one.version!r} for a version")
        wrong += [f"{place} has {name!r} for a feature's name" for name in one.features if not _FEATURE.fullmatch(name)]
    return wrong


def is_requirement(version: str) -> bool:
    """Whether this is a version requirement as Cargo.toml takes it: `1.2`, `^0.3.1`, `>=1, <3`, `*`."""
    if version.strip() == "*":
        return True
    return all(_COMPARATOR.fullmatch(part.strip()) for part in version.split(","))


def _wrong_path(path: Path) -> list[str]:
    if not path.is_absolute():
        return [f"path: {str(path)!r} is not absolute"]
    try:
        return [] if path.is_dir() else [f"path: there is no folder {path}"]
    except (OSError, ValueError) as error:
        return [f"path: {str(path)!r} cannot be looked into: {error}"]


def _twice(field: str, names: Sequence[str]) -> list[str]:
    return [f"{field}: {name!r} is named twice" for name in dict.fromkeys(names) if names.count(name) > 1]


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _normal(path: Path) -> Path:
    return Path(os.path.normpath(path))
