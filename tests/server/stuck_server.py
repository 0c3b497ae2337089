"""A server with everything that could keep it from ending: a job with a child process, and a thread that sleeps."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from scripted_core import ScriptedCore

from opencrates_lsp.actions.base import Request
from opencrates_lsp.face import Face
from opencrates_lsp.server.log import log_to_stderr_and_editor
from opencrates_lsp.server.serve import build, serve
from opencrates_lsp.values import Change


async def stuck(request: Request, face: Face) -> Change:
    """Write the child's process id to standard output, where only the protocol may write."""
    child = await asyncio.create_subprocess_exec("sleep", "600", start_new_session=True)
    sys.stdout.write(f"child {child.pid}\n")
    sys.stdout.flush()
    os.write(1, b"raw\n")
    asyncio.get_running_loop().run_in_executor(None, _sleep)
    try:
        await child.wait()
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    raise AssertionError


def _sleep() -> None:
    import time

    time.sleep(600)


if __name__ == "__main__":
    log_to_stderr_and_editor(30)
    sys.exit(asyncio.run(serve(None, lambda: build(ScriptedCore(stuck).open))))
