"""Log records for the editor: what is a warning or worse goes to `window/logMessage`, beside standard error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar

Tell = Callable[[int, str], None]
"""Sends a text with its `MessageType`; called where the connection's loop runs."""

speaking: ContextVar[tuple[asyncio.AbstractEventLoop, Tell] | None] = ContextVar("opencrates_speaking", default=None)
"""The connection whose message is handled here, so that no client reads what was logged for another."""

_ERROR, _WARNING = 1, 2


class EditorHandler(logging.Handler):
    """Tells the connection that a record belongs to; a record that belongs to none is for standard error alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._inside: ContextVar[bool] = ContextVar("opencrates_log_inside", default=False)

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record, without its traceback: that one has paths, and is on standard error."""
        connection = speaking.get()
        # What goes wrong while a record is sent is logged as well, and must not be sent in turn.
        if connection is None or self._inside.get():
            return
        loop, tell = connection
        kind = _ERROR if record.levelno >= logging.ERROR else _WARNING
        token = self._inside.set(True)
        try:
            text = f"{record.name}: {record.getMessage()}"
            if record.exc_info and record.exc_info[1] is not None:
                error = record.exc_info[1]
                text += f": {type(error).__name__}: {error}"
            loop.call_soon_threadsafe(tell, kind, text)
        except (RuntimeError, TypeError, ValueError):
            self.handleError(record)
        finally:
            self._inside.reset(token)


class _Expected(logging.Filter):
    """Takes the traceback from what pygls logs about an answer that is an error on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        from pygls.exceptions import JsonRpcException

        if record.exc_info and isinstance(record.exc_info[1], JsonRpcException):
            record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]}", ()
            record.exc_info = None
            record.levelno, record.levelname = logging.INFO, "INFO"
            return logging.root.isEnabledFor(logging.INFO)
        return True


def log_to_stderr_and_editor(level: int) -> None:
    """Set the process's logging up; standard output is never written to."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.root.addHandler(EditorHandler())
    if level > logging.DEBUG:
        # Below this it logs every message that is sent, and so the user's source.
        logging.getLogger("pygls").setLevel(logging.WARNING)
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_Expected())
