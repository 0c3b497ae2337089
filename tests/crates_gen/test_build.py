"""Making a crate with a scripted model and the real cargo: it lands proved, or nothing is left of it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from crate_tools import CARGO, Fill, Scripted, cargo, files_of, holds, names_in
from planned import BODIES, PLAN

from opencrates_lsp.crates import staging
from opencrates_lsp.crates.build import build
from opencrates_lsp.crates.spec import CrateSpec
from opencrates_lsp.errors import Missing, Refused, WrongUsage
from opencrates_lsp.values import Level, Verdict

ANSWER = json.dumps(PLAN)
BROKEN = ANSWER.replace("pub side: u32", "pub side: Missing")


def filling(**other: str) -> Fill:
    """A fill that puts `BODIES` (with `other` by function name, "" for none) into the holes."""

    async def fill(folder: Path) -> tuple[str, ...]:
        for path in (folder / "src").glob("*.rs"):
            text = path.read_text()
            for start, body in BODIES.items():
                put = other.get(re.findall(r"\w+", start)[1], body)
                at = text.find("todo!()", text.find(start))
                if put and start in text and at >= 0:
                    text = text[:at] + put + text[at + len("todo!()") :]
            path.write_text(text)
        return ("filled",)

    return fill


def shapes(folder: Path, **given: str) -> CrateSpec:
    return CrateSpec("shapes-of", folder, description="Squares & their areas", **given)


async def test_a_description_becomes_a_crate_that_passes_its_tests(tmp_path: Path, build_folder: Path) -> None:
    tools = Scripted(build_folder, answers=[ANSWER], fill=filling())
    staged = await build(shapes(tmp_path), tools)
    staged.publish()
    assert [level for _, level in tools.proved] == [Level.CHECK, Level.TEST]
    assert staged.verdict.tests is not None
    assert staged.verdict.tests.passed == 2
    assert staged.usage.cost_usd == 0.5
    assert staged.notes == ("filled",)
    assert {"src/lib.rs", "src/shapes.rs", "src/report.rs", "Cargo.lock", "README.md"} <= files_of(staged.target)
    assert not {"src/config.rs", "tests/round_trip.rs"} & files_of(staged.target)
    assert "todo!" not in (staged.target / "src/shapes.rs").read_text()
    (prompt,) = tools.prompts
    assert "Squares & their areas" in prompt.messages[-1].content
    code, said = await cargo(staged.target, tools.env, "test")
    assert code == 0, said


async def test_a_program_is_planned_around_its_run(tmp_path: Path, build_folder: Path) -> None:
    tools = Scripted(build_folder, answers=[ANSWER], fill=filling())
    staged = await build(shapes(tmp_path, kind="bin"), tools)
    staged.publish()
    code, said = await cargo(staged.target, tools.env, "run", "-q", "--", "2", "3")
    assert (code, said) == (0, "2x2, 3x3\n")


@pytest.mark.parametrize("first", [BROKEN, "I would rather not.", ANSWER.replace("pub struct", "pub unsafe struct")])
async def test_a_plan_that_does_not_hold_is_told_and_asked_for_again(
    tmp_path: Path, build_folder: Path, first: str
) -> None:
    tools = Scripted(build_folder, answers=[first, ANSWER], fill=filling())
    staged = await build(shapes(tmp_path), tools)
    assert staged.usage.input_tokens == 20
    assert staged.usage.cost_usd == 1.0
    second = tools.prompts[1]
    assert second.messages[:-2] == tools.prompts[0].messages
    assert second.messages[-2].content == first
    told = {BROKEN: "cannot find type `Missing`", "I would rather not.": "no JSON object"}.get(first, "uses `unsafe`")
    assert told in second.messages[-1].content


async def test_what_stays_unfilled_is_taken_out_with_its_tests_and_told(tmp_path: Path, build_folder: Path) -> None:
    tools = Scripted(build_folder, answers=[ANSWER], fill=filling(total=""))
    staged = await build(shapes(tmp_path), tools)
    assert staged.notes[1:] == (
        "`total` was planned and could not be filled, so that it was left out",
        "`nothing_has_no_area` tests what was left out, so that it was left out",
    )
    text = (staged.staging / "src/shapes.rs").read_text()
    assert "total" not in text
    assert "todo!" not in text
    assert staged.verdict.tests is not None
    assert staged.verdict.tests.passed == 1


async def test_nothing_is_left_without_use_by_what_was_taken_out(tmp_path: Path, build_folder: Path) -> None:
    """The scripted proof takes no warning, so that an unused import or an empty test module would be refused."""
    fill = filling(fmt="", area="", total="", line="drop(squares.into_iter());\nString::new()")
    staged = await build(shapes(tmp_path), Scripted(build_folder, answers=[ANSWER], fill=fill))
    text = (staged.staging / "src/shapes.rs").read_text()
    assert "std::fmt" not in text
    assert "mod tests" not in text
    assert "pub fn new(side: u32) -> Self" in text
    assert staged.notes[-1] == "It has no tests: that it compiles is all that is proved"


@pytest.mark.parametrize(
    ("answers", "fill", "kind", "words"),
    [
        ([ANSWER], filling(area="0"), "lib", "1 of its tests fail"),
        ([ANSWER], filling(area="true"), "lib", "mismatched types"),
        # `line` needs the impl of Display, which goes as a whole.
        ([ANSWER], filling(fmt=""), "lib", "rustc finds an error"),
        ([ANSWER], filling(**dict.fromkeys(["new", "fmt", "area", "total", "line"], "")), "lib", "No function"),
        # Without `run` there is no program.
        ([ANSWER], filling(run=""), "bin", "rustc finds an error"),
        ([BROKEN, BROKEN], filling(), "lib", "what was planned does not compile"),
        (["no", "never"], filling(), "lib", "no JSON object"),
    ],
)
async def test_what_cannot_be_proved_is_refused_and_leaves_nothing(
    tmp_path: Path, build_folder: Path, answers: Sequence[str], fill: Fill, kind: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        await build(shapes(tmp_path, kind=kind), Scripted(build_folder, answers=answers, fill=fill))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(Level.PARSE, False, "host"), "its tests have not run"),
        (Verdict(Level.CLIPPY, True, "host"), "its tests have not run"),
        (Verdict(Level.TEST, True, "host"), "its tests have not run"),
        (Verdict(Level.TEST, True, "host", reason="the sandbox is missing."), "the sandbox is missing"),
    ],
)
async def test_silence_is_no_proof(tmp_path: Path, build_folder: Path, verdict: Verdict, words: str) -> None:
    async def silent(folder: Path, level: Level) -> Verdict:
        return verdict

    with pytest.raises(Refused, match=words):
        await build(CrateSpec("new", tmp_path), Scripted(build_folder, prove=silent))
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("when", ["plan", "fill", "prove"])
async def test_cancelled_at_any_time_nothing_is_left(tmp_path: Path, build_folder: Path, when: str) -> None:
    reached = asyncio.Event()

    async def wait(folder: Path, *_: object) -> tuple[str, ...]:
        assert folder.parent == tmp_path
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def prove(folder: Path, level: Level) -> Verdict:
        if when == ("plan" if level is Level.CHECK else "prove"):
            await wait(folder)
        return await holds(folder, level)

    fill = wait if when == "fill" else filling()
    work = asyncio.create_task(
        build(shapes(tmp_path), Scripted(build_folder, answers=[ANSWER], fill=fill, prove=prove))
    )
    await reached.wait()
    assert names_in(tmp_path) != []
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert names_in(tmp_path) == []


async def test_a_cancelled_write_is_over_before_its_caller_goes_on() -> None:
    """Else the thread would write into a folder that is being removed."""
    begun, go, over = asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def write() -> None:
        loop.call_soon_threadsafe(begun.set)
        go.wait()
        over.set()

    work = asyncio.create_task(staging.to_the_end(write))
    await begun.wait()
    for _ in range(3):
        work.cancel()
        await asyncio.sleep(0)
    assert not work.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert over.is_set()


async def test_a_target_that_is_there_before_or_meanwhile_is_not_touched(tmp_path: Path, build_folder: Path) -> None:
    tools = Scripted(build_folder, prove=holds)
    staged = await build(CrateSpec("new", tmp_path), tools)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "mine").write_text("kept")
    with pytest.raises(Refused, match="meanwhile"):
        staged.publish()
    staged.discard()
    with pytest.raises(WrongUsage, match="exists already"):
        await build(CrateSpec("new", tmp_path), tools)
    assert files_of(tmp_path) == {"new/mine"}


async def test_what_a_killed_process_left_is_cleaned_and_a_living_ones_is_not(
    tmp_path: Path, build_folder: Path
) -> None:
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    for name, process in (("dead", dead.pid), ("alive", os.getpid())):
        folder = tmp_path / staging.staging_name(name)
        staging.make(folder)
        mark = folder / staging.OWNER
        mark.write_text(mark.read_text().replace(f":{os.getpid()}:", f":{process}:"))
    (tmp_path / ".notes.opencrates-1").mkdir()
    staged = await build(CrateSpec("new", tmp_path), Scripted(build_folder, prove=holds))
    staged.publish()
    left = sorted(re.sub(r"-\w+$", "", name) for name in names_in(tmp_path))
    assert left == [".alive.opencrates", ".notes.opencrates", "new"]


async def test_without_rustfmt_it_is_said(tmp_path: Path, build_folder: Path) -> None:
    (tmp_path / "out").mkdir()
    lone = tmp_path / "cargo"
    lone.write_text(
        f'#!/bin/sh\n[ "$1" = fmt ] && echo "error: no such command: fmt" >&2 && exit 101\nexec {CARGO} "$@"\n'
    )
    lone.chmod(0o700)
    tools = Scripted(build_folder, prove=holds)
    tools.cargo = (str(lone),)
    staged = await build(CrateSpec("new", tmp_path / "out"), tools)
    assert staged.notes == ("It is not formatted, cargo fmt fails: error: no such command: fmt",)


async def test_an_edition_beyond_the_toolchain_is_refused(tmp_path: Path, build_folder: Path) -> None:
    tools = Scripted(build_folder, prove=holds)
    tools.rust_version = "1.84.1"
    with pytest.raises(WrongUsage, match=r"Rust 1\.84\.1 does not know 2024"):
        await build(CrateSpec("new", tmp_path, edition="2024"), tools)
    staged = await build(CrateSpec("new", tmp_path), tools)
    assert 'edition = "2021"' in (staged.staging / "Cargo.toml").read_text()


@pytest.mark.parametrize("spoil", [lambda root: (root / "link").symlink_to("/etc/hostname"), lambda root: None])
async def test_a_template_with_a_link_or_an_unknown_value_leaves_nothing(
    tmp_path: Path, build_folder: Path, spoil: Callable[[Path], None]
) -> None:
    kind = tmp_path / "templates" / "crates" / "odd"
    kind.mkdir(parents=True)
    (kind / "Cargo.toml.j2").write_text("{{ nothing_of_that_name }}")
    spoil(kind)
    (tmp_path / "out").mkdir()
    tools = Scripted(build_folder, templates=[tmp_path / "templates"])
    with pytest.raises(WrongUsage, match=r"link|nothing_of_that_name"):
        await build(CrateSpec("new", tmp_path / "out", kind="odd"), tools)
    assert names_in(tmp_path / "out") == []


async def test_a_folder_that_cannot_be_written_is_told(build_folder: Path) -> None:
    """Root may write everywhere but here."""
    with pytest.raises(Missing, match=r"cannot be prepared in /proc|Nothing may be written to /proc"):
        await build(CrateSpec("new", Path("/proc")), Scripted(build_folder, prove=holds))
