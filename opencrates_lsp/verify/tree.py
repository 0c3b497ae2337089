"""What of the user's file system a build of the workspace may read: found by one walk, told by stat.

Left out are other people's business (`.hg`, `.svn`, `.jj`), caches that say so themselves (`CACHEDIR.TAG`, as in
cargo's own target directories), and files that are larger than `LARGEST_BYTES` and no Rust.
Of `.git` only what `git describe` and `git status` need is taken; the objects are read where they are, through
git's own `objects/info/alternates`, so that the largest repository costs no copy.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from opencrates_lsp.workspace.configs import configs, named
from opencrates_lsp.workspace.layout import Layout

LARGEST_BYTES = 256 << 20
MOST_LINKED = 50_000
_TAG = b"Signature: 8a477f597d28d172789f06886806bc55"
_OTHERS = frozenset({".hg", ".svn", ".jj", ".pijul"})
_ABOVE = ("clippy.toml", ".clippy.toml")
_GIT_FILES = ("HEAD", "packed-refs", "index", "shallow", "config", "config.worktree", "info/exclude")


@dataclass(frozen=True, slots=True)
class Found:
    """One file: read from `source` (or `text` itself), or the symbolic `link` to another place of the same tree.

    `changed_ns` is the time of the last change that nobody can set back (ctime).
    """

    source: str
    size: int
    mtime_ns: int
    changed_ns: int
    mode: int = 0o644
    link: str | None = None
    text: bytes | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """The folders and the single files that belong to a workspace, by absolute path; `skipped` folders do not."""

    folders: tuple[str, ...]
    files: tuple[str, ...]
    skipped: frozenset[str]

    def holds(self, path: str) -> bool:
        """Whether a file of this path would be taken."""
        parts = Path(path).parts
        if ".git" in parts or any(_under(path, folder) for folder in self.skipped):
            return False
        return path in self.files or any(_under(path, folder) for folder in self.folders)


def extent(layout: Layout, cargo_home: Path, skipped: Iterable[Path], more: Iterable[Path]) -> Extent:
    """The extent of a workspace; `more` are files that turned out to be read as well."""
    root = layout.root
    folders = {str(folder) for folder in (root, *layout.outside, *(package.root for package in layout.packages))}
    sources = {folder for package in layout.packages for folder in package.source_folders}
    folders |= {str(folder) for folder in sources if not root.is_relative_to(folder)}
    files = {str(path) for path in (*layout.outside_manifests, *more)}
    files |= {str(folder / name) for folder in root.parents for name in _ABOVE if (folder / name).is_file()}
    home = os.path.realpath(cargo_home)
    for config in configs(root):
        # cargo reads the one of its home anyway; two copies would add up.
        if os.path.realpath(config.parent) != home:
            files.add(str(config))
            for place in named(config):
                if not root.is_relative_to(place):
                    (folders if place.is_dir() else files).add(str(place))
    if not (layout.root / ".git").exists():
        git = next((folder / ".git" for folder in layout.root.parents if (folder / ".git").exists()), None)
        if git is not None:
            files.add(str(git))
    kept = tuple(one for one in sorted(folders) if not any(one != other and _under(one, other) for other in folders))
    built = filter(None, (layout.target_directory, layout.build_directory))
    return Extent(kept, tuple(sorted(files)), frozenset(map(str, (*built, *skipped))))


def walk(wanted: Extent, *, most_linked: int = MOST_LINKED) -> dict[str, Found]:
    """The files of the extent by their absolute path.

    Of a folder outside that a link leads to, nothing is taken where it has more than `most_linked` files.
    """
    found: dict[str, Found] = {}
    for folder in wanted.folders:
        _folder(folder, folder, wanted, found, (os.path.realpath(folder),), _Linked(most_linked))
    for file in wanted.files:
        if file in found:
            continue
        if Path(file).name == ".git":
            found.update(_git(file))
            continue
        with contextlib.suppress(OSError):
            found[file] = _file(file, file)
    return found


@dataclass(slots=True)
class _Linked:
    """How many files outside may come through one link, and how many more may still come through the present one."""

    most: int
    left: int | None = None


class _TooMany(Exception):
    """A link leads to more than a workspace has."""


def _folder(
    folder: str, real: str, wanted: Extent, found: dict[str, Found], around: tuple[str, ...], linked: _Linked
) -> None:
    """Add the files of `real` as those of `folder`; `around` are the real folders that are being walked."""
    try:
        entries = list(os.scandir(real))
    except OSError:
        # What may not be read is not compiled by the user either.
        return
    if len(around) > 1 and any(entry.name == "CACHEDIR.TAG" and _is_tag(entry.path) for entry in entries):
        return
    if linked.left is not None:
        linked.left -= len(entries)
        if linked.left < 0:
            raise _TooMany
    for entry in entries:
        path = os.path.join(folder, entry.name)  # noqa: PTH118 - a Path for each file makes the walk three times slower.
        if entry.name == ".git":
            found.update(_git(path))
        elif entry.name in _OTHERS or path in wanted.skipped:
            continue
        else:
            with contextlib.suppress(OSError):
                _entry(entry, path, wanted, found, around, linked)


def _entry(
    entry: os.DirEntry[str],
    path: str,
    wanted: Extent,
    found: dict[str, Found],
    around: tuple[str, ...],
    linked: _Linked,
) -> None:
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if any(_under(target, folder) for folder in wanted.folders) and not any(
            _under(target, folder) for folder in wanted.skipped
        ):
            stat = entry.stat(follow_symlinks=False)
            found[path] = Found(path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, link=target)
            return
        if entry.is_dir():
            _outside(path, target, wanted, found, around, linked)
            return
    elif entry.is_dir():
        _folder(path, entry.path, wanted, found, (*around, entry.path), linked)
        return
    if entry.is_file():
        stat = entry.stat()
        if stat.st_size <= LARGEST_BYTES or path.endswith(".rs"):
            found[path] = Found(entry.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_mode & 0o777)


def _outside(
    path: str, target: str, wanted: Extent, found: dict[str, Found], around: tuple[str, ...], linked: _Linked
) -> None:
    """Add the files of a folder outside that a link leads to, unless they are too many or the workspace is in it."""
    if target in around or any(_under(folder, target) for folder in wanted.folders):
        return
    if linked.left is not None:
        _folder(path, target, wanted, found, (*around, target), linked)
        return
    inner: dict[str, Found] = {}
    with contextlib.suppress(_TooMany):
        _folder(path, target, wanted, inner, (*around, target), _Linked(linked.most, linked.most))
        found.update(inner)


def _file(path: str, source: str) -> Found:
    stat = Path(source).stat()
    return Found(source, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_mode & 0o777)


def _is_tag(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_TAG)) == _TAG
    except OSError:
        return False


def _git(path: str) -> Iterator[tuple[str, Found]]:
    """What a repository at `path` (a folder, or the file of a worktree or submodule) needs to tell its state."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        own = Path(path)
        if own.is_file():
            own = Path(os.path.normpath(own.parent / own.read_text("utf-8").removeprefix("gitdir:").strip()))
        shared = own
        if (own / "commondir").is_file():
            shared = Path(os.path.normpath(own / (own / "commondir").read_text("utf-8").strip()))
        if not (shared / "objects").is_dir():
            return
        for name in _GIT_FILES:
            place = own / name if (own / name).is_file() else shared / name
            if place.is_file():
                yield f"{path}/{name}", _file(path, str(place))
        for folder in ("refs", "reftable"):
            for above, _, names in os.walk(shared / folder):
                for name in names:
                    place = Path(above) / name
                    yield f"{path}/{place.relative_to(shared).as_posix()}", _file(path, str(place))
        alternates = f"{shared / 'objects'}\n".encode()
        yield f"{path}/objects/info/alternates", Found(path, len(alternates), 0, 0, text=alternates)
        # A repository is one only with this folder; git passes over names that begin with a dot.
        yield f"{path}/refs/.opencrates", Found(path, 0, 0, 0, text=b"")


def _under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
