"""A kind's template folder, laid out as the files of one crate.

A kind is a folder `crates/KIND` below one of the template roots.
Each file `X.j2` is rendered to `X`, every other one is copied; `{{name}}` and `{{crate_name}}` in a path are replaced.
A template that renders to nothing but white space makes no file, so that a template can decide whether it is wanted.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import re
import shutil
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path

from opencrates_lsp.crates.plan import CratePlan, doc_lines, prose, render_module
from opencrates_lsp.crates.spec import CrateSpec
from opencrates_lsp.crates.staging import to_the_end
from opencrates_lsp.errors import Missing, WrongUsage

Render = Callable[[str, Mapping[str, object]], Awaitable[str]]
# The first toolchains that know an edition.
_SINCE = {"2024": (1, 85), "2021": (1, 56), "2018": (1, 31)}


def kinds(roots: Sequence[Path]) -> tuple[str, ...]:
    """The kinds that there are templates for, of all roots, in order of name."""
    found = {
        folder.name
        for root in roots
        if (root / "crates").is_dir()
        for folder in (root / "crates").iterdir()
        if any((folder / name).is_file() for name in ("Cargo.toml.j2", "Cargo.toml"))
    }
    return tuple(sorted(found))


def newest_edition(rust_version: str | None) -> str:
    """The newest edition that a toolchain knows; "2021" for one that does not tell its version."""
    known = _numbers(rust_version or "1.56")
    return next((edition for edition, since in _SINCE.items() if known >= since), "2018")


def values(
    spec: CrateSpec, *, edition: str, rust_version: str | None, member: bool, plan: CratePlan | None
) -> dict[str, object]:
    """What the templates may name.

    `description` is one line of safe Markdown and `description_toml` a TOML string; both are "" where none was given.
    `crate_doc` is the crate's doc comment, "" without a description or a plan.
    `rust_version` is "1.95", "" where it is not known; `modules` are the planned ones, by name.
    `member` tells that a workspace is around the crate, which has the files of a repository's root already.
    """
    described = [part for part in (spec.description, plan.doc if plan else "") if part.strip()]
    flat = _flat(spec.description)
    return {
        "name": spec.name,
        "crate_name": spec.crate_name,
        "Name": "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]+", spec.name)),
        "kind": spec.kind,
        "description": prose(spec.description),
        # A TOML basic string is escaped like one of JSON; control characters are gone.
        "description_toml": json.dumps(flat, ensure_ascii=False) if flat else "",
        "crate_doc": doc_lines("\n\n".join(described), "//!"),
        "license": spec.license,
        "licenses": tuple(re.split(r"\s+(?:OR|AND|WITH)\s+", spec.license)),
        "edition": edition,
        "rust_version": ".".join(map(str, _numbers(rust_version))) if rust_version else "",
        "year": datetime.datetime.now(datetime.UTC).year,
        "member": member,
        "features": spec.features,
        "modules": tuple(module.name for module in plan.modules) if plan else (),
    }


async def lay(
    folder: Path,
    kind: str,
    roots: Sequence[Path],
    given: Mapping[str, object],
    render: Render,
    *,
    plan: CratePlan | None = None,
    keep: Collection[str] = (),
) -> None:
    """Write the kind's files, and the plan's modules, into `folder`; those named by `keep` stay as they are.

    Raises `Missing` without such a kind, `WrongUsage` when the template folder has links in it.
    """
    root = next((root for root in roots if kind in kinds([root])), None)
    if root is None:
        raise Missing(f"There is no template for a crate of the kind {kind!r}.", remedy="Choose another kind.")
    for path in await asyncio.to_thread(_files, root / "crates" / kind):
        place = path.relative_to(root / "crates" / kind).as_posix()
        for key in ("name", "crate_name"):
            place = place.replace("{{" + key + "}}", str(given[key]))
        if place.removesuffix(".j2") in keep:
            continue
        if path.suffix != ".j2":
            await to_the_end(_copy, path, folder / place)
            continue
        text = await render(path.relative_to(root).as_posix(), given)
        if text.strip():
            await to_the_end(_write, folder / place.removesuffix(".j2"), text.strip("\n") + "\n")
    for module in plan.modules if plan else ():
        await to_the_end(_write, folder / "src" / f"{module.name}.rs", render_module(module))


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    for path in found:
        # A template folder may be a repository's own; a link would carry any file of the user into the crate.
        if path.is_symlink():
            raise WrongUsage(f"The template has a link: {path}.", remedy="Put the file itself there.", place=path)
    return [path for path in found if path.is_file()]


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _flat(text: str) -> str:
    return " ".join("".join(c if c.isprintable() or c.isspace() else " " for c in text).split())


def _numbers(version: str | None) -> tuple[int, int]:
    found = re.search(r"(\d+)\.(\d+)", version or "")
    return (int(found[1]), int(found[2])) if found else (0, 0)
