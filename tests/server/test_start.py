"""What the start may cost, and what goes where."""

from __future__ import annotations

import subprocess
import sys

import pytest

LATE = ("pydantic", "openai", "jinja2", "sqlite3", "platformdirs", "httpx", "argparse", "opencrates_lsp.app")


def test_nothing_heavy_is_imported_before_the_first_answer() -> None:
    """Offers need neither settings, nor a model, nor the store."""
    code = "import sys, opencrates_lsp.server.serve, opencrates_lsp.actions; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    loaded = set(done.stdout.split())
    assert "lsprotocol.types" in loaded
    assert not loaded & set(LATE)


def test_the_command_line_is_read_before_anything_is_imported() -> None:
    code = (
        "import sys; from opencrates_lsp.server import start; sys.argv = ['x', '--version']\n"
        "try: start.main()\n"
        "except SystemExit: print('lsprotocol' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    version, loaded = done.stdout.splitlines()
    assert version.startswith("opencrates-lsp ")
    assert loaded == "False"


@pytest.mark.parametrize(("level", "said"), [("info", True), ("error", False)])
def test_logs_go_to_standard_error(level: str, said: bool) -> None:
    body = b'{"jsonrpc": "2.0", "method": "opencrates/nothing"}'
    done = subprocess.run(
        [sys.executable, "-m", "opencrates_lsp", "--log-level", level],
        input=b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        capture_output=True,
        check=False,
    )
    assert done.stdout == b""
    assert (b"opencrates/nothing" in done.stderr) == said
