"""What a crate says of lints outside of the file that is edited: its manifest, clippy.toml, and the modules above."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from opencrates_lsp.errors import OpenCratesError
from opencrates_lsp.rust.items import Item, items
from opencrates_lsp.rust.lint_levels import LEVELS, levels_in, outer_levels
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.terms import LintLevel, Lints
from opencrates_lsp.values import Documents
from opencrates_lsp.workspace.layout import Layout, Package
from opencrates_lsp.workspace.manifests import Manifest, read_manifest, workspace_root

_IN_TESTS = {
    "allow-unwrap-in-tests": "clippy::unwrap_used",
    "allow-expect-in-tests": "clippy::expect_used",
    "allow-panic-in-tests": "clippy::panic",
    "allow-indexing-slicing-in-tests": "clippy::indexing_slicing",
}
_IN_CONSTS = {"allow-unwrap-in-consts": "clippy::unwrap_used", "allow-expect-in-consts": "clippy::expect_used"}
# A chain of modules longer than this is a loop of symbolic links.
_DEPTH = 32


async def read_lints(layout: Layout, path: Path, documents: Documents) -> Lints:
    """The lint levels that hold for a file of the workspace before its own attributes; `documents` are open texts."""
    package = layout.package_of(path)
    if package is None:
        return Lints()
    texts = {place: document.text for place, document in documents.items()}
    return await asyncio.to_thread(lints_of, package, path, texts)


def lints_of(package: Package, path: Path, texts: Mapping[Path, bytes]) -> Lints:
    """The lint levels that hold for the file before its own attributes; `texts` are read in place of what is on disk.

    What cannot be read says nothing; cargo tells of it.
    """
    manifest = _manifest_levels(package)
    above = list(_above(package, path, texts))
    levels = tuple(_set(manifest, above, for_tests=False))
    in_tests = tuple(_set(manifest, above, for_tests=True))
    table = _clippy_table(package.root)
    exempt = frozenset(lint for key, lint in _IN_TESTS.items() if table.get(key) is True)
    checked = frozenset(lint for key, lint in _IN_CONSTS.items() if table.get(key) is False)
    return Lints(levels, in_tests, exempt, checked)


def _manifest_levels(package: Package) -> list[tuple[str, LintLevel]]:
    """The `[lints]` in the order in which cargo tells them to rustc: by priority, then by name, the last one first."""
    try:
        manifest = read_manifest(package.manifest)
        table = _lint_tables(manifest)
        if table.get("workspace") is True:
            table = _lint_tables(workspace_root(manifest), "workspace")
    except OpenCratesError:
        return []
    found: list[tuple[int, str, str, LintLevel]] = []
    for tool, lints in table.items():
        for name, given in lints.items() if isinstance(lints, Mapping) else ():
            wanted = given if isinstance(given, Mapping) else {"level": given}
            level, priority = wanted.get("level"), wanted.get("priority", 0)
            known = next((one for one in LEVELS if one == level), None)
            if known is not None and isinstance(priority, int):
                lint = name.replace("-", "_")
                found.append((priority, name, lint if tool == "rust" else f"{tool}::{lint}", known))
    found.sort(key=lambda one: one[1], reverse=True)
    found.sort(key=lambda one: one[0])
    return [(lint, level) for _, _, lint, level in found]


def _lint_tables(manifest: Manifest, *around: str) -> Mapping[str, object]:
    table: object = manifest.table
    for key in (*around, "lints"):
        table = table.get(key) if isinstance(table, Mapping) else None
    return table if isinstance(table, Mapping) else {}


def _clippy_table(folder: Path) -> Mapping[str, object]:
    """The nearest clippy.toml, as clippy looks for it: from the package's folder upwards."""
    for place in (folder, *folder.parents):
        for name in (".clippy.toml", "clippy.toml"):
            try:
                return tomllib.loads((place / name).read_text("utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
                continue
    return {}


def _set(
    manifest: Sequence[tuple[str, LintLevel]], above: Sequence[tuple[Source, Item | None]], *, for_tests: bool
) -> Iterator[tuple[str, LintLevel]]:
    yield from manifest
    for source, module in above:
        if module is None:
            yield from levels_in(source, for_tests=for_tests)
        else:
            yield from outer_levels(source, module, for_tests=for_tests)


def _above(package: Package, path: Path, texts: Mapping[Path, bytes]) -> Iterator[tuple[Source, Item | None]]:
    """The files above the one at `path`, from the crate's root on, and in each the module that leads there.

    The root is that of the nearest target; the file's own attributes are left to whoever reads the file.
    """
    roots = [target.path for target in package.targets if path.is_relative_to(target.path.parent)]
    here = max(roots, key=lambda root: (root == path, len(root.parts), root.name == "lib.rs"), default=path)
    folder = here.parent
    for _ in range(_DEPTH):
        text = _text(here, texts) if here != path else None
        if text is None:
            return
        source = parse(text)
        yield source, None
        step = _towards(items(source), folder, path)
        if step is None:
            return
        module, here, folder = step
        yield source, module


def _towards(found: tuple[Item, ...], folder: Path, path: Path) -> tuple[Item, Path, Path] | None:
    """The declaration of the module that is the file, or that has it below; its file, and the folder of its own."""
    for item in found:
        if item.identity.kind != "mod" or item.body is not None:
            continue
        own = folder.joinpath(*item.identity.module, item.identity.name.removeprefix("r#"))
        for file in (own.with_suffix(".rs"), own / "mod.rs"):
            if file == path or (path.is_relative_to(own) and file.is_file()):
                return item, file, own
    return None


def _text(path: Path, texts: Mapping[Path, bytes]) -> bytes | None:
    if path in texts:
        return texts[path]
    try:
        return path.read_bytes()
    except OSError:
        return None
