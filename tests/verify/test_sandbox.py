"""What the sandbox keeps out and what it lets through, tried with a real bubblewrap."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from opencrates_lsp.verify.sandbox import Sandbox, probe

TOOLS = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
RUSTUP = Path(os.environ.get("RUSTUP_HOME") or Path.home() / ".rustup")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of somebody who lives in `home` and has the Rust of this machine."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "RUSTUP_HOME": str(RUSTUP.resolve()),
        "LANG": "C.UTF-8",
        **more,
    }


def found(env: Mapping[str, str]) -> Sandbox:
    if shutil.which("bwrap") is None:
        pytest.skip("There is no bubblewrap on this machine.")
    sandbox = asyncio.run(probe(env))
    if sandbox is None:
        pytest.skip("bubblewrap does not work on this machine (are user namespaces off?).")
    return sandbox


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with secrets beside what may be seen."""
    home = tmp_path / "home"
    secrets = (".ssh/id_ed25519", ".cargo/credentials.toml", ".cargo/credentials", ".config/app/key", "project/.env")
    for name in (*secrets, ".cargo/registry/seen", ".cargo/bin/seen", "project/seen", "work/seen"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("planted\n")
    return home


def sh(sandbox: Sandbox, script: str, work: Path, env: Mapping[str, str], **more: Any) -> tuple[int, str]:
    argv = sandbox.wrap(["/bin/sh", "-c", script], writable=[work], cwd=work, env=env, **more)
    run = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, **env}, timeout=120)
    return run.returncode, run.stdout + run.stderr


def test_of_the_home_only_the_toolchain_is_seen(home: Path, tmp_path: Path) -> None:
    env = environment(home)
    sandbox = found(env)
    (tmp_path / "beside").write_text("planted")
    _, said = sh(sandbox, f"find {tmp_path} -type f | sort", home / "work", env)
    assert said.splitlines() == [str(home / name) for name in (".cargo/bin/seen", ".cargo/registry/seen", "work/seen")]


def test_credentials_stay_out_even_of_a_folder_that_is_shown(home: Path) -> None:
    env = environment(home)
    sandbox = found(env)
    code, said = sh(
        sandbox, 'cat "$HOME/project/seen" && cat "$HOME"/.cargo/cred*', home / "work", env, readable=[home]
    )
    assert code != 0
    assert said.count("planted") == 1


@pytest.mark.parametrize(("text", "seen"), [("[net]\nretry = 1\n", True), ('[registry]\ntoken = "planted"\n', False)])
def test_cargos_configuration_is_seen_if_it_holds_no_secret(home: Path, text: str, seen: bool) -> None:
    (home / ".cargo/config.toml").write_text(text)
    env = environment(home)
    assert ((sh(found(env), "cat ~/.cargo/config.toml", home / "work", env)[1]) == text) is seen


def test_only_the_writable_folder_is_written(home: Path, tmp_path: Path) -> None:
    env = environment(home)
    sandbox = found(env)
    outside = [
        home / "project/seen",
        home / ".cargo/bin/seen",
        Path(__file__),
        Path("/usr/planted"),
        Path("/var/planted"),
    ]
    for place in outside:
        code, said = sh(sandbox, f"echo changed >> {place}", home / "work", env, readable=[home / "project"])
        assert code != 0, (place, said)
        assert not place.exists() or "changed\n" not in place.read_text().splitlines(keepends=True)
    assert sh(sandbox, "echo more > made && echo gone > /tmp/gone && echo gone > ~/gone", home / "work", env) == (0, "")
    assert (home / "work/made").read_text() == "more\n"
    assert not Path("/tmp/gone").exists()
    assert not (home / "gone").exists()


def test_a_writable_folder_leads_nowhere_else(home: Path) -> None:
    env = environment(home)
    (home / "work/link").symlink_to(home / ".ssh")
    code, said = sh(found(env), "cat link/id_ed25519", home / "work", env)
    assert code != 0
    assert "planted" not in said


def test_nobody_outside_is_reached(home: Path) -> None:
    env = environment(home)
    sandbox = found(env)
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.socket(socket.AF_UNIX) as local:
        local.bind("\0opencrates-" + home.parent.name)
        local.listen()
        program = (
            "import socket\n"
            f"places = {listening.getsockname()!r}, {local.getsockname()!r}\n"
            "for kind, place in zip((socket.AF_INET, socket.AF_UNIX), places):\n"
            "    try:\n        socket.socket(kind).connect(place)\n        print('reached')\n"
            "    except OSError as error:\n        print(type(error).__name__)\n"
        )
        python = os.path.realpath(sys.executable)
        prefix = Path(sys.base_prefix).resolve()
        argv = [python, "-S", "-c", program]
        wrapped = sandbox.wrap(argv, writable=[], readable=[prefix], cwd=Path("/"), env=env)
        for command, wanted in ((argv, ["reached"] * 2), (wrapped, ["ConnectionRefusedError"] * 2)):
            run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert run.stdout.splitlines() == wanted, run.stderr


def test_no_process_and_no_variable_of_the_user_is_seen(home: Path) -> None:
    env = environment(home, API_KEY="planted", TERM="dumb", EXTRA="kept")
    sandbox = found(env)
    code, said = sh(sandbox, "env; cat /proc/*/environ; ls -d /proc/[0-9]*", home / "work", env, keep=["EXTRA"])
    assert code == 0
    assert "planted" not in said
    assert "EXTRA=kept\n" in said
    assert f"HOME={home}\n" in said
    assert len([line for line in said.splitlines() if line.startswith("/proc/")]) < 6


def test_nothing_outlives_the_sandbox(home: Path) -> None:
    env = environment(home)
    script = "(trap '' HUP TERM; echo started; while :; do sleep 1; done) & wait"
    argv = found(env).wrap(["/bin/sh", "-c", script], writable=[], cwd=Path("/"), env=env)
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            inside = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()
        assert len(inside) >= 2
        assert psutil.wait_procs(inside, timeout=30)[1] == []


def test_cargo_builds_and_tests_inside(home: Path, tmp_path: Path) -> None:
    if not RUSTUP.is_dir():
        pytest.skip("Rust was not installed by rustup.")
    crate = tmp_path / "crate"
    (crate / "src").mkdir(parents=True)
    (crate / "Cargo.toml").write_text('[package]\nname = "tiny"\nversion = "0.1.0"\nedition = "2021"\n')
    (crate / "build.rs").write_text('fn main() { assert!(std::fs::read_dir(env!("HOME")).unwrap().count() < 3); }\n')
    (crate / "src/lib.rs").write_text("/// ```\n/// assert!(true);\n/// ```\npub fn f() {}\n#[test]\nfn works() {}\n")
    rustc = Path(
        subprocess.run(["rustc", "--print=sysroot"], capture_output=True, text=True, check=True).stdout.strip()
    )
    env = environment(home, PATH=f"{rustc / 'bin'}:/usr/bin:/bin", CARGO_TARGET_DIR=str(tmp_path / "target"))
    (tmp_path / "target").mkdir()
    sandbox = found(env)
    argv = sandbox.wrap(
        ["cargo", "test", "--offline"], writable=[crate, tmp_path / "target"], readable=[rustc], cwd=crate, env=env
    )
    run = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=240)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("1 passed") == 2
    assert (tmp_path / "target/debug").is_dir()


def test_a_bubblewrap_that_does_not_work_is_none(tmp_path: Path) -> None:
    for text in ("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n", "#!/bin/sh\nexit 0\n"):
        (tmp_path / "bwrap").write_text(text)
        (tmp_path / "bwrap").chmod(0o755)
        assert asyncio.run(probe({"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)})) is None
    assert asyncio.run(probe({"PATH": str(tmp_path / "none"), "HOME": str(tmp_path)})) is None
