"""Make a crate in a staging folder, prove it there, and hand it over: nothing lands unless its tests passed.

The staging folder is beside the target (or, where a workspace's globs would pick it up, in the nearest folder above
that they leave alone), so that it is compiled under the same `rust-toolchain.toml` and `.cargo/config.toml`.
With a model the description becomes a plan, the plan a skeleton of `todo!()` that compiles, and each hole is filled
and proved; without one, or without a description, the crate is what the template gives.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from opencrates_lsp.crates import dependencies, skeleton, staging
from opencrates_lsp.crates.membership import Membership, membership
from opencrates_lsp.crates.plan import SCHEMA, CratePlan, parse_plan
from opencrates_lsp.crates.spec import CrateSpec, checked
from opencrates_lsp.crates.staging import to_the_end
from opencrates_lsp.crates.unfilled import take_out_unfilled
from opencrates_lsp.errors import Missing, Refused, WrongUsage
from opencrates_lsp.face import Face
from opencrates_lsp.terms import Limits
from opencrates_lsp.values import Chunk, Level, Message, Prompt, Replace, Span, Subject, Task, Usage, Verdict
from opencrates_lsp.verify.process import run

_FORMAT_SECONDS = 60.0
_KEPT = ("Cargo.toml", "Cargo.lock", "target")


class CrateTools(Protocol):
    """What making a crate may use; built by the app for one job."""

    @property
    def face(self) -> Face: ...

    @property
    def limits(self) -> Limits: ...

    @property
    def converses(self) -> bool:
        """Whether there is a model that can plan."""
        ...

    @property
    def templates(self) -> Sequence[Path]:
        """The template roots, in the order in which `render` searches them."""
        ...

    @property
    def cargo(self) -> Sequence[str]:
        """The program with its first arguments."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """cargo's whole environment."""
        ...

    @property
    def rust_version(self) -> str | None:
        """Of the toolchain that proves: "1.95.0"."""
        ...

    async def render(self, name: str, values: Mapping[str, object]) -> str: ...

    def stream(self, prompt: Prompt, task: Task) -> AsyncIterator[Chunk]: ...

    async def fill_all(self, folder: Path) -> tuple[str, ...]:
        """Fill every hole below the folder, in place; notes on what stayed."""
        ...

    async def prove(self, folder: Path, level: Level) -> Verdict:
        """cargo check of all targets, clippy and the tests there, up to the level; nothing is formatted."""
        ...


@dataclass
class StagedCrate:
    """A proved crate that has not landed yet.

    `manifest` is what the workspace's Cargo.toml needs, to be applied after `publish`.
    """

    spec: CrateSpec
    staging: Path
    target: Path
    verdict: Verdict
    usage: Usage
    notes: tuple[str, ...] = ()
    manifest: Replace | None = None

    def publish(self) -> None:
        """Let the crate land by one rename; raises `Refused`, the staging being as it was, when that cannot be."""
        if self.target.exists() or self.target.is_symlink():
            raise Refused(
                f"{self.target} has come into being meanwhile.",
                remedy="Move it away, or make the crate under another name.",
                place=self.target,
            )
        owner = self.staging / staging.OWNER
        mark = owner.read_bytes()
        try:
            owner.unlink()
            self.staging.rename(self.target)
        except OSError as error:
            with contextlib.suppress(OSError):
                owner.write_bytes(mark)
            raise Refused(
                f"{self.target} cannot be made: {error.strerror}.",
                remedy="Mend that, then try again.",
                place=self.target,
            ) from error

    def discard(self) -> None:
        """Remove the staging; nothing where it has landed."""
        shutil.rmtree(self.staging, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What one build works on."""

    spec: CrateSpec
    tools: CrateTools
    folder: Path
    member: bool
    edition: str


async def build(spec: CrateSpec, tools: CrateTools) -> StagedCrate:
    """The crate, staged and proved.

    Raises `WrongUsage` when the spec cannot mean anything or the target exists, `Missing` when the folder may not be
    written, `Refused` when the crate could not be proved; in each case, and when cancelled, nothing is left behind.
    """
    tools.face.progress("context")
    await asyncio.to_thread(lambda: checked(spec, skeleton.kinds(tools.templates)))
    name = staging.staging_name(spec.name)
    place = await asyncio.to_thread(membership, spec.target, spec.name, name, tools.face.documents())
    folder = place.holder / name
    try:
        await to_the_end(staging.make, folder)
        ground = _Ground(spec, tools, folder, place.root is not None, _edition(spec, tools))
        return await _staged(ground, place)
    except BaseException:
        # Cancellation too: what is half made is of no use to anybody.
        await to_the_end(shutil.rmtree, folder, True)
        raise


def _edition(spec: CrateSpec, tools: CrateTools) -> str:
    newest = skeleton.newest_edition(tools.rust_version)
    if spec.edition is not None and tools.rust_version is not None and spec.edition > newest:
        raise WrongUsage(
            f"edition: Rust {tools.rust_version} does not know {spec.edition}.",
            remedy=f"Choose {newest}, or update the toolchain.",
        )
    return spec.edition or newest


async def _staged(ground: _Ground, place: Membership) -> StagedCrate:
    spec, tools, folder = ground.spec, ground.tools, ground.folder
    await _lay(ground, None)
    if place.enclosed:
        await to_the_end(staging.enclose, folder)
    notes = await dependencies.add(folder, spec.dependencies, cargo=tools.cargo, env=tools.env)
    usage = Usage("offline", "")
    if tools.converses and spec.description.strip():
        plan, usage = await _planned(ground)
        notes += await tools.fill_all(folder)
        notes += await to_the_end(take_out_unfilled, folder, plan)
    notes += await _formatted(ground)
    tools.face.progress("tests")
    verdict = await tools.prove(folder, Level.TEST)
    reason = _shortfall(verdict)
    if reason is not None:
        raise Refused(
            f"`{spec.name}` was not made: {reason}.",
            remedy="Try again, or describe it otherwise." if tools.converses else "",
            verdict=verdict,
            diagnostics=verdict.new_errors,
        )
    if verdict.tests is not None and not verdict.tests.passed:
        notes += ("It has no tests: that it compiles is all that is proved",)
    await to_the_end(staging.finish, folder, member=ground.member)
    return StagedCrate(spec, folder, spec.target, verdict, usage, notes, place.edit)


async def _formatted(ground: _Ground) -> tuple[str, ...]:
    """Lay the crate out as rustfmt has it, and what is to be said where that cannot be; what is no Rust cargo tells."""
    tools = ground.tools
    ended = await run([*tools.cargo, "fmt"], cwd=ground.folder, env=tools.env, deadline_seconds=_FORMAT_SECONDS)
    if ended.code == 0 and not ended.timed_out:
        return ()
    said = next((line.strip() for line in ended.err.splitlines() if line.strip()), "it does not answer")
    return (f"It is not formatted, cargo fmt fails: {said}",)


async def _lay(ground: _Ground, plan: CratePlan | None) -> None:
    """The template's files; a plan's take the place of those that the template has without one."""
    tools = ground.tools
    keep = _KEPT if plan is not None else ()
    given = skeleton.values(
        ground.spec, edition=ground.edition, rust_version=tools.rust_version, member=ground.member, plan=plan
    )
    await to_the_end(staging.clear, ground.folder, keep)
    await skeleton.lay(ground.folder, ground.spec.kind, tools.templates, given, tools.render, plan=plan, keep=keep)


async def _planned(ground: _Ground) -> tuple[CratePlan, Usage]:
    """The first plan whose skeleton compiles, laid into the staging folder."""
    spec, tools = ground.spec, ground.tools
    task = Task(
        action="plan",
        path=ground.folder / "Cargo.toml",
        text=b"",
        subject=Subject(ground.folder / "Cargo.toml", spec.name, Span(0, 0), Span(0, 0)),
        wanted="json",
        instruction=spec.description,
        schema=SCHEMA,
    )
    said = await tools.render("prompts/plan.md.j2", {**_about(ground), "errors": ""})
    prompt = Prompt((Message("user", said),), max_output_tokens=tools.limits.max_output_tokens, schema=SCHEMA)
    usage = Usage("", "")
    for left in range(tools.limits.max_repairs, -1, -1):
        tools.face.progress("model", "plan")
        answer, usage = await _asked(prompt, task, tools, usage)
        try:
            plan = parse_plan(answer)
            await _lay(ground, plan)
            tools.face.progress("check", "plan")
            verdict = await tools.prove(ground.folder, Level.CHECK)
            if verdict.passed:
                return plan, usage
            words = "\n".join(error.rendered or error.message for error in verdict.new_errors) or str(verdict.reason)
            first = verdict.new_errors[0].message if verdict.new_errors else verdict.reason
            refusal = Refused(
                f"`{spec.name}` was not made: what was planned does not compile, {first}.",
                verdict=verdict,
                diagnostics=verdict.new_errors,
                attempt=answer,
            )
        except Refused as error:
            refusal, words = error, error.message
        if not left:
            raise refusal
        said = await tools.render("prompts/plan.md.j2", {**_about(ground), "errors": words[:8000]})
        prompt = replace(prompt, messages=(*prompt.messages, Message("assistant", answer), Message("user", said)))
    raise Missing("No plan was asked for.", remedy="Set limits that allow at least one attempt.")


def _about(ground: _Ground) -> dict[str, object]:
    spec = ground.spec
    return {
        "name": spec.name,
        "kind": spec.kind,
        "crate_name": spec.crate_name,
        "edition": ground.edition,
        "description": spec.description,
        "features": spec.features,
        "dependencies": [one.name.replace("-", "_") for one in spec.dependencies],
    }


async def _asked(prompt: Prompt, task: Task, tools: CrateTools, before: Usage) -> tuple[str, Usage]:
    """One whole answer, and what all answers cost together."""
    text: list[str] = []
    usage: Usage | None = None
    stream = tools.stream(prompt, task)
    try:
        async for chunk in stream:
            if chunk.candidate == 0:
                text.append(chunk.text)
            usage = chunk.usage or usage
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
    if usage is None:
        return "".join(text), before
    total = replace(
        usage,
        input_tokens=before.input_tokens + usage.input_tokens,
        output_tokens=before.output_tokens + usage.output_tokens,
        cost_usd=before.cost_usd + usage.cost_usd,
    )
    return "".join(text), total


def _shortfall(verdict: Verdict) -> str | None:
    """Why the crate may not land: it compiles and its tests ran and passed, or it does not."""
    if verdict.new_errors:
        return f"rustc finds an error, {verdict.new_errors[0].message}"
    if verdict.reason is not None:
        return verdict.reason.rstrip(".")
    if verdict.tests is None or verdict.level is not Level.TEST:
        return f"it was tried at the level {verdict.level} only, its tests have not run"
    if verdict.tests.failed:
        broken = f" (`{verdict.tests.broken[0]}`)" if verdict.tests.broken else ""
        return f"{verdict.tests.failed} of its tests fail{broken}"
    return None if verdict.passed else "it could not be proved"
