"""Which files of a folder are its user's Rust."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def rust_files(folder: Path) -> Iterator[Path]:
    """The `.rs` files below a folder, in order, without hidden ones and cargo's `target`."""
    for place, folders, files in os.walk(folder):
        # cargo marks its target folder, whatever its name is.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and name != "target" and not Path(place, name, "CACHEDIR.TAG").exists()
        )
        # An editor's lock on a file has the file's name with a dot before it, and is none.
        yield from (Path(place, name) for name in sorted(files) if name.endswith(".rs") and not name.startswith("."))
