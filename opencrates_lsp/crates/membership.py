"""A new crate and the workspace around it: is it a member, and what must the root manifest say for it to be one.

cargo looks for a root in the folders above a package: the first manifest with `[workspace]` that does not exclude it.
A package above it without `[workspace]` is none, and cargo does not complain, so that such a crate needs nothing.
A glob of `members` matches hidden folders too, and a matched folder without a manifest breaks every cargo run of the
workspace; that is why a staging folder may not stand just anywhere.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from opencrates_lsp.crates.toml_text import Place, entries, newline_of
from opencrates_lsp.errors import Missing, Refused, WrongUsage
from opencrates_lsp.values import Documents, Replace, Span
from opencrates_lsp.workspace import manifests
from opencrates_lsp.workspace.manifests import Manifest, read_manifest

_COMMA = re.compile(r"\s*,")


@dataclass(frozen=True, slots=True)
class Membership:
    """Where a new crate stands among workspaces.

    `root` is the manifest of the workspace that it will be a member of, None where there is none.
    `edit` is what that manifest lacks, None where `members` covers the crate already.
    `holder` is the nearest folder in which a staging folder disturbs no workspace.
    `enclosed` tells that cargo would count a package in `holder` to a workspace that does not list it.
    """

    root: Path | None
    edit: Replace | None
    holder: Path
    enclosed: bool


def membership(target: Path, name: str, staging_name: str, documents: Documents) -> Membership:
    """Where the crate `name` stands that is to be made at `target`; the buffers win over the files.

    Raises `WrongUsage` when a manifest above is broken or the workspace has a package of that name, `Missing` when
    there is no folder for the staging.
    """
    root = governing_root(target, documents)
    holder = _holder(target, staging_name, documents)
    enclosed = governing_root(holder / staging_name, documents) is not None
    if root is None:
        return Membership(None, None, holder, enclosed)
    for member in manifests.members(root):
        if member.name == name:
            raise WrongUsage(
                f"The workspace has a package `{name}` already, at {member.root}.",
                remedy="Choose another name.",
                place=member.path,
            )
    listed = any(matches(pattern, relative(root, target)) for pattern in _strings(root, "members"))
    return Membership(root.path, None if listed else _edit(root, target, documents), holder, enclosed)


def governing_root(target: Path, documents: Documents) -> Manifest | None:
    """The workspace that cargo counts a package at `target` to, whether it lists it or not."""
    for folder in target.parents:
        path = folder / "Cargo.toml"
        if not path.is_file():
            continue
        manifest = _read(path, documents)
        named = (manifest.package or {}).get("workspace")
        if isinstance(named, str):
            manifest = _read(Path(os.path.normpath(folder / named / "Cargo.toml")), documents)
        if manifest.workspace is not None and not _excluded(manifest, target):
            return manifest
    return None


def relative(root: Manifest, target: Path) -> str:
    """`target` as `members` names it."""
    return Path(os.path.relpath(target, root.root)).as_posix()


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern of `members` covers the relative path, as cargo's globs do; hidden folders are no exception."""
    return _match(_parts(pattern), _parts(path))


def enters(pattern: str, path: str) -> bool:
    """Whether the pattern covers the folder or may cover folders in it."""
    return _match(_parts(pattern), _parts(path), within=True)


def _match(pattern: list[str], path: list[str], *, within: bool = False) -> bool:
    if not path and within:
        return True
    if not pattern:
        return not path
    if pattern[0] == "**":
        return _match(pattern[1:], path, within=within) or (bool(path) and _match(pattern, path[1:], within=within))
    return bool(path) and fnmatchcase(path[0], pattern[0]) and _match(pattern[1:], path[1:], within=within)


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _holder(target: Path, staging_name: str, documents: Documents) -> Path:
    for folder in target.parents:
        staging = folder / staging_name
        root = governing_root(staging, documents)
        if root is not None and any(enters(pattern, relative(root, staging)) for pattern in _strings(root, "members")):
            continue
        if folder.stat().st_dev != target.parent.stat().st_dev or not os.access(folder, os.W_OK | os.X_OK):
            break
        return folder
    raise Missing(
        f"There is no folder to prepare the crate in: the workspace's globs cover all folders beside {target}.",
        remedy="Name the members of the workspace, or choose another folder.",
        place=target.parent,
    )


def _excluded(root: Manifest, target: Path) -> bool:
    """cargo's rule: `exclude` counts by prefix, unless a member's entry, taken literally, is a prefix too."""
    inside = [target.is_relative_to(root.root / name) for name in _strings(root, "exclude")]
    return any(inside) and not any(target.is_relative_to(root.root / name) for name in _strings(root, "members"))


def _strings(manifest: Manifest, key: str) -> list[str]:
    value = (manifest.workspace or {}).get(key)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _read(path: Path, documents: Documents) -> Manifest:
    document = documents.get(path)
    if document is None:
        return read_manifest(path)
    try:
        return Manifest(path, tomllib.loads(document.text.decode()))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise manifests.broken(path, f"{error} (in the editor)", None) from error


def _edit(root: Manifest, target: Path, documents: Documents) -> Replace:
    """`members` with the new one, laid out as the others are; everything else stays as it is."""
    document = documents.get(root.path)
    text = document.text.decode() if document is not None else root.path.read_bytes().decode()
    member = relative(root, target)
    found = _laid_in(text, '"' + member.replace("\\", "\\\\").replace('"', '\\"') + '"')
    if found is not None:
        start, end, put = found
        wanted = [*_strings(root, "members"), member]
        if _members_after(text[:start] + put + text[end:], root.table) == wanted:
            first = len(text[:start].encode())
            return Replace(root.path, Span(first, first + len(text[start:end].encode())), put, text[start:end])
    raise Refused(
        f"`members` of the workspace cannot be extended by {member}.",
        remedy=f'Add "{member}" to `members` by hand, then make the crate again.',
        place=root.path,
    )


def _laid_in(text: str, member: str) -> tuple[int, int, str] | None:
    """What to replace by what (in characters), so that `members` has one more entry; None where it is written oddly."""
    header: tuple[int, int] | None = None
    for entry in entries(text):
        if entry.key == ("workspace", "members") and text[entry.value.start] == "[":
            start, end = entry.value
            return start, end, _longer(text[start:end], entry.last, member, newline_of(text))
        if entry.key == ("workspace",) and entry.is_header:
            header = entry.value
    if header is None:
        return None
    start, end = header
    return start, end, f"{text[start:end]}{newline_of(text)}members = [{member}]"


def _longer(array: str, last: Place | None, member: str, newline: str) -> str:
    """The array with one more element; `last` is where its last element stands in the array."""
    if last is None:
        return f"[{member}]" if not array[1:-1].strip() else f"{array[:-1].rstrip()}{newline}    {member},{newline}]"
    comma = _COMMA.match(array, last.end)
    after = comma.end() if comma else last.end
    head = array[: last.end] + "," if comma is None else array[:after]
    indent = array[array.rfind("\n", 0, last.start) + 1 : last.start]
    if "\n" not in array or indent.strip():
        return f"{head} {member}{array[after:]}"
    # A comment behind the last element stays with it.
    end = array.find("\n", after)
    line = array[after:end].rstrip() if end >= 0 else ""
    return f"{head}{line}{newline}{indent}{member}{',' if comma else ''}{array[after + len(line) :]}"


def _members_after(text: str, before: manifests.Table) -> list[str] | None:
    """`members` in the new text, None when anything else differs from what was."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    members = table["workspace"].pop("members", None)
    old = {**before, "workspace": {key: value for key, value in before["workspace"].items() if key != "members"}}
    return members if table == old else None
