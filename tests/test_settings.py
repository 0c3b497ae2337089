"""Settings in layers: which wins, what a repository may set, and what is said of mistakes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from opencrates_lsp.home import find_home
from opencrates_lsp.settings import MOST_PROBLEMS, Loaded, load
from opencrates_lsp.settings.keys import settings_by_key
from opencrates_lsp.settings.layers import (
    Layer,
    arguments_layer,
    environment_layer,
    initialization_layer,
    project_layer,
    user_layer,
    workspace_layer,
)
from opencrates_lsp.settings.models import SHAPES, Settings
from opencrates_lsp.terms import Configuration, Limits, Policy
from opencrates_lsp.values import Level


def files(tmp_path: Path, *, project: str = "", user: str = "") -> list[Layer]:
    """The layers of the two files with these texts."""
    home = find_home({"OPENCRATES_HOME": str(tmp_path / "home")})
    home.config.mkdir(parents=True)
    (home.config / "config.toml").write_text(user, encoding="utf-8")
    (tmp_path / "opencrates.toml").write_text(project, encoding="utf-8")
    return [project_layer(tmp_path), user_layer(home)]


def holds(loaded: Loaded, key: str) -> object:
    value: object = loaded.settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def test_the_defaults_are_the_contracts(tmp_path: Path) -> None:
    loaded = load([project_layer(tmp_path), user_layer(find_home({"OPENCRATES_HOME": str(tmp_path / "none")}))])
    assert loaded == Loaded(Settings(), (), {})
    settings = loaded.settings
    assert settings.limits() == Limits()
    assert settings.policy.rules() == Policy()
    assert settings.cargo.configuration() == Configuration()
    assert (settings.verify.floor, settings.ai.day_cap_usd, settings.cache.max_gb) == (Level.AUTO, 1.0, 20.0)


def test_later_layers_win_key_by_key(tmp_path: Path) -> None:
    user = '[ai]\ntimeout_seconds = 1\nmax_output_tokens = 100\nprovider = "user"\nfallback = ["user"]\n'
    layers = [
        *files(tmp_path, user=user),
        environment_layer({"OPENCRATES_AI__TIMEOUT_SECONDS": "2", "OPENCRATES_AI__MAX_OUTPUT_TOKENS": "200"}),
        initialization_layer({"trusted": True, "token": "t", "ai": {"timeout_seconds": 3, "provider": None}}),
        arguments_layer(["ai.fallback=a, b", "ai.daily_budget_usd=none"]),
    ]
    loaded = load(layers)
    ai = loaded.settings.ai
    assert not loaded.problems
    assert (ai.timeout_seconds, ai.max_output_tokens, ai.provider, ai.fallback) == (3.0, 200, "user", ("a", "b"))
    assert ai.day_cap_usd is None
    assert loaded.origins == {
        "ai.timeout_seconds": "initializationOptions",
        "ai.max_output_tokens": "environment",
        "ai.provider": "user file",
        "ai.fallback": "command line",
        "ai.daily_budget_usd": "command line",
    }


@pytest.mark.parametrize(
    ("name", "text", "key", "value"),
    [
        ("OPENCRATES_CARGO__TOOLCHAIN", "1.80", "cargo.toolchain", "1.80"),
        ("OPENCRATES_CARGO__TARGET", "", "cargo.target", None),
        ("OPENCRATES_CARGO__FEATURES", '["a", "b/c"]', "cargo.features", ("a", "b/c")),
        ("OPENCRATES_CARGO__FEATURES", "a,b", "cargo.features", ("a", "b")),
        ("OPENCRATES_CARGO__FEATURES", "1", "cargo.features", ("1",)),
        ("OPENCRATES_CARGO__FEATURES", "", "cargo.features", ()),
        ("OPENCRATES_CARGO__ALL_FEATURES", "1", "cargo.all_features", True),
        ("OPENCRATES_CARGO__ALL_FEATURES", "No", "cargo.all_features", False),
        ("OPENCRATES_CARGO__EXTRA_ENV", '{"RUSTFLAGS": "-g"}', "cargo.extra_env", {"RUSTFLAGS": "-g"}),
        ("OPENCRATES_CARGO__EXTRA_ENV__X", "1", "cargo.extra_env", {"x": "1"}),
        ("OPENCRATES_AI__DAILY_BUDGET_USD", "0.5", "ai.daily_budget_usd", 0.5),
        ("OPENCRATES_AI__DAILY_BUDGET_USD", "none", "ai.daily_budget_usd", "none"),
        ("OPENCRATES_AI__OPENAI__MODEL", "4", "ai.openai.model", "4"),
    ],
)
def test_a_variable_is_read_as_its_setting_wants(name: str, text: str, key: str, value: object) -> None:
    loaded = load([environment_layer({name: text, "OPENCRATES_HOME": "/x", "OPENCRATES_SECRET_A_FILE": "y"})])
    assert not loaded.problems
    assert holds(loaded, key) == value


@pytest.mark.parametrize(
    ("project", "user", "key", "value", "told"),
    [
        # Of two values the stricter holds, whichever is later.
        ('verify.level = "clippy"', "", "verify.level", "clippy", False),
        ('verify.level = "clippy"', 'verify.level = "parse"', "verify.level", "clippy", False),
        ('verify.level = "clippy"', 'verify.level = "test"', "verify.level", "test", False),
        ('verify.level = "off"', "", "verify.level", "auto", True),
        ('policy.new_dependencies = "deny"', "", "policy.new_dependencies", "deny", False),
        ('policy.new_dependencies = "allow"', "", "policy.new_dependencies", "confirm", True),
        ('policy.unsafe = "confirm"', 'policy.unsafe = "allow"', "policy.unsafe", "confirm", False),
        ('apply.mode = "confirm"', 'apply.mode = "direct"', "apply.mode", "confirm", False),
        ("ai.daily_budget_usd = 0", 'ai.daily_budget_usd = "none"', "ai.daily_budget_usd", 0.0, False),
        ("ai.daily_budget_usd = 0.5", "ai.daily_budget_usd = 0.25", "ai.daily_budget_usd", 0.25, False),
        ('ai.daily_budget_usd = "none"', "", "ai.daily_budget_usd", 1.0, True),
        ('context.ignore = ["a", "b"]', 'context.ignore = ["b", "c"]', "context.ignore", ("b", "c", "a"), False),
        ('context.ignore = ["!.env"]', 'context.ignore = [".env"]', "context.ignore", (".env",), True),
        # What is compiled is the project's to say where the user says nothing.
        ('cargo.features = ["x"]', "", "cargo.features", ("x",), False),
        ('cargo.features = ["x"]', 'cargo.features = ["y"]', "cargo.features", ("y",), False),
        ('cargo.features = ["x"]', "cargo.features = []", "cargo.features", (), False),
        ('cargo.target = "--config=x"', "", "cargo.target", None, True),
        # Programs, endpoints, credentials and the sandbox are not.
        ('cargo.toolchain = "nightly"', "", "cargo.toolchain", None, True),
        ('cargo.extra_args = ["--config=x"]', "", "cargo.extra_args", (), True),
        ('cargo.extra_env = { RUSTC_WRAPPER = "x" }', "", "cargo.extra_env", {}, True),
        ('verify.sandbox = "off"', "", "verify.sandbox", "auto", True),
        ('ai.openai.base_url = "http://evil.example"', "", "ai.openai.base_url", "https://api.openai.com/v1", True),
        ('ai.openai.credential = "other"', "", "ai.openai.credential", "openai", True),
        ('ai.provider = "openai"', "", "ai.provider", "auto", True),
        # To say what holds anyway is no attempt.
        ('ai.provider = "openai"', 'ai.provider = "openai"', "ai.provider", "openai", False),
    ],
)
@pytest.mark.parametrize("source", ["file", "client"])
def test_what_a_project_may_set(
    project: str, user: str, key: str, value: object, told: bool, source: str, tmp_path: Path
) -> None:
    layers = files(tmp_path, project=project, user=user)
    if source == "client":
        # What the editor sends comes after the user file, and has no more rights for it.
        layers = [layers[1], workspace_layer(layers[0].values)]
    loaded = load(layers)
    assert holds(loaded, key) == value
    if not told:
        assert not loaded.problems
        return
    (problem,) = loaded.problems
    place = f"{tmp_path / 'opencrates.toml'}:1" if source == "file" else f"workspace/configuration: {key}"
    assert (problem.key, problem.place) == (key, place)


def test_every_setting_that_a_project_may_touch_is_one_of_the_contracts() -> None:
    assert {".".join(key) for key, setting in settings_by_key().items() if setting.mark} == {
        "ai.daily_budget_usd",
        *(f"cargo.{name}" for name in ("features", "all_features", "no_default_features", "target", "profile")),
        "verify.level",
        *(f"policy.{name}" for name in ("signatures", "tests", "unsafe", "new_dependencies")),
        *(f"policy.{name}" for name in ("lints", "panics", "capabilities")),
        "apply.mode",
        "context.ignore",
    }


MISTAKES = """\
# A comment, and text that looks like settings
ai.provider = "mine"

[ai.openai]
model = \"\"\"
timeout = 3\"\"\"
modle = "x"

[verify]
max_repairs = "2"
candidates = 3
level = "test"

[cargo]
features = [
  "a",
]
extra_args = 3

[policies]
unsafe = "deny"
"""


def test_a_mistake_is_placed_and_costs_its_section_only(tmp_path: Path) -> None:
    loaded = load(files(tmp_path, user=MISTAKES))
    path = tmp_path / "home" / "config" / "config.toml"
    assert [(problem.key, problem.place) for problem in loaded.problems] == [
        ("ai.openai.modle", f"{path}:7"),
        ("verify.max_repairs", f"{path}:10"),
        ("cargo.extra_args", f"{path}:18"),
        ("policies", f"{path}:20"),
    ]
    assert [problem.remedy for problem in loaded.problems][::3] == [
        "Did you mean `ai.openai.model`?",
        "Did you mean `policy`?",
    ]
    settings = loaded.settings
    assert (settings.ai.provider, settings.ai.openai.model) == ("mine", "gpt-5-mini")
    assert (settings.verify.max_repairs, settings.verify.candidates, settings.cargo.features) == (2, 1, ())
    # A slip beside it must not take back what the user forbade.
    assert settings.verify.level == "test"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"ai": 3}, "ai"),
        ({"ai": {"openai": []}}, "ai.openai"),
        ({"ai": {"timeout_seconds": True}}, "ai.timeout_seconds"),
        ({"ai": {"timeout_seconds": "60"}}, "ai.timeout_seconds"),
        ({"ai": {"timeout_seconds": float("nan")}}, "ai.timeout_seconds"),
        ({"ai": {"timeout_seconds": 0}}, "ai.timeout_seconds"),
        ({"ai": {"prices": {"m": [1]}}}, "ai.prices.m"),
        ({"ai": {"prices": {"m": [1, -1]}}}, "ai.prices.m"),
        ({"ai": {"openai": {"base_url": "ftp://x"}}}, "ai.openai.base_url"),
        ({"ai": {"openai": {"base_url": "https://user:pw@x/v1"}}}, "ai.openai.base_url"),
        ({"ai": {"openai": {"api_key": "pw"}}}, "ai.openai.api_key"),
        ({"ai": {"openai": {"credential": "sk-PW"}}}, "ai.openai.credential"),
        ({"cargo": {"features": "a"}}, "cargo.features"),
        ({"cargo": {"features": ["--config"]}}, "cargo.features"),
        ({"cargo": {"profile": object()}}, "cargo.profile"),
        ({"cargo": {"features": ["\ud800"]}}, "cargo.features"),
    ],
)
def test_a_wrong_value_is_named_and_never_shown(values: Mapping[str, Any], key: str) -> None:
    loaded = load([initialization_layer(values)])
    (problem,) = loaded.problems
    assert (problem.key, problem.place) == (key, f"initializationOptions: {key}")
    assert problem.remedy
    assert "pw" not in str(problem).lower()
    assert "pattern" not in problem.message
    assert loaded.settings == Settings()


@pytest.mark.parametrize("value", ["ftp://x", "x", "https://user:pw@x/v1", "https://x/?key=pw", "https://x/#a"])
def test_an_address_is_told_what_it_must_be(value: str) -> None:
    (problem,) = load([initialization_layer({"ai": {"openai": {"base_url": value}}})]).problems
    assert "it must begin with http:// or https://, without a user, query or fragment" in problem.message


def test_every_pattern_has_words() -> None:
    patterns = set(re.findall(r'"pattern": ("(?:[^"\\\\]|\\\\.)*")', json.dumps(Settings.model_json_schema())))
    assert {json.loads(pattern) for pattern in patterns} == set(SHAPES)


def test_the_command_line_is_named_by_the_option_that_there_is() -> None:
    (problem,) = load([arguments_layer(["ai.provider="])]).problems
    assert problem.place == "--provider"


@pytest.mark.parametrize(
    ("env", "place", "remedy"),
    [
        ({"OPENCRATES_AI__PROVIDOR": "x"}, "OPENCRATES_AI__PROVIDOR", "Did you mean `OPENCRATES_AI__PROVIDER`?"),
        ({"OPENCRATES_AI_PROVIDER": "x"}, "OPENCRATES_AI_PROVIDER", "Did you mean `OPENCRATES_AI__PROVIDER`?"),
        ({"OPENCRATES_MODEL": "x"}, "OPENCRATES_MODEL", "Did you mean `OPENCRATES_AI__OPENAI__MODEL`?"),
        ({"OPENCRATES_AI": "x"}, "OPENCRATES_AI", "Write its keys below it."),
        ({"OPENCRATES_AI": "x", "OPENCRATES_AI__TIMEOUT_SECONDS": "60"}, "OPENCRATES_AI", "Remove it."),
        ({"OPENCRATES_": "x"}, "OPENCRATES_", "docs/settings.md lists all of them."),
    ],
)
def test_a_wrong_variable_is_named(env: dict[str, str], place: str, remedy: str) -> None:
    loaded = load([environment_layer(env)])
    (problem,) = loaded.problems
    assert (problem.place, problem.remedy) == (place, remedy)
    # It is its own place, and is named once.
    assert not str(problem).startswith(f"{place}: `{place}`")
    assert loaded.settings == Settings()


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        (b"[ai]\nprovider = \n", ":2:12", "not TOML: invalid value"),
        (b"[ai]\nfallback = [\n\n", ":2", "not TOML"),
        (b"[ai]\n\nprovider = '\xff'\n", ":3", "not UTF-8"),
        (b"a = " + b"[" * 100_000, "", "not TOML"),
        (b"ai.timeout_seconds = " + b"9" * 10_000, "", "not TOML"),
        (b"#" * (1024 * 1024 + 1), "", "larger than 1 MiB"),
    ],
)
def test_a_broken_file_is_left_out_and_the_rest_works(text: bytes, place: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "opencrates.toml").write_bytes(text)
    loaded = load([project_layer(tmp_path), environment_layer({"OPENCRATES_AI__PROVIDER": "offline"})])
    (problem,) = loaded.problems
    assert problem.place == f"{tmp_path / 'opencrates.toml'}{place}"
    assert said in problem.message
    assert loaded.settings.ai.provider == "offline"


def test_a_folder_in_the_place_of_a_file_and_a_list_in_that_of_an_object_are_told(tmp_path: Path) -> None:
    (tmp_path / "opencrates.toml").mkdir()
    loaded = load([project_layer(tmp_path), workspace_layer(["ai"]), workspace_layer(None)])
    assert [problem.place for problem in loaded.problems] == [
        str(tmp_path / "opencrates.toml"),
        "workspace/configuration",
    ]


def test_windows_editors_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "opencrates.toml").write_bytes('\ufeff[verify]\r\nlevel = "test"\r\nx = 1\r\n'.encode())
    loaded = load([project_layer(tmp_path)])
    assert loaded.settings.verify.level == "test"
    assert loaded.problems[0].place.endswith("opencrates.toml:3")


def test_prices_are_added_to_those_that_are_known() -> None:
    loaded = load([initialization_layer({"ai": {"prices": {"mine": [1, 2.5]}}})])
    assert loaded.settings.ai.prices == {**Settings().ai.prices, "mine": (1.0, 2.5)}


def test_a_hostile_repository_cannot_flood_or_draw_on_the_screen() -> None:
    loaded = load([workspace_layer({f"\x1b[2J\n{number}" + "x" * 10_000: 1 for number in range(100_000)})])
    assert len(loaded.problems) == MOST_PROBLEMS
    for problem in loaded.problems[:-1]:
        assert f"{problem} {problem.key}".isprintable()
        assert len(problem.message) < 200
