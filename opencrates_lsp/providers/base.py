"""What a provider is: something that answers a prompt, piece by piece."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import AsyncGenerator, Sequence
from typing import Protocol
from urllib.parse import urlsplit

from opencrates_lsp.errors import WrongUsage
from opencrates_lsp.values import Chunk, Model, Prompt, Task

BYTES_PER_TOKEN = 3.5
"""How many bytes of Rust and English a token holds, for estimates where no provider has counted."""


class Secret(Protocol):
    """A credential that shows itself only when asked; `origin` names where it was found."""

    @property
    def origin(self) -> str: ...

    def reveal(self) -> str: ...


class Provider(Protocol):
    """A source of answers.

    `converses` says whether it reads the prompt, so that telling it the compiler's errors can help.
    """

    @property
    def name(self) -> str: ...

    @property
    def converses(self) -> bool: ...

    def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """The answer in pieces; the last piece of each candidate has `finish`.

        Candidates are asked for at once, so that all of them take as long as one, and their pieces come as they are
        made: `Chunk.candidate` tells them apart.
        A candidate that cannot be had is left out, and the error is raised only when there is no other.
        Closing the generator, or cancelling whoever reads it, ends every request at once.
        Raises `Unreachable` or `Busy` when another provider may do better, `Refused` when the answer is unusable,
        `Missing` for a key that is not there or not accepted, `WrongUsage` for settings that cannot work.
        """
        ...

    async def models(self) -> Sequence[Model]:
        """The models that can be chosen; empty where there is no choice."""
        ...

    async def close(self) -> None:
        """Give back what is held; the provider is not used afterwards."""
        ...


def endpoint_host(url: str) -> str:
    """The host, and the port where one is named, of an endpoint, as people are told it.

    Raises `WrongUsage` when the URL cannot be an endpoint.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise WrongUsage(
            "ai.openai.base_url is not the URL of an endpoint.",
            remedy='Write it like "http://127.0.0.1:8080/v1" or "https://api.openai.com/v1".',
        )
    if parts.username is not None or parts.password is not None:
        raise WrongUsage(
            "ai.openai.base_url holds a user name or a password.",
            remedy="Take it out of the URL and keep the key as a secret.",
        )
    shown = f"[{host}]" if ":" in host else host
    return shown if port is None else f"{shown}:{port}"


def is_loopback(url: str) -> bool:
    """Whether the endpoint is on this machine, so that nothing leaves it."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def model_of(provider: Provider) -> str:
    """The model that the provider asks; empty where there is none."""
    return str(getattr(provider, "model", ""))


def estimated_tokens(size: int) -> int:
    """About how many tokens `size` bytes are."""
    return math.ceil(size / BYTES_PER_TOKEN)


def prompt_bytes(prompt: Prompt) -> int:
    """The UTF-8 bytes of all messages."""
    return sum(len(message.content.encode()) for message in prompt.messages)
