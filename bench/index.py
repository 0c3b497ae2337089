"""The index of a workspace of 200 crates and 5,000 files: read anew, and with what an earlier session kept.

`gap` is the longest that an event loop beside it waited for its turn: milliseconds of work that the reading did
meanwhile, so that other programs on the machine do not count.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from opencrates_lsp.workspace.ignore import Ignored
from opencrates_lsp.workspace.reading import read_index

CRATES = 200
FILES = 25
ROUNDS = 5
LONG_AGO = 1_600_000_000
ITEM = """
/// Number {0} of crate {1}.
#[derive(Debug, Clone)]
pub struct Thing{0}In{1} {{
    pub name: String,
    parts: Vec<Part{0}>,
}}

impl Thing{0}In{1} {{
    pub fn new(name: &str) -> Self {{
        let parts = split(name).map(Part{0}::parse).collect();
        Self {{ name: name.to_owned(), parts }}
    }}

    pub fn total(&self) -> usize {{
        self.parts.iter().map(|part| part.size(self.name.len())).filter(|size| *size > {0}).sum()
    }}
}}
"""


def lay(root: Path) -> None:
    """Files of some 8 KB each, as if they had been written long ago."""
    for crate in range(CRATES):
        source = root / f"crate{crate}" / "src"
        source.mkdir(parents=True)
        for file in range(FILES):
            path = source / f"file{file}.rs"
            path.write_text("".join(ITEM.format(file * 20 + at, crate) for at in range(16)))
            os.utime(path, (LONG_AGO, LONG_AGO))
    (root / ".gitignore").write_text("target\n*.bak.rs\n")


async def read(root: Path, kept: Path | None) -> tuple[int, float, float]:
    """How many files it knows, the seconds of work that it took, and the longest gap in milliseconds."""
    gaps: list[float] = []

    async def beat() -> None:
        while True:
            before = time.process_time()
            await asyncio.sleep(0.001)
            gaps.append((time.process_time() - before) * 1e3)

    beating = asyncio.create_task(beat())
    ignored = Ignored(root)
    before = time.process_time()
    index = await asyncio.to_thread(read_index, root, lambda path: ignored.by(path) is not None, kept=kept)
    seconds = time.process_time() - before
    beating.cancel()
    return len(index), seconds, max(gaps)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, kept = Path(folder, "root"), Path(folder, "kept")
        lay(root)
        cold, warm = [], []
        asyncio.run(read(root, kept))
        for _ in range(ROUNDS):
            cold.append(asyncio.run(read(root, None)))
            warm.append(asyncio.run(read(root, kept)))
        files = cold[0][0]
        anew, again = (statistics.median(one[1] for one in found) for found in (cold, warm))
        print(
            f"{files} files   read anew {anew:.2f} s   kept {again:.2f} s   ratio {again / anew:.2f}   (goal <= 0.25)"
        )
        for name, found in (("read anew", cold), ("kept", warm)):
            print(f"gap, {name}: median {statistics.median(one[2] for one in found):.0f} ms   (goal <= 20)")


if __name__ == "__main__":
    main()
