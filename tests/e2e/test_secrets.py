"""No secret of the user's leaves with a prompt, wherever it stands; and none is lost by that."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from drive import Editor, crate, editor
from model_server import ModelServer, Request, model_server
from planted import AWS, GITHUB, KEY_LINES, OPENAI, PASSWORD, PRIVATE_KEY, URL

KEY_COMMENT = "".join(f"/// {line}\n" for line in PRIVATE_KEY.splitlines())
HOLE = f'    todo!("ask with {OPENAI}")\n'
LIB = f"""\
pub mod other;

/// Where to ask; by default with {AWS}.
{KEY_COMMENT}pub struct Client {{
    pub url: &'static str,
}}

pub fn ask(client: &Client) -> usize {{
    let url = "{URL}";
{HOLE}}}

#[test]
fn asks() {{
    let with = "{GITHUB}";
    assert_eq!(ask(&Client {{ url: with }}), 87);
}}
"""
OTHER = f"""\
pub fn calls() -> usize {{
    let password = "{PASSWORD}";
    let _ = password;
    crate::ask(&crate::Client {{ url: "from-the-env-4711-file" }})
}}
"""
INSTRUCTION = "Count the bytes of both; my own token is Qx7Rt2Lm9Vb4Kp8Zw3Hd."
SECRETS = (AWS, GITHUB, OPENAI, PASSWORD, "pa55-w0rd", *KEY_LINES, "from-the-env-4711-file", "Qx7Rt2Lm9Vb4Kp8Zw3Hd")
FILLED = LIB.replace(HOLE, "    url.len() + client.url.len()\n")


def shop(folder: Path) -> Path:
    root = crate(folder, LIB, other=OTHER)
    (root / ".env").write_text("SERVICE_TOKEN=from-the-env-4711-file\n")
    return root


def item(request: Request) -> str:
    """The item that the prompt asks for, as it is shown there."""
    found = re.search(r"pub fn ask\(client: &Client\) -> usize \{\n(?P<let>.*\n)    todo!.*\n\}\n", request.prompt)
    assert found is not None, request.prompt
    return found[0]


def wrong_type(shown: str) -> str:
    """rustc will quote the line with the literal."""
    return shown.replace("let url =", "let url: u32 =").replace(shown.splitlines()[2], "    url as usize")


def elsewhere(shown: str) -> str:
    """The marker of one secret in a literal of the answer's own."""
    marker = re.search(r"SECRET_LEFT_OUT_\d+", shown)
    assert marker is not None
    return shown.replace(shown.splitlines()[2], f'    println!("{marker[0]}");\n    url.len() + client.url.len()')


def right(shown: str) -> str:
    return shown.replace(shown.splitlines()[2], "    url.len() + client.url.len()")


def answers(*makers: Callable[[str], str]) -> Callable[[Request], str]:
    """One answer after the other, each made of the item as the first prompt shows it."""
    shown: list[str] = []
    left = list(makers)

    def script(request: Request) -> str:
        shown[:] = shown or [item(request)]
        return f"```rust\n{left.pop(0)(shown[0])}```\n"

    return script


def nothing_left(server: ModelServer, user: Editor) -> None:
    assert server.requests
    for request in server.requests:
        wire = json.dumps(request.body, ensure_ascii=False)
        assert [secret for secret in SECRETS if secret in wire] == []
    said = [*user.messages, *user.written]
    assert [secret for secret in SECRETS if any(secret in text for text in said)] == []


async def test_no_secret_is_on_the_wire_and_the_users_own_stay_in_his_file(tmp_path: Path) -> None:
    """In the item, the file, a comment, another file, the environment, the hole, an instruction, and rustc's words."""
    root = shop(tmp_path / "shop")
    async with (
        model_server(answers(wrong_type, right)) as server,
        editor(root, tmp_path / "home", model=server.url) as user,
    ):
        path = root / "src" / "lib.rs"
        user.open(path)
        answer = await user.ask("fill", **user.hole(path), instruction=INSTRUCTION)
        assert answer["state"] == "applied", answer
        assert user.text(path) == FILLED
        first, second = (request.prompt for request in server.requests)
        assert "Count the bytes of both; my own token is SECRET_LEFT_OUT_" in first
        assert "fn calls()" in first
        assert "mismatched types" in second
        assert 'let url: u32 = "postgres://shop:SECRET_LEFT_OUT_' in second
        nothing_left(server, user)
        told = [text for text in user.messages if "left out of the prompt" in text]
        assert len(told) == len(set(told))
        assert any("a GitHub token" in text and "a private key" in text for text in told)


async def test_a_marker_in_another_place_is_refused_and_the_model_told_why(tmp_path: Path) -> None:
    root = shop(tmp_path / "shop")
    async with (
        model_server(answers(elsewhere, right)) as server,
        editor(root, tmp_path / "home", model=server.url) as user,
    ):
        path = root / "src" / "lib.rs"
        user.open(path)
        assert (await user.fill(path))["state"] == "applied"
        assert user.text(path) == FILLED
        assert "exactly as it was given" in server.requests[1].prompt
        nothing_left(server, user)


async def test_the_prompt_that_is_shown_is_the_one_that_is_sent_and_says_what_is_not_in_it(tmp_path: Path) -> None:
    root = shop(tmp_path / "shop")
    async with (
        model_server(answers(right)) as server,
        editor(root, tmp_path / "home", model=server.url) as user,
    ):
        path = root / "src" / "lib.rs"
        user.open(path)
        shown = await user.ask("showPrompt", **user.hole(path))
        await user.fill(path)
        assert shown["messages"] == server.requests[0].body["messages"]
        kinds = {secret["kind"] for secret in shown["left_out"]}
        assert kinds >= {"a GitHub token", "an AWS key", "a password in a URL", "a password", "a private key"}
        wire = json.dumps(shown["messages"])
        assert all(secret["marker"] in wire for secret in shown["left_out"])
        pieces = {(piece["reason"], piece["origin"]) for piece in shown["pieces"] if piece["shown"]}
        assert ("calls it", "src/other.rs") in pieces
        assert any(reason.startswith("a type in the signature") for reason, _ in pieces)
        nothing_left(server, user)
