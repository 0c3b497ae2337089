"""The state of one connection: its editor, its folders, its core, and the work that goes on in it."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidRequest

from opencrates_lsp.errors import OpenCratesError, Refused
from opencrates_lsp.faces.uris import path_of
from opencrates_lsp.server.client import Client
from opencrates_lsp.server.core import Core, OpenCore, Setup, open_app
from opencrates_lsp.server.documents import OpenDocument
from opencrates_lsp.server.protocol import DocumentProtocol
from opencrates_lsp.values import Span

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory

    from pygls.lsp.server import LanguageServer

    from opencrates_lsp.actions.base import Request
    from opencrates_lsp.server.offers import Kept

logger = logging.getLogger(__name__)

QUIET_SECONDS = 0.5
"""The core is opened when the editor has asked for nothing for so long, so that no first answer waits for it."""

LATEST_SECONDS = 5.0
"""An editor that never stops asking waits for no longer."""

CLOSING_SECONDS = 0.7
"""What is not over by then is left to the end of the process."""

_CONFIGURATION_SECONDS = 5.0
_KEPT_ATTEMPTS = 32


class Session:
    """One connection; built before `initialize`, closed once.

    Who holds `applying` is the only one that edits: each edit sent makes the others' versions old.
    """

    def __init__(self, server: LanguageServer, open_core: OpenCore = open_app, token: str = "") -> None:
        if not isinstance(server.protocol, DocumentProtocol):
            raise TypeError(server.protocol)
        self.protocol = server.protocol
        self.documents = self.protocol.documents
        self.client = Client()
        self.folders: tuple[Path, ...] = ()
        self.core: Core | None = None
        self.applying = asyncio.Lock()
        self.attempts: OrderedDict[str, Refused] = OrderedDict()
        self.offers: OrderedDict[str, Kept] = OrderedDict()
        self._open_core = open_core
        self._token = token
        self._opening: asyncio.Task[Core] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._first_asked = 0.0
        self._warned: set[str] = set()
        self._closing = False
        self._scratch: TemporaryDirectory[str] | None = None
        self.holes_switched: Callable[[], Coroutine[Any, Any, None]] | None = None
        self.protocol.admit = self._admit
        self.protocol.opened = self._warm
        self.protocol.saved = self._saved
        self._register(server)

    # What the editor says of itself.

    def _admit(self, params: types.InitializeParams) -> None:
        """Take the editor, or refuse one without the token and hang up."""
        if self._token and not _is_token(params.initialization_options, self._token):
            asyncio.get_running_loop().call_later(0.1, self.protocol.exited, 1)
            raise JsonRpcInvalidRequest("The token in initializationOptions.token is not the server's.")
        self.client = Client.of(params)
        self.folders = self.client.folders

    def _register(self, server: LanguageServer) -> None:
        # pygls marks the functions that it is given, which a bound method does not allow.
        @server.feature(types.INITIALIZED)
        def initialized(params: types.InitializedParams) -> None:
            self.asked()
            if self.client.watches:
                self.spawn(self._watch(), "watching files")

        @server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
        def folders_changed(params: types.DidChangeWorkspaceFoldersParams) -> None:
            gone = {path_of(folder.uri) for folder in params.event.removed}
            new = (path_of(folder.uri) for folder in params.event.added)
            kept = [path for path in self.folders if path not in gone]
            self.folders = tuple(dict.fromkeys([*kept, *(path for path in new if path is not None)]))
            self._reconfigure({})

        @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
        def configuration_changed(params: types.DidChangeConfigurationParams) -> None:
            self._reconfigure(params.settings)

        @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
        async def files_changed(params: types.DidChangeWatchedFilesParams) -> None:
            await self._files_changed(params.changes)

    async def _watch(self) -> None:
        watchers = [types.FileSystemWatcher(pattern) for pattern in ("**/*.rs", "**/Cargo.toml", "**/opencrates.toml")]
        options = types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers)
        method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
        # The converter does not know the type of these options.
        told = self.protocol._converter.unstructure(options)  # noqa: SLF001
        registration = types.Registration(id="opencrates.files", method=method, register_options=told)
        params = types.RegistrationParams([registration])
        await self.protocol.ask(types.CLIENT_REGISTER_CAPABILITY, params, _CONFIGURATION_SECONDS)

    async def _files_changed(self, changes: Sequence[types.FileEvent]) -> None:
        for change in changes:
            path = path_of(change.uri)
            if self.core is None or path is None or self.documents.at(path) is not None:
                continue
            try:
                text = await asyncio.to_thread(path.read_bytes)
            except OSError:
                self.core.updated(path, None)
            else:
                self.core.updated(path, text)

    def _saved(self, document: OpenDocument) -> None:
        if self.core is not None and document.path is not None:
            self.core.updated(document.path, document.snapshot().text)

    # The core.

    def asked(self) -> None:
        """The editor asked for something: the core is opened when it asks no more."""
        if self._opening is not None or self._closing:
            return
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._first_asked = loop.time()
        else:
            self._timer.cancel()
        wait = min(QUIET_SECONDS, max(0.0, self._first_asked + LATEST_SECONDS - loop.time()))
        self._timer = loop.call_later(wait, self._begin_opening)

    def _begin_opening(self) -> asyncio.Task[Core]:
        if self._opening is None:
            self._opening = self.spawn(self._opened(), "opening the core")
        return self._opening

    async def opened(self) -> Core:
        """The core, opened now where it is not yet; raises what kept it from opening."""
        if self.core is not None:
            return self.core
        if self._closing:
            raise Refused("OpenCrates is shutting down.")
        return await asyncio.shield(self._begin_opening())

    async def _opened(self) -> Core:
        try:
            core = await self._open_core(await self._setup({}), self._notify)
        except BaseException:
            # The next command tries again.
            self._opening = None
            raise
        if self._closing:
            await core.close()
            raise Refused("OpenCrates is shutting down.")
        self.core = core
        self._switch_holes(before=True)
        for document in self.documents:
            self._warm(document)
        return core

    def shows_holes(self) -> bool:
        """Whether holes are shown; they are until the settings are read."""
        return self.core is None or self.core.shows_holes()

    def _switch_holes(self, *, before: bool) -> None:
        if self.holes_switched is not None and before != self.shows_holes():
            self.spawn(self.holes_switched(), "Refreshing the holes")

    def _notify(self, text: str) -> None:
        """Show a warning, each once."""
        if text not in self._warned:
            self._warned.add(text)
            self.protocol.show(types.MessageType.Warning, text)

    def _warm(self, document: OpenDocument) -> None:
        if self.core is not None and document.path is not None and document.language == "rust":
            self.spawn(self.core.warm(document.path), "Reading the workspace")

    def _reconfigure(self, pushed: object) -> None:
        if self.core is not None:
            self.spawn(self._configure(self.core, pushed), "Taking the settings")

    async def _configure(self, core: Core, pushed: object) -> None:
        setup = await self._setup(pushed)
        before = self.shows_holes()
        core.configure(folders=setup.folders, options=setup.options, workspace=setup.workspace, trusted=setup.trusted)
        self._switch_holes(before=before)
        for document in self.documents:
            self._warm(document)

    async def _setup(self, pushed: object) -> Setup:
        """What the editor says: its settings as it answers when asked, else as it pushed them."""
        settings = pushed.get("opencrates", pushed) if isinstance(pushed, Mapping) else {}
        if self.client.configuration:
            params = types.ConfigurationParams([types.ConfigurationItem(section="opencrates")])
            answer = await self.protocol.ask(types.WORKSPACE_CONFIGURATION, params, _CONFIGURATION_SECONDS)
            if isinstance(answer, Sequence) and answer:
                settings = answer[0]
        workspace = settings if isinstance(settings, Mapping) else {}
        return Setup(self.folders, self.client.options, workspace, self.client.trusted, self.documents.snapshots())

    def request(self, document: OpenDocument, span: Span, instruction: str = "", *, exact: bool = False) -> Request:
        """What the user points at; `exact` where edits are computed from it.

        Raises `WrongUsage` where the text is no file.
        """
        # The package brings all actions along, which the start need not wait for.
        from opencrates_lsp.actions.base import Request, nothing_related

        snapshot = document.snapshot()
        core = self.core
        return Request(
            snapshot,
            document.exact_source() if exact else document.source(),
            span,
            instruction,
            None if core is None else core.provider_name(snapshot.path),
            nothing_related if core is None else core.related(snapshot.path),
        )

    # Work.

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Run something beside the messages; it ends with the connection, and a failure of it is logged and shown."""
        task = asyncio.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or self._closing:
            return
        error = task.exception()
        if isinstance(error, OpenCratesError):
            logger.warning("%s: %s", task.get_name(), error)
        elif error is not None:
            logger.error("%s failed", task.get_name(), exc_info=error)

    def keep_attempt(self, job: str, refusal: Refused) -> None:
        """Remember what was refused, for `opencrates.showAttempt`."""
        self.attempts[job] = refusal
        while len(self.attempts) > _KEPT_ATTEMPTS:
            self.attempts.popitem(last=False)

    def scratch(self) -> Path:
        """A folder of this session's own, which goes with it: what the user is shown as a file."""
        if self._scratch is None:
            # Only who shows something pays for this import.
            from tempfile import TemporaryDirectory

            self._scratch = TemporaryDirectory(prefix="opencrates-")
        return Path(self._scratch.name)

    # The end.

    def stop(self) -> None:
        """Cancel everything; nothing new begins."""
        if self._closing:
            return
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
        if self.core is not None:
            self.core.jobs.cancel_all()
        for task in tuple(self._tasks):
            task.cancel()

    async def close(self) -> None:
        """Stop, and give the core a moment to end its child processes."""
        self.stop()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
        try:
            async with asyncio.timeout(CLOSING_SECONDS):
                if self._tasks:
                    await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS / 3)
                if self.core is not None:
                    await self.core.close()
        except TimeoutError:
            logger.warning("Not everything ended in time.")
        except Exception:
            logger.exception("The core did not close well.")


def _is_token(options: object, token: str) -> bool:
    """Whether the options carry the token; takes as long for a wrong one."""
    # Only a server with a token pays for this import.
    from hmac import compare_digest

    said = options.get("token") if isinstance(options, Mapping) else None
    return isinstance(said, str) and compare_digest(said.encode(errors="replace"), token.encode())
