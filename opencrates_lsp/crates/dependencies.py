"""Whether the dependencies of a new crate exist: cargo itself is asked, by adding them to the staged manifest.

`cargo add` knows whether a crate and a version exist and which features it has; `cargo generate-lockfile` refuses what
is yanked. No registry is named here: cargo asks the one that the user configured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from opencrates_lsp.crates.spec import Dependency
from opencrates_lsp.errors import OpenCratesError, Unreachable, WrongUsage
from opencrates_lsp.verify.process import run

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
    """The exit code and what was said."""
    ended = await run(arguments, cwd=folder, env=env, deadline_seconds=_DEADLINE_SECONDS)
    if ended.timed_out:
        raise Unreachable(
            f"cargo has not answered within {_DEADLINE_SECONDS:.0f} s whether the dependencies exist.",
            remedy="Try again, or make the crate without them.",
        )
    return ended.code, ended.err
