"""What an ignore file names contributes to no prompt: no definition, no caller, no test, no module, no quoted line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drive import crate, editor
from model_server import model_server

LIB = """\
mod kept;
mod linked;
mod open;
mod outside;

pub fn go(kept: &kept::Kept, linked: &linked::Linked, outside: &outside::Outside) -> u32 {
    todo!()
}
"""
HIDDEN = """\
pub struct Kept { pub hidden_field: u32 }

impl Kept {
    pub fn hidden_method(&self) -> u32 { self.hidden_field }
}

pub fn hidden_helper(hidden_word: u32) -> u32 { hidden_word }

pub fn hidden_caller(kept: &Kept, linked: &crate::linked::Linked, outside: &crate::outside::Outside) -> u32 {
    crate::go(kept, linked, outside)
}

#[test]
fn hidden_test() { let _ = crate::go; }
"""
OPEN = """\
pub fn caller(kept: &crate::kept::Kept, linked: &crate::linked::Linked, outside: &crate::outside::Outside) -> u32 {
    crate::go(kept, linked, outside)
}
"""
BODY = "pub fn go(kept: &kept::Kept, linked: &linked::Linked, outside: &outside::Outside) -> u32 {\n    "
# rustc names what is like it and quotes it, then what was called and where the types are from.
WRONG = ("kept::hidden_helpe(1)", 'kept::hidden_helper("x") + kept.missing() + linked.missing() + outside.missing()')
ANSWERS = [f"```rust\n{BODY}{body}\n}}\n```" for body in (*WRONG, "0")]
WAYS = {
    ".gitignore": ("/src/kept.rs\n/src/also.rs\n", {}),
    ".aiignore": ("kept.rs\nalso.rs\n", {}),
    ".aiexclude": ("src/k*.rs\nsrc/a*.rs\n", {}),
    "context.ignore": ("", {"context__ignore": '["src/kept.rs", "src/also.rs"]'}),
}


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_of_it_is_shown(tmp_path: Path, way: str) -> None:
    root = crate(tmp_path / "tiny", LIB, open=OPEN, kept=HIDDEN)
    text, settings = WAYS[way]
    if text:
        (root / way).write_text(text)
    for name in ("also", "elsewhere"):
        kind = {"also": "Linked", "elsewhere": "Outside"}[name]
        written = HIDDEN.replace("Kept", kind).replace("kept: &Linked, linked: &crate::linked", "kept: &crate::kept")
        place = root / "src" if name == "also" else tmp_path
        (place / f"{name}.rs").write_text(written.split("pub fn hidden_caller")[0])
    # One link leads to a file that is kept, the other out of the workspace.
    (root / "src" / "linked.rs").symlink_to("also.rs")
    (root / "src" / "outside.rs").symlink_to(tmp_path / "elsewhere.rs")
    async with (
        model_server(ANSWERS) as server,
        editor(root, tmp_path / "home", model=server.url, **settings) as user,
    ):
        path = root / "src" / "lib.rs"
        user.open(path)
        answer = await user.fill(path)
        assert answer["state"] == "applied", answer
        assert "fn caller(" in server.requests[0].prompt
        for request in server.requests[1:]:
            assert "src/kept.rs" in request.prompt, "it is told where, not what"
        # The answers themselves name one of them, and so may what is said of it.
        wire = "".join(json.dumps(request.body) for request in server.requests).replace("hidden_helpe", "")
        assert "hidden" not in wire, wire[wire.index("hidden") - 300 :][:600]


async def test_of_a_file_that_is_kept_itself_no_prompt_is_shown(tmp_path: Path) -> None:
    root = crate(tmp_path / "tiny")
    (root / ".aiignore").write_text("lib.rs\n")
    with model_server([]) as server:
        async with editor(root, tmp_path / "home", model=server.url) as user:
            path = root / "src" / "lib.rs"
            user.open(path)
            for answer in (await user.fill(path), await user.ask("showPrompt", **user.hole(path))):
                assert answer["state"] == "refused"
                assert ".aiignore" in answer["reason"]
