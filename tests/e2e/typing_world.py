"""The world of a random user: one server, an editor of some kind, and a model whose answers are held back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import attrs
from drive import MANIFEST, recorded
from lsp import SERVER, environment
from lsprotocol import types
from model_server import ModelServer, model_server
from typing_user import User, answer_to

WAIT_SECONDS = 60.0
"""How long a step may take."""


class World:
    """One server, its editor and its model, in which many lives pass, and a new one after a life that went wrong.

    `plain` is an editor without versions; `proving` says that cargo runs, so that an edit may not hold with what was
    typed.
    """

    def __init__(self, make: Callable[[], User], model: ModelServer, *, plain: bool, proving: bool = False) -> None:
        self.runner = asyncio.Runner()
        self.user = make()
        self.model = model
        self.plain, self.proving = plain, proving
        self.files = self.commands = 0
        self._make = make

    def __enter__(self) -> Self:
        self.runner.run(self.user.__aenter__())
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and self.user.process.returncode is None:
            self.user.process.kill()
            self.runner.run(self.user.process.wait())
        try:
            self.runner.run(self.user.__aexit__(kind, None, None))
        finally:
            self.runner.close()

    def again(self) -> None:
        """A new server and editor."""
        with contextlib.suppress(Exception):
            self.__exit__(RuntimeError)
        self.model.requests.clear()
        self.runner, self.user = asyncio.Runner(), self._make()
        self.__enter__()

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        self.runner.run(asyncio.wait_for(work, WAIT_SECONDS))

    def held(self) -> int:
        """How many answers of the model are held back."""
        return sum(not one.answered and not one.gone for one in self.model.requests)


def capabilities(plain: bool, encoding: str) -> types.ClientCapabilities:
    """A recorded editor's; the plain one knows neither versions nor files in edits."""
    _, told = recorded("emacs-28-eglot-1.9" if plain else "vscode-1.139")
    assert told.workspace is not None
    edits = types.WorkspaceEditClientCapabilities(document_changes=False) if plain else told.workspace.workspace_edit
    general = attrs.evolve(told.general or types.GeneralClientCapabilities(), position_encodings=[encoding])
    return attrs.evolve(told, general=general, workspace=attrs.evolve(told.workspace, workspace_edit=edits))


@contextmanager
def world(folder: Path, *, plain: bool, encoding: str, proving: bool = False) -> Iterator[World]:
    """A server whose folder is a crate without a function yet."""
    root = folder / "crate"
    (root / "src").mkdir(parents=True)
    (root / "Cargo.toml").write_text(MANIFEST)
    (root / "src" / "lib.rs").write_text("")
    with model_server(answer_to) as model:
        said = {"ai__openai__base_url": model.url, "ai__openai__model": "test-model", "verify__max_repairs": "0"}

        def user() -> User:
            return User(
                SERVER,
                root,
                env=environment(folder / "home", **said, verify__level="check" if proving else "parse"),
                options={"trusted": proving, "answer_within": 300},
                capabilities=capabilities(plain, encoding),
            )

        with World(user, model, plain=plain, proving=proving) as here:
            assert here.user.encoding == encoding
            yield here
