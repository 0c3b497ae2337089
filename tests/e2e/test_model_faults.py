"""A model that is away, slow, rude or answers nonsense: said why, what to do, nothing changed, nothing left open."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from drive import ANSWER, FILLED, Editor, crate, editor, history, nothing_changes, spent
from model_server import Break, Raw, Reply, Request, Say, events, html, model_server

GARBAGE = Raw(200, b"\x00\xff\x13 nothing that anybody could read", {"Content-Type": "application/octet-stream"})


def opened(user: Editor) -> Path:
    path = user.root / "src" / "lib.rs"
    user.open(path)
    return path


async def refused(user: Editor, path: Path, *words: str) -> dict[str, Any]:
    """The fill is refused in these words, which are shown, and nothing changes."""
    async with nothing_changes(user):
        answer = await user.fill(path)
        assert answer["state"] == "refused", answer
        for word in words:
            assert word in answer["reason"], answer["reason"]
        assert user.shows(answer)
    return answer


async def test_nobody_listens_there(tmp_path: Path) -> None:
    with socket.socket() as taken:
        # It is bound and never listens, so that nobody else can.
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        async with editor(crate(tmp_path / "tiny"), tmp_path / "home", model=url) as user:
            await refused(user, opened(user), f"Nothing answers at {url}", "ai.openai.base_url")
    assert await history(tmp_path / "home") == []


async def test_a_wrong_key_is_named_by_where_it_is_from_and_never_shown(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    async with (
        model_server(key="the right one") as server,
        editor(root, home, model=server.url, secret_openai="the-wrong-one") as user,
    ):
        await refused(user, opened(user), "does not accept the key in OPENCRATES_SECRET_OPENAI")
    said = [*user.messages, *user.written]
    assert not any("the-wrong-one" in text for text in said), said
    assert b"the-wrong-one" not in (home / "data" / "opencrates.sqlite").read_bytes()


FAULTS: dict[str, tuple[Reply, Sequence[str]]] = {
    "HTML": (html(), ("HTML, not the OpenAI API", "/v1")),
    "HTML error": (html(404), ("/chat/completions", "/v1")),
    "garbage": (GARBAGE, ("not the OpenAI API", "/v1")),
    "garbage events": (events("{nothing", "[DONE]"), ("not the OpenAI API",)),
    "nothing": (events("[DONE]"), ("gave an empty answer",)),
    "broken off": (Say(ANSWER, then="close"), ("broke the connection off in the middle",)),
    "stopped": (Say(ANSWER, then="stall"), ("stopped in the middle of the answer", "ai.timeout_seconds")),
    "stall": (Break("stall"), ("no answer within 1 s", "ai.timeout_seconds")),
}


async def test_an_endpoint_that_is_none_is_told_by_what_it_does(tmp_path: Path) -> None:
    """All in one server: each fault leaves it as it was, and in the end a good answer is taken."""
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    replies: list[Reply] = []
    async with (
        model_server(lambda request: replies[0]) as server,
        editor(root, home, model=server.url, ai__timeout_seconds="1") as user,
    ):
        path = opened(user)
        for name, (reply, words) in FAULTS.items():
            replies[:] = [reply]
            begun = time.monotonic()
            await refused(user, path, *words)
            assert time.monotonic() - begun < 20, name
        assert await history(home) == []
        replies[:] = [ANSWER]
        assert (await user.fill(path))["state"] == "applied"
        assert user.text(path) == FILLED
    assert [change.state for change in await history(home)] == ["applied"]


def fenced(code: str) -> str:
    return f"```rust\n{code}\n```\n"


LIB = """pub fn keep() -> u32 {
    7
}

pub fn twice(x: u32) -> u32 {
    todo!()
}

#[cfg(test)]
mod tests {
    #[test]
    fn seven() {
        assert_eq!(super::keep(), 7);
    }
}
"""
BODY = "pub fn twice(x: u32) -> u32 {\n    x * 2\n}"

RUDE: dict[str, tuple[str, Sequence[str]]] = {
    "prose": ("I am sorry, but I cannot help with that.", ("no Rust code", "another model")),
    "nothing": (" \n", ("The answer is empty",)),
    "elision": (fenced("pub fn twice(x: u32) -> u32 {\n    // ... existing code ...\n}"), ("...",)),
    "the hole": (fenced("pub fn twice(x: u32) -> u32 {\n    todo!()\n}"), ("todo!",)),
    "another file": (fenced("pub struct Server;\n\nimpl Server {\n    pub fn serve(&self) {}\n}"), ("twice",)),
    "no Rust": (fenced("def twice(x):\n    return x * 2"), ("does not parse",)),
    "cut off": (f"```rust\n{BODY[:-6]}", ("cut off",)),
    "type error": (fenced('pub fn twice(x: u32) -> u32 {\n    "two"\n}'), ("E0308", "mismatched types")),
    "unsafe": (
        fenced("pub fn twice(x: u32) -> u32 {\n    unsafe { *(&x as *const u32) * 2 }\n}"),
        ("unsafe", "policy.unsafe"),
    ),
    "signature": (fenced("pub fn twice(x: u64) -> u64 {\n    x * 2\n}"), ("signature", "policy.signatures")),
    "silenced": (
        fenced("#[allow(clippy::all)]\npub fn twice(x: u32) -> u32 {\n    x * 2\n}"),
        ("#[allow(clippy::all)]", "policy.lints"),
    ),
    "reads": (
        fenced('pub fn twice(x: u32) -> u32 {\n    include_str!("../Cargo.toml");\n    x * 2\n}'),
        ("include_str!", "policy.capabilities"),
    ),
    "the crate's lints": (
        fenced("pub fn twice(x: u32) -> u32 {\n    x.checked_mul(2).unwrap()\n}"),
        ("clippy::unwrap_used", "policy.panics"),
    ),
    "panic": (fenced("pub fn twice(x: u32) -> u32 {\n    unimplemented!()\n}"), ("unimplemented!",)),
}


async def test_what_a_rude_model_answers_is_refused_for_what_it_is(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny", LIB), tmp_path / "home"
    with (root / "Cargo.toml").open("a") as manifest:
        manifest.write('\n[lints.clippy]\nunwrap_used = "deny"\n')
    replies: list[str] = []
    sent: list[Request] = []

    def script(request: Request) -> Reply:
        sent.append(request)
        return Say(replies[0], usage=(1000, 500))

    async with (
        model_server(script) as server,
        editor(root, home, model=server.url, ai__prices='{"test-model": [1.0, 2.0]}') as user,
    ):
        path = opened(user)
        cost = 0.0
        for kind, (reply, words) in RUDE.items():
            replies[:] = [reply]
            sent.clear()
            answer = await refused(user, path, *words)
            # What a model should do better is nothing that the user could do.
            assert "fence" not in answer["reason"]
            # It was told what is wrong, and not again when that did not help; every request is counted.
            assert len(sent) == 2, kind
            assert sent[1].prompt != sent[0].prompt
            cost += 2 * 0.002
            assert await spent(home) == pytest.approx(cost), kind
        assert await history(home) == []
        # What an answer does to others is left out, and what it leaves out stays.
        replies[:] = [fenced(LIB.replace("todo!()", "x * 2").replace("assert_eq!(super::keep(), 7);", ""))]
        assert (await user.fill(path))["state"] == "applied"
        assert user.text(path) == LIB.replace("todo!()", "x * 2")


@pytest.mark.parametrize("allowed", [True, False])
async def test_a_crate_that_is_not_among_the_dependencies_is_asked_about(allowed: bool, tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    said = "Allow" if allowed else "Refuse"
    serde = fenced("pub fn twice(x: u32) -> u32 {\n    serde::double(x)\n}")
    async with (
        model_server([serde] * (2 if allowed else 1)) as server,
        editor(root, tmp_path / "home", model=server.url, answer=lambda message, choices: said) as user,
    ):
        path = opened(user)
        async with nothing_changes(user):
            answer = await user.fill(path)
        assert "serde" in user.asked[0]
        assert len(user.asked) == 1
        # What is allowed is still held to the proof: the crate is not there.
        assert answer["state"] == ("refused" if allowed else "declined"), answer
        assert ("E0433" if allowed else "serde") in answer["reason"]
        assert user.shows(answer)
    assert await history(tmp_path / "home") == []


def away(proxy: str) -> dict[str, str]:
    """A host that is not this machine; whatever is sent to it would come to the scripted server instead."""
    return {name: proxy.removesuffix("/v1") for name in ("HTTP_PROXY", "http_proxy")} | {"NO_PROXY": "", "no_proxy": ""}


HOST = "http://models.example/v1"


async def test_nothing_leaves_the_machine_before_a_yes(tmp_path: Path) -> None:
    root, home = crate(tmp_path / "tiny"), tmp_path / "home"
    said: list[str | None] = [None, "Do not send", "Send"]
    async with (
        model_server() as server,
        editor(
            root,
            home,
            model=HOST,
            env=away(server.url),
            secret_openai="any",
            answer=lambda message, choices: said.pop(0),
            ai__prices='{"test-model": [1.0, 2.0]}',
        ) as user,
    ):
        path = opened(user)
        for _ in range(2):
            async with nothing_changes(user):
                answer = await user.fill(path)
                assert (answer["state"], "models.example" in answer["reason"]) == ("declined", True), answer
                assert user.shows(answer)
            assert all(word in user.asked[-1] for word in ("models.example", "test-model", "tiny", "1.00 USD"))
        assert (server.requests, server.rejected, server.listings) == ([], [], [])
        # With a yes it is sent, once asked; that there is no such API is said as everywhere.
        for _ in range(2):
            await refused(user, path, HOST, "ai.openai.base_url")
        assert len(server.rejected) == 2
        assert len(user.asked) == 3


async def test_a_budget_of_nothing_pays_for_nothing(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    async with (
        model_server() as server,
        editor(
            root,
            tmp_path / "home",
            model=HOST,
            env=away(server.url),
            secret_openai="any",
            ai__prices='{"test-model": [1.0, 2.0]}',
            ai__daily_budget_usd="0",
        ) as user,
    ):
        path = opened(user)
        await refused(user, path, "0.00 USD", "ai.daily_budget_usd")
        assert (server.requests, server.rejected, server.listings) == ([], [], [])
