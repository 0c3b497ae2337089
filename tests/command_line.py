"""`opencrates` as a user runs it: a process of its own, in a folder, with a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsp import environment

RUN = (sys.executable, "-c", "from opencrates_lsp.cli import main; main()")

ANSWER_KEYS = {"state", "job", "title", "files", "verdict", "usage", "reason", "notes", "change", "diff"}
"""What every answer in JSON has (CONTRACT, "Commands")."""

POINT = """\
pub struct Point {
    x: u32,
    y: u32,
}

impl Point {
    pub fn new(x: u32, y: u32) -> Self {
        todo!()
    }

    pub fn x(&self) -> u32 {
        todo!()
    }

    pub fn magic(&self) -> u32 {
        todo!("nobody knows")
    }
}
"""
"""Two holes that need no model, and one that does."""

FILLED = POINT.replace("todo!()", "Self { x, y }", 1).replace("todo!()", "self.x", 1)


def variables(home: Path, *, model: str | None = None, **settings: str) -> dict[str, str]:
    """The environment; `model` is the URL of a model server, without it only the offline rules answer."""
    if model is None:
        return environment(home, ai__provider="offline", **settings)
    return environment(home, ai__openai__base_url=model, ai__openai__model="test-model", **settings)


def opencrates(
    *arguments: str | Path, cwd: Path, home: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a verb without a terminal; `env` comes over the usual variables."""
    return subprocess.run(
        [*RUN, *map(os.fspath, arguments)],
        cwd=cwd,
        env={**variables(home), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON document on standard output."""
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def crate(folder: Path, text: str = POINT, name: str = "tiny") -> Path:
    """A crate in `folder`, its library being `text`; the path of that."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "2021"\n')
    library = folder / "src" / "lib.rs"
    library.write_bytes(text.encode())
    return library
