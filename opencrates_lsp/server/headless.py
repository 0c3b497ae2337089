"""An editor without a window: it starts a language server, opens files, runs actions and applies edits.

`opencrates demo` drives the server through it, and so do the end-to-end tests; it does what the protocol asks of an
editor and nothing that only our server would understand.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from lsprotocol import types
from pygls.client import JsonRPCClient
from pygls.lsp.client import LanguageClient
from pygls.protocol import default_converter

from opencrates_lsp import __version__
from opencrates_lsp.faces.uris import path_of, uri_of
from opencrates_lsp.rust.edits import replaced
from opencrates_lsp.server.documents import Encoding, OpenDocument, Place, TextChange
from opencrates_lsp.values import Replace, Span

if TYPE_CHECKING:
    from cattrs import Converter

_Handler = TypeVar("_Handler", bound=Callable[..., object])

Answer = Callable[[str, Sequence[str]], "str | Awaitable[str | None] | None"]
"""What the user says to a question with choices, at once or later; None dismisses it."""

CAPABILITIES = types.ClientCapabilities(
    general=types.GeneralClientCapabilities(position_encodings=[types.PositionEncodingKind.Utf16]),
    window=types.WindowClientCapabilities(
        work_done_progress=True,
        show_document=types.ShowDocumentClientCapabilities(support=True),
        show_message=types.ShowMessageRequestClientCapabilities(
            message_action_item=types.ClientShowMessageActionItemOptions(additional_properties_support=False)
        ),
    ),
    workspace=types.WorkspaceClientCapabilities(
        apply_edit=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(
            document_changes=True,
            resource_operations=[types.ResourceOperationKind.Create, types.ResourceOperationKind.Delete],
        ),
    ),
    text_document=types.TextDocumentClientCapabilities(
        diagnostic=types.DiagnosticClientCapabilities(),
        code_action=types.CodeActionClientCapabilities(
            disabled_support=True,
            code_action_literal_support=types.ClientCodeActionLiteralOptions(
                code_action_kind=types.ClientCodeActionKindOptions(value_set=["quickfix", "refactor", "source"])
            ),
        ),
    ),
)


class NotApplied(Exception):
    """The editor could not apply an edit; it says so to the server and keeps its texts."""


def first_choice(message: str, choices: Sequence[str]) -> str | None:
    """The user who always says yes."""
    return choices[0] if choices else None


@dataclass(eq=False)
class HeadlessEditor:
    """Start it with `async with`; `command` is the server's command line.

    `messages` and `progress` are what the server showed, in order; `shown` the files it brought to the front.
    `tokens` are the progress bars that it asked for.
    """

    command: Sequence[str]
    root: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] | None = None
    answer: Answer = first_choice
    capabilities: types.ClientCapabilities = field(default_factory=lambda: CAPABILITIES)
    name: str = "opencrates demo"
    messages: list[str] = field(default_factory=list)
    progress: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    shown: list[Path] = field(default_factory=list)
    tokens: list[types.ProgressToken] = field(default_factory=list)
    documents: dict[Path, OpenDocument] = field(default_factory=dict)
    on_progress: Callable[[str], None] | None = None

    async def __aenter__(self) -> Self:
        self.client = LanguageClient(self.name, __version__, converter_factory=_converter)
        self._register()
        program, *arguments = self.command
        # Ctrl-C is for us, who then end the server as the protocol has it.
        await self.client.start_io(
            program, *arguments, cwd=self.root, env=self.env, start_new_session=sys.platform != "win32"
        )
        told = await self.client.initialize_async(
            types.InitializeParams(
                capabilities=self.capabilities,
                client_info=types.ClientInfo(self.name, __version__),
                root_uri=uri_of(self.root),
                workspace_folders=[types.WorkspaceFolder(uri_of(self.root), self.root.name)],
                initialization_options=dict(self.options),
            )
        )
        self.server_capabilities = told.capabilities
        self.client.initialized(types.InitializedParams())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            async with asyncio.timeout(5):
                await self.client.shutdown_async(None)
        except TimeoutError:
            if self.process.returncode is None:
                self.process.kill()
        self.client.exit(None)
        stop: Callable[[], Awaitable[None]] = self.client.stop
        await stop()

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The server's process."""
        process = JsonRPCClient.__getattribute__(self.client, "_server")
        if not isinstance(process, asyncio.subprocess.Process):
            raise TypeError(process)
        return process

    @property
    def encoding(self) -> Encoding:
        """What a character counts, as negotiated."""
        chosen = self.server_capabilities.position_encoding
        return cast("Encoding", str(getattr(chosen, "value", chosen or "utf-16")))

    def open(self, path: Path) -> OpenDocument:
        """Open a file as it is on disk."""
        text = path.read_bytes().decode()
        document = OpenDocument(uri_of(path), text, 1, encoding=self.encoding)
        self.documents[path] = document
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(document.uri, "rust", 1, text))
        )
        return document

    def text(self, path: Path) -> str:
        """The buffer, or the file where it is not open."""
        document = self.documents.get(path)
        return bytes(document.text).decode() if document is not None else path.read_bytes().decode()

    def type(self, path: Path, span: Span, text: str) -> None:
        """Put `text` in the place of the bytes of `span`, as a user who types."""
        document = self.documents[path]
        start, end = document.places(span)
        document.apply([TextChange(text, start, end)], document.version + 1)
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(document.version, document.uri),
                [
                    types.TextDocumentContentChangePartial(
                        range=types.Range(types.Position(*start), types.Position(*end)), text=text
                    )
                ],
            )
        )

    def save_all(self) -> None:
        """Write every buffer."""
        for path, document in self.documents.items():
            path.write_bytes(bytes(document.text))
            self.client.text_document_did_save(
                types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(document.uri))
            )

    async def code_actions(self, path: Path, offset: int) -> list[types.CodeAction]:
        """The code actions at a byte offset."""
        document = self.documents[path]
        at = types.Position(*document.place(offset))
        found = await self.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(document.uri), types.Range(at, at), types.CodeActionContext([])
            )
        )
        return [action for action in found or () if isinstance(action, types.CodeAction)]

    async def execute(self, command: str, *arguments: object) -> object:
        """Run a command and wait for what it answers."""
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(command, arguments=list(arguments))
        )

    async def choose(self, action: types.CodeAction) -> object:
        """Run the command of a code action."""
        if action.command is None:
            raise NotApplied(f"{action.title} has no command")
        return await self.execute(action.command.command, *(action.command.arguments or ()))

    def _register(self) -> None:
        on: Callable[[str], Callable[[_Handler], _Handler]] = self.client.feature

        @on(types.WORKSPACE_APPLY_EDIT)
        def apply(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
            try:
                self._apply(params.edit)
            except NotApplied as error:
                return types.ApplyWorkspaceEditResult(applied=False, failure_reason=str(error))
            return types.ApplyWorkspaceEditResult(applied=True)

        @on(types.WINDOW_SHOW_MESSAGE)
        def message(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @on(types.WINDOW_LOG_MESSAGE)
        def log(params: types.LogMessageParams) -> None:
            """Logs are for people who look for them."""

        @on(types.WINDOW_SHOW_MESSAGE_REQUEST)
        async def question(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
            said = await self._said(params)
            return None if said is None else types.MessageActionItem(said)

        @on(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def create(params: types.WorkDoneProgressCreateParams) -> None:
            self.tokens.append(params.token)

        @on(types.PROGRESS)
        def report(params: types.ProgressParams) -> None:
            told = params.value
            text = getattr(told, "message", None) or (told.get("message") if isinstance(told, Mapping) else None)
            if text:
                self.progress.append(text)
                if self.on_progress is not None:
                    self.on_progress(text)

        @on(types.WINDOW_SHOW_DOCUMENT)
        def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            path = path_of(params.uri)
            if path is not None:
                self.shown.append(path)
            return types.ShowDocumentResult(success=path is not None)

    async def _said(self, params: types.ShowMessageRequestParams) -> str | None:
        self.asked.append(params.message)
        said = self.answer(params.message, [item.title for item in params.actions or ()])
        return await said if isinstance(said, Awaitable) else said

    def _apply(self, edit: types.WorkspaceEdit) -> None:
        """All or nothing, in the order of the operations."""
        for change in edit.document_changes or ():
            if isinstance(change, types.TextDocumentEdit):
                self._edit(change)
            elif isinstance(change, types.CreateFile):
                path = _path(change.uri)
                if path.exists():
                    raise NotApplied(f"{path} is there already")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"")
            elif isinstance(change, types.DeleteFile):
                _path(change.uri).unlink()
        for uri, edits in (edit.changes or {}).items():
            self._edit(types.TextDocumentEdit(types.OptionalVersionedTextDocumentIdentifier(uri, None), list(edits)))

    def _edit(self, change: types.TextDocumentEdit) -> None:
        path = _path(change.text_document.uri)
        document = self.documents.get(path)
        version = change.text_document.version
        if document is not None and version is not None and version != document.version:
            raise NotApplied(f"version {version} of {path.name} is gone: it is at {document.version}")
        shown = document or OpenDocument(uri_of(path), path.read_bytes().decode(), 0, encoding=self.encoding)
        replaces = []
        for edit in change.edits:
            if not isinstance(edit, types.TextEdit):
                raise NotApplied("snippets are not for this editor")
            span = shown.span(_place(edit.range.start), _place(edit.range.end))
            expect = bytes(shown.text[span.start : span.end]).decode()
            replaces.append(Replace(path, span, edit.new_text, expect))
        text = replaced(bytes(shown.text), replaces)
        if document is None:
            path.write_bytes(text)
        else:
            self.type(path, Span(0, len(document.text)), text.decode())


def _converter() -> Converter:
    """pygls's own, with code actions mended: lsprotocol takes one that has a command for a bare command."""
    make: Callable[[], Converter] = default_converter
    converter = make()

    def code_action(told: Mapping[str, object], _: object) -> types.Command | types.CodeAction:
        if isinstance(told.get("command"), str):
            return converter.structure(told, types.Command)
        return converter.structure(told, types.CodeAction)

    converter.register_structure_hook(types.Command | types.CodeAction, code_action)
    return converter


def _place(position: types.Position) -> Place:
    return Place(position.line, position.character)


def _path(uri: str) -> Path:
    path = path_of(uri)
    if path is None:
        raise NotApplied(f"{uri} is no file")
    return path
