"""Texts beside the item's own that change while the model thinks: what was right among the old ones may be wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from drive import Editor, crate, editor
from lsp import as_json
from model_server import Say, model_server

from opencrates_lsp.values import Span

LIB = "mod other;\npub fn f() -> u8 {\n    todo!()\n}\n"
OTHER = "pub fn g() -> u8 {\n    1\n}\n"
FILLED = LIB.replace("todo!()", "other::g()")
ANSWER = "```rust\npub fn f() -> u8 {\n    other::g()\n}\n```"


def type_over(user: Editor, path: Path, old: str, new: str) -> None:
    at = len(user.text(path)[: user.text(path).index(old)].encode())
    user.type(path, Span(at, at + len(old)), new)


@pytest.mark.parametrize("saved", [False, True], ids=["typed", "saved"])
@pytest.mark.parametrize(
    ("old", "new", "applied"),
    [
        # Another signature, another body, and a word that is not finished.
        ("g()", "g(_: [u8; 3])", False),
        ("1", "2", True),
        ("}", "}\npub fn h(", True),
    ],
)
async def test_an_edit_holds_among_the_texts_as_they_are_at_last(
    tmp_path: Path, old: str, new: str, applied: bool, saved: bool
) -> None:
    root = crate(tmp_path / "tiny", LIB, other=OTHER)
    path, other = root / "src" / "lib.rs", root / "src" / "other.rs"
    async with (
        model_server([Say(ANSWER, gated=True, piece_characters=1 << 20)]) as server,
        editor(root, tmp_path / "home", model=server.url, verify__max_repairs="0") as user,
    ):
        user.open(path)
        user.open(other)
        filling = user.begin_fill(path)
        await server.until(lambda: server.requests)
        type_over(user, other, old, new)
        if saved:
            other.write_text(user.text(other))
        server.release()
        answer = as_json(await asyncio.wait_for(filling, 60))
        assert (answer["state"] == "applied") is applied, answer["reason"]
        assert applied or "this function takes 1 argument" in answer["reason"]
        if applied:
            assert ("as they were before" in answer["verdict"]["configuration"]) is new.endswith("h(")
        assert user.text(path) == (FILLED if applied else LIB)


async def test_what_is_typed_while_a_question_stands_counts_too(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", LIB, other=OTHER)
    path, other = root / "src" / "lib.rs", root / "src" / "other.rs"

    def answer(message: str, choices: Sequence[str]) -> str | None:
        # The `use` line is outside of the item, so the user is asked, and types before he says yes.
        type_over(user, other, "g()", "g(_: [u8; 3])")
        return choices[0]

    with_use = "```rust\nuse other::g;\n\npub fn f() -> u8 {\n    g()\n}\n```"
    async with (
        model_server([with_use]) as server,
        editor(root, tmp_path / "home", model=server.url, answer=answer, verify__max_repairs="0") as user,
    ):
        user.open(path)
        user.open(other)
        said = await user.fill(path)
        assert said["state"] == "refused", said
        assert "this function takes 1 argument" in said["reason"]
        assert user.text(path) == LIB


async def test_a_word_that_is_not_finished_elsewhere_does_not_refuse_a_proved_edit(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny", LIB, other=OTHER)
    path, other = root / "src" / "lib.rs", root / "src" / "other.rs"

    def answer(message: str, choices: Sequence[str]) -> str | None:
        type_over(user, other, "}", "}\npub fn h(")
        return choices[0]

    with_use = "```rust\nuse other::g;\n\npub fn f() -> u8 {\n    g()\n}\n```"
    async with (
        model_server([with_use]) as server,
        editor(root, tmp_path / "home", model=server.url, answer=answer, verify__max_repairs="0") as user,
    ):
        user.open(path)
        user.open(other)
        said = await user.fill(path)
        assert said["state"] == "applied", said
        assert "use other::g;" in user.text(path)
        assert "pub fn h(" in user.text(other)
