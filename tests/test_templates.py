"""Templates: which folder counts, what a template may do, and where its mistakes are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from opencrates_lsp.errors import WrongUsage
from opencrates_lsp.templates import Templates, packaged_folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A project's folder and the packaged one, with one name in both."""
    project, packaged = tmp_path / "project", tmp_path / "packaged"
    for folder, text in ((project, "mine {{ name }}\n"), (packaged, "packaged\n")):
        (folder / "prompts").mkdir(parents=True)
        (folder / "prompts" / "x.md.j2").write_text(text, encoding="utf-8")
    (packaged / "prompts" / "y.md.j2").write_text("{% include 'prompts/x.md.j2' %}", encoding="utf-8")
    return project, packaged


async def test_the_earlier_folder_counts_inside_includes_too(folders: tuple[Path, Path]) -> None:
    templates = Templates(folders)
    assert await templates.render("prompts/y.md.j2", {"name": "a<b>&"}) == "mine a<b>&\n"
    assert await Templates(folders[1:]).render("prompts/y.md.j2", {}) == "packaged\n"
    assert await templates.names("prompts") == ("prompts/x.md.j2", "prompts/y.md.j2")
    assert await templates.names("prompt") == ()


async def test_block_lines_leave_nothing_behind(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.j2").write_text("a\n  {% if yes %}\n  b\n  {% endif %}\nc\n\n", encoding="utf-8")
    assert await Templates(folders).render("a.j2", {"yes": True}) == "a\n  b\nc\n\n"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("\n{% if x %}", 2, "endif"),
        ("a\n\n{{ missing }}", 3, "'missing' is undefined"),
        ("a\n{{ thing.missing }}", 2, "no attribute 'missing'"),
        ("a\n{{ 1 // 0 }}", 2, "division"),
        ("a\n\n\n{{ thing + 1 }}", 4, "unsupported operand|can only concatenate|must be str"),
        ("{{ ().__class__.__base__.__subclasses__() }}", 1, "unsafe"),
        ("{{ things.append(1) }}", 1, "unsafe|not safely callable"),
        ("{% for a in range(10000000) %}{% endfor %}", 1, "too big|Range"),
    ],
)
async def test_a_mistake_is_placed(text: str, line: int, said: str, folders: tuple[Path, Path]) -> None:
    (folders[0] / "wrong.j2").write_text(text, encoding="utf-8")
    (folders[0] / "outer.j2").write_text("\n\n\n\n\n{% include 'wrong.j2' %}", encoding="utf-8")
    things: list[int] = []
    for name in ("wrong.j2", "outer.j2"):
        with pytest.raises(WrongUsage, match=said) as caught:
            await Templates(folders).render(name, {"x": True, "thing": "", "things": things})
        assert f"`wrong.j2`, line {line} " in caught.value.message
        assert caught.value.place == folders[0] / "wrong.j2"
    assert things == []


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("{% include 'none.j2' %}", "a.j2", "`none.j2`, which `a.j2` wants"),
        ("", "../secret", "There is no template `../secret`"),
        ("{% include '../../secret' %}", "a.j2", "`../../secret`"),
        ("{% include 'a.j2' %}", "a.j2", "recursion"),
    ],
)
async def test_what_is_not_in_the_folders_is_not_found(
    text: str, name: str, said: str, folders: tuple[Path, Path]
) -> None:
    (folders[0].parent / "secret").write_text("secret", encoding="utf-8")
    (folders[0] / "a.j2").write_text(text, encoding="utf-8")
    with pytest.raises(WrongUsage) as caught:
        await Templates(folders).render(name, {})
    assert said in str(caught.value)


async def test_a_file_that_is_no_text_is_told(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.j2").write_bytes(b"\xff")
    with pytest.raises(WrongUsage) as caught:
        await Templates(folders).render("a.j2", {})
    assert caught.value.place == folders[0] / "a.j2"


PROMPTS: Mapping[str, Mapping[str, str | list[str]]] = {
    "system": {},
    "repair": {
        "name": "f",
        "path": "lib.rs",
        "item": "fn f() -> Vec<u8> { todo!() }",
        "answer": "fn f() -> Vec<u8> { 1 }",
        "errors": "error[E0308]: Vec<u8>",
        "reason": "",
        "instruction": "as it says & no more",
        "dependencies": ["serde", "tokio"],
        "tests": [],
        "definitions": ["struct A<'a>(&'a str);"],
        "hints": ["Borrow it."],
    },
    "fill": {
        "name": "f",
        "path": "lib.rs",
        "outline": "struct A<'a>(&'a str);",
        "needs": "struct B;",
        "item": "fn f() -> Vec<u8> { todo!() }",
        "instruction": "as it says & no more",
        "dependencies": ["serde", "tokio"],
    },
}


@pytest.mark.parametrize("name", PROMPTS)
async def test_the_packaged_prompts_take_what_they_are_given(name: str) -> None:
    values = PROMPTS[name]
    text = await Templates([packaged_folder()]).render(f"prompts/{name}.md.j2", values)
    for value in values.values():
        for part in [value] if isinstance(value, str) else value:
            assert part in text
    assert "{%" not in text


def test_jinja_is_not_loaded_before_it_is_used() -> None:
    check = "import sys, opencrates_lsp.templates as t; t.Templates([]); sys.exit('jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
