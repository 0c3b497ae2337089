"""What help costs, and that there is some for every verb."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import crate, opencrates

from opencrates_lsp.cli import VERBS

_LOADED = """\
import sys
from opencrates_lsp.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*(name for name in sys.modules), sep="\\n", file=sys.stderr)
"""


def loaded(*arguments: str, cwd: Path) -> tuple[str, set[str]]:
    """What a verb prints, and the modules that it imported."""
    run = [sys.executable, "-c", _LOADED, *arguments]
    done = subprocess.run(run, cwd=cwd, capture_output=True, encoding="utf-8", check=True)
    return done.stdout, set(done.stderr.splitlines())


def test_help_names_every_verb_and_imports_none(tmp_path: Path) -> None:
    said, modules = loaded("--help", cwd=tmp_path)
    assert all(f"  {verb} " in said and does in said for verb, does in VERBS.items())
    assert {name for name in modules if name.startswith("opencrates_lsp")} == {"opencrates_lsp", "opencrates_lsp.cli"}
    assert not modules & {"asyncio", "ssl", "logging", "typing_extensions"}


def test_a_list_of_holes_needs_no_core_and_no_protocol(tmp_path: Path) -> None:
    crate(tmp_path / "tiny")
    said, modules = loaded("holes", "tiny", cwd=tmp_path)
    assert said.count("\n") == 3
    assert not modules & {"asyncio", "pydantic", "pygls", "lsprotocol", "openai", "jinja2", "sqlite3"}
    assert not {name for name in modules if name.startswith(("opencrates_lsp.app", "opencrates_lsp.server"))}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_helps(verb: str, tmp_path: Path) -> None:
    done = opencrates(verb, "--help", cwd=tmp_path, home=tmp_path / "home")
    assert done.returncode == 0
    assert done.stdout.lower().startswith("usage:")
    assert list(tmp_path.iterdir()) == []
