"""The terms of a job: what an edit may change, how much a job may use, and what cargo is told; plain values.

Settings are read into them, so that no part below the faces knows of settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Permission = Literal["deny", "confirm", "allow"]


@dataclass(frozen=True, slots=True)
class Policy:
    """What an edit may change without being asked; see CONTRACT "policy" for the words."""

    signatures: Permission = "deny"
    tests: Permission = "deny"
    unsafe: Permission = "deny"
    new_dependencies: Permission = "confirm"
    lints: Permission = "deny"
    panics: Permission = "deny"
    capabilities: Permission = "deny"


LintLevel = Literal["allow", "expect", "warn", "deny", "forbid"]


@dataclass(frozen=True, slots=True)
class Lints:
    """What a crate says of lints outside of one of its files: in manifests, clippy.toml, and the modules above it.

    `levels` are names of lints or groups ("clippy::unwrap_used") with their level; of two on one lint the later holds.
    `levels_in_tests` are the same where `cfg(test)` holds.
    `exempt_in_tests` are the lints that clippy.toml lets pass in tests, `checked_in_consts` those that it does not let
    pass in constants.
    """

    levels: tuple[tuple[str, LintLevel], ...] = ()
    levels_in_tests: tuple[tuple[str, LintLevel], ...] = ()
    exempt_in_tests: frozenset[str] = frozenset()
    checked_in_consts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one job."""

    context_tokens: int = 6000
    max_output_tokens: int = 4096
    max_repairs: int = 2
    candidates: int = 1
    timeout_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Configuration:
    """What cargo is told beside the command: the `[cargo]` settings."""

    features: tuple[str, ...] = ()
    all_features: bool = False
    no_default_features: bool = False
    all_targets: bool = False
    target: str | None = None
    profile: str | None = None
    toolchain: str | None = None
    extra_env: tuple[tuple[str, str], ...] = ()
    extra_args: tuple[str, ...] = ()

    def describe(self) -> str:
        """The configuration for people: "default features, host"."""
        features = "all features" if self.all_features else "default features"
        if self.no_default_features:
            features = "no default features"
        if self.features:
            features += " + " + ", ".join(self.features)
        parts = [features, self.target or "host"]
        if self.all_targets:
            parts.append("all targets")
        if self.profile:
            parts.append(f"profile {self.profile}")
        return ", ".join(parts)
