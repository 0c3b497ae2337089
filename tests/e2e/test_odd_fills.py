"""Fills in odd workspaces, from the editor's request to its buffer, with the real server and real cargo."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from lsp import editor, fill
from model_server import model_server

pytestmark = pytest.mark.proof

MANIFEST = '[package]\nname = "{name}"\nversion = "0.1.0"\nedition = "{edition}"\n'
B = {"b/Cargo.toml": MANIFEST.format(name="b", edition="2021"), "b/src/lib.rs": "pub fn b() -> u8 { 1 }\n"}
F = "pub fn f() -> u8 {\n    todo!()\n}\n"


def manifest(more: str = "", edition: str = "2021") -> str:
    return MANIFEST.format(name="a", edition=edition) + more


@dataclass(frozen=True)
class Case:
    """Files, the one with the hole, the folder that the editor opens, the model's answer and what stands there then.

    `question` is what the user is asked where rustc does not look.
    """

    files: dict[str, str]
    file: str
    root: str
    answer: str = "pub fn f() -> u8 { b::b() }"
    after: str = "pub fn f() -> u8 {\n    b::b()\n}\n"
    configuration: str = "default features, host"
    question: str | None = None


USES_B = '[dependencies]\nb = { path = "../b" }\n'
ODD = "größe 日本 %20 #1"
CASES = {
    "path": Case({f"{ODD}/a/Cargo.toml": manifest(USES_B), f"{ODD}/a/src/lib.rs": F,
                  **{f"{ODD}/{name}": text for name, text in B.items()}}, f"{ODD}/a/src/lib.rs", f"{ODD}/a"),
    "nested": Case(
        {**B, "Cargo.toml": '[workspace]\nmembers = ["b"]\nexclude = ["inner"]\n',
         "inner/Cargo.toml": '[workspace]\nmembers = ["a"]\n', "inner/a/src/lib.rs": F,
         "inner/a/Cargo.toml": manifest(USES_B.replace("../b", "../../b"))}, "inner/a/src/lib.rs", "."),
    "shared": Case(
        {**B, "Cargo.toml": '[workspace]\nmembers = ["a", "b"]\n', "a/Cargo.toml": manifest(USES_B),
         "a/src/lib.rs": '#[path = "../../shared/m.rs"]\nmod m;\n', "shared/m.rs": F}, "shared/m.rs", "."),
    "features": Case(
        {**B, "a/Cargo.toml": manifest('[features]\ndefault = ["std"]\nstd = []\nx = []\n' + USES_B),
         "a/src/lib.rs": f'#[cfg(all(feature = "x", not(feature = "std")))]\n{F}'}, "a/src/lib.rs", "a",
        after='#[cfg(all(feature = "x", not(feature = "std")))]\npub fn f() -> u8 {\n    b::b()\n}\n',
        configuration="no default features + x, host"),
    "elsewhere": Case(
        {"a/Cargo.toml": manifest(), "a/src/lib.rs": f"#[cfg(windows)]\n{F}"}, "a/src/lib.rs", "a",
        answer="pub fn f() -> u8 { 1 }", after="#[cfg(windows)]\npub fn f() -> u8 {\n    1\n}\n",
        configuration="none: nothing was compiled", question="it is behind #[cfg(windows)]. Apply the edit unproved?"),
    "2015": Case(
        {"a/Cargo.toml": manifest(edition="2015"), "a/src/lib.rs": f"mod m {{ pub fn async() -> u8 {{ 1 }} }}\n{F}"},
        "a/src/lib.rs", "a", answer="pub fn f() -> u8 { let dyn = ::m::async(); dyn }",
        after="mod m { pub fn async() -> u8 { 1 } }\npub fn f() -> u8 {\n    let dyn = ::m::async();\n    dyn\n}\n"),
    "2024": Case(
        {"a/Cargo.toml": manifest(edition="2024"), "a/src/lib.rs": F}, "a/src/lib.rs", "a",
        answer="pub fn f() -> u8 { if let Some(x)=Some(1u8) && x>0 { return x } 1 }",
        after="pub fn f() -> u8 {\n    if let Some(x) = Some(1u8)\n        && x > 0\n    {\n"
              "        return x;\n    }\n    1\n}\n"),
}  # fmt: skip


def laid(folder: Path, case: Case) -> Path:
    for name, text in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / case.file


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_hole_is_filled_wherever_it_is(case: Case, tmp_path: Path) -> None:
    path = laid(tmp_path / "w", case)
    async with (
        model_server([f"```rust\n{case.answer}\n```"]) as model,
        editor(tmp_path / "w" / case.root, tmp_path / "home", model=model.url) as user,
    ):
        text = user.open(path).snapshot().text
        answer = await fill(user, path, text.index(b"todo!"))
        assert (answer["state"], user.text(path)) == ("applied", case.after), answer
        verdict = answer["verdict"]
        assert (verdict["reached"], verdict["new_errors"]) == (case.question is None, [])
        assert verdict["configuration"].startswith(case.configuration)
        assert [case.question in message for message in user.asked if case.question] == (
            [True] if case.question else []
        )


async def test_two_editors_fill_one_workspace_at_once(tmp_path: Path) -> None:
    """Two servers share the home folder; each proves in a mirror of its own, and a wrong answer stays out."""
    case = Case({"a/Cargo.toml": manifest(), "a/src/lib.rs": "mod m;\n" + F, "a/src/m.rs": F}, "a/src/lib.rs", "a")
    laid(tmp_path, case)
    right, wrong = "```rust\npub fn f() -> u8 { 1 }\n```", '```rust\npub fn f() -> u8 { "" }\n```'
    async with (
        model_server([right]) as good,
        model_server(lambda _: wrong) as bad,
        editor(tmp_path / "a", tmp_path / "home", model=good.url) as one,
        editor(tmp_path / "a", tmp_path / "home", model=bad.url) as other,
    ):
        paths = tmp_path / "a/src/lib.rs", tmp_path / "a/src/m.rs"
        texts = [user.open(path).snapshot().text for user, path in zip((one, other), paths, strict=True)]
        answers = await asyncio.gather(
            fill(one, paths[0], texts[0].index(b"todo!")), fill(other, paths[1], texts[1].index(b"todo!"))
        )
        assert [answer["state"] for answer in answers] == ["applied", "refused"]
        assert (one.text(paths[0]), other.text(paths[1])) == ("mod m;\n" + F.replace("todo!()", "1"), F)
    mirrors = [place for place in (tmp_path / "home/cache/mirrors").iterdir() if place.is_dir()]
    assert len(mirrors) == 2
