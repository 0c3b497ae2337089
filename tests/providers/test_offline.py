"""The provider that asks no model: it answers from the task's source, or says what to do."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from opencrates_lsp import providers
from opencrates_lsp.errors import Refused
from opencrates_lsp.providers.base import Provider
from opencrates_lsp.rust.holes import holes, subject
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.values import Chunk, Prompt, Task

SECOND = """struct A { id: Uuid, other: u8 }
impl A {
    fn other(&self) -> u8 { todo!() }
    fn id(&self) -> Uuid { todo!() }
}
"""


def task(text: str, at: int = 0) -> Task:
    source = parse(text.encode())
    path = Path("/w/src/lib.rs")
    return Task("fill", path, source.text, subject(source, path, holes(source)[at].item))


async def answers(asked: Task) -> list[Chunk]:
    provider: Provider = providers.create("offline")
    async with contextlib.aclosing(provider.stream(Prompt(()), asked)) as stream:
        found = [chunk async for chunk in stream]
    await provider.close()
    return found


async def test_every_body_that_is_known_is_a_candidate_of_its_own_for_the_hole_of_the_subject() -> None:
    found = await answers(task(SECOND, 1))
    assert [chunk.text for chunk in found] == [
        "```rust\nfn id(&self) -> Uuid { self.id }\n```\n",
        "```rust\nfn id(&self) -> Uuid { self.id.clone() }\n```\n",
    ]
    assert [chunk.candidate for chunk in found] == [0, 1]
    for chunk in found:
        assert chunk.finish == "stop"
        assert chunk.usage is not None
        assert (chunk.usage.provider, chunk.usage.model, chunk.usage.cost_usd) == ("offline", "rules", 0.0)


async def test_definitions_of_other_files_count() -> None:
    text = "impl A { fn name(&self) -> &str { todo!() } }"
    (found,) = await answers(replace(task(text), related={"A": ("struct A { name: String }",)}))
    assert "{ &self.name }" in found.text


async def test_no_line_of_the_item_ends_the_fence() -> None:
    text = "struct A { n: u8 }\nimpl A {\n/**\n```\nlet n = a.n();\n```\n*/\nfn n(&self) -> u8 { todo!() }\n}"
    (found,) = await answers(task(text))
    lines = found.text.splitlines()
    assert lines[0] == "````rust"
    assert lines[-1] == "````"
    assert lines[1:-1][-1] == "fn n(&self) -> u8 { self.n }"


@pytest.mark.parametrize(
    "asked",
    [
        task("fn parse(text: &str) -> u8 { todo!() }"),
        task("struct A { n: u8 }\nimpl A { fn n(&self) -> u8 { if true { todo!() } else { todo!() } } }"),
        replace(task(SECOND), wanted="json"),
        replace(task(SECOND), text=b"fn a() {}"),
    ],
    ids=["nothing to go by", "two holes", "another shape of answer", "no hole there"],
)
async def test_where_nothing_is_known_the_way_to_a_model_is_said(asked: Task) -> None:
    with pytest.raises(Refused, match="Nothing is provable offline here") as error:
        await answers(asked)
    assert "ai.provider" in error.value.remedy
    assert error.value.place == asked.path
