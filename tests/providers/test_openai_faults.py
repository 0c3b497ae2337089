"""What every fault of an endpoint becomes: the documented error, in time, with nothing left running."""

from __future__ import annotations

import logging
import re
import socket
import ssl
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx2
import openai as sdk
import pytest
from model_server import Break, Raw, Reply, Say, events, failure, html, model_server
from provider_talk import ANSWER, PROMPT, nothing_runs_on, openai, pieces, text

from opencrates_lsp.errors import Busy, Missing, OpenCratesError, Refused, Unreachable, WrongUsage
from opencrates_lsp.providers.faults import Endpoint, explain
from opencrates_lsp.providers.openai import OpenAI

KEY = "sk-not-to-be-seen"
JSON = {"Content-Type": "application/json"}
ELSEWHERE = Endpoint("https://example.com/v1", "example.com", "test-model", "TEST_KEY", 60.0)
TOO_LONG = "This model's maximum context length is 8192 tokens."
QUOTES_ALL = f"Invalid input {PROMPT.messages[1].content!r} with key {KEY}"

FAULTS: Mapping[str, tuple[Reply, type[OpenCratesError], str]] = {
    "wrong key": (failure(401, f"Incorrect API key {KEY}"), Missing, r"127.0.0.1:\d+ does not accept .* TEST_KEY"),
    "no credit": (failure(402, "Pay."), Missing, "has no credit left"),
    "forbidden": (failure(403, "No."), Missing, "TEST_KEY may not use test-model at 127.0.0.1"),
    "no such path": (html(404), Unreachable, "has no /chat/completions.*It usually ends in /v1"),
    "too long": (failure(400, TOO_LONG), Refused, r"longer than test-model .*context\.max_tokens"),
    "rejected": (failure(400, "No such thing."), WrongUsage, "rejects the request with 400: No such thing"),
    "a wrong value": (failure(400, "max_tokens is too large: 64"), WrongUsage, "400: max_tokens is too large"),
    "quotes": (failure(422, QUOTES_ALL), WrongUsage, r"with 422\. Check"),
    "busy": (failure(429, "Slow down."), Busy, "no more requests now: Slow down.*in a minute"),
    "busy for long": (failure(429, "Wait.", {"Retry-After": "3600"}), Busy, "in 3600 s, as it asks"),
    "no quota": (failure(429, "Over.", code="insufficient_quota"), Busy, "quota .* is used up"),
    "broken": (failure(500, "Oops."), Unreachable, "answers 500: Oops"),
    "bad gateway": (html(502), Unreachable, r"answers 502\."),
    "redirected": (Raw(307, b"", {"Location": "http://127.0.0.1:9/"}), Unreachable, "redirects elsewhere"),
    "a web page": (html(), Unreachable, r"http://127.0.0.1:\d+/v1 answers HTML, not .*usually ends in /v1"),
    "garbage": (Raw(200, b"{'a': ", JSON), Unreachable, "not the OpenAI API"),
    "other JSON": (Raw(200, b'{"ok": true}', JSON), Unreachable, "not the OpenAI API"),
    "a list": (Raw(200, b"[1, 2]", JSON), Unreachable, "not the OpenAI API"),
    "plain text": (Raw(200, b"hello", {"Content-Type": "text/plain"}), Unreachable, "not the OpenAI API"),
    "garbage in the stream": (events("{'a': "), Unreachable, "not the OpenAI API"),
    "numbers in the stream": (events("1", "2"), Unreachable, "not the OpenAI API"),
    "odd choices": (events('{"choices": [{"delta": {"content": 7}}]}'), Unreachable, "not the OpenAI API"),
    "an error in the stream": (events('{"error": {"message": "Out of memory"}}'), Unreachable, "error: Out of memory"),
    "no end": (Say(ANSWER, finish=None, done=False), Unreachable, "in the middle of the answer"),
    "reset at once": (Break("reset"), Unreachable, "broke the connection off before it answered"),
    "reset on the way": (Say(ANSWER, then="reset"), Unreachable, "broke the connection off"),
    "closed on the way": (Say(ANSWER, then="close"), Unreachable, "broke the connection off in the middle"),
    "empty": (Say(""), Refused, "gave an empty answer"),
    "empty stream": (events("[DONE]"), Refused, "gave an empty answer"),
    "cut off": (Say(ANSWER, finish="length"), Refused, r"cut off at 64 tokens\. Raise ai\.max_output_tokens"),
    "filtered": (Say(ANSWER, finish="content_filter"), Refused, "content filter"),
    "endless and whole": (Say("x" * 10_000_000, whole=True), Refused, "far longer than the 64 tokens"),
    "endless": (Say("x" * 10_000_000, piece_characters=65536), Refused, "far longer than the 64 tokens"),
}


def unseen(error: OpenCratesError, logged: str) -> bool:
    """Whether neither the key nor the prompt is told in the error, its traceback, or the logs."""
    told = "".join((str(error), *traceback.format_exception(error), logged))
    return KEY not in told and "confidential" not in told


@pytest.mark.parametrize("case", FAULTS)
async def test_a_fault_becomes_its_error(case: str, caplog: pytest.LogCaptureFixture) -> None:
    reply, kind, says = FAULTS[case]
    with caplog.at_level(logging.DEBUG):
        async with model_server([reply]) as server:
            with pytest.raises(OpenCratesError, match=f"(?s){says}") as raised:
                await pieces(openai(server.url, key=KEY))
            await nothing_runs_on()
    assert type(raised.value) is kind
    assert raised.value.remedy
    assert unseen(raised.value, caplog.text)


@pytest.mark.parametrize(
    ("reply", "timeout_seconds", "says"),
    [
        (Break("stall"), 0.2, "gave no answer within 0.2 s"),
        (Say(ANSWER, then="stall"), 1.5, "in the middle of the answer: nothing came for 1.5 s"),
    ],
)
async def test_silence_ends_at_the_deadline(reply: Reply, timeout_seconds: float, says: str) -> None:
    async with model_server([reply]) as server:
        with pytest.raises(Unreachable, match=says):
            await pieces(openai(server.url, timeout_seconds=timeout_seconds))
        await server.until(lambda: server.requests[0].gone)
        await nothing_runs_on()


async def test_nobody_listens() -> None:
    async with model_server() as server:
        url = server.url
    with pytest.raises(Unreachable, match=re.escape(f"Nothing answers at {url}. Start the server")):
        await pieces(openai(url))
    await nothing_runs_on()


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (socket.gaierror("Name or service not known"), "The host example.com is not known"),
        (ssl.SSLCertVerificationError("self-signed"), "its certificate does not hold"),
        (httpx2.ProxyError("407"), "The proxy does not let through to example.com"),
        (httpx2.ConnectTimeout(""), r"Nothing answers at https://example.com/v1\. Check the network"),
    ],
)
def test_a_connection_that_cannot_be_made_is_told_apart(cause: Exception, says: str) -> None:
    timed_out = isinstance(cause, httpx2.ConnectTimeout)
    request = httpx2.Request("POST", "https://example.com/v1")
    error = sdk.APITimeoutError(request) if timed_out else sdk.APIConnectionError(request=request)
    outer = httpx2.ConnectError("All connection attempts failed")
    # As asyncio does when a host has several addresses: the causes are in a group.
    outer.__cause__ = ExceptionGroup("all", [cause])
    error.__cause__ = outer
    assert re.search(says, str(explain(error, ELSEWHERE, None, KEY, begun=False)))


@pytest.mark.parametrize(
    ("key", "says"), [(None, "asks for a key, and there is none.*OPENCRATES_SECRET_OPENAI"), ("b", "TEST_KEY")]
)
async def test_a_server_that_wants_another_key(key: str | None, says: str) -> None:
    async with model_server(key="a") as server:
        with pytest.raises(Missing, match=says):
            await pieces(openai(server.url, key=key))


async def test_an_unknown_model_is_named_with_those_that_there_are() -> None:
    refusal = failure(404, "The model `test-model` does not exist", code="model_not_found")
    async with model_server([refusal], models=("other", "test-model-2")) as server:
        with pytest.raises(WrongUsage, match=r"has no model `test-model`; it has test-model-2, other\. Set ai\.openai"):
            await pieces(openai(server.url))


@pytest.mark.parametrize(
    "first", [failure(429, "Wait.", {"Retry-After-Ms": "1"}), failure(503, "", {"Retry-After": "0.01"})]
)
async def test_what_passes_is_tried_again_after_the_time_that_the_server_asks(first: Raw) -> None:
    async with model_server([first, ANSWER]) as server:
        assert text(await pieces(openai(server.url, retries=2))) == ANSWER


async def test_nobody_waits_longer_for_a_retry_than_for_an_answer() -> None:
    async with model_server([failure(429, "Wait.", {"Retry-After": "100"})]) as server:
        with pytest.raises(Busy, match="in 100 s"):
            await pieces(openai(server.url, retries=2, timeout_seconds=90))


@pytest.mark.parametrize(
    ("rejects", "base", "sent"),
    [
        (["stream_options"], {}, {"max_tokens": 64}),
        (["max_tokens"], {}, {"max_completion_tokens": 64}),
        (["temperature", "stream_options"], {"temperature": 0.5}, {"max_tokens": 64}),
    ],
)
async def test_an_option_that_the_server_does_not_know_is_left_out_from_then_on(
    rejects: Sequence[str], base: dict[str, Any], sent: dict[str, Any]
) -> None:
    prompt = replace(PROMPT, **base, candidates=2)
    async with model_server([ANSWER] * 4, rejects=rejects) as server:
        provider = openai(server.url)
        told = []
        for _ in range(2):
            answer = await pieces(provider, prompt)
            assert [text(answer, 0), text(answer, 1)] == [ANSWER, ANSWER]
            told.append(len(server.rejected))
        # Both candidates may learn it of the server at once, and nobody after them.
        assert len(rejects) <= told[0] == told[1] <= 2 * len(rejects)
        for request in server.requests:
            assert not set(rejects) & set(request.body)
            assert request.body.items() >= sent.items()


async def test_a_refused_schema_goes_into_the_prompt() -> None:
    prompt = replace(PROMPT, schema={"type": "object", "title": "Plan"})
    async with model_server(["{}"], rejects=["response_format"]) as server:
        assert text(await pieces(openai(server.url), prompt)) == "{}"
        assert '"title": "Plan"' in server.requests[0].prompt


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"base_url": "127.0.0.1:8080/v1"}, WrongUsage, "not the URL of an endpoint"),
        ({"base_url": "http://127.0.0.1:99999/v1"}, WrongUsage, "not the URL of an endpoint"),
        ({"base_url": f"http://me:{KEY}@127.0.0.1/v1"}, WrongUsage, "holds a user name or a password"),
        ({"model": ""}, WrongUsage, r"No model is chosen for api\.openai\.com"),
    ],
)
def test_settings_that_cannot_work(options: dict[str, Any], kind: type[OpenCratesError], says: str) -> None:
    with pytest.raises(kind, match=says) as raised:
        OpenAI(**{"model": "m"} | options)
    assert unseen(raised.value, "")


@pytest.mark.parametrize(("key", "says"), [(None, "no key for example.com"), (f"{KEY}\nx\u00e9", "no key has")])
async def test_a_key_that_cannot_be_used_is_found_before_anything_is_sent(key: str | None, says: str) -> None:
    with pytest.raises(Missing, match=says) as raised:
        await pieces(openai("http://example.com/v1", key=key))
    assert unseen(raised.value, "")
