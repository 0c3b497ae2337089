"""The progress of one job in the editor: only where it takes longer than a moment, and cancellable.

Nothing here awaits the editor, so that a job which is cancelled or done in the meantime is held up by nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING
from uuid import uuid4

from lsprotocol import types

from opencrates_lsp.face import Phase

if TYPE_CHECKING:
    from opencrates_lsp.server.protocol import DocumentProtocol

logger = logging.getLogger(__name__)

AFTER_SECONDS = 0.3
"""Work that is done by then is not worth a progress bar."""

EVERY_SECONDS = 0.1
"""What is told faster than this is told together."""

_PHASES: dict[Phase, str] = {
    "context": "gathering context",
    "model": "asking the model",
    "merge": "laying the answer in",
    "check": "cargo check",
    "tests": "running the tests",
    "waiting": "waiting",
    "apply": "applying the edit",
}


class Progress:
    """Shown from `AFTER_SECONDS` after the beginning to `end`.

    `token` is the request's own `workDoneToken`; without one the editor is asked to make a bar, if it `can`.
    `cancel` is called when the user presses the bar's button.
    """

    def __init__(
        self,
        protocol: DocumentProtocol,
        title: str,
        cancel: Callable[[], object],
        *,
        token: types.ProgressToken | None,
        can: bool,
    ) -> None:
        self._protocol = protocol
        self._title = title
        self._cancel = cancel
        self._asked = token is None
        self._token: types.ProgressToken = uuid4().hex if token is None else token
        self._text = ""
        self._told: str | None = None
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        if token is not None or can:
            self._timer = asyncio.get_running_loop().call_later(AFTER_SECONDS, self._create)

    def report(self, phase: Phase, message: str = "") -> None:
        """Tell what is done now."""
        self._text = f"{_PHASES[phase]}{' for ' if phase == 'waiting' and message else ' '}{message}".strip()
        if self._told is not None and self._timer is None and not self._ended:
            self._timer = asyncio.get_running_loop().call_later(EVERY_SECONDS, self._tell)

    def end(self, message: str = "") -> None:
        """The work is over; whatever the editor still answers is of no matter."""
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._protocol.cancels.pop(self._token, None)
        if self._told is not None:
            self._notify(types.WorkDoneProgressEnd(message=message or None))
            self._told = None

    def _create(self) -> None:
        self._timer = None
        # The button may be pressed before the bar has begun.
        self._protocol.cancels[self._token] = self._cancel
        if not self._asked:
            self._begin()
            return
        params = types.WorkDoneProgressCreateParams(token=self._token)
        answer = self._protocol.send_request(types.WINDOW_WORK_DONE_PROGRESS_CREATE, params)
        answer.add_done_callback(self._created)

    def _created(self, answer: Future[object]) -> None:
        if answer.cancelled() or self._ended:
            return
        error = answer.exception()
        if error is not None:
            logger.info("The editor shows no progress: %s", error)
            self._protocol.cancels.pop(self._token, None)
            return
        self._begin()

    def _begin(self) -> None:
        self._told = self._text
        self._notify(types.WorkDoneProgressBegin(title=self._title, cancellable=True, message=self._text or None))

    def _tell(self) -> None:
        self._timer = None
        if self._text != self._told:
            self._told = self._text
            self._notify(types.WorkDoneProgressReport(cancellable=True, message=self._text))

    def _notify(
        self, value: types.WorkDoneProgressBegin | types.WorkDoneProgressReport | types.WorkDoneProgressEnd
    ) -> None:
        self._protocol.notify(types.PROGRESS, types.ProgressParams(token=self._token, value=value))
