"""The OpenAI wire format: what a request holds, what a server may refuse of it, and how an answer adds up."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from opencrates_lsp.errors import Refused
from opencrates_lsp.values import Prompt, Usage

OLD_LIMIT, NEW_LIMIT = "max_tokens", "max_completion_tokens"
BYTES_PER_TOKEN_AT_MOST = 64
"""No tokenizer makes longer tokens on average; an answer beyond that ignores the limit that was asked for."""
SPARE_BYTES = 65536

_WORDS = {
    "stream_options": ("stream_options", "include_usage"),
    "response_format": ("response_format", "json_schema", "grammar"),
    "temperature": ("temperature",),
    OLD_LIMIT: (OLD_LIMIT,),
    NEW_LIMIT: (NEW_LIMIT,),
}
_UNKNOWN = ("unsupported", "not supported", "unrecognized", "unknown", "unexpected", "extra", "permitted", "allowed")


def request_body(prompt: Prompt, model: str, left_out: Collection[str], *, new_limit: bool) -> dict[str, Any]:
    """The JSON of a streamed chat completion, without the options that the server is known to refuse.

    Where the name of the token limit is refused, the other of its two names is sent.
    """
    messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    if "stream_options" not in left_out:
        body["stream_options"] = {"include_usage": True}
    limits = (NEW_LIMIT, OLD_LIMIT) if new_limit else (OLD_LIMIT, NEW_LIMIT)
    for name in limits:
        if name not in left_out:
            body[name] = prompt.max_output_tokens
            break
    if prompt.temperature is not None and "temperature" not in left_out:
        body["temperature"] = prompt.temperature
    if prompt.schema is None:
        return body
    if "response_format" not in left_out:
        schema = {"name": "answer", "schema": dict(prompt.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    else:
        wish = "Answer with one JSON document of this JSON Schema, and nothing else:"
        messages.append({"role": "user", "content": f"{wish}\n{json.dumps(prompt.schema)}"})
    return body


def refused_option(said: str, body: dict[str, Any]) -> str | None:
    """The option of the request that the server's words blame, if it can be left out.

    A token limit is left out only when its name is not known, not when its value is refused.
    """
    lowered = said.lower()
    unknown = any(word in lowered for word in _UNKNOWN)
    for option, words in _WORDS.items():
        optional = unknown or option not in (OLD_LIMIT, NEW_LIMIT)
        if option in body and optional and any(word in lowered for word in words):
            return option
    return None


class Nonsense(ValueError):
    """The answer is not of the wire format."""


@dataclass(slots=True)
class Answer:
    """One candidate as it comes in: the pieces are passed on, only their sum is kept.

    `size` is in UTF-8 bytes; `known` says that at least one event was of the wire format.
    """

    limit_tokens: int
    size: int = 0
    known: bool = False
    finish: str | None = None
    refusal: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None

    def take(self, event: object) -> str:
        """The text of one event, streamed or whole, as plain JSON values; raises `ValueError` for nonsense."""
        if not isinstance(event, dict):
            raise Nonsense
        self._count(event.get("usage"))
        choices = event.get("choices")
        if not isinstance(choices, list):
            # Some servers send events of their own between the pieces; whoever sends nothing else is told off later.
            return ""
        self.known = True
        text = "".join(self._choice(choice) for choice in choices[:1])
        self.size += len(text.encode())
        return text

    def _choice(self, choice: object) -> str:
        if not isinstance(choice, dict):
            raise Nonsense
        said = choice.get("delta") or choice.get("message") or {}
        if not isinstance(said, dict):
            raise Nonsense
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self.finish = finish
        self.refusal = self.refusal or bool(said.get("refusal"))
        content = said.get("content")
        if content is not None and not isinstance(content, str):
            raise Nonsense
        return content or ""

    def _count(self, usage: object) -> None:
        if isinstance(usage, dict):
            given, made = usage.get("prompt_tokens"), usage.get("completion_tokens")
            if isinstance(given, int) and isinstance(made, int):
                # A negative count would give money back to the daily budget.
                self.input_tokens, self.output_tokens = max(0, given), max(0, made)

    def usage(self, provider: str, model: str) -> Usage | None:
        """What the server counted; None when it did not."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        return Usage(provider, model, self.input_tokens, self.output_tokens)

    @property
    def overlong(self) -> bool:
        """Whether more came than the asked-for tokens can hold."""
        return self.size > SPARE_BYTES + self.limit_tokens * BYTES_PER_TOKEN_AT_MOST

    def refused(self, model: str) -> Refused | None:
        """Why an answer that ended in good order cannot be used."""
        if self.finish == "length":
            return Refused(
                f"The answer was cut off at {self.limit_tokens} tokens.", remedy="Raise ai.max_output_tokens."
            )
        if self.finish == "content_filter":
            return Refused(
                "The provider's content filter stopped the answer.",
                remedy="Say it in other words, or ask another model.",
            )
        if self.refusal:
            return Refused(
                f"The model {model} declined to answer.", remedy="Say it in other words, or ask another model."
            )
        if not self.size:
            return Refused(f"The model {model} gave an empty answer.", remedy="Try again, or ask another model.")
        return None
