"""What keeps the tree readable: short files, shallow folders, docs that name what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from opencrates_lsp.cli import VERBS
from opencrates_lsp.server.serve import COMMANDS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "opencrates_lsp"
FILES = [*PACKAGE.rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]


def test_no_file_is_longer_than_400_lines() -> None:
    long = {str(path.relative_to(ROOT)): count for path in FILES if (count := path.read_text().count("\n")) > 400}
    assert not long


def test_no_module_is_deeper_than_two_folders_or_called_after_nothing() -> None:
    for path in PACKAGE.rglob("*.py"):
        assert len(path.relative_to(PACKAGE).parts) <= 3
        assert path.stem not in ("utils", "helpers", "common", "manager", "misc")


@pytest.mark.parametrize(
    ("page", "names"), [("protocol.md", COMMANDS), ("cli.md", [f"opencrates {verb}" for verb in VERBS])]
)
def test_the_docs_name_everything_and_nothing_else(page: str, names: list[str]) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    told = re.findall(r"^\| `([^`<\[{]+?)(?: [\[<{A-Z-][^`]*)?`", text, flags=re.MULTILINE)
    assert sorted(set(told)) == sorted(names)


def test_the_map_names_every_part() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert text.count("\n") < 200
    parts = {path.relative_to(PACKAGE).parts[0] for path in PACKAGE.rglob("*.py")} - {"__init__.py", "__main__.py"}
    missing = [part for part in parts if f"`{part.removesuffix('.py')}" not in text]
    assert not missing


def test_every_test_file_has_a_name_of_its_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert len(names) == len(set(names))
