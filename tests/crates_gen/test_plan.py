"""A model's plan: read, held against what it may be, and rendered into Rust that compiles."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from crate_tools import cargo
from planned import PLAN

from opencrates_lsp.crates.plan import SCHEMA, doc_lines, parse_plan, prose, render_module
from opencrates_lsp.errors import Refused


@pytest.mark.parametrize(
    "around",
    ["{}", "Here it is:\n```json\n{}\n```\nDone.", '<think>{a plan: {"x": 1}</think>\n{}', "{}\n\nI hope it helps."],
)
def test_a_plan_is_found_in_what_stands_around_it(around: str) -> None:
    plan = parse_plan(re.sub(r"\{\}", lambda _: json.dumps(PLAN), around))
    assert [module.name for module in plan.modules] == ["shapes", "report"]
    assert plan.modules[0].items[1].owner == "impl Square"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no JSON object"),
        ("I cannot do that.", "no JSON object"),
        ('{"doc": "cut', "is no JSON: "),
        ('{"doc": "x", }', "is no JSON"),
        pytest.param("{" * 100_000 + "}", "is no JSON", id="braces"),
        pytest.param('{"a":' + "[" * 100_000 + "}", "nested too deeply", id="nested"),
        ("{}", "plan.doc is missing; plan.modules is missing"),
        (
            '{"doc": 1, "modules": {}, "more": 0}',
            "plan.more is unknown; plan.doc is not a text; plan.modules is not a list",
        ),
        ('{"doc": "", "modules": []}', "plan.modules is empty"),
        ('{"doc": "", "modules": [7]}', r"plan.modules\[0\] is not an object"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_reason(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        parse_plan(text)
    assert refused.value.attempt == text


def item(**given: str) -> Callable[[Any], None]:
    """Put this into the first item of the first module."""
    return lambda plan: plan["modules"][0]["items"][0].update(given)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (item(code="pub struct A; pub struct B;"), r"items\[0\].code is not one"),
        (item(code="pub fn body() {}"), r"items\[0\].code is not one"),
        (item(code="mod inner { }"), r"items\[0\].code is not one"),
        (item(code="pub struct A {"), r"items\[0\].code is not one"),
        (item(code='pub const X: &str = include_str!("/etc/passwd");'), "uses `include_str`"),
        (item(code='pub const X: &str = env ! ("HOME");'), "uses `env !`"),
        (item(code="pub unsafe trait A {}"), "uses `unsafe`"),
        (item(owner="impl X"), "owner is given for a definition"),
        (item(kind="class"), "kind is none of definition, function"),
        pytest.param(item(code="x" * 3001), "longer than 3000", id="long"),
        (item(kind="function", code="pub fn f() -> u8 { 1 }"), "has a body"),
        (item(kind="function", code="pub fn f(); pub fn g()"), "code is not one function"),
        (item(kind="function", owner="impl A", code="fn f(); fn g()"), "code is (not|more than) one"),
        (item(kind="function", owner="impl A {} impl B", code="fn f()"), "owner is not one impl"),
        (lambda plan: plan["modules"][0].update(name="../up"), "name '../up' cannot be a name"),
        (lambda plan: plan["modules"][0].update(name="lib"), "name 'lib' cannot be a name"),
        (lambda plan: plan["modules"][0].update(name="match"), "name 'match' cannot be a name"),
        (lambda plan: plan["modules"][0].update(name="report"), "name 'report' is used twice"),
        (lambda plan: plan["modules"][0].update(items=[]), "items is empty"),
        (lambda plan: plan["modules"][0].update(uses=["fn x() {}"]), r"uses\[0\] is not one use declaration"),
        (lambda plan: plan["modules"][0]["tests"][0].update(code="} fn more() {"), r"tests\[0\].code is not one"),
        (lambda plan: plan["modules"][0]["tests"][0].update(code="#![allow(x)] unsafe {}"), "uses `unsafe`"),
        (lambda plan: plan["modules"].extend(plan["modules"] * 5), "more than 8 entries"),
    ],
)
def test_each_violation_is_named_by_its_place(spoil: Callable[[Any], None], words: str) -> None:
    plan = json.loads(json.dumps(PLAN))
    spoil(plan)
    with pytest.raises(Refused, match=words):
        parse_plan(json.dumps(plan))


def parts(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield schema
    for part in [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]:
        yield from parts(part)


def test_the_schema_is_strict_and_everything_in_it_is_capped() -> None:
    found = list(parts(SCHEMA))
    assert len(found) > 15
    for part in found:
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        elif part["type"] == "array":
            assert part["maxItems"] <= 24
        else:
            assert "enum" in part or part["maxLength"] <= 3000


async def test_the_rendered_modules_compile(tmp_path: Path, build_folder: Path) -> None:
    plan = parse_plan(json.dumps(PLAN))
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text("[package]\nname = 'x'\nversion = '0.1.0'\nedition = '2021'\n")
    for module in plan.modules:
        (tmp_path / "src" / f"{module.name}.rs").write_text(render_module(module))
    (tmp_path / "src" / "lib.rs").write_text("pub mod shapes;\npub mod report;\n")
    env = {"CARGO_TARGET_DIR": str(build_folder), "RUSTFLAGS": "-A unused"}
    code, said = await cargo(tmp_path, {**os.environ, **env}, "clippy", "--all-targets", "--offline")
    assert code == 0, said
    assert "warning" not in said
    text = render_module(plan.modules[0])
    assert text.count("todo!()") == 4
    assert text.count("impl Square {") == 1


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("Plain `code` here.", "Plain `code` here."),
        ("```rust\nboom\n```", "'''rust boom '''"),
        ("an `unpaired tick", "an 'unpaired tick"),
        ("a [link] and <html> `a[0] < 1`", r"a \[link\] and \<html\> `a[0] < 1`"),
        ("# no heading", r"\# no heading"),
        ("~~~ no fence", r"\~~~ no fence"),
        ("two\r\nlines\rand\tmore\x00", "two lines and more"),
        ("bidi \u202e tricks", "bidi tricks"),
    ],
)
def test_prose_stays_prose(given: str, safe: str) -> None:
    assert prose(given) == safe


def test_paragraphs_become_paragraphs() -> None:
    assert doc_lines("One\nline.\n\n    Two.", "///") == "/// One line.\n///\n/// Two."
    assert doc_lines(" \n\n ", "///") == ""
