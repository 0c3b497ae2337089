"""The providers by name; each is imported when it is first made."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from opencrates_lsp.errors import WrongUsage
from opencrates_lsp.providers.base import Provider

BUILTIN = {
    "openai": "opencrates_lsp.providers.openai:OpenAI",
    "offline": "opencrates_lsp.providers.offline:Offline",
}
CONFIGURED = frozenset({"openai"})
"""The providers that take options; the others are made without."""


def create(name: str, **options: object) -> Provider:
    """The provider of that name; `options` are the keyword arguments of `providers.openai.OpenAI`.

    Providers that need no options get none.
    Raises `WrongUsage` when there is no such provider, or when the options cannot work.
    """
    try:
        module, _, factory = BUILTIN[name].partition(":")
    except KeyError:
        raise WrongUsage(
            f"There is no provider `{name}`.", remedy=f"Set ai.provider to one of: {', '.join(BUILTIN)}."
        ) from None
    made = getattr(import_module(module), factory)
    return cast("Provider", made(**options) if name in CONFIGURED else made())
