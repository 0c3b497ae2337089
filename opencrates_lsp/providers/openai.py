"""Any endpoint that speaks OpenAI's chat completions: OpenAI, llama-server, vLLM, OpenRouter and the like.

The official SDK is imported when it is first used, in a thread, because that takes most of a second.
Where requests go is decided by the arguments alone: the variables that the SDK reads by itself
(OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_CUSTOM_HEADERS …) change nothing, and redirects are not followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opencrates_lsp import __version__
from opencrates_lsp.errors import Missing, OpenCratesError, Refused, WrongUsage
from opencrates_lsp.providers import faults
from opencrates_lsp.providers.base import Secret, endpoint_host, is_loopback
from opencrates_lsp.providers.faults import Endpoint
from opencrates_lsp.providers.together import side_by_side
from opencrates_lsp.providers.wire import Answer, refused_option, request_body
from opencrates_lsp.values import Chunk, Model, Prompt, Task

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import APIError, AsyncOpenAI, AsyncStream, BaseModel
    from openai.types.chat import ChatCompletionChunk

OFFICIAL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENCRATES_SECRET_OPENAI"
LISTED = 8
"""How many models an error names."""
LIST_SECONDS = 5.0
"""How long an error about a model waits for the list of models."""
CONTEXT_FIELDS = ("context_length", "max_model_len", "context_window")
"""Where OpenRouter, vLLM and others say how many tokens a model takes."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The SDK, imported: its client and the errors that a request can end in."""

    client: AsyncOpenAI
    model: type[BaseModel]
    told: type[APIError]
    broken: tuple[type[Exception], ...]


class OpenAI:
    """A provider; `api_key` is read anew for each request, and a server on this machine needs none.

    `timeout_seconds` is the longest wait for the first piece and between two pieces.
    `retries` are the SDK's own, for what passes by itself; they honour Retry-After within that wait.
    Raises `WrongUsage` when `base_url` or `model` cannot work.
    """

    converses = True

    def __init__(
        self,
        *,
        model: str,
        base_url: str = OFFICIAL,
        api_key: Secret | None = None,
        organization: str | None = None,
        timeout_seconds: float = 60.0,
        retries: int = 2,
        name: str = "openai",
    ) -> None:
        self.name = name
        self.model = model
        self.base_url = base_url.rstrip("/")
        self._key = api_key
        self._organization = organization
        self._retries = retries
        host = endpoint_host(self.base_url)
        if not model:
            raise WrongUsage(f"No model is chosen for {host}.", remedy="Set ai.openai.model.")
        origin = api_key.origin if api_key is not None else KEY_VARIABLE
        self._endpoint = Endpoint(self.base_url, host, model, origin, timeout_seconds)
        self._local = is_loopback(self.base_url)
        self._official = host.endswith("api.openai.com")
        self._loading = asyncio.Lock()
        self._loaded: _Loaded | None = None
        self._left_out: set[str] = set()

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """See `Provider.stream`.

        Each candidate is a request of its own: of the servers that speak this format some ignore `n`, some refuse it,
        and none ends one choice of several while the others go on.
        """
        streams = [self._candidate(prompt, candidate) for candidate in range(max(1, prompt.candidates))]
        async with contextlib.aclosing(side_by_side(streams)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def _candidate(self, prompt: Prompt, candidate: int) -> AsyncGenerator[Chunk, None]:
        """One answer; raises `Refused` behind one that cannot be used."""
        answer = Answer(prompt.max_output_tokens)
        async with contextlib.aclosing(self._pieces(prompt, answer)) as pieces:
            async for text in pieces:
                yield Chunk(text, candidate)
        yield Chunk("", candidate, answer.usage(self.name, self.model), answer.finish)
        refusal = answer.refused(self.model)
        if refusal is not None:
            raise refusal

    async def models(self) -> Sequence[Model]:
        """The models of the endpoint, in its order."""
        loaded = await self._load()
        headers = self._headers()
        with self._told(loaded, None):
            listing = loaded.client.models.with_raw_response.list
            raw = await _by(self._deadline(), listing(extra_headers=headers))
            said = raw.http_response.json()
        rows = said.get("data") if isinstance(said, dict) else None
        if not isinstance(rows, list):
            raise faults.nonsense(self._endpoint)
        return tuple(
            Model(row["id"], _context_tokens(row))
            for row in rows
            if isinstance(row, dict) and isinstance(row.get("id"), str)
        )

    async def close(self) -> None:
        """Close the connections that are kept open."""
        async with self._loading:
            loaded, self._loaded = self._loaded, None
        if loaded is not None:
            await loaded.client.close()

    async def _pieces(self, prompt: Prompt, answer: Answer) -> AsyncGenerator[str, None]:
        """The texts of one candidate as they come; `answer` adds them up."""
        loaded = await self._load()
        until = self._deadline()
        with self._told(loaded, prompt, answer):
            stream = await _by(until, self._opened(loaded, prompt, until))
        try:
            kind = stream.response.headers.get("content-type", "").lower()
            if "html" in kind:
                raise faults.nonsense(self._endpoint, kind)
            if "application/json" in kind:
                # The server does not stream: the answer comes in one piece.
                yield await self._whole(loaded, stream, prompt, answer, until)
                return
            heard = False
            while True:
                with self._told(loaded, prompt, answer):
                    event = await _by(until, anext(stream, None))
                    if event is None:
                        break
                    text = answer.take(event.model_dump(warnings=False) if isinstance(event, loaded.model) else event)
                heard = True
                self._bounded(answer)
                if text:
                    yield text
                until = self._deadline()
        finally:
            await stream.close()
        if not answer.known and (heard or "event-stream" not in kind):
            raise faults.nonsense(self._endpoint, kind)
        if answer.known and answer.finish is None:
            raise faults.broken_off(self._endpoint)

    async def _whole(
        self, loaded: _Loaded, stream: AsyncStream[ChatCompletionChunk], prompt: Prompt, answer: Answer, until: float
    ) -> str:
        with self._told(loaded, prompt, answer):
            said = json.loads(await _by(until, stream.response.aread()))
            text = answer.take(said)
        if not answer.known:
            raise faults.nonsense(self._endpoint)
        self._bounded(answer)
        answer.finish = answer.finish or "stop"
        return text

    def _bounded(self, answer: Answer) -> None:
        if answer.overlong:
            raise Refused(
                f"The answer is far longer than the {answer.limit_tokens} tokens that were asked for.",
                remedy="Ask another model, or raise ai.max_output_tokens.",
            )

    async def _opened(self, loaded: _Loaded, prompt: Prompt, until: float) -> AsyncStream[ChatCompletionChunk]:
        """The begun answer; options that the server refuses are left out, now and later."""
        import openai

        create = cast("Any", loaded.client.chat.completions.create)
        while True:
            body = request_body(prompt, self.model, self._left_out, new_limit=self._official)
            try:
                return cast("AsyncStream[ChatCompletionChunk]", await create(extra_headers=self._headers(), **body))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                option = refused_option(faults.server_words(error), body)
                if option is None:
                    raise
                self._left_out.add(option)
            except openai.NotFoundError as error:
                if not faults.blames_model(error, self.model):
                    raise
                raise faults.unknown_model(self._endpoint, await self._offered(until)) from None

    async def _offered(self, until: float) -> tuple[str, ...]:
        """Some models of the endpoint, the likest first; none when it does not tell them quickly."""
        soon = min(until, asyncio.get_running_loop().time() + LIST_SECONDS)
        try:
            names = [model.name for model in await _by(soon, self.models())]
        except (OpenCratesError, TimeoutError):
            return ()
        near = difflib.get_close_matches(self.model, names, LISTED, 0.3)
        return tuple((near + [name for name in names if name not in near])[:LISTED])

    @contextlib.contextmanager
    def _told(self, loaded: _Loaded, prompt: Prompt | None, answer: Answer | None = None) -> Iterator[None]:
        """Turn what the SDK and the connection raise into our errors; causes are cut off, for they hold the request."""
        begun = answer is not None and answer.known
        try:
            yield
        except TimeoutError:
            raise faults.silent(self._endpoint, begun=begun) from None
        except loaded.told as error:
            raise faults.explain(error, self._endpoint, prompt, self._secret(), begun=begun) from None
        except loaded.broken:
            raise faults.broken_off(self._endpoint, begun=begun) from None
        except ValueError:
            # Nonsense, or what is no JSON, or no UTF-8.
            raise faults.nonsense(self._endpoint) from None

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._endpoint.timeout_seconds

    def _secret(self) -> str:
        return self._key.reveal().strip() if self._key is not None else ""

    def _headers(self) -> dict[str, Any]:
        """The headers that are ours to decide, so that no environment variable does."""
        from openai import Omit

        headers: dict[str, Any] = {name: Omit() for name in _ambient_headers()}
        key = self._secret()
        if not key and not self._local:
            raise Missing(
                f"There is no key for {self._endpoint.host}.",
                remedy=f"Set {KEY_VARIABLE}; any word will do for a server that asks for none.",
            )
        if not (key.isascii() and key.isprintable()):
            raise Missing(
                f"The key in {self._endpoint.key_name} holds characters that no key has.",
                remedy=f"Set {self._endpoint.key_name} anew.",
            )
        return headers | {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": f"opencrates-lsp/{__version__}",
            "Authorization": f"Bearer {key}" if key else Omit(),
            "OpenAI-Organization": self._organization or Omit(),
            "OpenAI-Project": Omit(),
        }

    async def _load(self) -> _Loaded:
        async with self._loading:
            if self._loaded is None:
                self._loaded = await asyncio.to_thread(self._import)
            return self._loaded

    def _import(self) -> _Loaded:
        """The SDK and a client of it; slow, so it runs in a thread."""
        import openai

        longest = self._endpoint.timeout_seconds
        timeout = openai.Timeout(longest, connect=min(10.0, longest))

        async def no_long_waits(response: Response) -> None:
            # The SDK would sleep as long as the server asks; whoever waits for an answer learns of it at once instead.
            wait = faults.retry_after(response.headers)
            if wait is not None and wait > longest / (1 + self._retries):
                response.headers["x-should-retry"] = "false"

        client = openai.AsyncOpenAI(
            base_url=self.base_url,
            # Empty and not None, because the SDK would look into the environment; the headers bring the real ones.
            api_key="in-the-headers",
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            max_retries=self._retries,
            timeout=timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                timeout=timeout,
                # Proxies are for what leaves the machine.
                trust_env=not self._local,
                # A redirect would take the prompt to a host that nobody agreed to.
                follow_redirects=False,
                event_hooks={"response": [no_long_waits]},
            ),
        )
        # These import the SDK's resources, which takes its time too.
        _ = client.chat.completions, client.models
        # The SDK stands on httpx2, on httpx before that; whichever it is raises errors of its own while a body is read.
        http = import_module(openai.DefaultAsyncHttpxClient.mro()[1].__module__)
        return _Loaded(client, openai.BaseModel, openai.APIError, (http.HTTPError, OSError))


async def _by(deadline: float, work: Awaitable[T]) -> T:
    """The result of `work`; `TimeoutError` when it is not there by `deadline`, a time of the event loop."""
    async with asyncio.timeout_at(deadline):
        return await work


def _ambient_headers() -> list[str]:
    """The names of the headers that the SDK takes from the environment."""
    lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
    return [name.strip() for name, colon, _ in (line.partition(":") for line in lines) if colon]


def _context_tokens(row: dict[str, Any]) -> int | None:
    return next((row[field] for field in CONTEXT_FIELDS if isinstance(row.get(field), int)), None)
