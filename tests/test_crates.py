"""The example crates: every hole is answered, the answers are right, and what needs no model is known offline."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from crates_data import CRATES, NAMES, Crate, HoleCase, load

from opencrates_lsp.rust.holes import Hole, holes, subject
from opencrates_lsp.rust.known import candidates
from opencrates_lsp.rust.merge import merge
from opencrates_lsp.rust.syntax import Source, parse
from opencrates_lsp.values import Subject

RESULT = re.compile(r"^test result: .*? (\d+) passed; (\d+) failed;", re.MULTILINE)


def cargo(root: Path, *arguments: str, features: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    chosen = ["--features", ",".join(features)] if features else []
    env = {
        **os.environ,
        "CARGO_TERM_COLOR": "never",
        "CARGO_TARGET_DIR": str(root / "target"),
        "CARGO_INCREMENTAL": "0",
    }
    command = ["cargo", *arguments, "--offline", *chosen]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False, timeout=240)


def passed_and_failed(root: Path, crate: Crate) -> tuple[int, int]:
    run = cargo(root, "test", "--no-fail-fast", "--workspace", features=crate.features)
    counts = [(int(passed), int(failed)) for passed, failed in RESULT.findall(run.stdout)]
    assert counts, run.stderr
    return sum(passed for passed, _ in counts), sum(failed for _, failed in counts)


def errors(root: Path, crate: Crate) -> list[tuple[str | None, str]]:
    run = cargo(root, "check", "--workspace", "--message-format", "json", features=crate.features)
    said = [json.loads(line) for line in run.stdout.splitlines()]
    found = [
        one["message"] for one in said if one["reason"] == "compiler-message" and one["message"]["level"] == "error"
    ]
    return [(one["code"] and one["code"]["code"], one["message"]) for one in found if one["spans"]]


def hole_of(root: Path, case: HoleCase) -> tuple[Source, Hole, Subject]:
    path = root / case.file
    source = parse(path.read_bytes())
    for hole in holes(source):
        about = subject(source, path, hole.item)
        if about.name == case.item:
            return source, hole, about
    pytest.fail(f"There is no hole in {case.item} of {path}.")


def filled(root: Path, case: HoleCase, answer: str) -> None:
    source, _, about = hole_of(root, case)
    (root / case.file).write_bytes(merge(root / case.file, source, about, answer).text)


def mended(root: Path, crate: Crate) -> None:
    if crate.mend is not None:
        file = root / crate.mend.file
        text = file.read_text(encoding="utf-8")
        assert text.count(crate.mend.before) == 1
        file.write_text(text.replace(crate.mend.before, crate.mend.after), encoding="utf-8")


def test_every_example_crate_has_its_answers() -> None:
    folders = sorted(path.name for path in CRATES.iterdir() if (path / "Cargo.toml").is_file())
    assert tuple(folders) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_hole_has_an_answer(name: str) -> None:
    crate = load(name)
    found = set()
    for file in crate.path.rglob("*.rs"):
        if "target" not in file.relative_to(crate.path).parts:
            source = parse(file.read_bytes())
            names = {subject(source, file, hole.item).name for hole in holes(source)}
            found |= {(file.relative_to(crate.path).as_posix(), name) for name in names}
    assert found == {(case.file, case.item) for case in crate.holes}
    for case in crate.holes:
        source, hole, _ = hole_of(crate.path, case)
        assert candidates(source, hole, {}) or not case.offline, case.item


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_are_right(name: str, tmp_path: Path) -> None:
    crate = load(name)
    root = crate.copy_to(tmp_path)
    before = errors(root, crate)
    assert len(before) == (1 if crate.mend else 0)
    for case in crate.holes:
        filled(root, case, case.answer)
    assert errors(root, crate) == before
    mended(root, crate)
    passed, failed = passed_and_failed(root, crate)
    assert (passed >= 2, failed) == (True, 0)


@pytest.mark.proof
@pytest.mark.parametrize("name", NAMES)
def test_each_hole_fails_a_test_and_what_is_known_offline_is_right(name: str, tmp_path: Path) -> None:
    crate = load(name)
    root = crate.copy_to(tmp_path)
    mended(root, crate)
    for case in crate.holes:
        if case.offline:
            source, hole, _ = hole_of(root, case)
            filled(root, case, f"```rust\n{candidates(source, hole, {})[0]}\n```\n")
    whole: dict[HoleCase, bytes] = {}
    wanting = [case for case in crate.holes if not case.offline]
    for case in wanting:
        whole[case] = (root / case.file).read_bytes()
        filled(root, case, case.answer)
    assert passed_and_failed(root, crate)[1] == 0
    # Taken out again from the last on: the file is then as it was before that answer.
    for case in reversed(wanting):
        (root / case.file).write_bytes(whole[case])
        assert passed_and_failed(root, crate)[1] > 0, case.item
