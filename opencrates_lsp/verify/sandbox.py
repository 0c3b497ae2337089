"""Where the code of a repository or of a model runs: bubblewrap, without network, home or a place to write.

The sandbox has its own processes, network, users and temporary folders, and no capability.
It sees the system read-only, of the home the Rust toolchain and the downloaded crates alone, and writes where it is
told, and in temporary folders of a bounded size that nobody ever sees.
It bounds what one process may use (`Bounds.rlimits`); who runs it bounds the rest, see `confined`.
It is no defence against a hole in the kernel.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import stat
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from opencrates_lsp.verify.bounds import Bounds, counts_by_namespace, limited
from opencrates_lsp.verify.spoken import spoken

logger = logging.getLogger(__name__)

_DEADLINE_SECONDS = 10.0
_TEMPORARY = Path("/tmp")  # noqa: S108 - The sandbox's own, not the machine's.
_HIDDEN = ("/home", "/root", "/var", "/run", "/mnt", "/media", "/srv", "/etc/ssh", "/etc/ssl/private")
_BLANKED = ("/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-")
_SYSTEM_IN_RUN = ("/run/current-system", "/run/booted-system")
_CARGO_PARTS = ("bin", "registry", "git", "env")
_SECRET = re.compile(r"token|credential|secret|password|://[^/\s\"']*@", re.IGNORECASE)
_ENVIRONMENT = frozenset(
    {
        "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "NO_COLOR", "SOURCE_DATE_EPOCH",
        "CC", "CXX", "AR", "CFLAGS", "CXXFLAGS", "LDFLAGS", "LD_LIBRARY_PATH", "LIBRARY_PATH", "PKG_CONFIG_PATH",
        "RUSTC", "RUSTDOC", "RUSTFLAGS", "RUSTDOCFLAGS", "RUSTUP_TOOLCHAIN", "RUST_BACKTRACE", "RUST_MIN_STACK",
        "RUST_TEST_THREADS", "CARGO", "CARGO_TARGET_DIR", "CARGO_INCREMENTAL", "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_TERM_COLOR", "CARGO_NET_OFFLINE", "CARGO_BUILD_JOBS", "CARGO_BUILD_TARGET",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sandbox:
    """bubblewrap as it works on this machine; `probe` makes it.

    `hidden` are the folders that are empty inside, `blanked` the files, `shown` what is read-only inside of them.
    `secrets` are files that stay out even where a caller names a folder around them.
    `kernel` are the kernel's own settings in /proc, which belong to root, with capabilities or without.
    `is_recent` tells that temporary folders have a bound, and that no further user namespace is made inside: bubblewrap
    can do that since 0.8. `prlimit` is None where the machine has none; `counts_processes` tells whether it can bound
    the processes of the sandbox, apart from all others.
    """

    bwrap: Path
    env: Path
    home: Path
    cargo_home: Path
    rustup_home: Path
    hidden: tuple[Path, ...]
    blanked: tuple[Path, ...]
    shown: tuple[Path, ...]
    secrets: tuple[Path, ...]
    kernel: tuple[Path, ...] = ()
    prlimit: str | None = None
    counts_processes: bool = False
    is_recent: bool = True
    name: str = "bubblewrap"

    def wrap(
        self,
        argv: Sequence[str],
        *,
        writable: Sequence[Path],
        readable: Sequence[Path] = (),
        cwd: Path,
        env: Mapping[str, str],
        keep: Collection[str] = (),
        bounds: Bounds | None = None,
        info: int | None = None,
    ) -> list[str]:
        """`argv` inside of the sandbox, to be run like any other program, with any environment.

        `writable` and `readable` are existing files and folders that it sees where they are, wherever that is;
        what stands inside of a hidden folder and is not named here is not there.
        Paths in `argv` and `cwd` should be free of symbolic links, since a link in a hidden folder is gone.
        `env` is cut down to what a build needs, and the variables in `keep`.
        `info` is a file descriptor that bubblewrap writes to which its first process is, as JSON ("child-pid").
        """
        # With an empty environment of its own, because the program inside can read bubblewrap's in /proc.
        inside = [str(self.env), "-i", str(self.bwrap), "--unshare-all", "--die-with-parent", "--new-session"]
        # With its capabilities, root's code would mount the whole system writable again.
        inside += ["--cap-drop", "ALL", *(("--unshare-user", "--disable-userns") if self.is_recent else ())]
        inside += ["--info-fd", str(info)] if info is not None else []
        bounds = bounds or Bounds()
        size = ("--size", str(bounds.temporary)) if self.is_recent else ()
        inside += ["--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]
        for place in self.kernel:
            inside += ["--ro-bind", str(place), str(place)]
        inside += [*size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]  # noqa: S108 - The sandbox's own.
        for folder in self.hidden:
            inside += [*size, "--tmpfs", str(folder)]
        for file in self.blanked:
            inside += ["--ro-bind", "/dev/null", str(file)]
        named = {path.resolve(): "--ro-bind" for path in readable} | {path.resolve(): "--bind" for path in writable}
        # An outer folder comes before those in it, so that it does not cover them.
        for path, mode in (*((path, "--ro-bind") for path in self.shown), *sorted(named.items())):
            inside += [mode, str(path), str(path)]
        for secret in self.secrets:
            if any(secret.is_relative_to(path) for path in named):
                inside += ["--ro-bind", "/dev/null", str(secret)]
        for folder in self.hidden:
            if folder not in (_TEMPORARY, self.home, self.cargo_home):
                inside += ["--remount-ro", str(folder)]
        inside += ["--chdir", str(cwd.resolve()), "--clearenv"]
        for name, value in self.environment(env, keep).items():
            inside += ["--setenv", name, value]
        return [*inside, "--", *limited(self.prlimit, bounds, argv, processes=self.counts_processes)]

    def environment(self, env: Mapping[str, str], keep: Collection[str] = ()) -> dict[str, str]:
        """What the program inside finds in its environment."""
        kept = {name: value for name, value in env.items() if name in _ENVIRONMENT or name in keep}
        own = {"HOME": self.home, "CARGO_HOME": self.cargo_home, "RUSTUP_HOME": self.rustup_home, "TMPDIR": _TEMPORARY}
        return kept | {name: str(path) for name, path in own.items()}


async def probe(env: Mapping[str, str]) -> Sandbox | None:
    """bubblewrap, if it is there and a program really runs in it; None otherwise.

    It may be there and not work: user namespaces are off on some systems, and in most containers.
    `env` tells the PATH, the home, and where cargo and rustup keep theirs.
    """
    sandbox = await asyncio.to_thread(_found, env)
    if sandbox is None:
        logger.debug("There is no bubblewrap here.")
        return None
    for one in (sandbox, replace(sandbox, is_recent=False)):
        if await _works(one, env):
            return one
    return None


async def _works(sandbox: Sandbox, env: Mapping[str, str]) -> bool:
    # Only a program that came through ends with this code.
    script = 'cd "$1" && exit 42'
    argv = sandbox.wrap(["/bin/sh", "-c", script, "sh", str(sandbox.home)], writable=(), cwd=Path("/"), env=env)
    said = await spoken(argv, b"", cwd=Path("/"), env={}, deadline_seconds=_DEADLINE_SECONDS)
    if said is not None and said.code == 42:
        return True
    words = said.err.decode("utf-8", "replace").strip() if said is not None else "it does not answer"
    logger.debug("bubblewrap does not work here: %s", words)
    return False


def _found(env: Mapping[str, str]) -> Sandbox | None:
    """Look at this machine: the program, and what there is to hide and to show."""
    if sys.platform == "win32":
        return None
    path = env.get("PATH")
    bwrap, clean = shutil.which("bwrap", path=path), shutil.which("env", path=path)
    if bwrap is None or clean is None:
        return None
    home = Path(env.get("HOME") or os.path.expanduser("~")).resolve()  # noqa: PTH111 - `Path.home` raises.
    cargo_home = Path(env.get("CARGO_HOME") or home / ".cargo").resolve()
    rustup_home = Path(env.get("RUSTUP_HOME") or home / ".rustup").resolve()
    covered = {Path(name) for name in _HIDDEN} | {_TEMPORARY, home, cargo_home}
    # A link points at something that is covered itself; the root as somebody's home cannot be.
    hidden = sorted(folder for folder in covered if folder.is_dir() and not folder.is_symlink() and folder.parts[1:])
    shown = [rustup_home, *(cargo_home / part for part in _CARGO_PARTS), *(Path(name) for name in _SYSTEM_IN_RUN)]
    shown += [file for name in ("config.toml", "config") if _harmless(file := cargo_home / name)]
    return Sandbox(
        bwrap=Path(bwrap),
        env=Path(clean),
        home=home if home.parts[1:] else _TEMPORARY,
        cargo_home=cargo_home,
        rustup_home=rustup_home,
        hidden=tuple(hidden),
        blanked=tuple(Path(name) for name in _BLANKED if Path(name).is_file()),
        shown=tuple(path for path in shown if path.exists()),
        secrets=tuple(sorted(cargo_home.glob("credentials*"))),
        kernel=tuple(_kernel()),
        prlimit=shutil.which("prlimit", path=path),
        # Root is bound by no count of its processes. A bubblewrap that needs root has no user namespace of its own.
        counts_processes=os.getuid() != 0 and not _is_setuid(Path(bwrap)) and counts_by_namespace(os.uname().release),
    )


def _kernel() -> Iterator[Path]:
    """What of /proc is no process and can be written to, like the program that the kernel starts for a crash."""
    for place in sorted(Path("/proc").iterdir()):
        if not place.name.isdigit() and not place.is_symlink() and (place.is_dir() or place.stat().st_mode & 0o222):
            yield place


def _is_setuid(program: Path) -> bool:
    return bool(program.stat().st_mode & stat.S_ISUID)


def _harmless(file: Path) -> bool:
    """Whether cargo's configuration is there and holds nothing that looks like a secret."""
    try:
        return _SECRET.search(file.read_text(encoding="utf-8")) is None
    except (OSError, UnicodeDecodeError):
        return False
