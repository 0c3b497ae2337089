"""How often a model is asked: until it is right, and no longer than it may still become so."""

from __future__ import annotations

from pathlib import Path

import pytest
from check import ScriptedTools, run
from filling import fenced, filling

from opencrates_lsp import values
from opencrates_lsp.actions.fill import ACTION
from opencrates_lsp.errors import Refused
from opencrates_lsp.templates import Templates, packaged_folder
from opencrates_lsp.terms import Limits
from opencrates_lsp.values import Level, Verdict

LIB = "pub fn twice(x: u32) -> u32 {\n    todo!()\n}\n"
MARKED = LIB.replace("todo", "to$0do")
RIGHT = fenced(LIB.replace("todo!()", "x * 2"))


def answer(body: str) -> str:
    return fenced(LIB.replace("todo!()", body))


@pytest.mark.parametrize(
    "wrong", [["missing(x)"], ["missing(x)", "x.twice()"], ["missing(x)", '"two"', "x.twice()"]], ids=len
)
async def test_who_learns_from_each_error_lands(wrong: list[str], tmp_path: Path) -> None:
    async with filling(tmp_path, {"src/lib.rs": LIB}, [*map(answer, wrong), RIGHT], verify__max_repairs="3") as crate:
        change = await crate.fill()
        assert crate.text(change) == LIB.replace("todo!()", "x * 2")
        assert change.verdict.attempts == len(wrong) + 1
        assert change.usage.input_tokens == 11 * (len(wrong) + 1)
        # Each question is about the last answer alone.
        for body, prompt in zip(wrong, crate.prompts[1:], strict=True):
            assert [one for one in wrong if one in prompt] == [body]


@pytest.mark.parametrize(
    ("bodies", "said", "judged"),
    [
        # Other code with the very error that was there before.
        (['"two"', '"three"'], "2 answers were tried; what was wrong with it stayed as it was", 2),
        (["missing(x)", "x.twice()", "missing(x + 1)"], "3 answers were tried; what was wrong", 3),
        (['"two"', '"two"'], "1 answer was tried; the same answer came again", 1),
        (["missing(x)", "x.twice()", '"two"'], "3 answers were tried)", 3),
    ],
)
async def test_who_does_not_learn_is_not_asked_on(bodies: list[str], said: str, judged: int, tmp_path: Path) -> None:
    # The server fails the test on a surplus question, and on one that is not asked.
    async with filling(tmp_path, {"src/lib.rs": LIB}, [answer(body) for body in bodies]) as crate:
        with pytest.raises(Refused) as refused:
            await crate.fill()
        assert len(crate.verdicts) == judged
        assert said in refused.value.message
        assert refused.value.verdict is not None
        assert refused.value.verdict.attempts == judged
        assert refused.value.diagnostics == crate.verdicts[-1].new_errors
        assert bodies[-1].encode() in refused.value.attempt.encode()
        assert (crate.root / "src" / "lib.rs").read_text() == LIB


async def test_where_no_answer_can_help_no_other_is_asked_for() -> None:
    beyond = Verdict(Level.CHECK, False, "", reason="the manifest is broken", beyond_answer=True)
    tools = ScriptedTools([RIGHT, RIGHT], verdicts=[beyond], level=Level.CHECK)
    tools.mended = LIB.replace("todo!()", "x + 1").encode()
    with pytest.raises(Refused, match="the manifest is broken"):
        await run(ACTION, MARKED, tools)
    assert len(tools.prompts) == len(tools.proofs[0].judged) == 1


async def test_what_was_wrong_once_before_is_not_asked_about_again() -> None:
    elided = answer("// ... existing code ...")
    tools = ScriptedTools(["No.", elided, "I said no.", RIGHT], limits=Limits(max_repairs=5))
    with pytest.raises(Refused, match=r"3 answers were tried; what was wrong with it stayed"):
        await run(ACTION, MARKED, tools)
    assert len({prompt.messages for prompt in tools.prompts}) == 3


async def test_a_refusal_that_is_about_the_answer_alone_names_the_file() -> None:
    class Guarded(ScriptedTools):
        def restored(self, answer: str, text: bytes) -> str:
            raise Refused("The answer writes the marker of a secret where that secret did not stand.")

    with pytest.raises(Refused) as refused:
        await run(ACTION, MARKED, Guarded([RIGHT], limits=Limits(max_repairs=0)))
    assert refused.value.place == Path("/crate/src/lib.rs")


async def test_a_question_is_never_asked_twice(tmp_path: Path) -> None:
    # A template of the user's own may say the same whatever was wrong.
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "repair.md.j2").write_text("Try harder.")
    elided = answer("// ... existing code ...")
    tools = ScriptedTools([answer("todo!()"), elided, RIGHT], limits=Limits(max_repairs=5))
    tools.templates = Templates([tmp_path, packaged_folder()])
    with pytest.raises(Refused, match=r"2 answers were tried; the same question would be asked again"):
        await run(ACTION, MARKED, tools)
    assert len(tools.prompts) == 2


async def test_an_answer_without_code_is_asked_for_again_with_all_that_was_told() -> None:
    tools = ScriptedTools(["No.", RIGHT])
    await run(ACTION, MARKED, tools)
    first, second = (prompt.messages for prompt in tools.prompts)
    assert [message.role for message in second] == ["system", "user"]
    assert second[1].content.startswith(first[1].content)
    assert "Your last answer cannot be used: The answer has no Rust code." in second[1].content


TESTED = (
    LIB
    + """
#[cfg(test)]
mod tests {
    #[test]
    fn doubles() {
        assert_eq!(super::twice(4), 8, "four and four");
    }
}
"""
)


async def test_a_broken_test_is_told_with_its_source_and_its_panic() -> None:
    printed = "thread 'tests::doubles' panicked at src/lib.rs:9:9:\nassertion `left == right` failed: four and four"
    counted = values.TestCount(0, 1, 0, broken=("tests::doubles",), printed=(printed,))
    bad = Verdict(Level.TEST, True, "", tests=counted)
    tools = ScriptedTools([answer("x * 3"), RIGHT], verdicts=[bad], level=Level.TEST)
    await run(ACTION, TESTED.replace("todo", "to$0do", 1), tools)
    said = tools.prompts[1].messages[-1].content
    for words in ("The test `tests::doubles` fails:", "super::twice(4), 8", "left == right", "x * 3"):
        assert words in said, said
    assert "rustc rejects" not in said
