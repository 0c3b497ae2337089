"""A secret by name, read when it is used and never shown."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.home import Home

AMBIENT: Final[Mapping[str, str]] = {"openai": "OPENAI_API_KEY"}
"""Variables that other programs use too: finding a key there does not mean that OpenCrates was given it."""

_LARGEST_BYTES = 64 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Secret:
    """A value that no log, message, traceback or pickle shows; `reveal` hands it out.

    `origin` says where it was found (the variable's name), and `given` whether it was meant for OpenCrates: a key
    of a variable in `AMBIENT` is used only after the user said yes.
    """

    __slots__ = ("_value", "given", "origin")

    def __init__(self, value: str, origin: str, *, given: bool = True) -> None:
        self._value = value
        self.origin = origin
        self.given = given

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret(from {self.origin})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")


async def secret(name: str, env: Mapping[str, str], home: Home) -> Secret | None:
    """The secret called `name`, None when there is none.

    Looked up in `OPENCRATES_SECRET_<NAME>`, then in the file that `OPENCRATES_SECRET_<NAME>_FILE` names (a relative
    path counts from the config folder), then in the variable of `AMBIENT`.
    Surrounding white space is no part of a secret.
    Raises `WrongUsage` for a name that cannot be one and `Missing` for a named file that cannot be read.
    """
    if not _NAME.fullmatch(name):
        raise WrongUsage(
            "The name of a secret is made of lower case letters, digits, `-` and `_`.",
            remedy="Name the secret, and keep the key itself out of the settings.",
        )
    variable = variable_of(name)
    if value := env.get(variable, "").strip():
        return Secret(value, variable)
    if reference := env.get(f"{variable}_FILE", "").strip():
        return Secret(await asyncio.to_thread(_read, home, reference, f"{variable}_FILE"), f"{variable}_FILE")
    ambient = AMBIENT.get(name, "")
    if value := env.get(ambient, "").strip():
        return Secret(value, ambient, given=False)
    return None


def variable_of(name: str) -> str:
    """The environment variable that a secret is looked up in first."""
    return f"OPENCRATES_SECRET_{name.upper().replace('-', '_')}"


def _read(home: Home, reference: str, variable: str) -> str:
    path = home.config / Path(reference).expanduser()
    remedy = f"Correct the path in {variable}, or unset it."
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise Missing(f"The secret's file cannot be read: {error.strerror}.", remedy=remedy, place=path) from error
    if len(raw) > _LARGEST_BYTES:
        raise Missing("The secret's file is too large to be a key.", remedy=remedy, place=path)
    try:
        value = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        # The error would carry the bytes of the secret into the traceback.
        raise Missing("The secret's file is not UTF-8.", remedy=remedy, place=path) from None
    if not value:
        raise Missing("The secret's file is empty.", remedy=remedy, place=path)
    return value
