"""Whether the dependencies of a new crate exist: cargo itself is asked, by adding them to the staged manifest.

`cargo add` knows whether a crate and a version exist and which features it has; `cargo generate-lockfile` refuses what
is yanked. No registry is named here: cargo asks the one that the user configured.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from opencrates_lsp.crates.spec import Dependency
from opencrates_lsp.errors import Missing, OpenCratesError, Unreachable, WrongUsage

_DEADLINE_SECONDS = 120.0
_NETWORK = re.compile(
    r"(?i)could ?n[o']t resolve|failed to (?:download|query|fetch)|unable to update|network failure|spurious network|"
    r"timed? ?out|connection (?:refused|reset)|attempting to make an HTTP request|--offline"
)
_UNKNOWN = re.compile(r"could not (?:be found|find)")
_NOISE = re.compile(r"^\s*(?:Updating|Adding|Downloading|Downloaded|Locking|warning:|Features:|[+-] )")


async def add(
    folder: Path, dependencies: Sequence[Dependency], *, cargo: Sequence[str], env: Mapping[str, str]
) -> tuple[str, ...]:
    """Write the dependencies into `folder`'s manifest, each asked of cargo, and what was added for people.

    `cargo` is the program with its first arguments and `env` its whole environment.
    Raises `WrongUsage` naming the dependency that cargo does not know (or its version, or a feature), `Unreachable`
    when the registry does not answer, `Missing` without cargo.
    """
    for one in dependencies:
        wanted = f"{one.name}@{one.version}" if one.version else one.name
        features = ["--features", ",".join(one.features)] if one.features else []
        code, said = await _run([*cargo, "add", wanted, *features], folder, env)
        if code != 0:
            raise _complaint(wanted, said, env)
    if dependencies:
        code, said = await _run([*cargo, "generate-lockfile"], folder, env)
        if code != 0:
            raise _complaint(", ".join(one.name for one in dependencies), said, env)
    return tuple(f"`{one.name}` {one.version or 'in its newest version'} exists" for one in dependencies)


def _complaint(wanted: str, said: str, env: Mapping[str, str]) -> OpenCratesError:
    lines = [line.strip() for line in said.splitlines() if line.strip() and not _NOISE.match(line)]
    words = " ".join(lines).removeprefix("error: ") or "it says nothing"
    # A cargo that may not go online calls everything unknown that it has not seen before.
    if _NETWORK.search(said) or (env.get("CARGO_NET_OFFLINE") == "true" and _UNKNOWN.search(said)):
        return Unreachable(
            f"Whether {wanted} exists could not be asked of the registry: {words}",
            remedy="Go online, or make the crate without it and run `cargo add` later.",
        )
    return WrongUsage(
        f"cargo does not take the dependency {wanted}: {words}", remedy="Change the name, the version or the features."
    )


async def _run(arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """The exit code and what was said on both outputs; the processes end when the caller is cancelled."""
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=folder,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise Missing(
            f"cargo cannot be started: {error.strerror}.", remedy="Install Rust from https://rustup.rs."
        ) from error
    try:
        out, _ = await asyncio.wait_for(process.communicate(), _DEADLINE_SECONDS)
    except TimeoutError as error:
        raise Unreachable(
            f"cargo has not answered within {_DEADLINE_SECONDS:.0f} s whether the dependencies exist.",
            remedy="Try again, or make the crate without them.",
        ) from error
    finally:
        if process.returncode is None:
            _end(process)
            await process.wait()
    return process.returncode or 0, out.decode("utf-8", "replace")


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
