"""The layers that settings come from, each with the places of its keys, and how each is read.

A layer that cannot be read is empty and says why; it never keeps the others from working.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opencrates_lsp.home import Home
from opencrates_lsp.settings.places import Key, lines_of, nearest

PROJECT_FILE = "opencrates.toml"
USER_FILE = "config.toml"
PREFIX = "OPENCRATES_"
NOT_SETTINGS = re.compile(r"OPENCRATES_(HOME|SECRET_.*)")
BESIDE_SETTINGS = frozenset({"trusted", "token", "status"})
"""What `initializationOptions` holds that is no setting."""

_LARGEST_BYTES = 1024 * 1024
_PLACE = re.compile(r"^(?P<said>.*?) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL)


class Text(str):
    """A value that came as text, whatever the setting's type: of the environment or the command line."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a setting, for the user.

    `key` is the dotted key, empty when a whole layer is meant; `place` is "file:line" or the name of a variable.
    Values are never shown: one of them may be a key that does not belong there.
    """

    key: str
    message: str
    place: str
    remedy: str = ""

    def __str__(self) -> str:
        # A variable is its own place, and an option a part of its own: the name is said once.
        where = self.place.removesuffix(self.message.partition("`")[2].partition("`")[0]).removesuffix(": ")
        return (f"{where}: " if where else "") + self.message + (f" {self.remedy}" if self.remedy else "")


def _dotted(key: Key) -> str:
    return ".".join(key)


@dataclass(frozen=True, slots=True)
class Layer:
    """Nested values by section, and where they are from.

    A layer that is not `trusted` (a repository can write it) may set only what is marked, and only to tighten.
    `where` says the place of a key, and `spell` how a key is written in this layer.
    None stands for a key that is not set.
    """

    name: str
    values: Mapping[str, Any]
    trusted: bool
    where: Callable[[Key], str]
    spell: Callable[[Key], str] = _dotted
    problems: tuple[Problem, ...] = ()


def project_layer(root: Path) -> Layer:
    """`opencrates.toml` of the workspace; only for trusted workspaces. Reads the file: call it in a thread."""
    return _file_layer("project file", root / PROJECT_FILE, trusted=False)


def user_layer(home: Home) -> Layer:
    """`config.toml` of the config folder. Reads the file: call it in a thread."""
    return _file_layer("user file", home.config / USER_FILE, trusted=True)


def workspace_layer(values: object) -> Layer:
    """What the client answered to `workspace/configuration` for the section "opencrates"."""
    return _client_layer("workspace/configuration", values, trusted=False)


def initialization_layer(values: object) -> Layer:
    """`initializationOptions`, which the client fills from what only the user can write."""
    if isinstance(values, Mapping):
        values = {key: value for key, value in values.items() if key not in BESIDE_SETTINGS}
    return _client_layer("initializationOptions", values, trusted=True)


def environment_layer(env: Mapping[str, str]) -> Layer:
    """The variables `OPENCRATES_<SECTION>__<KEY>`; lists and tables are JSON, simple lists may be `a,b`."""
    named = {name: value for name, value in env.items() if name.startswith(PREFIX) and not NOT_SETTINGS.fullmatch(name)}
    pairs = [(tuple(name[len(PREFIX) :].lower().split("__")), value) for name, value in sorted(named.items())]
    return _text_layer("environment", pairs, variable)


def arguments_layer(settings: Sequence[str]) -> Layer:
    """The settings of the command line, each "key=value" with a dotted key: "ai.provider=x" of `--provider x`."""
    parts = [setting.partition("=") for setting in settings]
    pairs = [(tuple(part.strip() for part in key.split(".")), value.strip()) for key, _, value in parts]
    return _text_layer("command line", pairs, lambda key: f"--{key[-1]}", _dotted)


def variable(key: Key) -> str:
    """The environment variable of a key."""
    return PREFIX + "__".join(key).upper()


def _text_layer(
    name: str,
    pairs: Sequence[tuple[Key, str]],
    where: Callable[[Key], str],
    spell: Callable[[Key], str] | None = None,
) -> Layer:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    # The shorter come first, so that a value never takes the place of a table.
    for key, text in sorted(pairs, key=lambda pair: len(pair[0])):
        table = values
        for part in key[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                # OPENCRATES_AI beside OPENCRATES_AI__MODEL: the shorter one is said to be no setting.
                problems.append(_no_setting(key[:-1], where))
                inner = table[part] = {}
            table = inner
        table[key[-1]] = Text(text)
    return Layer(name, values, True, where, spell or where, tuple(problems))


def _no_setting(key: Key, where: Callable[[Key], str]) -> Problem:
    return Problem(_dotted(key), f"`{_dotted(key)}` is a section and has no value.", where(key), "Remove it.")


def _client_layer(name: str, values: object, *, trusted: bool) -> Layer:
    if values is None:
        values = {}
    if isinstance(values, Mapping):
        return Layer(name, values, trusted, lambda key: f"{name}: {_dotted(key)}")
    problem = Problem("", "The settings are no object.", name, "Send an object with the sections of docs/settings.md.")
    return Layer(name, {}, trusted, lambda key: name, problems=(problem,))


@dataclass(frozen=True, slots=True)
class _Places:
    """The places of a file's keys, found when the first is asked for."""

    path: Path
    text: str
    found: dict[Key, int] = field(default_factory=dict)

    def where(self, key: Key) -> str:
        if not self.found:
            self.found.update(lines_of(self.text))
        line = nearest(self.found, key)
        return str(self.path) if line is None else f"{self.path}:{line}"


def _file_layer(name: str, path: Path, *, trusted: bool) -> Layer:
    def broken(message: str, line: str = "", remedy: str = "") -> Layer:
        place = f"{path}:{line}" if line else str(path)
        problem = Problem("", f"{message} The file is left out.", place, remedy)
        return Layer(name, {}, trusted, lambda key: str(path), problems=(problem,))

    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Layer(name, {}, trusted, lambda key: str(path))
    except OSError as error:
        return broken(f"The settings cannot be read: {error.strerror}.", remedy="Make it a file that you may read.")
    if len(raw) > _LARGEST_BYTES:
        return broken("The settings are larger than 1 MiB.", remedy="Keep only settings in the file.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return broken("The settings are not UTF-8.", str(raw.count(b"\n", 0, error.start) + 1), "Save it as UTF-8.")
    try:
        return Layer(name, tomllib.loads(text), trusted, _Places(path, text).where)
    except tomllib.TOMLDecodeError as error:
        found = _PLACE.match(str(error))
        said = found["said"] if found else str(error)
        line, column = (found["line"], found["column"]) if found else (None, None)
        at = f"{line}:{column}" if line else str(text.rstrip().count("\n") + 1)
        return broken(f"The settings are not TOML: {said[:1].lower()}{said[1:]}.", at, "Correct it there.")
    except (ValueError, RecursionError):
        # A number with thousands of digits, or thousands of brackets.
        return broken("The settings are not TOML that can be read.", remedy="Keep only settings in the file.")
