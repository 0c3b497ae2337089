"""What the SDK's errors mean to the user, and what to do about them.

Nothing said here holds a key or a part of the prompt: a server may quote both in its own words.
"""

from __future__ import annotations

import email.utils
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opencrates_lsp.errors import Busy, Missing, OpenCratesError, Refused, Unreachable, WrongUsage
from opencrates_lsp.providers.base import is_loopback
from opencrates_lsp.values import Prompt

if TYPE_CHECKING:
    from openai import APIError, APIStatusError

QUOTED = 200
"""How many characters of a server's own words are passed on."""
TELLING = 12
"""A line of the prompt of at least so many characters is recognised when a server quotes it."""
IS_IT_RIGHT = "Is ai.openai.base_url right? It usually ends in /v1."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, in the words that people are told; `key_name` is where its key comes from."""

    url: str
    host: str
    model: str
    key_name: str
    timeout_seconds: float


def silent(endpoint: Endpoint, *, begun: bool) -> Unreachable:
    """The error for an answer that does not come, or not on."""
    if begun:
        return Unreachable(
            f"{endpoint.host} stopped in the middle of the answer: nothing came for {endpoint.timeout_seconds:g} s.",
            remedy="Try again, or raise ai.timeout_seconds.",
        )
    return Unreachable(
        f"{endpoint.host} gave no answer within {endpoint.timeout_seconds:g} s.",
        remedy="Try again, or raise ai.timeout_seconds if the model needs longer to begin.",
    )


def broken_off(endpoint: Endpoint, *, begun: bool = True) -> Unreachable:
    """The error for a connection that ends before the answer does."""
    where = "in the middle of the answer" if begun else "before it answered"
    return Unreachable(
        f"{endpoint.host} broke the connection off {where}.",
        remedy="Try again; if it stays so, look at the server's own log.",
    )


def nonsense(endpoint: Endpoint, content_type: str = "") -> Unreachable:
    """The error for an answer that is not the OpenAI API's."""
    if "html" in content_type:
        return Unreachable(f"{endpoint.url} answers HTML, not the OpenAI API.", remedy=IS_IT_RIGHT)
    return Unreachable(f"{endpoint.url} answers something that is not the OpenAI API.", remedy=IS_IT_RIGHT)


def unknown_model(endpoint: Endpoint, offered: tuple[str, ...]) -> WrongUsage:
    """The error for a model that the endpoint does not have; `offered` are some that it has."""
    has = f"; it has {', '.join(offered)}" if offered else ""
    return WrongUsage(f"{endpoint.host} has no model `{endpoint.model}`{has}.", remedy="Set ai.openai.model.")


def explain(error: APIError, endpoint: Endpoint, prompt: Prompt | None, key: str, *, begun: bool) -> OpenCratesError:
    """The error of ours that says what happened; `begun` when a part of the answer had come."""
    import openai

    if isinstance(error, openai.APIConnectionError):
        causes = tuple(_causes(error))
        told = " ".join(f"{type(cause).__name__} {cause}" for cause in causes)
        if isinstance(error, openai.APITimeoutError) and "ConnectTimeout" not in told:
            return silent(endpoint, begun=begun)
        return broken_off(endpoint) if begun else _unconnected(causes, told, endpoint)
    said = _quoted(error, prompt, key)
    if isinstance(error, openai.AuthenticationError) and not key:
        return Missing(f"{endpoint.host} asks for a key, and there is none.", remedy=f"Set {endpoint.key_name}.")
    if isinstance(error, openai.APIStatusError):
        return _status(error, endpoint, said)
    if "rate_limit" in str(error.code).lower() or str(error.code) == "429":
        return Busy(f"{endpoint.host} is too busy{said}.", remedy="Try again in a minute.")
    return Unreachable(f"{endpoint.host} reports an error{said}.", remedy="Try again, or choose another provider.")


def blames_model(error: APIStatusError, model: str) -> bool:
    """Whether a 404 is about the model and not about the path."""
    said = f"{error.code} {_words(error)}".lower()
    return isinstance(error.body, Mapping) and ("model" in said or model.lower() in said)


def server_words(error: APIError) -> str:
    """All that the server says of its error, for looking in and never for showing."""
    return f"{error.param} {error.code} {_words(error)} {error.body}"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the server asks to wait; None when it says nothing that can be read."""
    try:
        if "retry-after-ms" in headers:
            return float(headers["retry-after-ms"]) / 1000
        said = headers.get("retry-after", "")
        if not said:
            return None
        if said.replace(".", "", 1).isdigit():
            return float(said)
        return max(0.0, email.utils.parsedate_to_datetime(said).timestamp() - time.time())
    except ValueError:
        return None


def _status(error: APIStatusError, endpoint: Endpoint, said: str) -> OpenCratesError:
    host, status = endpoint.host, error.status_code
    words = f"{error.code} {_words(error)}".lower()
    if "context_length" in words or "context length" in words or "context size" in words or status == 413:
        return Refused(
            f"The prompt is longer than {endpoint.model} at {host} takes.", remedy="Lower context.max_tokens."
        )
    if status == 429:
        return _too_many(error, endpoint, words, said)
    if status >= 500 or status in (408, 409, 425):
        return Unreachable(
            f"{host} has trouble: it answers {status}{said}.", remedy="Try again, or choose another provider."
        )
    if status < 400:
        return Unreachable(
            f"{endpoint.url} redirects elsewhere, which is not followed.",
            remedy="Set ai.openai.base_url to where it should go.",
        )
    if status in _REFUSALS:
        kind, message, remedy = _REFUSALS[status]
        return kind(
            message.format(host=host, url=endpoint.url, model=endpoint.model, key=endpoint.key_name),
            remedy=remedy.format(key=endpoint.key_name),
        )
    return WrongUsage(f"{host} rejects the request with {status}{said}.", remedy="Check the settings of [ai.openai].")


_REFUSALS: dict[int, tuple[type[OpenCratesError], str, str]] = {
    401: (
        Missing,
        "{host} does not accept the key in {key}.",
        "Set {key} to a key of that host, or set ai.openai.base_url.",
    ),
    402: (Missing, "The account at {host} has no credit left.", "Top it up, or choose another provider."),
    403: (
        Missing,
        "The key in {key} may not use {model} at {host}.",
        "Use a key with that permission, or set ai.openai.model.",
    ),
    404: (Unreachable, "{url} has no /chat/completions.", IS_IT_RIGHT),
    405: (Unreachable, "{url} has no /chat/completions.", IS_IT_RIGHT),
}


def _too_many(error: APIStatusError, endpoint: Endpoint, words: str, said: str) -> Busy:
    if "insufficient_quota" in words:
        return Busy(
            f"The quota of the account at {endpoint.host} is used up.", remedy="Raise it, or choose another provider."
        )
    wait = retry_after(error.response.headers)
    when = "in a minute" if wait is None else f"in {max(1, round(wait))} s, as it asks"
    return Busy(f"{endpoint.host} takes no more requests now{said}.", remedy=f"Try again {when}.")


def _unconnected(causes: tuple[BaseException, ...], told: str, endpoint: Endpoint) -> Unreachable:
    """Nothing of an answer came: why, as far as the causes tell."""
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Unreachable(
            f"The host {endpoint.host} is not known.", remedy="Check ai.openai.base_url and the network connection."
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes) or "CERTIFICATE" in told:
        return Unreachable(
            f"The connection to {endpoint.host} is not secure: its certificate does not hold.",
            remedy="Check ai.openai.base_url, and SSL_CERT_FILE for a certificate authority of your own.",
        )
    if "ProxyError" in told:
        return Unreachable(
            f"The proxy does not let through to {endpoint.host}.", remedy="Check HTTPS_PROXY and NO_PROXY."
        )
    if "ConnectError" in told or "ConnectTimeout" in told:
        here = is_loopback(endpoint.url)
        remedy = "Start the server there" if here else "Check the network connection and HTTPS_PROXY"
        return Unreachable(f"Nothing answers at {endpoint.url}.", remedy=f"{remedy}, or set ai.openai.base_url.")
    return broken_off(endpoint, begun=False)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _words(error: APIError) -> str:
    """The one sentence that a server says of its error, if it says one."""
    body = error.body
    if isinstance(body, Mapping):
        inner = body.get("error", body)
        said = inner.get("message") if isinstance(inner, Mapping) else inner
        return said if isinstance(said, str) else ""
    return ""


def _quoted(error: APIError, prompt: Prompt | None, key: str) -> str:
    """The server's own words as `: words`, on one line and short; nothing when they quote the prompt or the key."""
    said = _words(error)
    secret = bool(key) and key in said
    if not said or secret or (prompt is not None and _quotes(said, prompt)):
        return ""
    line = " ".join(said.split())
    return f": {line if len(line) <= QUOTED else line[:QUOTED] + '…'}".rstrip(".")


def _quotes(said: str, prompt: Prompt) -> bool:
    lines = (line.strip() for message in prompt.messages for line in message.content.splitlines())
    return any(line in said for line in lines if len(line) >= TELLING)
