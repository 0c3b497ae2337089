"""The terminal as a face: questions, progress, Ctrl-C, and terminals that can little."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from command_line import FILLED, POINT, RUN, crate, opencrates, variables
from model_server import Say, model_server

WAIT_SECONDS = 60.0
# The terminal becomes the one that Ctrl-C on it is for.
_OWN = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from opencrates_lsp.cli import main; main()"


@dataclass
class Terminal:
    """A process on a terminal; `seen` is all that it wrote there."""

    process: subprocess.Popen[bytes]
    master: int
    seen: str = ""
    _raw: bytearray = field(default_factory=bytearray)

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, text: str) -> None:
        """Read until the text has come."""
        while text not in self.seen:
            assert self._read(), self.seen

    def end(self) -> int:
        """Read until it ends; its exit code."""
        while self._read():
            pass
        return self.process.wait(WAIT_SECONDS)

    def _read(self) -> bool:
        try:
            piece = os.read(self.master, 4096)
        except OSError:
            # Linux says so when nobody has the other end open any more.
            piece = b""
        self._raw += piece
        self.seen = self._raw.decode(errors="replace")
        return bool(piece)


@contextlib.contextmanager
def terminal(*arguments: str, cwd: Path, home: Path, columns: int = 80, **env: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**variables(home), "TERM": "xterm", **env}
    environment.pop("COLUMNS", None)
    process = subprocess.Popen(
        [sys.executable, "-c", _OWN, *arguments],
        cwd=cwd,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        os.close(master)


def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_trust_is_asked_once(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    where = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    with terminal("fill", "src/lib.rs:8", **where) as user:
        user.until("Choose [1-2]: ")
        assert "Trust tiny?" in user.seen
        assert str(tmp_path / "tiny") in user.seen
        user.type("yes\n")
        user.until("Choose [1-2]: yes\r\nType a number from 1 to 2.\r\nChoose [1-2]: ")
        user.type("1\n")
        assert user.end() == 0
        assert "cargo check: reached" in user.seen
    done = opencrates("fill", "src/lib.rs", **where)
    assert done.returncode == 0, done.stderr
    assert library.read_text() == FILLED


def test_who_trusts_not_gets_the_syntax_looked_at(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    with terminal("fill", "src/lib.rs", cwd=tmp_path / "tiny", home=tmp_path / "home") as user:
        user.until("Choose [1-2]: ")
        user.type("2\n")
        assert user.end() == 0
        assert "nothing was compiled" in user.seen
    assert library.read_text() == FILLED


@pytest.mark.parametrize("keys", ["\x03", "\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_who_does_not_answer_is_not_waited_for(keys: str, tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    with terminal("new", "other", cwd=tmp_path / "tiny", home=tmp_path / "home") as user:
        user.until("Choose [1-2]: ")
        user.type(keys)
        assert user.end() == (130 if keys == "\x03" else 3)
        assert "Traceback" not in user.seen
    assert (library.read_text(), (tmp_path / "tiny" / "other").exists()) == (POINT, False)


def test_a_question_that_is_not_answered_is_asked_once(tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    with terminal("fill", "src/lib.rs", cwd=tmp_path / "tiny", home=tmp_path / "home") as user:
        user.until("Choose [1-2]: ")
        user.type("\x04")
        assert user.end() == 0
        assert user.seen.count("Trust tiny?") == 1
        assert "nothing was compiled" in user.seen
    assert library.read_text() == FILLED


@pytest.mark.parametrize("columns", [40, 110])
def test_a_narrow_terminal_cuts_the_title_of_a_change(columns: int, tmp_path: Path) -> None:
    crate(tmp_path / "tiny")
    where = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    assert opencrates("fill", "src/lib.rs:8", "--no-trust", **where).returncode == 0
    whole = opencrates("history", **where).stdout.rstrip("\n")
    assert "  Fill `Point::new`  " in whole
    with terminal("history", columns=columns, **where) as user:
        assert user.end() == 0
    line = user.seen.rstrip("\r\n")
    change = whole.split()[0]
    assert line.startswith(f"{change}  ")
    assert line.endswith("  src/lib.rs")
    assert ("..." in line) == (columns == 40)


@pytest.mark.parametrize("no_color", ["", "1"])
def test_progress_stays_on_one_line_of_a_narrow_terminal(no_color: str, tmp_path: Path) -> None:
    crate(tmp_path / "tiny")
    where = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    with terminal("fill", "src/lib.rs", "--trust", columns=24, NO_COLOR=no_color, **where) as user:
        assert user.end() == 0
    progress, result = user.seen.rsplit("\r\x1b[K", 1)
    lines = progress.split("\r\x1b[K")
    assert any(line.startswith("[") and "1/3" in line for line in lines)
    assert all(len(line) < 24 and "\n" not in line for line in lines)
    assert result.startswith("Filled lib.rs")


def test_a_terminal_that_can_nothing_gets_lines(tmp_path: Path) -> None:
    crate(tmp_path / "tiny")
    where = {"cwd": tmp_path / "tiny", "home": tmp_path / "home"}
    with terminal("fill", "src/lib.rs", "--trust", TERM="dumb", **where) as user:
        assert user.end() == 0
    assert "\x1b" not in user.seen
    assert user.seen.startswith("1/3 `Point::new`\r\n2/3")


def test_a_locale_that_lacks_characters_ends_nothing(tmp_path: Path) -> None:
    crate(tmp_path / "tiny", "fn λ() { todo!() }\n")
    poor = {"PYTHONIOENCODING": "latin-1"}
    done = opencrates("holes", "src", cwd=tmp_path / "tiny", home=tmp_path / "home", env=poor)
    assert (done.returncode, done.stdout) == (0, "src/lib.rs:1:10  \\u03bb\n")


def test_whoever_stops_reading_sees_no_traceback(tmp_path: Path) -> None:
    crate(tmp_path / "tiny", "fn f() { todo!() }\n" * 2000)
    process = subprocess.Popen(
        [*RUN, "holes"],
        cwd=tmp_path / "tiny",
        env=variables(tmp_path / "home"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    process.wait(WAIT_SECONDS)


_SLOW_BUILD = """\
fn main() {
    std::thread::sleep(std::time::Duration::from_secs(600));
}
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_who_is_interrupted_leaves_nothing_behind(number: signal.Signals, code: int, tmp_path: Path) -> None:
    library = crate(tmp_path / "tiny")
    (tmp_path / "tiny" / "build.rs").write_text(_SLOW_BUILD)
    answer = Say("```rust\npub fn magic(&self) -> u32 {\n    3\n}\n```", gated=True)
    with model_server([answer]) as server:
        process = subprocess.Popen(
            [*RUN, "fill", "src/lib.rs:16", "--trust", "--json"],
            cwd=tmp_path / "tiny",
            env=variables(tmp_path / "home", model=server.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        family = psutil.Process(process.pid)

        def builds() -> bool:
            with contextlib.suppress(psutil.NoSuchProcess):
                return any("build-script" in child.name() for child in family.children(recursive=True))
            return False

        try:
            server.wait(lambda: bool(server.requests))
            until(builds)
            children = family.children(recursive=True)
            os.killpg(process.pid, number)
            out, err = process.communicate(timeout=WAIT_SECONDS)
        finally:
            process.kill()
            process.wait()
        server.wait(lambda: server.requests[0].gone)
    assert process.returncode == code, err
    assert b"Traceback" not in err
    assert (b'"state": "cancelled"' in out) == (number == signal.SIGINT)
    assert library.read_text() == POINT
    _, alive = psutil.wait_procs(children, timeout=WAIT_SECONDS)
    assert not alive
