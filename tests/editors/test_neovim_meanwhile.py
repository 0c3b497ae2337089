"""What a user does while a model thinks: he cancels, types elsewhere, types into the very function, fills another."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_server import ModelServer, Request, Say, model_server
from nvim_user import Neovim, crate

pytestmark = pytest.mark.editors

LIBRARY = """\
//! Wörter 𝄞.

/// Twice.
pub fn double(größe: u32) -> u32 {
    /* 𝄞 */ todo!("twice")
}

/// Three times.
pub fn triple(größe: u32) -> u32 {
    todo!("three times")
}
"""
TWICE, THRICE = 'todo!("twice")', 'todo!("three times")'
FILLED = LIBRARY.replace(f" {TWICE}", "\n    größe * 2")


def answer(name: str, body: str) -> Say:
    """An answer that waits for the test before each of its pieces."""
    return Say(f"```rust\npub fn {name}(größe: u32) -> u32 {{\n    {body}\n}}\n```", gated=True)


DOUBLE, TRIPLE = answer("double", "/* 𝄞 */ größe * 2"), answer("triple", "größe * 3")


def by_name(request: Request) -> Say:
    return DOUBLE if "`double` of" in request.prompt else TRIPLE


def thinking(server: ModelServer, requests: int = 1) -> None:
    server.wait(lambda: len(server.requests) == requests)


def test_a_cancelled_fill_ends_the_request_and_leaves_the_buffer(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with (
        model_server([DOUBLE]) as server,
        Neovim(tmp_path / "demo", tmp_path / "home", model=server.url) as nvim,
    ):
        nvim.open(library)
        before = nvim.lua("return vim.b.changedtick")
        nvim.fill(TWICE)
        thinking(server)
        server.release()
        # Neovim's own status line has it, too: vim.lsp.status().
        nvim.until("next(vim.lsp.get_clients()[1].progress.pending)")
        nvim.command("LspOpenCratesCancel")
        nvim.told("cancelled")
        server.wait(lambda: server.requests[0].gone)
        nvim.until("not next(vim.lsp.get_clients()[1].progress.pending)")
        assert nvim.text == LIBRARY
        assert nvim.lua("return vim.b.changedtick") == before
        assert nvim.lua("return user.run('opencrates.jobs')")["jobs"] == []


def test_typing_elsewhere_is_kept_and_the_edit_lands_where_it_belongs(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with (
        model_server([DOUBLE]) as server,
        Neovim(tmp_path / "demo", tmp_path / "home", model=server.url) as nvim,
    ):
        nvim.open(library)
        nvim.fill(TWICE)
        thinking(server)
        nvim.type("ggo// Mehr, é𝄞.<Esc>Go// Ende")
        nvim.until("vim.fn.getline('$') == '// Ende'")
        server.release(100)
        nvim.until("user.text():find('größe * 2', 1, true)")
        # Still in insert mode, and the next key goes where the last one went.
        nvim.type("!<Esc>")
        nvim.until("vim.fn.getline('$') == '// Ende!'")
        nvim.told("Filled `double`")
        first, rest = FILLED.split("\n", 1)
        assert nvim.text == f"{first}\n//! // Mehr, é𝄞.\n{rest}// Ende!\n"


@pytest.mark.parametrize("typed_before", [False, True])
def test_an_edit_of_a_text_that_is_older_than_the_buffer_is_never_put_in(tmp_path: Path, typed_before: bool) -> None:
    """What the server has not heard of yet is what an edit must not be laid over; it is tried again on that text."""
    library = crate(tmp_path / "demo", LIBRARY)
    with (
        model_server([DOUBLE]) as server,
        Neovim(tmp_path / "demo", tmp_path / "home", model=server.url) as nvim,
    ):
        # As with a configuration of the user's own; the server is told of a second line only when the edit has come.
        nvim.lua("vim.lsp.config('opencrates', { flags = { debounce_text_changes = 700 } })")
        nvim.open(library)
        if typed_before:
            nvim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, false, { '// Zero' })")
        nvim.fill(TWICE)
        thinking(server)
        nvim.lua(
            """
            local apply = vim.lsp.handlers['workspace/applyEdit']
            vim.lsp.handlers['workspace/applyEdit'] = function(...)
              if not user.late then
                user.late = true
                vim.api.nvim_buf_set_lines(0, 0, 0, false, { '// One', '// Two' })
              end
              return apply(...)
            end
            """
        )
        server.release(100)
        nvim.told("Filled `double`")
        assert nvim.lua("return user.late")
        assert nvim.text == "// One\n// Two\n" + "// Zero\n" * typed_before + FILLED


@pytest.mark.parametrize("answer", ["Apply it to", "Leave the item", None])
def test_typing_into_the_function_itself_is_never_overwritten(tmp_path: Path, answer: str | None) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with (
        model_server([DOUBLE]) as server,
        Neovim(tmp_path / "demo", tmp_path / "home", model=server.url) as nvim,
    ):
        nvim.open(library)
        nvim.fill(TWICE, *filter(None, [answer]))
        thinking(server)
        nvim.go(TWICE)
        nvim.type("O// Mine<Esc>")
        mine = LIBRARY.replace(f"    /* 𝄞 */ {TWICE}", f"    // Mine\n    /* 𝄞 */ {TWICE}")
        nvim.until("user.text() .. '\\n' == ...", mine)
        server.release(100)
        if answer == "Apply it to":
            nvim.told("Filled `double`")
            assert nvim.text == mine.replace(f" {TWICE}", "\n    größe * 2")
            # Both are his to undo, one after the other.
            nvim.type("u")
            nvim.until("user.text() .. '\\n' == ...", mine)
            return
        nvim.told("stays offered" if answer is None else "was not applied, as you said")
        assert "Filled" not in nvim.messages
        assert nvim.text == mine


def test_two_fills_at_once_both_land(tmp_path: Path) -> None:
    library = crate(tmp_path / "demo", LIBRARY)
    with (
        model_server(by_name) as server,
        Neovim(tmp_path / "demo", tmp_path / "home", model=server.url) as nvim,
    ):
        nvim.open(library)
        nvim.fill(TWICE)
        thinking(server, 1)
        nvim.fill(THRICE)
        thinking(server, 2)
        server.release(200)
        nvim.told("Filled `double`")
        nvim.told("Filled `triple`")
        assert nvim.text == FILLED.replace(THRICE, "größe * 3")
        nvim.command("write")
        nvim.until("#vim.diagnostic.get(0) == 0")
        # Each is a step of its own.
        nvim.type("u")
        nvim.until("user.text():find('todo!', 1, true)")
        nvim.type("u")
        nvim.until("user.text() .. '\\n' == ...", LIBRARY)
