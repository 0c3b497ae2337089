"""What leaves through the gate, and how an answer gets the user's own secrets back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from planted import AWS, GITHUB, KEY_LINES, PASSWORD, PRIVATE_KEY, URL

from opencrates_lsp.errors import Refused
from opencrates_lsp.redaction.dotenv import gate_of, values_of
from opencrates_lsp.redaction.gate import MARKER, Gate, told
from opencrates_lsp.rust.syntax import error_spans, parse

FILE = f"""\
const TOKEN: &str = "{GITHUB}";
/// Asks with {AWS} by default.
pub fn ask(password: &str) -> Url {{
    // The old one was {URL}
    let url = "{URL}";
    connect(url, TOKEN)
}}
const KEY: &str = "{PRIVATE_KEY.replace(chr(10), chr(92) + "n")}";
"""
SECRETS = (GITHUB, AWS, "pa55-w0rd", *KEY_LINES)


def test_nothing_of_a_secret_is_left_and_the_rest_is_as_it_was_and_rust() -> None:
    redacted = Gate().redacted([FILE])
    [text] = redacted.texts
    assert not any(secret in text for secret in SECRETS)
    assert error_spans(parse(text.encode())) == []
    assert f'let url = "postgres://shop:{MARKER}' in text
    assert [secret.kind for secret in redacted.secrets] == [
        "a GitHub token",
        "an AWS key",
        "a password in a URL",
        "a private key",
    ]
    assert told(redacted.secrets[:1]) == "1 secret was left out of the prompt: a GitHub token."
    for number, line in enumerate(text.splitlines()):
        if MARKER not in line:
            assert line == FILE.splitlines()[number]


def test_what_is_a_secret_once_is_one_wherever_it_stands() -> None:
    """A name told that it is one in the file; the compiler quotes it alone, or the middle of it."""
    gate = Gate()
    said = [f'expected `u32`, found `"{PASSWORD}x9Q"`', f"... {GITHUB[6:30]} ..."]
    [first, second] = gate.redacted(said, f'const PASSWORD: &str = "{PASSWORD}x9Q"; // {GITHUB}').texts
    assert first == f'expected `u32`, found `"{MARKER}1"`'
    assert GITHUB[6:30] not in second
    assert second.startswith(f"... {MARKER}")


def test_prompts_with_a_common_beginning_keep_it() -> None:
    shared = f"a {GITHUB} b"
    one = Gate().redacted([f"{shared} {AWS}"]).texts[0]
    other = Gate().redacted([f"{shared} {URL}"]).texts[0]
    assert one[: len("a SECRET_LEFT_OUT_1 b ")] == other[: len("a SECRET_LEFT_OUT_1 b ")]
    gate = Gate()
    first = gate.redacted([one := f"{AWS} and {shared}"])
    assert gate.redacted([shared, one]).texts[1] == first.texts[0], "within a job a secret keeps its marker"


def test_a_marker_that_a_text_has_already_is_not_given_to_a_secret() -> None:
    [text] = Gate().redacted([f"let {MARKER}1 = {GITHUB};"]).texts
    assert text == f"let {MARKER}1 = {MARKER}2;"


def shown(gate: Gate, text: str = FILE) -> str:
    return gate.redacted([text], text).texts[0]


@pytest.mark.parametrize("around", ["{}", "Here it's:\n\n```rust\n{}```\nDon't lose the \"key\n", "```\n{}```"])
def test_an_answer_gets_back_what_stands_where_it_stood(around: str) -> None:
    gate = Gate()
    answer = around.format(shown(gate).replace("connect(url, TOKEN)", "connect(url, TOKEN).unwrap()"))
    back = gate.restored(answer, FILE)
    assert back == around.format(FILE.replace("connect(url, TOKEN)", "connect(url, TOKEN).unwrap()"))


@pytest.mark.parametrize(
    "answer",
    [
        f'pub fn ask() {{ send("https://elsewhere.example/?q={MARKER}1") }}',
        f'pub fn ask() {{ let url = "postgres://shop:{MARKER}3@elsewhere:5432/shop"; }}',
        f'pub fn ask() {{ println!("{MARKER}2") }}',
        f"pub fn ask() {{ {MARKER}1 }}",
        f'const TOKEN: &str = "{MARKER}99";',
        f"// was: {MARKER}1\npub fn ask() {{}}",
    ],
    ids=["another literal", "another host", "printed", "a word", "never given", "a comment"],
)
def test_a_marker_anywhere_else_is_refused(answer: str) -> None:
    gate = Gate()
    shown(gate)
    with pytest.raises(Refused, match="marker of a secret"):
        gate.restored(answer, FILE)


def test_two_literals_that_are_shown_alike_are_not_guessed_at() -> None:
    """The password is no secret anywhere but in the URLs, and the same marker stands for the same value only."""
    file = 'const A: &str = "redis://:one1@h/";\nconst B: &str = "redis://:two2@h/";\n'
    gate = Gate()
    text = shown(gate, file)
    assert text.count(f"{MARKER}1") == text.count(f"{MARKER}2") == 1
    assert gate.restored(text, file) == file


ENVIRONMENT = """\
# comments are none
export API_KEY="abc-123-def-456"
DATABASE_URL=postgres://shop:pa55-w0rd@db/shop # local
SALT='NaCl-0815-NaCl'
APP_NAME=opencrates
RUST_LOG=debug
PASSWORD=changeme
PORT=8080
"""


def test_the_values_of_environment_files_are_secrets_wherever_they_stand(tmp_path: Path) -> None:
    files: Mapping[str, str] = {
        ".env": ENVIRONMENT,
        "members/web/.env.local": "SESSION_SECRET=qwer-0815-tyui\n",
        ".env.example": "API_KEY=sample-4711-sample\n",
        "target/debug/.env": "API_KEY=target-4711-target\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    said: Sequence[str] = ["abc-123-def-456", "NaCl-0815-NaCl", "qwer-0815-tyui", "postgres://shop:pa55-w0rd@db/shop"]
    [text] = gate_of(tmp_path).redacted([" | ".join(said)]).texts
    assert text == " | ".join(f"{MARKER}{number}" for number in (1, 2, 3, 4))
    left = "opencrates debug changeme 8080 sample-4711-sample target-4711-target"
    assert gate_of(tmp_path).redacted([left]).texts == (left,)
    assert set(values_of(ENVIRONMENT)) >= {"abc-123-def-456", "NaCl-0815-NaCl"}
