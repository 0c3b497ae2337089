"""pygls's protocol with our own documents, and without what costs or fails in it.

- A `didChange` goes from its JSON straight to the document: no attrs classes, no generator, no context, no thread.
- pygls's own workspace is never told about texts, so nothing is kept twice.
- A command can be cancelled like any request.
- A request that cannot be understood is answered; pygls logs it and leaves the client waiting.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.exceptions import (
    FeatureNotificationError,
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method

from opencrates_lsp.errors import WrongUsage
from opencrates_lsp.server.documents import Documents, Encoding, OpenDocument, Place, TextChange
from opencrates_lsp.server.log import speaking

if TYPE_CHECKING:
    from cattrs import Converter
    from pygls.lsp.server import LanguageServer

logger = logging.getLogger(__name__)

_ENCODINGS: Mapping[str, Encoding] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


def _nothing(document: OpenDocument) -> None:
    """What is called where the server has not said what to do."""


def _anyone(params: types.InitializeParams) -> None:
    """Who may connect where the server has not said."""


class DocumentProtocol(LanguageServerProtocol):
    """One connection.

    `opened`, `changed`, `saved` and `closed` are called after the document has followed the editor; they must be quick.
    `exited` is called with the exit code when the editor has said `exit`; where nothing is set, the process ends.
    `admit` raises what `initialize` is refused with.
    `cancels` has what to do when the user cancels a progress, by its token.
    """

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.documents = Documents()
        self.opened: Callable[[OpenDocument], None] = _nothing
        self.changed: Callable[[OpenDocument], None] = _nothing
        self.saved: Callable[[OpenDocument], None] = _nothing
        self.closed: Callable[[OpenDocument], None] = _nothing
        self.exited: Callable[[int], None] = sys.exit
        self.admit: Callable[[types.InitializeParams], None] = _anyone
        self.cancels: dict[types.ProgressToken, Callable[[], object]] = {}

    # Messages come in.

    def receive(self, body: bytes | bytearray) -> None:
        """Take one message as it came over the wire; whatever is wrong with it, the connection lives on."""
        speaking.set((asyncio.get_running_loop(), self._log))
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            self._answer(None, JsonRpcParseError.of(error))
            return
        if not isinstance(message, dict):
            self._answer(None, JsonRpcInvalidRequest("A message is a JSON object."))
            return
        if message.get("method") == types.TEXT_DOCUMENT_DID_CHANGE:
            self._change(message.get("params"))
            return
        refusal = self._refusal(message)
        if refusal is not None:
            if "id" in message and "method" in message:
                self._answer(message["id"], refusal)
            else:
                logger.warning("Ignored %s: %s", message.get("method", "an answer"), refusal)
            return
        try:
            structured = self.structure_message(message)
        except (JsonRpcInvalidParams, JsonRpcInternalError) as error:
            if "id" in message and "method" in message:
                self._answer(message["id"], JsonRpcInvalidParams(f"Wrong parameters of {message['method']}."))
            elif "id" in message:
                self._handle_response(message["id"], error=JsonRpcInvalidParams("malformed").to_response_error())
            else:
                self._server._report_server_error(error, FeatureNotificationError)  # noqa: SLF001
            return
        try:
            self.handle_message(structured)
        except Exception as error:
            logger.exception("Could not handle %s", message.get("method", "an answer"))
            self._server._report_server_error(error, JsonRpcException)  # noqa: SLF001

    def _refusal(self, message: Mapping[str, Any]) -> JsonRpcException | None:
        method = message.get("method")
        if message.get("jsonrpc") != self.VERSION:
            return JsonRpcInvalidRequest("A message says jsonrpc 2.0.")
        if self._shutdown and method != types.EXIT:
            return JsonRpcInvalidRequest("The server is shutting down.")
        if method is not None and self._workspace is None and method not in (types.INITIALIZE, types.EXIT):
            return JsonRpcServerNotInitialized("The server is not initialized.")
        if method == types.INITIALIZE and self._workspace is not None:
            return JsonRpcInvalidRequest("The server is initialized already.")
        return None

    def _answer(self, message_id: int | str | None, error: JsonRpcException) -> None:
        self._send_response(message_id, error=error.to_response_error())  # type: ignore[arg-type]

    def _handle_response(
        self, msg_id: int | str, result: object | None = None, error: types.ResponseError | None = None
    ) -> None:
        """The client's answer; whoever was cancelled while waiting for it needs none."""
        future = self._request_futures.get(msg_id)
        if future is not None and future.done():
            del self._request_futures[msg_id]
            return
        super()._handle_response(msg_id, result, error)

    # What the client is told and asked.

    def _log(self, kind: int, text: str) -> None:
        if self._workspace is not None:
            self.notify(types.WINDOW_LOG_MESSAGE, types.LogMessageParams(types.MessageType(kind), text))

    def show(self, kind: types.MessageType, text: str) -> None:
        """Show the user a message."""
        self.notify(types.WINDOW_SHOW_MESSAGE, types.ShowMessageParams(kind, text))

    async def ask(self, method: str, params: object, seconds: float) -> object:
        """The client's answer; None where it has none, answers an error, or is silent for so long."""
        try:
            async with asyncio.timeout(seconds):
                answer: object = await self.send_request_async(method, params)
                return answer
        except TimeoutError:
            logger.warning("The editor did not answer %s within %g s.", method, seconds)
        except JsonRpcException as error:
            logger.info("The editor answered %s with an error: %s", method, error)
        return None

    # Documents.

    def _change(self, params: object) -> None:
        """Follow a `didChange`, straight from its JSON."""
        if self._shutdown:
            return
        try:
            uri, version, changes = text_changes(params)
            document = self.documents.change(uri, version, changes)
        except WrongUsage as error:
            # The text may be another one than the editor's from now on: the user has to know.
            self._server._report_server_error(error, FeatureNotificationError)  # noqa: SLF001
            return
        self._tell(self.changed, document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """The same for a message that did not come through `receive`."""
        self._change(self._converter.unstructure(params))

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        self._tell(self.opened, self.documents.open(item.uri, item.text, item.version, str(item.language_id)))

    @lsp_method(types.TEXT_DOCUMENT_DID_SAVE)
    def lsp_text_document__did_save(self, params: types.DidSaveTextDocumentParams) -> None:
        document = self.documents.get(params.text_document.uri)
        if document is not None:
            self._tell(self.saved, document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        document = self.documents.close(params.text_document.uri)
        if document is not None:
            self._tell(self.closed, document)

    def _tell(self, listener: Callable[[OpenDocument], None], document: OpenDocument) -> None:
        try:
            listener(document)
        except Exception as error:
            logger.exception("A listener failed on %s", document.uri)
            self._server._report_server_error(error, FeatureNotificationError)  # noqa: SLF001

    # Life.

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Generator[Any, Any, types.InitializeResult]:
        self.admit(params)
        chosen = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.documents.encoding = _ENCODINGS.get(getattr(chosen, "value", chosen), "utf-16")
        result = yield from super().lsp_initialize(params)
        return result

    @lsp_method(types.EXIT)
    def lsp_exit(self, *args: object) -> None:  # type: ignore[override]  # pygls takes functions, too.
        """The editor is done: 0 after `shutdown`, 1 without it, as the protocol has it."""
        self.exited(0 if self._shutdown else 1)

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]  # pygls takes coroutines, too.
        self, params: types.ExecuteCommandParams
    ) -> object:
        """Run a command as a task of its request, so that `$/cancelRequest` ends it; pygls's own runs on.

        Commands are given all of the parameters, because the token of a progress is among them.
        """
        handler = self.fm.commands.get(params.command)
        if handler is None:
            raise JsonRpcInvalidParams(f"There is no command {params.command!r}.")
        result = handler(params)
        return await result if inspect.isawaitable(result) else result

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        """The user pressed the button; a progress that has ended meanwhile is none."""
        cancel = self.cancels.get(params.token)
        if cancel is not None:
            cancel()


def text_changes(params: object) -> tuple[str, int, list[TextChange]]:
    """URI, version and changes of the parameters of a `didChange`; raises `WrongUsage` where they are malformed."""
    try:
        document, changes = params["textDocument"], params["contentChanges"]  # type: ignore[index]
        return _text(document["uri"]), _count(document["version"]), [_text_change(change) for change in changes]
    except (KeyError, TypeError, ValueError) as error:
        raise WrongUsage(
            "The editor sent a change that is malformed.", remedy="Close the file and open it again."
        ) from error


def _text_change(change: Mapping[str, Any]) -> TextChange:
    bounds = change.get("range")
    if bounds is None:
        return TextChange(_text(change["text"]))
    return TextChange(_text(change["text"]), _place(bounds["start"]), _place(bounds["end"]))


def _place(position: Mapping[str, object]) -> Place:
    line, character = position["line"], position["character"]
    if type(line) is int and type(character) is int and line >= 0 and character >= 0:
        return Place(line, character)
    raise ValueError(position)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise TypeError(value)


def _count(value: object) -> int:
    # The version may be null where the client keeps none, although the protocol says integer.
    return value if isinstance(value, int) else 0
