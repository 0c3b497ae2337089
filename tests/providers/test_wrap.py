"""What is reserved, counted, settled and told of a call, and when the next provider is tried."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace

import pytest
from provider_talk import ANSWER, PROMPT, TASK, pieces, text

from opencrates_lsp.errors import Busy, Missing, OpenCratesError, Refused, Unreachable, WrongUsage
from opencrates_lsp.events import ProviderCalled
from opencrates_lsp.providers.base import Provider
from opencrates_lsp.providers.prices import price_of
from opencrates_lsp.providers.wrap import Fallback, Metered, overheard
from opencrates_lsp.values import Chunk, Model, Prompt, Task, Usage

PROMPT_TOKENS = 16
"""A 3.5th of the bytes of PROMPT, rounded up."""
PRICE = (100_000.0, 1_000_000.0)
"""A tenth of a dollar a token of the prompt, a dollar a token of the answer."""
COUNTED = Usage("scripted", "m", 10, 4)


class Scripted:
    """Gives the pieces, then the error; `closed` says that it was not left open."""

    model = "m"

    def __init__(self, *script: Chunk | OpenCratesError | None, name: str = "scripted", converses: bool = True) -> None:
        self.script, self.name, self.converses = script, name, converses
        self.ended, self.closed, self.asked = False, False, 0

    async def stream(self, prompt: Prompt, task: Task) -> AsyncGenerator[Chunk, None]:
        self.asked += 1
        try:
            for piece in self.script:
                if piece is None:
                    await asyncio.Event().wait()
                elif isinstance(piece, Chunk):
                    yield piece
                else:
                    raise piece
        finally:
            self.ended = True

    async def models(self) -> Sequence[Model]:
        return (Model(self.name),)

    async def close(self) -> None:
        self.closed = True


@dataclass
class Till:
    """The store, as far as a metered provider knows it."""

    cap: float = 1e9
    reserved: list[tuple[str, str, float]] = field(default_factory=list)
    settled: list[tuple[int, Usage]] = field(default_factory=list)
    told: list[ProviderCalled] = field(default_factory=list)

    async def reserve(self, provider: str, model: str, cost_usd: float) -> int:
        await asyncio.sleep(0)
        if cost_usd > self.cap:
            raise Busy("The daily budget is used up.")
        self.reserved.append((provider, model, cost_usd))
        return len(self.reserved)

    async def settle(self, reservation: int, usage: Usage) -> None:
        await asyncio.sleep(0)
        self.settled.append((reservation, usage))

    def hear(self, event: object) -> None:
        assert isinstance(event, ProviderCalled)
        self.told.append(event)

    def around(self, provider: Provider, price: tuple[float, float] | None = PRICE) -> Metered[int]:
        return Metered(provider, price=price, reserve=self.reserve, settle=self.settle, publish=self.hear)


async def test_a_call_is_reserved_counted_settled_and_told() -> None:
    till = Till()
    answer = await pieces(till.around(Scripted(Chunk("ab"), Chunk("c"), Chunk(usage=COUNTED, finish="stop"))))
    paid = replace(COUNTED, cost_usd=10 * 0.1 + 4)
    assert till.reserved == [("scripted", "m", pytest.approx(PROMPT_TOKENS * 0.1 + PROMPT.max_output_tokens))]
    assert answer[-1].usage == paid
    assert till.settled == [(1, paid)]
    assert till.told[0].usage == paid
    assert (till.told[0].outcome, till.told[0].error) == ("done", "")
    assert till.told[0].first_seconds is not None
    assert till.told[0].seconds >= till.told[0].first_seconds


async def test_what_nobody_counted_is_estimated_and_said_to_be() -> None:
    till = Till()
    answer = await pieces(till.around(Scripted(Chunk("größer!"), Chunk(finish="stop"))))
    estimated = Usage("scripted", "m", PROMPT_TOKENS, 3, PROMPT_TOKENS * 0.1 + 3, estimated=True)
    assert answer[-1].usage == estimated
    assert till.settled == [(1, estimated)]


async def test_several_candidates_are_added_up() -> None:
    till, asked = Till(), replace(PROMPT, candidates=2)
    last = Chunk(candidate=1, finish="stop")
    await pieces(till.around(Scripted(Chunk("a"), Chunk(usage=COUNTED, finish="stop"), last)), asked)
    assert till.reserved[0][2] == pytest.approx(2 * (PROMPT_TOKENS * 0.1 + PROMPT.max_output_tokens))
    (_, usage) = till.settled[0]
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (10 + PROMPT_TOKENS, 4, True)


@pytest.mark.parametrize("how", ["cancelled", "closed"])
@pytest.mark.parametrize(("script", "made"), [((None,), 0), ((Chunk("1234567"), None), 2)])
async def test_a_call_that_is_ended_settles_what_was_used(
    how: str, script: tuple[Chunk | None, ...], made: int
) -> None:
    till, provider = Till(), Scripted(*script)
    stream = till.around(provider).stream(PROMPT, TASK)
    if made:
        await anext(stream)
    if how == "cancelled" or not made:
        reading = asyncio.ensure_future(anext(stream))
        while not provider.asked:
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait([reading])
    await stream.aclose()
    assert provider.ended
    assert [(usage.input_tokens, usage.output_tokens) for _, usage in till.settled] == [(PROMPT_TOKENS, made)]
    assert till.told[0].outcome == "cancelled"


async def test_who_has_enough_after_a_whole_candidate_pays_for_what_was_begun_of_the_others() -> None:
    till, asked, heard = Till(), replace(PROMPT, candidates=3), list[Usage]()
    begun = Chunk("1234567", candidate=2)
    provider = till.around(Scripted(begun, Chunk("a", usage=COUNTED, finish="stop"), None)).overheard(heard.append)
    stream = overheard(Fallback([provider]), heard.append).stream(asked, TASK)
    assert (await anext(stream)).candidate == 2
    assert (await anext(stream)).usage == replace(COUNTED, cost_usd=10 * 0.1 + 4)
    await stream.aclose()
    # Candidate 1 was sent too, whether or not a piece of it came; of candidate 2 the pieces are counted.
    usage = till.settled[0][1]
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (10 + 2 * PROMPT_TOKENS, 4 + 2, True)
    assert usage.cost_usd == pytest.approx(usage.input_tokens * 0.1 + usage.output_tokens)
    assert till.told[0].outcome == "done"
    assert heard == [usage, usage]
    assert [event.usage for event in till.told] == [usage]


@pytest.mark.parametrize(
    ("script", "outcome", "tokens"),
    [
        ((Unreachable("Nobody is there."),), "failed", 0),
        ((Chunk("1234567"), Unreachable("Nobody is there.")), "failed", PROMPT_TOKENS + 2),
        ((Chunk("a", usage=COUNTED, finish="length"), Refused("Cut off.")), "refused", 14),
    ],
)
async def test_a_call_that_fails_is_settled_too(
    script: tuple[Chunk | OpenCratesError, ...], outcome: str, tokens: int
) -> None:
    till = Till()
    with pytest.raises(OpenCratesError) as raised:
        await pieces(till.around(Scripted(*script)))
    (_, usage) = till.settled[0]
    assert usage.input_tokens + usage.output_tokens == tokens
    assert (till.told[0].outcome, till.told[0].error) == (outcome, raised.value.message)


async def test_over_the_cap_nobody_is_asked() -> None:
    till, provider = Till(cap=1.0), Scripted(Chunk("a"))
    with pytest.raises(Busy, match="daily budget"):
        await pieces(till.around(provider))
    assert not provider.asked
    assert not till.settled


async def test_a_cancelled_reservation_is_given_back() -> None:
    till, provider = Till(), Scripted(Chunk("a"))
    reading = asyncio.ensure_future(anext(till.around(provider).stream(PROMPT, TASK)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    assert not provider.asked
    assert till.settled == [(1, Usage("scripted", "m"))]


async def test_what_needs_no_model_costs_nothing() -> None:
    till = Till(cap=0.0)
    await pieces(till.around(Scripted(Chunk("x" * 1000), converses=False)))
    assert till.settled == [(1, Usage("scripted", "m"))]


@pytest.mark.parametrize("error", [Unreachable("It is down."), Busy("It is full.")])
async def test_the_next_provider_is_tried_when_one_cannot_answer(error: OpenCratesError) -> None:
    first, second = Scripted(error), Scripted(Chunk(ANSWER, finish="stop"), name="second")
    both = Fallback([first, second])
    assert text(await pieces(both)) == ANSWER
    assert (both.name, first.closed, second.closed) == ("scripted", True, True)


@pytest.mark.parametrize(
    "script",
    [
        (Refused("Cut off."),),
        (WrongUsage("No such model."),),
        (Missing("The key is wrong."),),
        (Chunk("half"), Unreachable("It broke off.")),
    ],
)
async def test_the_next_provider_is_not_tried_for_what_the_user_must_hear(
    script: tuple[Chunk | OpenCratesError, ...],
) -> None:
    second = Scripted(Chunk(ANSWER))
    with pytest.raises(type(script[-1])):
        await pieces(Fallback([Scripted(*script), second]))
    assert not second.asked


@pytest.mark.parametrize(
    ("last", "says"),
    [
        (Unreachable("It is down."), r"The chosen one is full\. Wait\. \(last: It is down\.\)"),
        (
            Refused("Nothing provable.", remedy="Go on."),
            r"Nothing provable\. Go on\. \(first: The chosen one is full\.\)",
        ),
    ],
)
async def test_when_nobody_answers_all_are_named(last: OpenCratesError, says: str) -> None:
    chosen = Busy("The chosen one is full.", remedy="Wait.")
    with pytest.raises(OpenCratesError, match=says):
        await pieces(Fallback([Scripted(chosen, name="first"), Scripted(last, name="last")]))


async def test_closing_goes_on_when_one_fails_to_close() -> None:
    class Stuck(Scripted):
        async def close(self) -> None:
            raise OSError("stuck")

    first = Scripted()
    with pytest.raises(OSError, match="stuck"):
        await Fallback([first, Stuck()]).close()
    assert first.closed


@pytest.mark.parametrize(
    ("model", "overrides", "loopback", "price"),
    [
        ("gpt-4.1", {}, False, (2.0, 8.0)),
        ("gpt-4.1-2025-04-14", {}, False, (2.0, 8.0)),
        ("gpt-4.1", {"gpt-4.1": (0.0, 0.0)}, False, (0.0, 0.0)),
        ("gpt-4.1-2025-04-14", {"gpt-4.1": (1.0, 1.0)}, False, (1.0, 1.0)),
        ("qwen3-coder", {}, False, None),
        ("qwen3-coder", {}, True, (0.0, 0.0)),
        ("qwen3-coder", {"qwen3-coder": (1.0, 2.0)}, False, (1.0, 2.0)),
    ],
)
def test_prices(
    model: str, overrides: dict[str, tuple[float, float]], loopback: bool, price: tuple[float, float] | None
) -> None:
    assert price_of(model, overrides, loopback=loopback) == price


async def test_the_stream_of_a_fallback_closes_the_one_within() -> None:
    provider = Scripted(Chunk("a"), None)
    async with contextlib.aclosing(Fallback([provider]).stream(PROMPT, TASK)) as stream:
        await anext(stream)
    assert provider.ended
