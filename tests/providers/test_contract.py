"""What holds for every provider, alone and wrapped, and what the openai provider sends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from model_server import Break, ModelServer, Say, failure, model_server
from provider_talk import ANSWER, PROMPT, TASK, nothing_runs_on, openai, pieces, text

from opencrates_lsp import providers
from opencrates_lsp.errors import Busy, Unreachable, WrongUsage
from opencrates_lsp.providers.base import Provider, is_loopback
from opencrates_lsp.providers.wrap import Fallback, Metered
from opencrates_lsp.values import Model, Span, Subject, Task, Usage


def metered(url: str) -> Provider:
    async def reserve(provider: str, model: str, cost_usd: float) -> int:
        return 1

    async def settle(reservation: int, usage: Usage) -> None:
        assert reservation == 1

    return Metered(openai(url), price=(1.0, 2.0), reserve=reserve, settle=settle, publish=lambda event: None)


MAKERS: dict[str, Callable[[str], Provider]] = {
    "openai": openai,
    "metered": metered,
    "fallback": lambda url: Fallback([openai(url)]),
    "both": lambda url: Fallback([metered(url)]),
}


@pytest.fixture(params=MAKERS)
def make(request: pytest.FixtureRequest) -> Callable[[str], Provider]:
    return MAKERS[request.param]


async def test_the_answer_comes_in_pieces_and_the_last_has_the_usage(make: Callable[[str], Provider]) -> None:
    async with model_server([Say(ANSWER, usage=(21, 9))]) as server:
        answer = await pieces(make(server.url))
    assert text(answer) == ANSWER
    assert len(answer) > 3
    assert [piece.finish for piece in answer if piece.finish or piece.usage] == ["stop"]
    usage = answer[-1].usage
    assert usage is not None
    assert (usage.provider, usage.model) == ("openai", "test-model")
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (21, 9, False)


@pytest.mark.parametrize("said", [Say(ANSWER, whole=True), Say(ANSWER, done=False)])
async def test_servers_that_do_not_stream_or_do_not_say_done(make: Callable[[str], Provider], said: Say) -> None:
    async with model_server([said]) as server:
        answer = await pieces(make(server.url))
    assert text(answer) == ANSWER
    assert answer[-1].finish == "stop"


async def test_a_piece_is_passed_on_before_the_next_one_is_there(make: Callable[[str], Provider]) -> None:
    async with model_server([Say("one two", piece_characters=4, gated=True)]) as server:
        provider = make(server.url)
        async with contextlib.aclosing(provider.stream(PROMPT, TASK)) as stream:
            server.release()
            assert (await anext(stream)).text == "one "
            server.release()
            assert (await anext(stream)).text == "two"
            assert [piece.finish async for piece in stream] == ["stop"]
        await provider.close()
        await nothing_runs_on()


async def test_the_deadline_is_for_each_wait_and_the_reader_has_all_the_time() -> None:
    async with model_server([Say("one two", piece_characters=4, gated=True)]) as server:
        provider = openai(server.url, timeout_seconds=1.0)
        async with contextlib.aclosing(provider.stream(PROMPT, TASK)) as stream:
            server.release()
            assert (await anext(stream)).text == "one "
            # That time passes is what is tested, so there is nothing else to wait for.
            await asyncio.sleep(1.05)
            server.release()
            assert [piece.text async for piece in stream] == ["two", ""]
        await provider.close()


@pytest.mark.parametrize("how", ["cancelled", "closed", "cancelled before the first piece"])
async def test_whoever_stops_reading_ends_the_request(make: Callable[[str], Provider], how: str) -> None:
    async with model_server([Say(ANSWER, gated=True)]) as server:
        provider = make(server.url)
        stream = provider.stream(PROMPT, TASK)
        if how != "cancelled before the first piece":
            server.release()
            assert (await anext(stream)).text
        if how != "closed":
            reading = asyncio.ensure_future(anext(stream))
            await server.until(lambda: bool(server.requests))
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        await stream.aclose()
        await server.until(lambda: server.requests[0].gone)
        await provider.close()
        await nothing_runs_on()


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(failure(503, "Later."), Unreachable), (failure(429, "Slow."), Busy), (Break("reset"), Unreachable)],
)
async def test_errors_are_the_same_through_all_wrappers(
    make: Callable[[str], Provider], reply: Any, kind: type[Exception]
) -> None:
    async with model_server([reply]) as server:
        with pytest.raises(kind):
            await pieces(make(server.url))
        await nothing_runs_on()


async def test_candidates_are_asked_for_at_once_and_told_apart(make: Callable[[str], Provider]) -> None:
    async with model_server(["first", Say("second", usage=(5, 6)), "third"]) as server:
        answer = await pieces(make(server.url), replace(PROMPT, candidates=3))
        assert len({json.dumps(request.body) for request in server.requests}) == 1
    assert {text(answer, number) for number in range(3)} == {"first", "second", "third"}
    ends = [piece for piece in answer if piece.finish]
    assert sorted(piece.candidate for piece in ends) == [0, 1, 2]
    assert sorted(piece.usage.output_tokens for piece in ends if piece.usage) == [6, 7, 7]
    await nothing_runs_on()


async def test_the_slow_candidates_are_ended_with_the_stream(make: Callable[[str], Provider]) -> None:
    replies: list[Say] = [Say("slow", gated=True), Say("slow", gated=True), Say("quick")]
    async with model_server(replies) as server:
        provider = make(server.url)
        async with contextlib.aclosing(provider.stream(replace(PROMPT, candidates=3), TASK)) as stream:
            async for piece in stream:
                if piece.finish:
                    break
        assert piece.usage is not None
        await server.until(lambda: sum(request.gone for request in server.requests) == 2)
        assert [request.answered for request in server.requests] == [False, False, True]
        await provider.close()
        await nothing_runs_on()


@pytest.mark.parametrize(
    "bad", [Say("fn f() {", finish="length"), failure(503, "Later."), Break("reset"), Say("fn", then="close")]
)
async def test_a_candidate_that_fails_leaves_the_others(make: Callable[[str], Provider], bad: Any) -> None:
    async with model_server([bad, "fn f() {}"]) as server:
        answer = await pieces(make(server.url), replace(PROMPT, candidates=2))
    assert "fn f() {}" in {text(answer, 0), text(answer, 1)}


async def test_when_every_candidate_fails_it_is_told_why(make: Callable[[str], Provider]) -> None:
    async with model_server([failure(503, "Later.")] * 3) as server:
        with pytest.raises(Unreachable):
            await pieces(make(server.url), replace(PROMPT, candidates=3))
        await nothing_runs_on()


async def test_models_are_listed(make: Callable[[str], Provider]) -> None:
    async with model_server(models=("small", "large")) as server:
        provider = make(server.url)
        assert await provider.models() == (Model("small"), Model("large"))
        await provider.close()


async def test_the_request_is_what_the_arguments_say_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    surroundings = {
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_API_KEY": "ambient-key",
        "OPENAI_ADMIN_KEY": "ambient-admin",
        "OPENAI_ORG_ID": "ambient-org",
        "OPENAI_PROJECT_ID": "ambient-project",
        "OPENAI_CUSTOM_HEADERS": "X-Ambient: yes\nAuthorization: Bearer ambient-header\nContent-Type: text/plain",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "",
    }
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
        monkeypatch.delenv(name.lower(), raising=False)
    async with model_server([ANSWER, ANSWER], key=None) as server:
        await pieces(openai(server.url, key="given-key"))
        await pieces(openai(server.url), replace(PROMPT, temperature=0.0, schema={"type": "object"}))
        keyed, keyless = server.requests
    assert keyed.headers["authorization"] == "Bearer given-key"
    assert "authorization" not in keyless.headers
    for request in server.requests:
        assert "ambient" not in str(request.headers)
        assert request.headers["content-type"] == "application/json"
        assert not {"openai-organization", "openai-project"} & set(request.headers)
    assert keyed.body == {
        "model": "test-model",
        "messages": [{"role": message.role, "content": message.content} for message in PROMPT.messages],
        "max_tokens": 64,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert keyless.body["temperature"] == 0.0
    assert keyless.body["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_the_server_can_be_driven_without_an_event_loop() -> None:
    with ModelServer([ANSWER]) as server:
        answer = asyncio.run(pieces(openai(server.url)))
        server.wait(lambda: server.requests[0].answered)
    assert text(answer) == ANSWER


async def test_the_server_fails_the_test_on_a_surplus_and_on_a_missing_request() -> None:
    async def surplus() -> None:
        async with model_server() as server:
            with pytest.raises(WrongUsage):
                await pieces(openai(server.url))

    async def missing() -> None:
        async with model_server([ANSWER]):
            pass

    with pytest.raises(AssertionError, match="surplus"):
        await surplus()
    with pytest.raises(AssertionError, match="Nobody asked"):
        await missing()


async def test_every_built_in_provider_can_be_made_and_closed() -> None:
    for name in providers.BUILTIN:
        provider = providers.create(name, model="m", base_url="http://127.0.0.1:9/v1")
        assert provider.name == name
        await provider.close()


async def test_the_offline_provider_goes_through_the_wrappers_without_a_cent() -> None:
    source = b"struct S { size: usize }\nimpl S {\n    fn size(&self) -> usize { todo!() }\n}\n"
    item = Span(source.index(b"fn size"), source.index(b" }\n}") + 2)
    hole = Span(source.index(b"todo!()"), source.index(b"todo!()") + len(b"todo!()"))
    task = Task("fill", TASK.path, source, Subject(TASK.path, "S::size", item, item, (hole,)))
    spent = list[Usage]()

    async def reserve(provider: str, model: str, cost_usd: float) -> None:
        assert (provider, cost_usd) == ("offline", 0.0)

    async def settle(reservation: None, usage: Usage) -> None:
        spent.append(usage)

    offline = Metered(
        providers.create("offline"), price=(1.0, 1.0), reserve=reserve, settle=settle, publish=lambda event: None
    )
    provider = Fallback([offline])
    async with contextlib.aclosing(provider.stream(PROMPT, task)) as stream:
        answer = [piece async for piece in stream]
    assert not provider.converses
    assert "self.size" in text(answer)
    assert all(piece.finish == "stop" for piece in answer)
    assert [(usage.input_tokens, usage.cost_usd) for usage in spent] == [(0, 0.0)]


def test_an_unknown_provider_is_told_with_those_that_there_are() -> None:
    with pytest.raises(WrongUsage, match=r"no provider `opnai`.*openai, offline"):
        providers.create("opnai")


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8080/v1", True),
        ("http://127.3.2.1/v1", True),
        ("http://[::1]:1/v1", True),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.com/v1", False),
        ("http://127.0.0.1.example.com/v1", False),
        ("http://192.168.0.1/v1", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_that_looks_like_it(url: str, here: bool) -> None:
    assert is_loopback(url) is here


def test_the_sdk_is_imported_by_its_first_request_and_not_before() -> None:
    code = (
        "import sys, opencrates_lsp.providers as providers, opencrates_lsp.providers.wrap\n"
        "providers.create('openai', model='m')\n"
        "sys.exit(', '.join({'openai', 'httpx2', 'pydantic', 'jinja2'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_event_loop_runs_on_while_the_sdk_is_imported() -> None:
    code = (
        "import asyncio, sys, time\n"
        "from provider_talk import *\n"
        "async def main():\n"
        "    reading = asyncio.ensure_future(anext(openai('http://127.0.0.1:9/v1').stream(PROMPT, TASK)))\n"
        "    turns = 0\n"
        "    while not sys.modules.get('openai') or not hasattr(sys.modules['openai'], 'AsyncOpenAI'):\n"
        "        await asyncio.sleep(0)\n"
        "        turns += 1\n"
        "    reading.cancel()\n"
        "    await asyncio.wait([reading])\n"
        "    print(turns)\n"
        "asyncio.run(main())"
    )
    folder = __file__.rpartition("/")[0]
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.stderr == ""
    assert int(done.stdout) > 5
