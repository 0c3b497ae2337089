"""Secrets by name: where they are looked for, and that nothing shows them."""

from __future__ import annotations

import pickle
import traceback
from pathlib import Path

import pytest

from opencrates_lsp.credentials import Secret, secret
from opencrates_lsp.errors import Missing, WrongUsage
from opencrates_lsp.home import Home, find_home

KEY = "sk-do-not-show"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = find_home({"OPENCRATES_HOME": str(tmp_path)})
    found.config.mkdir()
    return found


@pytest.mark.parametrize(
    ("name", "env", "found", "given"),
    [
        ("openai", {}, None, False),
        ("openai", {"OPENAI_API_KEY": KEY}, "OPENAI_API_KEY", False),
        ("openai", {"OPENAI_API_KEY": "  "}, None, False),
        ("openai", {"OPENCRATES_SECRET_OPENAI": f" {KEY}\n"}, "OPENCRATES_SECRET_OPENAI", True),
        ("openai", {"OPENAI_API_KEY": "x", "OPENCRATES_SECRET_OPENAI": KEY}, "OPENCRATES_SECRET_OPENAI", True),
        ("my-box", {"OPENAI_API_KEY": "x"}, None, False),
        ("my-box", {"OPENCRATES_SECRET_MY_BOX": KEY}, "OPENCRATES_SECRET_MY_BOX", True),
    ],
)
async def test_the_environment(name: str, env: dict[str, str], found: str | None, given: bool, home: Home) -> None:
    answer = await secret(name, env, home)
    if found is None:
        assert answer is None
    else:
        assert answer is not None
        assert (answer.reveal(), answer.origin, answer.given) == (KEY, found, given)


async def test_a_file_counts_from_the_config_folder_and_before_a_shared_variable(home: Home) -> None:
    (home.config / "key").write_text(f"\ufeff{KEY}\r\n", encoding="utf-8")
    env = {"OPENCRATES_SECRET_OPENAI_FILE": "key", "OPENAI_API_KEY": "x"}
    answer = await secret("openai", env, home)
    assert answer is not None
    assert answer.reveal() == KEY
    assert answer.given


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b" \n", "empty"), (b"sk\xff", "UTF-8"), (b"x" * 70_000, "too large")]
)
async def test_a_file_that_is_no_key_is_named(content: bytes | None, said: str, home: Home) -> None:
    if content is not None:
        (home.config / "key").write_bytes(content)
    with pytest.raises(Missing, match=said) as caught:
        await secret("openai", {"OPENCRATES_SECRET_OPENAI_FILE": "key"}, home)
    assert caught.value.place == home.config / "key"
    assert "OPENCRATES_SECRET_OPENAI_FILE" in caught.value.remedy


async def test_a_key_in_the_place_of_a_name_is_refused_without_showing_it(home: Home) -> None:
    with pytest.raises(WrongUsage) as caught:
        await secret("Sk-Secret", {}, home)
    assert "Sk-Secret" not in str(caught.value)


async def test_the_bytes_of_a_broken_file_are_in_no_traceback(home: Home) -> None:
    (home.config / "key").write_bytes(KEY.encode() + b"\xff")
    with pytest.raises(Missing) as caught:
        await secret("openai", {"OPENCRATES_SECRET_OPENAI_FILE": "key"}, home)
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_nothing_shows_a_secret() -> None:
    one = Secret(KEY, "OPENAI_API_KEY")
    for shown in (repr(one), str(one), f"{one}", f"{one!r}", f"{[one]}", "%s" % one):  # noqa: UP031
        assert KEY not in shown
        assert "OPENAI_API_KEY" in shown
    with pytest.raises(TypeError):
        pickle.dumps(one)
