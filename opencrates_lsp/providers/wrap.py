"""Providers around providers: one that counts and pays, one that tries the next, one that lets no secret out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from opencrates_lsp.errors import Busy, OpenCratesError, Refused, Unreachable
from opencrates_lsp.events import Event, Outcome, ProviderCalled
from opencrates_lsp.providers.base import Provider, estimated_tokens, model_of, prompt_bytes
from opencrates_lsp.providers.prices import Price, cost_usd
from opencrates_lsp.redaction.gate import Gate, LeftOut
from opencrates_lsp.values import Chunk, Model, Prompt, Task, Usage

log = logging.getLogger(__name__)

R = TypeVar("R")
Reserve = Callable[[str, str, float], Awaitable[R]]
"""`(provider, model, cost_usd)`: sets that much of the daily budget aside; raises `Busy` when it would pass the cap."""
Settle = Callable[[R, Usage], Awaitable[object]]
"""Puts what was really used in the place of what was set aside."""
Tell = Callable[[Sequence[LeftOut]], object]
"""Is given what was left out of a prompt."""


class Metered(Generic[R]):
    """A provider whose every call is reserved, counted, settled and told.

    Pieces with usage come out with their cost; where the server counts nothing, bytes are counted and the usage is
    marked as estimated.
    A call that fails before its first piece costs nothing, as far as can be known here.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        price: Price | None,
        reserve: Reserve[R],
        settle: Settle[R],
        publish: Callable[[Event], object],
    ) -> None:
        self.name = provider.name
        self.model = model_of(provider)
        self.converses = provider.converses
        self._provider = provider
        self._price = price
        self._reserve = reserve
        self._settle = settle
        self._publish = publish

    def overheard(self, hear: Callable[[Usage], object]) -> Metered[R]:
        """The same provider, which tells `hear` as well what each call used, broken-off answers included."""

        def publish(event: Event) -> None:
            self._publish(event)
            if isinstance(event, ProviderCalled):
                hear(event.usage)

        return Metered(self._provider, price=self._price, reserve=self._reserve, settle=self._settle, publish=publish)

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """See `Provider.stream`; raises `Busy` as well when the daily budget does not allow the call."""
        asked = estimated_tokens(prompt_bytes(prompt)) if self.converses else 0
        call = _Call(Usage(self.name, self.model), self._price, asked, max(1, prompt.candidates))
        reservation = await self._reserved(call, prompt.max_output_tokens if self.converses else 0)
        call.began = time.monotonic()
        try:
            async with contextlib.aclosing(self._provider.stream(prompt, task)) as pieces:
                async for piece in pieces:
                    yield call.counted(piece)
            call.close(unanswered=False)
        except OpenCratesError as error:
            call.close(unanswered=False)
            call.outcome = "refused" if isinstance(error, Refused) else "failed"
            call.error = error.message
            raise
        except (asyncio.CancelledError, GeneratorExit):
            # Whoever has enough after a whole candidate has not cancelled anything.
            call.outcome = "done" if call.whole else "cancelled"
            call.close(unanswered=True)
            raise
        except BaseException:
            call.close(unanswered=False)
            call.outcome = "failed"
            raise
        finally:
            # What was spent must be written even when the cancellation comes twice.
            await asyncio.shield(asyncio.ensure_future(self._ended(reservation, call)))

    async def models(self) -> Sequence[Model]:
        """Asking for the models costs nothing and is not counted."""
        return await self._provider.models()

    async def close(self) -> None:
        """Close the provider within."""
        await self._provider.close()

    async def _reserved(self, call: _Call, output_tokens: int) -> R:
        most = cost_usd(self._price, call.prompt_tokens * call.candidates, output_tokens * call.candidates)
        reserving = asyncio.ensure_future(self._reserve(self.name, self.model, most))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            # The reservation is made all the same, and would hold its part of the budget for good.
            with contextlib.suppress(OpenCratesError):
                await self._settle(await reserving, call.total)
            raise

    async def _ended(self, reservation: R, call: _Call) -> None:
        try:
            await self._settle(reservation, call.total)
        finally:
            self._publish(call.event())


@dataclass(slots=True)
class _Call:
    """One call as it goes; `whole` are the candidates that were counted, `sizes` the bytes of the others so far."""

    total: Usage
    price: Price | None
    prompt_tokens: int
    candidates: int
    whole: set[int] = field(default_factory=set)
    sizes: dict[int, int] = field(default_factory=dict)
    began: float = 0.0
    first: float | None = None
    outcome: Outcome = "done"
    error: str = ""

    def counted(self, piece: Chunk) -> Chunk:
        """The piece with the cost of its candidate, if it is the last one of it."""
        if self.first is None:
            self.first = time.monotonic()
        which = piece.candidate
        if which in self.whole or which >= self.candidates:
            # More than was asked for comes only from those who cost nothing.
            return piece
        self.sizes[which] = self.sizes.get(which, 0) + len(piece.text.encode(errors="replace"))
        if piece.finish is None and piece.usage is None:
            return piece
        return replace(piece, usage=self._add(which, piece.usage))

    def close(self, *, unanswered: bool) -> None:
        """Count the candidates that were left open, those without a piece only when they may be `unanswered` yet."""
        for which in range(self.candidates):
            if which not in self.whole and (self.sizes.get(which) or unanswered):
                self._add(which, None)

    def _add(self, which: int, usage: Usage | None) -> Usage:
        if usage is None:
            log.debug("%s has not counted what it used; the bytes are.", self.total.provider)
            made = estimated_tokens(self.sizes.get(which, 0)) if self.prompt_tokens else 0
            estimated = self.prompt_tokens > 0
            usage = replace(self.total, input_tokens=self.prompt_tokens, output_tokens=made, estimated=estimated)
        usage = replace(usage, cost_usd=cost_usd(self.price, usage.input_tokens, usage.output_tokens))
        self.total = replace(
            self.total,
            input_tokens=self.total.input_tokens + usage.input_tokens,
            output_tokens=self.total.output_tokens + usage.output_tokens,
            cost_usd=self.total.cost_usd + usage.cost_usd,
            estimated=self.total.estimated or usage.estimated,
        )
        self.whole.add(which)
        return usage

    def event(self) -> ProviderCalled:
        """What is told of the call."""
        first = None if self.first is None else self.first - self.began
        return ProviderCalled(self.total, time.monotonic() - self.began, self.outcome, first, self.error)


class Fallback:
    """The first provider that answers: the next is tried when one cannot be reached or is busy, before its first piece.

    A refusal, a missing key or a wrong setting is the user's to hear and is not papered over.
    """

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = tuple(providers)
        self.name = self._providers[0].name
        self.model = model_of(self._providers[0])
        self.converses = any(provider.converses for provider in self._providers)

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """See `Provider.stream`; when nobody answers, the error is the first provider's and names the others."""
        failures: list[tuple[str, OpenCratesError]] = []
        for provider in self._providers:
            begun = False
            try:
                async with contextlib.aclosing(provider.stream(prompt, task)) as pieces:
                    async for piece in pieces:
                        begun = True
                        yield piece
                return
            except (Unreachable, Busy) as error:
                if begun:
                    raise
                log.warning("The provider %s cannot answer: %s", provider.name, error.message)
                failures.append((provider.name, error))
            except OpenCratesError as error:
                if not begun:
                    _tell_of(failures, error)
                raise
        chosen = failures[0][1]
        _tell_of(failures[1:], chosen)
        raise chosen

    def overheard(self, hear: Callable[[Usage], object]) -> Fallback:
        """The same providers, of which each tells `hear` what its calls used."""
        return Fallback([overheard(provider, hear) for provider in self._providers])

    async def models(self) -> Sequence[Model]:
        """The models of the first provider."""
        return await self._providers[0].models()

    async def close(self) -> None:
        """Close all of them, even when one fails to."""
        async with contextlib.AsyncExitStack() as closing:
            for provider in self._providers:
                closing.push_async_callback(provider.close)


class Guarded:
    """A provider that is sent no secret, and nothing of the task but what its prompt says.

    `tell` is given what was left out of each prompt.
    """

    def __init__(self, provider: Provider, gate: Gate, tell: Tell) -> None:
        self.name = provider.name
        self.model = model_of(provider)
        self.converses = provider.converses
        self._provider = provider
        self._gate = gate
        self._tell = tell

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        """See `Provider.stream`."""
        clean, secrets = await asyncio.to_thread(self._gate.prompt, prompt, task.text)
        if secrets:
            self._tell(secrets)
        # The structured request has the whole file; who reads the prompt has no need of it.
        bare = replace(task, text=b"", instruction="", related={})
        async with contextlib.aclosing(self._provider.stream(clean, bare)) as pieces:
            async for piece in pieces:
                yield piece

    def overheard(self, hear: Callable[[Usage], object]) -> Guarded:
        """The same provider, telling `hear` what its calls used."""
        return Guarded(overheard(self._provider, hear), self._gate, self._tell)

    async def models(self) -> Sequence[Model]:
        """Asking for the models sends nothing."""
        return await self._provider.models()

    async def close(self) -> None:
        """Close the provider within."""
        await self._provider.close()


def overheard(provider: Provider, hear: Callable[[Usage], object]) -> Provider:
    """The provider, telling `hear` what each of its calls used; one that counts nothing is as it was."""
    return provider.overheard(hear) if isinstance(provider, (Fallback, Guarded, Metered)) else provider


def _tell_of(others: Sequence[tuple[str, OpenCratesError]], error: OpenCratesError) -> None:
    """Add to the error what the other providers said."""
    said = (f"({name}: {other.message})" for name, other in others)
    error.remedy = " ".join(filter(None, (error.remedy, *said)))
