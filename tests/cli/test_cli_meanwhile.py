"""The file changes on disk while `opencrates fill` works: what was written meanwhile is never written over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from command_line import ANSWER_KEYS, RUN, crate, variables
from model_server import Say, model_server

TEXT = "pub fn twice(x: u32) -> u32 {\n    todo!()\n}\n"
ANSWER = "```rust\npub fn twice(x: u32) -> u32 {\n    x * 2\n}\n```"


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--yes",)], ids=["plain", "json", "yes"])
@pytest.mark.parametrize(
    ("now", "after"),
    [
        # Elsewhere, in the item, and in its place.
        (f"//! Mine.\n\n{TEXT}", None),
        (TEXT.replace("    todo", "    // mine\n    todo"), TEXT.replace("    todo!()", "    // mine\n    x * 2")),
        (TEXT.replace("todo!()", "x + x"), TEXT.replace("todo!()", "x * 2")),
    ],
)
def test_what_was_written_meanwhile_stays(
    tmp_path: Path, now: str, after: str | None, arguments: tuple[str, ...]
) -> None:
    library = crate(tmp_path / "tiny", TEXT)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "tiny", check=True)
    with model_server([Say(ANSWER, gated=True, piece_characters=1 << 20)]) as server:
        running = subprocess.Popen(
            [*RUN, "fill", "src/lib.rs:2", "--trust", *arguments],
            cwd=tmp_path / "tiny",
            env=variables(tmp_path / "home", model=server.url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        server.wait(lambda: bool(server.requests))
        library.write_text(now)
        server.release()
        out, err = running.communicate(timeout=120)
    if after is None:
        assert (running.returncode, library.read_text()) == (0, now.replace("todo!()", "x * 2")), err
        return
    assert (running.returncode, library.read_text()) == (1, now)
    assert "Not written: `twice` was edited meanwhile" in err
    patch = out
    if arguments == ("--json",):
        answer = json.loads(out)
        assert set(answer) == ANSWER_KEYS
        assert (answer["state"], answer["change"], answer["verdict"]["new_errors"]) == ("offered", None, [])
        patch = answer["diff"]
    subprocess.run(["git", "apply"], input=patch, cwd=tmp_path / "tiny", encoding="utf-8", check=True)
    assert library.read_text() == after
