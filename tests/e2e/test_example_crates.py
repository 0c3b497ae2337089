"""Each example crate is filled over LSP, hole by hole, with a scripted model; then its own tests run."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import crates_data
import pytest
from lsp import as_json, editor, fill
from model_server import Request, model_server

from opencrates_lsp.rust.holes import holes
from opencrates_lsp.rust.items import qualified_name
from opencrates_lsp.rust.syntax import parse

pytestmark = pytest.mark.proof


def answering(crate: crates_data.Crate) -> Callable[[Request], str]:
    """A script that knows the right answer to each hole by the name that the prompt says."""

    def script(request: Request) -> str:
        first = request.body["messages"][1]["content"]
        named = [hole for hole in crate.holes if f"in `{hole.item}` of" in first]
        assert len(named) == 1, first
        return f"Here it is:\n\n{named[0].answer}\n"

    return script


def hole_of(text: bytes, item: str) -> int:
    return next(hole.span.start for hole in holes(parse(text)) if qualified_name(hole.item) == item)


@pytest.mark.parametrize("name", crates_data.NAMES)
async def test_every_hole_is_filled_with_its_proof(name: str, tmp_path: Path) -> None:
    crate = crates_data.load(name)
    root = crate.copy_to(tmp_path)
    async with (
        model_server(answering(crate)) as server,
        editor(root, tmp_path / "home", model=server.url) as user,
    ):
        for hole in crate.holes:
            path = root / hole.file
            if path not in user.documents:
                user.open(path)
            answer = await fill(user, path, hole_of(user.text(path).encode(), hole.item))
            assert answer["state"] == "applied", (hole, answer)
            verdict = answer["verdict"]
            assert (verdict["reached"], verdict["new_errors"]) == (True, []), hole
            assert (verdict["baseline_errors"] > 0) == (crate.mend is not None)
            # What is behind a feature is compiled with it, and the verdict says so.
            if crate.features and hole.file != "src/lib.rs":
                assert all(feature in verdict["configuration"] for feature in crate.features)
            assert hole.item.split("::")[-1] in user.text(path)
        user.save_all()
    if crate.mend is not None:
        path = root / crate.mend.file
        path.write_text(path.read_text().replace(crate.mend.before, crate.mend.after))
    await asyncio.to_thread(passes_its_tests, root, crate.features, tmp_path / "target")


def passes_its_tests(root: Path, features: tuple[str, ...], target: Path) -> None:
    """The crate's own tests pass."""
    done = subprocess.run(
        ["cargo", "test", "--quiet", "--offline", "--workspace", f"--features={','.join(features)}"],
        cwd=root,
        env={**os.environ, "CARGO_TARGET_DIR": str(target)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name", [name for name in crates_data.NAMES if any(h.offline for h in crates_data.load(name).holes)]
)
async def test_without_a_model_what_is_known_is_filled_as_one_change(name: str, tmp_path: Path) -> None:
    crate = crates_data.load(name)
    root = crate.copy_to(tmp_path)
    async with editor(root, tmp_path / "home") as user:
        for file in dict.fromkeys(hole.file for hole in crate.holes):
            path = root / file
            before = user.open(path).snapshot().text
            answer = as_json(await user.execute("opencrates.fillFile", {"uri": path.as_uri()}))
            known = {hole.item for hole in crate.holes if hole.offline and hole.file == file}
            others = {hole.item for hole in crate.holes if not hole.offline and hole.file == file}
            assert answer["state"] == ("applied" if known else "refused"), answer
            left = {qualified_name(hole.item) for hole in holes(parse(user.text(path).encode()))}
            assert left == others
            if known:
                back = as_json(await user.execute("opencrates.undo", {}))
                assert back["state"] == "applied", back
            assert user.text(path).encode() == before
