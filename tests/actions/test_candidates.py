"""Several answers to one question: the distinct ones are checked, the first that holds ends the rest."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from check import ScriptedFace, ScriptedTools, run
from filling import Filling, fenced, filling
from model_server import Request, Say

from opencrates_lsp import values
from opencrates_lsp.actions.fill import ACTION
from opencrates_lsp.errors import Declined, Unreachable
from opencrates_lsp.values import Level, Verdict

LIB = "pub fn twice(x: u32) -> u32 {\n    todo!()\n}\n"
MARKED = LIB.replace("todo", "to$0do")


def answer(body: str) -> str:
    return fenced(LIB.replace("todo!()", body))


RIGHT = answer("x * 2")


async def spent(crate: Filling) -> float:
    return await crate.app.store.usage.spent_today()


PRICES = '{"test-model": [1.0, 2.0]}'


async def test_the_first_that_holds_ends_the_others_and_all_are_paid(tmp_path: Path) -> None:
    slow = Say(answer("x + x"), gated=True)
    settings = {"verify__candidates": "3", "ai__prices": PRICES}
    async with filling(tmp_path, {"src/lib.rs": LIB}, [slow, slow, RIGHT], **settings) as crate:
        change = await crate.fill()
        assert crate.text(change) == LIB.replace("todo!()", "x * 2")
        assert len(crate.verdicts) == 1
        assert change.verdict.attempts == 1
        await crate.server.until(lambda: sum(request.gone for request in crate.server.requests) == 2)
        # The prompts of the two that were broken off are estimated.
        assert change.usage.estimated
        assert change.usage.input_tokens > 11
        assert change.usage.cost_usd == pytest.approx(await spent(crate))


async def test_what_is_the_same_or_no_rust_or_forbidden_costs_no_cargo(tmp_path: Path) -> None:
    texts = [
        answer("x.twice()"),
        # The same, once it is formatted.
        answer("  x . twice( )"),
        answer("x * (2"),
        "I cannot do that.",
        answer("unsafe { *&x * 2 }"),
        answer("x * 2 }\n}\nfn more() {"),
    ]

    def script(request: Request) -> str:
        return texts.pop(0) if texts else RIGHT

    async with filling(tmp_path, {"src/lib.rs": LIB}, script, verify__candidates="6") as crate:
        change = await crate.fill()
        # One of the six was worth a check, and one of the repairs.
        assert [verdict.passed for verdict in crate.verdicts] == [False, True]
        assert crate.text(change) == LIB.replace("todo!()", "x * 2")
        # The nearest of the six is the one that is repaired.
        assert "x.twice()" in crate.prompts[6]
        assert "no method named `twice`" in crate.prompts[6]
        assert change.verdict.attempts == 6


async def test_an_answer_that_passed_is_known_by_how_many_were_asked_for_and_which_it_was(tmp_path: Path) -> None:
    for candidates, is_asked in (("2", True), ("2", False), ("3", True), ("3", False)):
        settings = {"verify__candidates": candidates}
        async with filling(tmp_path, {"src/lib.rs": LIB}, lambda request: RIGHT, **settings) as crate:
            change = await crate.fill()
            assert bool(crate.server.requests) is is_asked
            assert change.usage.cached is not is_asked
            assert change.verdict.attempts == 1


def counted(passed: int, *broken: str) -> Verdict:
    return Verdict(Level.TEST, True, "", tests=values.TestCount(passed, len(broken), 0, broken=broken))


async def test_of_those_that_pass_their_tests_the_best_is_taken_and_all_are_judged() -> None:
    bodies = ["x * 2", "x.wrapping_mul(2)", "x + x + 0", "x + x"]
    verdicts = [counted(3), counted(4), counted(9, "tests::f"), counted(4)]
    tools = ScriptedTools([list(map(answer, bodies))], verdicts=verdicts, level=Level.TEST)
    assert await run(ACTION, MARKED, tools) == LIB.replace("todo!()", "x + x")
    assert len(tools.proofs[0].judged) == 4
    # Where no test was run the first is as good as any.
    tools = ScriptedTools([list(map(answer, bodies))], level=Level.AUTO)
    assert await run(ACTION, MARKED, tools) == LIB.replace("todo!()", "x * 2")
    assert len(tools.proofs[0].judged) == 1


async def test_what_is_ready_by_the_baseline_is_tried_the_plainest_first() -> None:
    tools = ScriptedTools([[answer("x @ 2"), answer("x * 2"), answer("x @@ 2")]], level=Level.CHECK)
    tools.based = asyncio.Event()
    running = asyncio.create_task(run(ACTION, MARKED, tools))
    while not tools.closed:
        await asyncio.sleep(0)
    tools.based.set()
    assert await running == LIB.replace("todo!()", "x * 2")
    assert [b"x * 2" in text for text in tools.proofs[0].judged] == [True]
    # Alone it is tried all the same: rustc's parser has nothing against it.
    alone = ScriptedTools([[answer("x @@ 2"), answer("x @ 2")]], level=Level.CHECK)
    assert "x @ 2" in await run(ACTION, MARKED, alone)


async def test_the_user_is_asked_only_when_no_other_candidate_holds_and_once() -> None:
    serde, other = answer("serde::double(x)"), answer("serde::double(x) + 0")
    tools = ScriptedTools([[serde, answer("x * 2")]])
    assert await run(ACTION, MARKED, tools) == LIB.replace("todo!()", "x * 2")
    assert not tools.face.asked
    tools = ScriptedTools([[serde, other], RIGHT], face=ScriptedFace(["Refuse", "Allow"]))
    with pytest.raises(Declined, match="serde"):
        await run(ACTION, MARKED, tools)
    assert len(tools.face.asked) == len(tools.prompts) == 1


async def test_what_came_before_the_provider_failed_is_judged() -> None:
    gone = Unreachable("It is gone.")
    tools = ScriptedTools([[RIGHT, gone]])
    assert await run(ACTION, MARKED, tools) == LIB.replace("todo!()", "x * 2")
    with pytest.raises(Unreachable, match="gone"):
        await run(ACTION, MARKED, ScriptedTools([["No.", gone]]))


async def test_the_one_that_makes_a_test_pass_is_taken_before_a_smaller_one(tmp_path: Path) -> None:
    tests = "\n#[cfg(test)]\nmod tests {\n    #[test]\n    fn f() {\n        assert_eq!(super::twice(4), 8)\n    }\n}\n"
    bodies = ["x", "x + x", "x.wrapping_add(x)"]
    settings = {"verify__candidates": "3", "verify__level": "test", "verify__sandbox": "off"}
    async with filling(tmp_path, {"src/lib.rs": LIB + tests}, list(map(answer, bodies)), **settings) as crate:
        change = await crate.fill()
        # Nobody is to blame for what failed before, so all three hold; the smallest of the best is taken.
        passed = [verdict.tests.passed for verdict in crate.verdicts if verdict.tests is not None]
        assert sorted(passed) == [0, 1, 1], crate.verdicts
        assert crate.text(change) == (LIB + tests).replace("todo!()", "x + x")
        assert change.verdict.attempts == 3
