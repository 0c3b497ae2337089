"""Code that a model wrote and that runs: when it does, and where it may, within which bounds."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.verify.cargo import Scope, Wrap
from opencrates_lsp.verify.cgroup import Parent, find
from opencrates_lsp.verify.confined import Confined, Shown
from opencrates_lsp.verify.reach import Standing
from opencrates_lsp.verify.sandbox import Sandbox, probe
from opencrates_lsp.verify.trial import Ground, in_thread
from opencrates_lsp.workspace.layout import Layout, Package
from opencrates_lsp.workspace.manifests import read_manifest

_KEPT = ("CARGO_BUILD_BUILD_DIR", "CARGO_TERM_QUIET", "CARGO_TERM_PROGRESS_WHEN", "CARGO_NET_OFFLINE")
_USERS = frozenset({"bin", "test", "example", "bench"})
NOWHERE = (
    "bubblewrap does not work here, and nobody agreed to run it without "
    '(install bubblewrap, or set verify.sandbox = "off" to run it all the same)'
)
REQUIRED = (
    'bubblewrap does not work here, and verify.sandbox = "require" lets nothing run without '
    '(install bubblewrap, or set it to "auto" to be asked)'
)


class Guard:
    """Where code that a model wrote may run; what this machine has for that is looked up once."""

    def __init__(self) -> None:
        self._sandbox: Sandbox | None = None
        self._parent: Parent | None = None
        self._probed = False

    async def place(self, ground: Ground, shown: Shown, *, asks: bool = True) -> tuple[Wrap | None, str, bool]:
        """What runs a program there (None where it may not), what to call that, and whether it may run at all.

        Where there is no sandbox, and the ground has nobody's word yet, the user is asked, unless it can do without.
        """
        if not self._probed:
            self._sandbox = await probe(ground.toolchain.env)
            self._parent = await in_thread(_parent)
            self._probed = True
        sandbox = self._sandbox if ground.sandbox != "off" else None
        if sandbox is None and ground.sandbox == "require":
            return None, REQUIRED, False
        if sandbox is None and ground.sandbox == "auto" and not await _agreed(ground, asks=asks):
            return None, NOWHERE, False
        # Entering a group takes longer than all else; it is worth that for its bounds, and where nothing else holds.
        bounding = self._parent is not None and {"memory", "pids"} & self._parent.controllers
        parent = self._parent if bounding or sandbox is None else None
        keep = (*_KEPT, *(name for name, _ in ground.configuration.extra_env))
        prlimit = shutil.which("prlimit", path=ground.toolchain.env.get("PATH"))
        wrap = Confined(ground.bounds, sandbox, parent, prlimit, shown, keep)
        return wrap, wrap.describe(), True


def _parent() -> Parent | None:
    """Where cgroups can be made; what a process that was killed has left there is removed."""
    found = find()
    if found is not None:
        found.sweep()
    return found


async def _agreed(ground: Ground, *, asks: bool) -> bool:
    return ground.consent if isinstance(ground.consent, bool) else await ground.consent(asks)


def runs_code_of(layout: Layout, place: Standing, scope: Scope, after: Mapping[Path, bytes | None]) -> bool:
    """Whether compiling the scope runs code of the edited files: a build script, a procedural macro, what they use."""
    edited = [package for path in after if (package := layout.package_of(path)) is not None]
    # A manifest or a setting may name a build script that the layout does not know, or a program to run instead.
    if any(path.name in ("Cargo.toml", "build.rs") or path.parent.name == ".cargo" for path in after):
        return True
    if any(route.target.kind[0] == "custom-build" for route in place.routes):
        return True
    scripts = {target.path for package in edited for target in package.targets if target.kind[0] == "custom-build"}
    if scripts & after.keys():
        return True
    alone = len(scope.packages) == 1 and not scope.configuration.all_targets and not scope.targets
    # The programs of a package use its own macros.
    if alone and not any(_is_macro(one) and any("bin" in target.kind for target in one.targets) for one in edited):
        return False
    names = {package.split("@")[0] for package in scope.packages}
    compiled = [package for package in layout.packages if package.name in names]
    return any(_is_macro(package) or _has_own_build_dependencies(package) for package in (*compiled, *edited))


def is_run_by_others(layout: Layout, package: Package) -> bool:
    """Whether code of the package runs while others are compiled: in their macros, or their build scripts.

    Others are members that are built from it, and the programs, tests and examples of a package of macros.
    """
    dependants = layout.dependants(package)
    if _is_macro(package) and any(target.kind[0] in _USERS for target in package.targets):
        return True
    return bool(dependants) and (
        any(_is_macro(one) for one in (package, *dependants)) or any(map(_has_own_build_dependencies, dependants))
    )


def _is_macro(package: Package) -> bool:
    return any("proc-macro" in target.kind for target in package.targets)


def _has_own_build_dependencies(package: Package) -> bool:
    """Whether its build script uses packages that lie in the workspace, as far as its manifest tells."""
    try:
        table = read_manifest(package.manifest).table
    except (Missing, WrongUsage):
        return True
    wanted = table.get("build-dependencies")
    if not isinstance(wanted, Mapping):
        return False
    return any(isinstance(one, Mapping) and ("path" in one or one.get("workspace")) for one in wanted.values())
