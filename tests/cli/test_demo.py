"""`opencrates demo`: the main job through the language server, offline."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import psutil
from command_line import RUN, opencrates, variables

WAIT_SECONDS = 60.0
FILLED = ["Book::new", "Book::title", "Book::pages", "Book::with_read"]
FILLED += [f"Shelf::{name}" for name in ("default", "push", "len", "is_empty", "iter")]


def test_every_hole_is_shown_with_its_proof_and_then_a_crate(tmp_path: Path) -> None:
    done = opencrates("demo", "--keep", tmp_path / "kept", cwd=tmp_path, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    # Its one test needs more than one hole; where nothing can be sandboxed it is not run.
    proof = r"  cargo (?:check|test): reached, 0 new errors, (?:1 test failed as before|[^,\n]+), \d+\.\d s\n"
    shown = re.findall(rf"^Fill `(.+)` \(OpenCrates\)\n(?:  [@ +-].*\n)+?{proof}", done.stdout, flags=re.MULTILINE)
    assert shown == FILLED
    assert re.search(r"^Fill `Shelf::pages_left` .*\n  not offered: ", done.stdout, flags=re.MULTILINE)
    assert re.search(
        r"greeter/src/main\.rs\n(?:  .*\n)*  cargo test: reached, 0 new errors, \d+ tests passed", done.stdout
    )
    assert f"{len(FILLED)} holes filled and a crate made" in done.stdout
    assert "vim.lsp.enable('opencrates')" in done.stdout
    subprocess.run(["cargo", "check", "--quiet", "--offline"], cwd=tmp_path / "kept" / "shelf", check=True)
    again = opencrates("demo", "--keep", tmp_path / "kept", cwd=tmp_path, home=tmp_path / "home")
    assert again.returncode == 2
    assert "kept" in again.stderr


def test_without_cargo_it_says_so(tmp_path: Path) -> None:
    done = opencrates("demo", cwd=tmp_path, home=tmp_path / "home", env={"PATH": str(tmp_path)})
    assert done.returncode == 3
    assert "rustup.rs" in done.stderr


def test_an_interrupt_leaves_no_folder_and_no_server(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*RUN, "demo"],
        cwd=tmp_path,
        env={**variables(tmp_path / "home"), "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Fill `Book::new`")
        assert list(tmp_path.glob("opencrates-demo-*"))
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=WAIT_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=WAIT_SECONDS)
    assert not alive
    assert not list(tmp_path.glob("opencrates-demo-*"))
