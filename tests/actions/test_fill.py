"""The fill action: where it is offered, what it lays in, what it refuses, and how it asks again."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from check import ScriptedFace, ScriptedTools, check, example, request_at, run

from opencrates_lsp.actions import ALL
from opencrates_lsp.actions.base import Action
from opencrates_lsp.actions.fill import ACTION
from opencrates_lsp.actions.proving import APPLY_UNPROVED
from opencrates_lsp.errors import Declined, Missing, Refused, WrongUsage
from opencrates_lsp.values import Diagnostic, Level, Severity, Verdict

BEFORE = 'pub fn double(x: u32) -> u32 {\n    to$0do!("twice")\n}\n'
RIGHT = "```rust\npub fn double(x: u32) -> u32 {\n    x * 2\n}\n```"
AFTER = "pub fn double(x: u32) -> u32 {\n    x * 2\n}\n"
ERROR = Diagnostic(Severity.ERROR, "mismatched types", code="E0308")
BAD = Verdict(Level.CHECK, True, "default features", new_errors=(ERROR,))
GOOD = Verdict(Level.CHECK, True, "default features")


@pytest.mark.parametrize("action", ALL, ids=lambda action: action.id)
async def test_the_example_of_the_docstring_holds(action: Action) -> None:
    await check(action, *example(action))


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("fn f() { to$0do!() }", ["Fill `f` (OpenCrates)", "Fill every hole of this file (OpenCrates)"]),
        ("fn f() {\n    $0let x = 1;\n    todo!()\n}", ["Fill `f` (OpenCrates)"]),
        ("const C: u8 = unimple$0mented!();", ["Fill `C` (OpenCrates)"]),
        ("fn f() { $01 }", []),
        ("// to$0do!()\nfn f() {}", []),
    ],
)
def test_where_it_is_offered(text: str, titles: list[str]) -> None:
    offered = [offer.title for offer in ACTION.find(request_at(text))]
    assert offered[: len(titles)] == titles
    assert bool(offered) == bool(titles)


async def test_an_answer_that_rustc_rejects_is_asked_for_again_with_the_errors() -> None:
    tools = ScriptedTools(['```rust\npub fn double(x: u32) -> u32 { "" }\n```', RIGHT], verdicts=[BAD, GOOD])
    tools.level = Level.CHECK
    assert await run(ACTION, BEFORE, tools) == AFTER
    assert "mismatched types" in tools.prompts[1].messages[-1].content
    assert [message.role for message in tools.prompts[1].messages] == ["system", "user"]
    assert list(tools.kept.values()) == [RIGHT]


async def test_after_the_last_repair_its_errors_and_all_that_was_tried_are_told() -> None:
    replies = [f'```rust\npub fn double(x: u32) -> u32 {{ "{n}" }}\n```' for n in range(3)]
    other = replace(BAD, new_errors=(replace(ERROR, message="cannot add"),))
    both = replace(BAD, new_errors=(ERROR, *other.new_errors))
    tools = ScriptedTools(replies, verdicts=[other, both, BAD], level=Level.CHECK)
    with pytest.raises(Refused) as refused:
        await run(ACTION, BEFORE, tools)
    assert refused.value.message == (
        "`double` was not changed: rustc finds a new error, [E0308] mismatched types (3 answers were tried)."
    )
    assert refused.value.verdict == replace(BAD, attempts=3)
    assert '"2"' in refused.value.attempt
    assert not tools.kept


async def test_the_compilers_own_mend_costs_no_question() -> None:
    mended = AFTER.replace("x * 2", "x.wrapping_mul(2)").encode()
    tools = ScriptedTools([RIGHT], verdicts=[BAD, GOOD], level=Level.CHECK, mended=mended)
    assert await run(ACTION, BEFORE, tools) == mended.decode()
    assert len(tools.prompts) == 1


async def test_an_item_that_rustc_does_not_look_at_is_changed_only_after_a_yes() -> None:
    def tools(answers: list[str]) -> ScriptedTools:
        made = ScriptedTools([RIGHT], face=ScriptedFace(answers), level=Level.CHECK, reached=False)
        made.unreached_reason = "it is behind #[cfg(windows)]"
        return made

    with pytest.raises(Declined) as declined:
        await run(ACTION, BEFORE, tools([]))
    assert "cfg(windows)" in declined.value.message
    assert await run(ACTION, BEFORE, tools([APPLY_UNPROVED])) == AFTER


async def test_without_a_baseline_the_model_is_not_waited_for() -> None:
    tools = ScriptedTools([RIGHT * 1000], failing=Missing("There is no cargo."))
    with pytest.raises(Missing, match="no cargo"):
        await run(ACTION, BEFORE, tools)
    assert tools.closed == len(tools.prompts)


async def test_a_cancellation_closes_the_stream() -> None:
    tools = ScriptedTools(["```rust\n" + "x" * 100_000])
    task = asyncio.create_task(run(ACTION, BEFORE, tools))
    while not tools.prompts:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tools.closed == 1


async def test_a_remembered_answer_is_judged_like_any_other() -> None:
    tools = ScriptedTools([], verdicts=[GOOD], level=Level.CHECK, remembered=RIGHT)
    assert await run(ACTION, BEFORE, tools) == AFTER
    assert not tools.prompts


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("I cannot do that.", "no rust code"),
        ("```rust\npub fn double(x: u32) -> u32 {\n    todo!()\n}\n```", "leaves `todo!`"),
        ("```rust\npub fn double(x: u64) -> u32 {\n    2\n}\n```", "signature"),
        ("```rust\npub fn double(x: u32) -> u32 {\n    unsafe { x }\n}\n```", "unsafe"),
    ],
)
async def test_what_may_not_be_is_refused_by_name(reply: str, said: str) -> None:
    tools = ScriptedTools([reply])
    tools.converses = False
    with pytest.raises(Refused) as refused:
        await run(ACTION, BEFORE, tools)
    assert said in str(refused.value).lower()


async def test_where_there_is_no_hole_it_says_so() -> None:
    with pytest.raises(WrongUsage, match="no hole"):
        await run(ACTION, "fn f() { $01 }", ScriptedTools([]))
