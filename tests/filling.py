"""Fills of small crates through the whole core, with real cargo and a scripted model."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from check import ScriptedFace
from lsp import environment
from model_server import ModelServer, Script, model_server

from opencrates_lsp.actions.base import Request as Asked
from opencrates_lsp.app import App
from opencrates_lsp.app.workspaces import Launch
from opencrates_lsp.events import Verified
from opencrates_lsp.home import Home
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Change, Document, Verdict

MANIFEST = '[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n'


def fenced(code: str) -> str:
    """An answer with this code."""
    return f"```rust\n{code}\n```\n"


@dataclass
class Filling:
    """One crate, one model; `verdicts` are those of every candidate that was judged, in order."""

    root: Path
    app: App
    server: ModelServer
    face: ScriptedFace = field(default_factory=ScriptedFace)
    verdicts: list[Verdict] = field(default_factory=list)

    async def fill(self, file: str = "src/lib.rs") -> Change:
        """Fill the first hole of the file."""
        path = self.root / file
        document = Document(path, path.read_bytes(), 1)
        source = parse(document.text)
        await self.app.warm(path)
        change = await self.app.run("fill", Asked(document, source, holes(source)[0].span), self.face)
        assert isinstance(change, Change)
        return change

    def text(self, change: Change) -> str:
        """The file as the change makes it."""
        (document,) = change.documents
        text = applied(change.edits, {document.path: document.text})[document.path]
        assert text is not None
        return text.decode()

    @property
    def prompts(self) -> list[str]:
        """What the user said last in each request."""
        return [request.prompt for request in self.server.requests]


@contextlib.asynccontextmanager
async def filling(
    folder: Path, files: Mapping[str, str], script: Script, env: Mapping[str, str] | None = None, **settings: str
) -> AsyncIterator[Filling]:
    """A trusted crate of these files in `folder`/tiny; `settings` have `__` for the dot in their names."""
    root = folder / "tiny"
    for name, text in {"Cargo.toml": MANIFEST, **files}.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    async with model_server(script) as server:
        said = {"ai__openai__base_url": server.url, "ai__openai__model": "test-model", **settings}
        variables = environment(folder, **said) | dict(env or {})
        home = Home(folder / "config", folder / "data", folder / "cache")
        app = await App.open(home, Launch(variables, trusted=True), lambda text: None)
        made = Filling(root, app, server)
        app.bus.subscribe(Verified, lambda event: made.verdicts.append(event.verdict))
        try:
            yield made
        finally:
            await app.close()
