"""The example crates of `tests/crates`, their holes, and the right answers to them."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

CRATES = Path(__file__).parent / "crates"
NAMES = tuple(sorted(path.stem for path in (CRATES / "answers").glob("*.toml")))


@dataclass(frozen=True, slots=True)
class HoleCase:
    """One hole of a crate.

    `file` is its path in the crate and `item` the name that `Subject.name` has ("Route::metres").
    `answer` is what a model writes: Markdown with a fenced block of Rust.
    `offline` tells that the hole needs no model.
    """

    file: str
    item: str
    answer: str
    offline: bool


@dataclass(frozen=True, slots=True)
class Mend:
    """The text that mends the error that a crate has from the start."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Crate:
    """An example crate; `path` is the folder of its (workspace's) Cargo.toml, `features` are those that it needs."""

    name: str
    path: Path
    holes: list[HoleCase]
    features: tuple[str, ...] = ()
    mend: Mend | None = None

    def copy_to(self, folder: Path) -> Path:
        """A fresh copy in `folder`, to be changed and built; the path of the copy."""
        return Path(shutil.copytree(self.path, folder / self.name, ignore=shutil.ignore_patterns("target")))


def load(name: str) -> Crate:
    """The crate of this name with its holes in the order of its answers."""
    told = tomllib.loads((CRATES / "answers" / f"{name}.toml").read_text(encoding="utf-8"))
    return Crate(
        name,
        CRATES / name,
        [HoleCase(**hole) for hole in told["hole"]],
        tuple(told.get("features", ())),
        Mend(**told["mend"]) if "mend" in told else None,
    )
