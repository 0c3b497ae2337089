"""How often a fill lands, and what its proof costs, over the example crates of `tests/crates`; `make bench-fill`.

A scripted model answers right, right after one error, right after two, never, and in each shape that models spoil an
answer with; the real server is driven over LSP, at the level that it has by default.
What is right or can be repaired is to land every time, what is hopeless never, and then no byte of the buffer moves.
With `--provider` the same holes are put to a real model instead, and each item that lands is held against the crate's
own tests; so anyone can publish a figure.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fill_answers as answers

try:
    import crates_data
    from lsp import SERVER, as_json, environment
    from model_server import ModelServer, Reply, Request, failure
except ModuleNotFoundError:
    sys.exit("The example crates and the scripted model are in tests/: run `make bench-fill`.")

from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.items import items, qualified_name
from opencrates_lsp.rust.lexer import code
from opencrates_lsp.rust.syntax import parse
from opencrates_lsp.server.headless import HeadlessEditor
from opencrates_lsp.values import Span

LANDS, REFUSED = "applied", "refused"


@dataclass(frozen=True, slots=True)
class Try:
    """One fill: what it is counted under, what the model says in turn, and what is to come of it."""

    kind: str
    said: tuple[str, ...]
    expected: str


@dataclass
class Tally:
    """What came of the tries of each kind: how many, how many as expected, and what went wrong."""

    tried: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, one: Try, where: str, problem: str | None) -> None:
        self.tried[one.kind] = self.tried.get(one.kind, 0) + 1
        self.held[one.kind] = self.held.get(one.kind, 0) + (problem is None)
        self.expected[one.kind] = "lands" if one.expected == LANDS else "refused"
        if problem is not None:
            self.wrong.append(f"{where}, {one.kind}: {problem}")


class Model:
    """The script of a model: it says what was put on its list, after thinking for so many seconds."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.asked = 0
        self.thinks = 0.0

    def __call__(self, request: Request) -> Reply:
        self.asked += 1
        # The server of the script has a thread of its own, and one request at a time.
        time.sleep(self.thinks)
        return self.said.pop(0) if self.said else failure(400, "The script has no further answer.")


def tries(right: answers.Right, number: int, every: bool) -> Iterator[Try]:
    """The tries of one hole; unless it is to be `every` one, the shapes take turns from hole to hole."""
    good = answers.fenced(right.code)
    bad = [answers.wrong(right, number + turn) for turn in range(3)]
    yield Try("right at once", (good,), LANDS)
    yield Try("right after one error", (bad[0], good), LANDS)
    yield Try("right after two errors", (bad[0], bad[1], good), LANDS)
    yield Try("never right", tuple(bad), REFUSED)
    shapes, spoilt = list(answers.SHAPES), list(answers.SPOILT)
    for name in shapes if every else (shapes[number % len(shapes)],):
        if name == "only a body" and not right.is_body:
            continue
        yield Try(f"shape: {name}", (answers.SHAPES[name](right),), LANDS)
    for name in spoilt if every else (spoilt[number % len(spoilt)],):
        say = answers.SPOILT[name](right)
        yield Try(f"spoilt, then right: {name}", (say, good), LANDS)
        yield Try(f"spoilt to the end: {name}", (say, f"Once more.\n\n{say}", f"And again.\n\n{say}"), REFUSED)


def hole_of(text: bytes, name: str) -> int:
    return next(hole.span.start for hole in holes(parse(text)) if qualified_name(hole.item) == name)


def split(text: bytes, name: str) -> tuple[bytes, list[str], bytes]:
    """What stands before an item, its own tokens but for those that rustfmt puts in and takes out, what follows it."""
    source = parse(text)
    item = next(one for one in items(source) if qualified_name(one) == name and one.identity.kind != "impl")
    marks = [mark for mark in code(text[slice(*item.node_span)].decode()) if mark not in (",", "{", "}", ";")]
    return text[: item.span.start], marks, text[item.span.end :]


def differs(before: str, after: str, right: answers.Right, one: Try) -> str | None:
    """What is wrong with the text that was filled; None where it is the right answer, and nothing else changed."""
    _, wanted, _ = split(right.whole.encode(), right.name)
    above, found, below = split(after.encode(), right.name)
    if found != wanted:
        return "it is not what was answered"
    was_above, _, was_below = split(before.encode(), right.name)
    brings_more = one.kind.endswith(("a new use", "a helper")) or "use " in right.code
    if (above, below) != (was_above, was_below) and not brings_more:
        return "something beside the item changed"
    return None


@dataclass
class Bench:
    """One crate in one editor."""

    crate: crates_data.Crate
    root: Path
    user: HeadlessEditor
    model: Model
    turn: int = 0

    async def fill(self, path: Path, name: str) -> dict[str, Any]:
        """Fill the hole as a code action does; a prompt of its own each time, so that no answer is remembered."""
        self.turn += 1
        line, character = self.user.documents[path].place(hole_of(self.user.text(path).encode(), name))
        where = {"uri": path.as_uri(), "position": {"line": line, "character": character}}
        return as_json(await self.user.execute("opencrates.fill", {**where, "instruction": f"Try {self.turn}."}))

    async def put_back(self, path: Path, before: str) -> str | None:
        """Take the fill back as a user does; what is wrong, if the text is not what it was."""
        answer = as_json(await self.user.execute("opencrates.undo", {}))
        if self.user.text(path) == before:
            return None
        self.user.type(path, Span(0, len(self.user.text(path).encode())), before)
        return f"undo did not bring the text back: {answer['reason']}"

    async def attempt(self, path: Path, right: answers.Right, one: Try) -> str | None:
        """Run one try; None when it came out as expected, else what is wrong."""
        before = self.user.text(path)
        self.model.said = list(one.said)
        answer = await self.fill(path, right.name)
        after = self.user.text(path)
        if answer["state"] != one.expected:
            if after != before:
                await self.put_back(path, before)
            return f"{answer['state']}: {answer['reason']}"
        if one.expected == REFUSED:
            return None if after == before else "refused, and the buffer is another one"
        problem = differs(before, after, right, one)
        if not answer["verdict"]["reached"]:
            problem = "it landed unproved"
        return await self.put_back(path, before) or problem


def opened(crate: crates_data.Crate, root: Path, user: HeadlessEditor) -> list[tuple[Path, answers.Right]]:
    """The holes of a crate with their right answers; their files are open."""
    found = []
    for case in crate.holes:
        path = root / case.file
        if path not in user.documents:
            user.open(path)
        known = "std" if 'edition = "2015"' in (root / "Cargo.toml").read_text() else "core"
        found.append((path, answers.right_answer(path, case.item, case.answer, known)))
    return found


def editor(root: Path, home: Path, model: str, **settings: str) -> HeadlessEditor:
    named = {"ai__openai__base_url": model, "ai__openai__model": "scripted", **settings}
    return HeadlessEditor(SERVER, root, env=environment(home, **named), options={"trusted": True, "answer_within": 600})


async def rates(crate: crates_data.Crate, folder: Path, tally: Tally, first: int, options: argparse.Namespace) -> None:
    """All tries of one crate, counted."""
    root = crate.copy_to(folder)
    model = Model()
    with ModelServer(model) as server:
        async with editor(root, folder / "home", server.url, verify__level=options.level) as user:
            bench = Bench(crate, root, user, model)
            for number, (path, right) in enumerate(opened(crate, root, user)):
                for one in tries(right, first + number, options.every):
                    tally.count(one, f"{crate.name}, {right.name}", await bench.attempt(path, right, one))


async def times(
    crate: crates_data.Crate, folder: Path, options: argparse.Namespace
) -> list[tuple[float, float, float]]:
    """For each hole, the seconds of: a fill beyond the model, a bare warm check of the same edit, its own check."""
    root, bare = crate.copy_to(folder), crate.copy_to(folder / "bare")
    model, found = Model(), []
    with ModelServer(model) as server:
        async with editor(root, folder / "home", server.url, verify__level="check") as user:
            bench = Bench(crate, root, user, model)
            cases = opened(crate, root, user)
            for turn, (path, right) in enumerate([*cases[:1], *cases]):
                file = bare / path.relative_to(root)
                before = user.text(path)
                await asyncio.to_thread(check, file, crate.features)
                model.said, model.thinks = [answers.fenced(right.code)], options.thinks
                began = time.perf_counter()
                answer = await bench.fill(path, right.name)
                spent = time.perf_counter() - began - options.thinks
                model.thinks = 0.0
                if answer["state"] != LANDS:
                    continue
                file.write_text(user.text(path))
                theirs = await asyncio.to_thread(check, file, crate.features)
                file.write_text(before)
                await bench.put_back(path, before)
                steps = sum(step["seconds"] for step in answer["verdict"]["steps"] if step["name"] == "check")
                if turn:  # The first fill imports the SDK and makes the mirror.
                    found.append((spent, theirs, steps))
    return found


def check(file: Path, features: Sequence[str]) -> float:
    """The seconds of one bare `cargo check` of the package of the file, and of the targets that it is in."""
    package = next(folder for folder in file.parents if (folder / "Cargo.toml").is_file())
    chosen = ["--features", ",".join(features)] if features else []
    if file.relative_to(package).parts[0] != "src":
        chosen.append("--all-targets")
    began = time.perf_counter()
    argv = ["cargo", "check", "--quiet", "--offline", *chosen]
    subprocess.run(argv, cwd=package, capture_output=True, check=False)
    return time.perf_counter() - began


async def asked_of(crate: crates_data.Crate, folder: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """What a real provider makes of each hole: the answer of the command, the seconds, and whether the tests pass."""
    root = crate.copy_to(folder)
    named = {"verify__level": options.level, "ai__provider": options.provider}
    if options.base_url:
        named["ai__openai__base_url"] = options.base_url
    if options.model:
        named["ai__openai__model"] = options.model
    env = environment(folder / "home", **named)
    if "OPENAI_API_KEY" in os.environ:
        env["OPENAI_API_KEY"] = os.environ["OPENAI_API_KEY"]
    told: list[dict[str, Any]] = []
    user = HeadlessEditor(SERVER, root, env=env, options={"trusted": True, "answer_within": 600})
    async with user:
        bench = Bench(crate, root, user, Model())
        for (path, right), case in zip(opened(crate, root, user), crate.holes, strict=True):
            before = user.text(path)
            began = time.perf_counter()
            line, character = user.documents[path].place(hole_of(before.encode(), right.name))
            where = {"uri": path.as_uri(), "position": {"line": line, "character": character}}
            answer = as_json(await user.execute("opencrates.fill", where))
            answer["took"] = time.perf_counter() - began
            answer["where"] = f"{crate.name}, {right.name}"
            answer["right"] = False
            if answer["state"] == LANDS:
                text = user.text(path).encode()
                copy = crate.copy_to(folder / f"tested{len(told)}")
                answer["right"] = await asyncio.to_thread(passes, crate, copy, case, text)
                await bench.put_back(path, before)
            told.append(answer)
    return told


def passes(crate: crates_data.Crate, copy: Path, case: crates_data.HoleCase, filled: bytes) -> bool:
    """Whether the crate's tests pass with the filled file, and the right answers in all other holes."""
    (copy / case.file).write_bytes(filled)
    if crate.mend is not None:
        mended = copy / crate.mend.file
        mended.write_text(mended.read_text().replace(crate.mend.before, crate.mend.after))
    for other in crate.holes:
        if other != case:
            path = copy / other.file
            path.write_text(answers.right_answer(path, other.item, other.answer, "core").whole)
    chosen = ["--features", ",".join(crate.features)] if crate.features else []
    argv = ["cargo", "test", "--quiet", "--offline", "--workspace", *chosen]
    return subprocess.run(argv, cwd=copy, capture_output=True, check=False).returncode == 0


def report(tally: Tally) -> bool:
    """Print the rates; whether all is as it should be."""
    print(f"\n{'what the model answers':44}{'tries':>7}{'expected':>10}{'so it was':>11}")
    for kind, tried in tally.tried.items():
        print(f"{kind:44}{tried:7}{tally.expected[kind]:>10}{100 * tally.held[kind] / tried:10.0f}%")
    for expected, what in (("lands", "what is right or repairable lands"), ("refused", "what is hopeless is refused")):
        chosen = [kind for kind in tally.tried if tally.expected[kind] == expected]
        tried, held = sum(tally.tried[kind] for kind in chosen), sum(tally.held[kind] for kind in chosen)
        print(f"{what:44}{tried:7}{'100%':>10}{100 * held / max(tried, 1):10.0f}%")
    for line in tally.wrong:
        print("  WRONG ", line)
    return not tally.wrong


def report_times(found: Sequence[tuple[float, float, float]], thinks: float) -> None:
    beyond = statistics.median(spent for spent, _, _ in found)
    past_cargo = statistics.median(spent - theirs for spent, theirs, _ in found)
    ratio = statistics.median(spent / theirs for spent, theirs, _ in found)
    own = statistics.median(steps / theirs for _, theirs, steps in found)
    print(f"\ntimes over {len(found)} holes at level check, medians; the model thinks for {thinks:g} s")
    print(f"  beyond the model                       {beyond * 1000:8.0f} ms")
    print(f"  beyond the model and a bare check      {past_cargo * 1000:8.0f} ms")
    print(f"  the whole fill beyond the model        {ratio:8.2f} x a bare, warm cargo check")
    print(f"  its check alone                        {own:8.2f} x")


def report_provider(told: Sequence[dict[str, Any]]) -> None:
    landed = [one for one in told if one["state"] == LANDS]
    right = sum(bool(one["right"]) for one in landed)
    attempts = [one["verdict"]["attempts"] for one in landed]
    cost = sum((one["usage"] or {}).get("cost_usd", 0.0) for one in told)
    for one in told:
        if not one["right"]:
            print(f"  {one['where']}: {one['state']}, {one['reason'] or 'the tests of the crate fail with it'}")
    print(f"\nholes {len(told)}, landed {len(landed)}, right by the crates' own tests {right}")
    later = sum(number > 2 for number in attempts)
    print(f"at the first answer {attempts.count(1)}, after one repair {attempts.count(2)}, later {later}")
    print(f"median {statistics.median(one['took'] for one in told):.1f} s a fill; {cost:.4f} USD in all")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crate", action="append", choices=crates_data.NAMES, help="only this crate; may be repeated")
    parser.add_argument("--every", action="store_true", help="every shape at every hole, not one in turn")
    parser.add_argument("--level", default="auto", help="verify.level of the rates (default auto)")
    parser.add_argument("--thinks", type=float, default=2.0, help="seconds that the timed model thinks (default 2)")
    parser.add_argument("--no-times", action="store_true", help="only the rates")
    parser.add_argument("--provider", help="ask this provider instead of the script")
    parser.add_argument("--base-url", help="its endpoint, where it is an OpenAI-compatible one")
    parser.add_argument("--model", help="its model; the key is OPENAI_API_KEY in the environment")
    return parser.parse_args()


async def main() -> bool:
    options = arguments()
    chosen = [crates_data.load(name) for name in options.crate or crates_data.NAMES]
    count = sum(len(crate.holes) for crate in chosen)
    print(f"{count} holes in {len(chosen)} crates", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if options.provider:
            told = [one for crate in chosen for one in await asked_of(crate, folder / crate.name, options)]
            report_provider(told)
            return True
        tally, number = Tally(), 0
        for crate in chosen:
            print(f"  {crate.name}", file=sys.stderr, flush=True)
            await rates(crate, folder / crate.name, tally, number, options)
            number += len(crate.holes)
        fine = report(tally)
        if not options.no_times:
            measured = [await times(crate, folder / "timed" / crate.name, options) for crate in chosen]
            report_times([one for some in measured for one in some], options.thinks)
        return fine


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(main()) else 1)
