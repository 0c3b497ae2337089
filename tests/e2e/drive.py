"""What the end-to-end tests drive the real server with: tiny crates, an editor that sees and says more, its processes.

Every test has its own crate, home and server; nothing is shared.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from lsp import SERVER, as_json, environment
from lsprotocol import types

from opencrates_lsp.faces.uris import uri_of
from opencrates_lsp.server.documents import OpenDocument
from opencrates_lsp.server.headless import Answer, HeadlessEditor, first_choice
from opencrates_lsp.store import Store
from opencrates_lsp.store.history import Intent
from opencrates_lsp.values import Span

MANIFEST = '[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n\n[workspace]\n'
LIB = "pub fn twice(x: u32) -> u32 {\n    todo!()\n}\n"
ANSWER = "```rust\npub fn twice(x: u32) -> u32 {\n    x * 2\n}\n```\n"
FILLED = LIB.replace("todo!()", "x * 2")
WAIT_SECONDS = 60.0
"""How long a test waits for what must happen, before it fails."""


def crate(folder: Path, lib: str = LIB, **files: str) -> Path:
    """A crate without dependencies; `files` are more modules in `src` by their names ("other" is src/other.rs)."""
    (folder / "src").mkdir(parents=True)
    (folder / "Cargo.toml").write_text(MANIFEST)
    for name, text in {"lib": lib, **files}.items():
        (folder / "src" / f"{name}.rs").write_bytes(text.encode())
    return folder


def texts(root: Path) -> dict[str, bytes]:
    """Every file below a folder, byte for byte."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


async def until(met: Callable[[], Any]) -> Any:
    """Wait until something holds that sends no message: a file, a process."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not (found := met()):
            await asyncio.sleep(0.005)
    return found


@dataclass(eq=False)
class Editor(HeadlessEditor):
    """An editor of which tests see more.

    `written` is what the server wrote to standard error, `edits` are those that it sent.
    `settings` is what it answers to `workspace/configuration`.
    """

    written: list[str] = field(default_factory=list)
    edits: list[types.WorkspaceEdit] = field(default_factory=list)
    settings: object = None
    on_edit: Callable[[types.WorkspaceEdit], None] | None = None

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            await super().__aexit__(kind, error, trace)
        else:
            await self.client.stop()  # type: ignore[no-untyped-call]
        await self._listening
        said = "".join(self.written)
        if kind is None:
            assert "Traceback" not in said, said

    async def _listen(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.written.append(line.decode())

    def _register(self) -> None:
        super()._register()

        @self.client.feature(types.WORKSPACE_CONFIGURATION)
        def configuration(params: types.ConfigurationParams) -> list[object]:
            return [self.settings for _ in params.items]

        @self.client.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(params: types.RegistrationParams) -> None:
            """Every capability is taken."""

    def _apply(self, edit: types.WorkspaceEdit) -> None:
        self.edits.append(edit)
        if self.on_edit is not None:
            self.on_edit(edit)
        super()._apply(edit)

    def open(self, path: Path, text: str | None = None) -> OpenDocument:
        """Open a file as it is on disk, or as `text` where it is not there yet."""
        text = path.read_bytes().decode() if text is None else text
        document = OpenDocument(uri_of(path), text, 1, encoding=self.encoding)
        self.documents[path] = document
        item = types.TextDocumentItem(document.uri, "rust", 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        return document

    def close(self, path: Path) -> None:
        """Close a file without saving it."""
        identifier = types.TextDocumentIdentifier(self.documents.pop(path).uri)
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(identifier))

    async def ask(self, name: str, /, **argument: object) -> dict[str, Any]:
        """What a command of ours answers."""
        return as_json(await self.execute(f"opencrates.{name}", argument))

    def place(self, path: Path, offset: int) -> dict[str, Any]:
        """`uri` and `position` of a byte."""
        line, character = self.documents[path].place(offset)
        return {"uri": self.documents[path].uri, "position": {"line": line, "character": character}}

    def hole(self, path: Path, after: str = "") -> dict[str, Any]:
        """`uri` and `position` of the first hole behind some text."""
        text = self.text(path)
        return self.place(path, len(text[: text.index("todo!", text.index(after))].encode()))

    async def fill(self, path: Path, after: str = "") -> dict[str, Any]:
        """Fill the first hole behind some text."""
        return await self.ask("fill", **self.hole(path, after))

    def begin(self, name: str, /, number: str = "work", **argument: object) -> asyncio.Future[Any]:
        """A command as the request of this id; the future is its answer."""
        params = types.ExecuteCommandParams(f"opencrates.{name}", arguments=[argument])
        sent = self.client.protocol.send_request(types.WORKSPACE_EXECUTE_COMMAND, params, msg_id=number)
        return asyncio.wrap_future(sent)

    def begin_fill(self, path: Path, after: str = "", number: str = "work") -> asyncio.Future[Any]:
        """Fill the first hole behind some text, as the request of this id."""
        return self.begin("fill", number, **self.hole(path, after))

    def insert(self, path: Path, before: str, text: str) -> None:
        """Type a text before another one."""
        at = len(self.text(path)[: self.text(path).index(before)].encode())
        self.type(path, Span(at, at), text)

    def shows(self, answer: Mapping[str, Any]) -> bool:
        """Whether the reason of an answer was shown: what happened, and what to do about it."""
        what, _, remedy = answer["reason"].partition(f" ({self.root}/")
        return any(what in message and message.endswith(remedy.partition(") ")[2]) for message in self.messages)

    def children(self) -> list[psutil.Process]:
        """The processes that the server started, and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)


def editor(
    root: Path,
    home: Path,
    *,
    model: str | None = None,
    options: Mapping[str, Any] | None = None,
    answer: Answer = first_choice,
    command: Sequence[str] = SERVER,
    env: Mapping[str, str] | None = None,
    **settings: str,
) -> Editor:
    """As `lsp.editor`; `env` are further variables."""
    if model is not None:
        settings = {"ai__openai__base_url": model, "ai__openai__model": "test-model", **settings}
    else:
        settings = {"ai__provider": "offline", **settings}
    return Editor(
        command,
        root,
        env={**environment(home, **settings), **(env or {})},
        options={"trusted": True, "answer_within": 300, **(options or {})},
        answer=answer,
    )


@contextlib.asynccontextmanager
async def nothing_changes(user: Editor) -> AsyncIterator[None]:
    """Whatever happens inside, no file and no buffer is another one afterwards, and the server lives on."""
    files = texts(user.root)
    buffers = {path: bytes(document.text) for path, document in user.documents.items()}
    sent = len(user.edits)
    yield
    assert texts(user.root) == files
    assert {path: bytes(document.text) for path, document in user.documents.items()} == buffers
    assert len(user.edits) == sent
    assert (await user.ask("jobs"))["jobs"] == []


async def history(home: Path) -> list[Intent]:
    """The changes in the store, newest first."""
    store = await Store.open(home / "data" / "opencrates.sqlite")
    try:
        return [await store.history.get(entry.id) for entry in await store.history.list_recent()]
    finally:
        await store.close()


async def spent(home: Path) -> float:
    """USD of today's calls."""
    store = await Store.open(home / "data" / "opencrates.sqlite")
    try:
        return await store.usage.spent_today()
    finally:
        await store.close()


@dataclass
class Gate:
    """Holds rustc back: as long as `shut` is there, every rustc that cargo starts waits, and notes itself."""

    folder: Path

    def __post_init__(self) -> None:
        self.shut = self.folder / "shut"
        self.seen = self.folder / "seen"
        self.wrapper = self.folder / "wrapper"
        self.folder.mkdir()
        self.seen.touch()
        self.wrapper.write_text(
            f'#!/bin/sh\n[ -e "{self.shut}" ] && echo $$ >> "{self.seen}"\n'
            f'while [ -e "{self.shut}" ]; do sleep 0.02; done\nexec "$@"\n'
        )
        self.wrapper.chmod(0o755)

    @property
    def env(self) -> dict[str, str]:
        """What makes cargo go through it."""
        return {"RUSTC_WRAPPER": str(self.wrapper)}

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Nothing is compiled inside."""
        self.seen.write_text("")
        self.shut.touch()
        try:
            yield
        finally:
            self.shut.unlink()

    async def held(self) -> None:
        """Wait until a rustc stands before it."""
        await until(lambda: self.seen.read_text())


def program(folder: Path, name: str, script: str) -> Path:
    """A program of that name in a folder that is made for it."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{script}\n")
    path.chmod(0o755)
    return path


def path_without_cargo(folder: Path) -> dict[str, str]:
    """A PATH with the shell's own programs (and those of `folder`), but no Rust."""
    assert not any((Path(place) / "cargo").exists() for place in ("/usr/bin", "/bin"))
    return {"PATH": os.pathsep.join([str(folder), "/usr/bin", "/bin"])}


def recorded(name: str) -> tuple[str, types.ClientCapabilities]:
    """Name and capabilities of a real editor, as it said them to a server once."""
    from pygls.protocol import default_converter

    file = Path(__file__).parent.parent / "server" / "capabilities" / f"{name}.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    capabilities = default_converter().structure(told["capabilities"], types.ClientCapabilities)
    return (told["clientInfo"] or {}).get("name", ""), capabilities
