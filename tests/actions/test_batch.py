"""Many holes as one change: each on what the ones before it left, and what is refused stays and is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from check import ScriptedFace, ScriptedTools

from opencrates_lsp.actions.base import Request, nothing_related
from opencrates_lsp.actions.fill import ACTION
from opencrates_lsp.batch import as_one, fill_holes
from opencrates_lsp.errors import Cancelled, Refused
from opencrates_lsp.face import Face
from opencrates_lsp.rust.edits import applied
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.terms import Policy
from opencrates_lsp.values import Change, Document

TEXT = b"""\
fn a() -> u8 { todo!() }
fn b() -> u8 { todo!() }
fn c() -> u8 { todo!() }
fn d() -> u8 { todo!() }
"""


def reply(name: str, body: str) -> str:
    return f"```rust\nfn {name}() -> u8 {{ {body} }}\n```"


async def fill(tools: ScriptedTools) -> Change:
    document = Document(Path("/crate/src/lib.rs"), TEXT, 3)
    source = parse(TEXT)

    async def run(request: Request, face: Face) -> Change:
        # Each hole is filled on the text that the ones before it left, which the proof sees as the buffer.
        assert face.documents()[document.path].text == request.document.text
        return await ACTION.run(request, tools)

    filled = await fill_holes(document, source, tools.face, run, provider="scripted", related=nothing_related)
    return as_one(document, source, filled, title="Fill lib.rs")


async def test_what_is_refused_stays_and_the_rest_is_one_change() -> None:
    tools = ScriptedTools(
        [reply("a", "1"), "I will not.", reply("c", "::serde::three()"), reply("d", "4")],
        face=ScriptedFace(answers=["Refuse"]),
        policy=Policy(new_dependencies="confirm"),
    )
    tools.converses = False
    change = await fill(tools)
    after = applied(change.edits, {change.documents[0].path: TEXT})[change.documents[0].path]
    assert after == TEXT.replace(b"a() -> u8 { todo!()", b"a() -> u8 { 1").replace(
        b"d() -> u8 { todo!()", b"d() -> u8 { 4"
    )
    # The user was asked about `c` alone and said no; that ends `c`, not the file.
    assert len(tools.face.asked) == 1
    *left, remedy = change.notes
    assert [note.split(":")[1].strip() for note in left] == ["`b`", "`c`"]
    assert remedy
    assert [subject.name for subject in (change.subject, *change.others)] == ["a", "d"]
    assert change.verdict.attempts == 2
    assert change.usage.output_tokens == 40


async def test_a_cancellation_ends_the_whole() -> None:
    tools = ScriptedTools([reply("a", "1")], failing=Cancelled("Cancelled."))
    with pytest.raises(Cancelled):
        await fill(tools)


async def test_where_nothing_could_be_filled_the_first_reason_is_told() -> None:
    tools = ScriptedTools(["No."] * 4)
    tools.converses = False
    with pytest.raises(Refused, match=r"Nothing was filled in lib\.rs: `a`: The answer has no Rust code"):
        await fill(tools)
