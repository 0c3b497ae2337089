"""That this file stands here puts the folder on the path, so that every test can import `model_server`."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Who runs the tests in the background may have Ctrl-C ignored, and so would the programs that they start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
